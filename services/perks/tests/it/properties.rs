use klout_chassis::reason;
use klout_proto::perk::v1::{
    Category, GetPropertyRequest, ListPropertiesRequest, Property, UpdatePropertyRequest,
};
use tonic::Code;

use crate::hotel::{Hotel, PALMS, check_in, palms, until_held_up, upgrade};

fn named(name: &str) -> Property {
    Property { property: name.to_owned(), ..palms() }
}

#[tokio::test]
async fn a_property_is_made_once_and_changed_but_for_its_kind() {
    let hotel = Hotel::open().await;
    let first = hotel.build(named("lounge")).await.expect("made");
    assert_eq!(hotel.build(named("lounge")).await.expect("the same again"), first);
    let other = Property { city: "Reno".to_owned(), ..named("lounge") };
    let status = hotel.build(other.clone()).await.expect_err("another one");
    assert_eq!(status.code(), Code::AlreadyExists);
    assert_eq!(reason(&status).as_deref(), Some("PROPERTY_EXISTS"));

    let mut new = Property { sandbox: true, ..other };
    new.categories.remove(0);
    new.categories.push(Category { category: "VILLA".to_owned(), ..Default::default() });
    let request = UpdatePropertyRequest { property: Some(new.clone()) };
    let changed = hotel.desk().update_property(request).await.expect("changed").into_inner();
    let changed = changed.property.expect("it is answered");
    assert_eq!(changed.categories, new.categories);
    assert_eq!((changed.city.as_str(), changed.sandbox), ("Reno", false));
    assert_eq!(changed.create_time, first.create_time);
    let request = UpdatePropertyRequest { property: Some(named("nowhere")) };
    let status = hotel.desk().update_property(request).await.expect_err("unknown");
    assert_eq!(reason(&status).as_deref(), Some("PROPERTY_UNKNOWN"));
}

#[tokio::test]
async fn properties_are_listed_by_name_page_by_page() {
    let hotel = Hotel::open().await;
    for name in ["b", "c", "a"] {
        hotel.build(named(name)).await.expect("made");
    }
    let (mut names, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListPropertiesRequest { page_size: 3, page_token };
        let page = hotel.desk().list_properties(request).await.expect("listed").into_inner();
        names.extend(page.properties.into_iter().map(|it| it.property));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c", PALMS]);
    let request = ListPropertiesRequest { page_size: -1, page_token: String::new() };
    let status = hotel.desk().list_properties(request).await.expect_err("refused");
    assert_eq!(reason(&status).as_deref(), Some("FIELD_INVALID"));
    let request = GetPropertyRequest { property: "nowhere".to_owned() };
    let status = hotel.desk().get_property(request).await.expect_err("refused");
    assert_eq!(reason(&status).as_deref(), Some("PROPERTY_UNKNOWN"));
}

#[tokio::test]
async fn a_desk_asks_for_what_the_property_has() {
    let hotel = Hotel::open().await;
    let mut request = check_in("S-1", "ada@example.org");
    request.upgrades.push(upgrade("VILLA", 1));
    let refusal = |reason: &str| (Code::InvalidArgument, reason.to_owned());
    assert_eq!(hotel.refusal(request).await, refusal("UPGRADE_UNKNOWN"));
    let mut request = check_in("S-1", "ada@example.org");
    request.booked_category = "TENT".to_owned();
    assert_eq!(hotel.refusal(request).await, refusal("UPGRADE_UNKNOWN"));
    let mut request = check_in("S-1", "ada@example.org");
    request.property = "nowhere".to_owned();
    assert_eq!(hotel.refusal(request).await, (Code::NotFound, "PROPERTY_UNKNOWN".to_owned()));
    for (stay, seconds) in [("", 1), ("S-1", 6), ("S-1", -1)] {
        let mut request = check_in(stay, "ada@example.org");
        request.deadline = Some(prost_types::Duration { seconds, nanos: 0 });
        assert_eq!(hotel.refusal(request).await, refusal("FIELD_INVALID"), "{stay} {seconds}");
    }
}

#[tokio::test]
async fn categories_are_changed_in_the_order_in_which_desks_hold_them() {
    let hotel = Hotel::open().await;
    let db = hotel.stores.db().await;
    let hold = "select from perks.category where property = $1 and category = $2 for update";
    // As a group does that is asked for a king and a suite.
    let mut group = db.begin().await.expect("begun");
    sqlx::query(hold).bind(PALMS).bind("KING").execute(&mut *group).await.expect("held");
    let mut property = palms();
    property.categories.reverse();
    let request = UpdatePropertyRequest { property: Some(property) };
    let mut desk = hotel.desk();
    let changing = desk.update_property(request);
    let going_on = async {
        until_held_up(&hotel).await;
        let held = sqlx::query(hold).bind(PALMS).bind("SUITE").execute(&mut *group).await;
        held.expect("whoever changes them waits with nothing in hand");
        group.commit().await.expect("committed");
    };
    let (changed, ()) = tokio::join!(changing, going_on);
    changed.expect("changed");
}
