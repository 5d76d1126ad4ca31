//! What becomes of a campaign.

use klout_chassis::reason;
use klout_proto::perk::v1::{
    Benefit, Budgets, Campaign, CampaignSpec, Category, CreatePropertyRequest, EndCampaignRequest,
    ListCampaignsRequest, ListCampaignsResponse, Money, PauseCampaignRequest, Property, Rule,
    desk_service_client::DeskServiceClient,
};
use klout_testkit::link;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::offers::{Offers, lounge};

impl Offers {
    async fn pause(&self, campaign: &Campaign) -> Result<Campaign, Status> {
        let request = PauseCampaignRequest { campaign: campaign.campaign.clone() };
        let paused = self.client().pause_campaign(request).await?.into_inner();
        Ok(paused.campaign.expect("always there"))
    }

    async fn end(&self, campaign: &Campaign) -> Result<Campaign, Status> {
        let request = EndCampaignRequest { campaign: campaign.campaign.clone() };
        let ended = self.client().end_campaign(request).await?.into_inner();
        Ok(ended.campaign.expect("always there"))
    }

    async fn list(&self, request: ListCampaignsRequest) -> Result<ListCampaignsResponse, Status> {
        Ok(self.client().list_campaigns(request).await?.into_inner())
    }

    /// As if so much had been given.
    async fn give(&self, campaign: &Campaign, statement: &'static str) {
        let campaign: i64 = campaign.campaign.parse().expect("a number");
        let db = self.stores.db().await;
        sqlx::query(statement).bind(campaign).execute(&db).await.expect("written");
    }
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Status>, code: Code, why: &str) -> Status {
    let status = answer.expect_err("refused");
    assert_eq!((status.code(), reason(&status).as_deref()), (code, Some(why)), "{status:?}");
    status
}

/// The field that is wrong.
#[track_caller]
fn wrong<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    let status = refused(answer, Code::InvalidArgument, "FIELD_INVALID");
    metadata(&status, "field")
}

fn metadata(status: &Status, key: &str) -> String {
    let info = status.get_details_error_info().expect("an ErrorInfo");
    info.metadata.get(key).cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_campaign_lives_from_draft_to_end() {
    let offers = Offers::start().await;

    let draft = offers.create(lounge()).await.expect("made");
    assert_eq!((draft.state.as_str(), draft.version), ("DRAFT", 1));
    let kept = draft.spec.clone().expect("a spec");
    assert_eq!((kept.brand, kept.unique_per.as_str()), (lounge().brand, "PERSON"));
    let given = draft.given.clone().expect("counted");
    assert_eq!((given.reserved, given.confirmed, given.left), (0, 0, None));
    refused(offers.pause(&draft).await, Code::FailedPrecondition, "CAMPAIGN_INCOMPLETE");

    let active = offers.activate(&draft).await.expect("activated");
    assert_eq!(active.state, "ACTIVE");
    assert_eq!(offers.activate(&draft).await.expect("repeated"), active, "changes nothing");
    assert_eq!(offers.pause(&draft).await.expect("paused").state, "PAUSED");
    assert_eq!(offers.pause(&draft).await.expect("repeated").state, "PAUSED");
    assert_eq!(offers.activate(&draft).await.expect("goes on").state, "ACTIVE");
    let ended = offers.end(&draft).await.expect("ended");
    assert_eq!(ended.state, "ENDED");
    assert_eq!(offers.end(&draft).await.expect("repeated"), ended, "changes nothing");

    refused(offers.activate(&draft).await, Code::FailedPrecondition, "CAMPAIGN_ENDED");
    refused(offers.pause(&draft).await, Code::FailedPrecondition, "CAMPAIGN_ENDED");
    let changed = CampaignSpec { title: "Another".to_owned(), ..lounge() };
    refused(offers.update(&draft, 0, changed).await, Code::FailedPrecondition, "CAMPAIGN_ENDED");
    assert_eq!(offers.get(&draft.campaign, 0).await.expect("still there").state, "ENDED");
}

#[tokio::test]
async fn a_draft_can_be_ended_and_nothing_else_is_there() {
    let offers = Offers::start().await;
    let draft = offers.create(lounge()).await.expect("made");
    assert_eq!(offers.end(&draft).await.expect("ended").state, "ENDED");

    for unknown in ["1", "0", "-1", "lounge", "99999999999999999999"] {
        refused(offers.get(unknown, 0).await, Code::NotFound, "CAMPAIGN_UNKNOWN");
    }
    assert_eq!(wrong(offers.get("", 0).await), "campaign");
    let nowhere = Campaign { campaign: "1".to_owned(), ..Campaign::default() };
    refused(offers.activate(&nowhere).await, Code::NotFound, "CAMPAIGN_UNKNOWN");
    refused(offers.pause(&nowhere).await, Code::NotFound, "CAMPAIGN_UNKNOWN");
    refused(offers.end(&nowhere).await, Code::NotFound, "CAMPAIGN_UNKNOWN");
    refused(offers.update(&nowhere, 0, lounge()).await, Code::NotFound, "CAMPAIGN_UNKNOWN");
}

#[tokio::test]
async fn a_request_makes_one_campaign_however_often_and_where_it_comes() {
    let offers = Offers::start().await;
    let replica = offers.beside().await;

    let made = futures::future::join_all((0..16).map(|turn| {
        let at = if turn % 2 == 0 { &offers } else { &replica };
        at.request("2012/lounge", lounge())
    }))
    .await;
    let first = made[0].as_ref().expect("made");
    for campaign in &made {
        assert_eq!(campaign.as_ref().expect("made").campaign, first.campaign);
    }
    let other = offers.request("2012/another", lounge()).await.expect("made");
    assert_ne!(other.campaign, first.campaign);
    let nameless = offers.create(lounge()).await.expect("made");
    assert_ne!(offers.create(lounge()).await.expect("made").campaign, nameless.campaign);

    let changed = CampaignSpec { title: "Another".to_owned(), ..lounge() };
    let reused = offers.request("2012/lounge", changed.clone()).await;
    refused(reused, Code::InvalidArgument, "REQUEST_ID_REUSED");
    offers.update(first, 1, changed).await.expect("changed");
    let repeated = offers.request("2012/lounge", lounge()).await.expect("the same request");
    assert_eq!((&repeated.campaign, repeated.version), (&first.campaign, 2), "as it is by now");
    assert_eq!(wrong(offers.request(&"a".repeat(129), lounge()).await), "request_id");
}

#[tokio::test]
async fn each_change_is_a_version_and_none_is_lost() {
    let offers = Offers::start().await;
    let made = offers.create(lounge()).await.expect("made");
    let changed = CampaignSpec { title: "Another".to_owned(), stock: Some(5), ..lounge() };

    let second = offers.update(&made, 1, changed.clone()).await.expect("changed");
    assert_eq!(second.version, 2);
    assert_eq!(second.given.expect("counted").left, Some(5));
    let again = offers.update(&made, 1, changed).await.expect("the same spec changes nothing");
    assert_eq!(again.version, 2);
    let status = offers.update(&made, 1, lounge()).await;
    let status = refused(status, Code::Aborted, "CAMPAIGN_CHANGED");
    assert_eq!(metadata(&status, "version"), "2");
    assert_eq!(offers.update(&made, 0, lounge()).await.expect("whichever").version, 3);
    assert_eq!(wrong(offers.update(&made, -1, lounge()).await), "version");

    let first = offers.get(&made.campaign, 1).await.expect("the first");
    assert_eq!(first.spec.expect("a spec").title, lounge().title);
    let second = offers.get(&made.campaign, 2).await.expect("the second");
    assert_eq!((second.version, second.spec.expect("a spec").title.as_str()), (2, "Another"));
    refused(offers.get(&made.campaign, 4).await, Code::NotFound, "CAMPAIGN_UNKNOWN");
}

#[tokio::test]
async fn of_two_who_change_one_at_once_one_is_told() {
    let offers = Offers::start().await;
    let made = offers.create(lounge()).await.expect("made");
    let change = |title: &str| CampaignSpec { title: title.to_owned(), ..lounge() };

    let (one, other) =
        tokio::join!(offers.update(&made, 1, change("a")), offers.update(&made, 1, change("b")));

    let told = if one.is_ok() { other } else { one };
    refused(told, Code::Aborted, "CAMPAIGN_CHANGED");
    assert_eq!(offers.get(&made.campaign, 0).await.expect("there").version, 2);
}

#[tokio::test]
async fn who_pays_is_said_before_anything_is_given() {
    let offers = Offers::start().await;
    let silent = CampaignSpec { disclosure: String::new(), ..lounge() };
    let draft = offers.create(silent.clone()).await.expect("a draft may be incomplete");

    let status = offers.activate(&draft).await;
    let status = refused(status, Code::FailedPrecondition, "CAMPAIGN_INCOMPLETE");
    assert_eq!(metadata(&status, "problem"), "has no disclosure");
    offers.update(&draft, 0, lounge()).await.expect("completed");
    offers.activate(&draft).await.expect("activated");

    assert_eq!(wrong(offers.update(&draft, 0, silent).await), "spec.disclosure");
}

#[tokio::test]
async fn a_limit_is_never_below_what_was_given() {
    let offers = Offers::start().await;
    let worth = |minor_units| Money { currency: "USD".to_owned(), minor_units };
    let spec = |stock: i64, budgets: Budgets| CampaignSpec {
        benefit: Some(Benefit {
            kind: "CREDIT".to_owned(),
            value: Some(worth(1_000)),
            ..Default::default()
        }),
        stock: Some(stock),
        budgets: Some(budgets),
        ..lounge()
    };
    let wide = Budgets {
        money: Some(worth(100_000)),
        per_person: Some(9),
        per_property: Some(9),
        per_day: Some(9),
    };
    let made = offers.create(spec(9, wide.clone())).await.expect("made");
    let count = "update perks.campaign set reserved = 2, confirmed = 3, given_minor_units = 5000 where campaign_id = $1";
    offers.give(&made, count).await;
    let budgets = "
        insert into perks.budget (campaign_id, kind, key, taken)
        values ($1, 'PERSON', '7', 2), ($1, 'PERSON', '8', 3), ($1, 'PROPERTY', 'palms', 4),
            ($1, 'DAY', '2012-05-07', 8),
            ($1, 'DAY', to_char(now() at time zone 'utc', 'YYYY-MM-DD'), 5)";
    offers.give(&made, budgets).await;

    assert_eq!(wrong(offers.update(&made, 0, spec(4, wide.clone())).await), "spec.stock");
    let lower = [
        ("money.minor_units", Budgets { money: Some(worth(4_999)), ..wide.clone() }),
        ("per_person", Budgets { per_person: Some(2), ..wide.clone() }),
        ("per_property", Budgets { per_property: Some(3), ..wide.clone() }),
        ("per_day", Budgets { per_day: Some(4), ..wide.clone() }),
    ];
    for (field, budgets) in lower {
        let field = format!("spec.budgets.{field}");
        assert_eq!(wrong(offers.update(&made, 0, spec(9, budgets)).await), field);
    }
    let lowest = Budgets {
        money: Some(worth(5_000)),
        per_person: Some(3),
        per_property: Some(4),
        per_day: Some(5),
    };
    let changed = offers.update(&made, 0, spec(5, lowest)).await.expect("all that was given fits");
    let given = changed.given.expect("counted");
    assert_eq!((given.reserved, given.confirmed, given.left), (2, 3, Some(0)));
    assert_eq!(given.value, Some(worth(5_000)));

    let mut euros = spec(9, Budgets::default());
    let value = Money { currency: "EUR".to_owned(), minor_units: 1 };
    euros.benefit.as_mut().expect("there").value = Some(value);
    assert_eq!(wrong(offers.update(&made, 0, euros).await), "spec.benefit.value.currency");
    assert_eq!(wrong(offers.update(&made, 0, lounge()).await), "spec.benefit.value.currency");
    let per_stay = CampaignSpec { unique_per: "STAY".to_owned(), ..spec(9, Budgets::default()) };
    assert_eq!(wrong(offers.update(&made, 0, per_stay.clone()).await), "spec.unique_per");
    let none = "update perks.campaign set reserved = 0, confirmed = 0 where campaign_id = $1";
    offers.give(&made, none).await;
    offers.update(&made, 0, per_stay).await.expect("nothing is live");
}

#[tokio::test]
async fn what_cannot_be_is_refused_where_it_is_wrong() {
    let offers = Offers::start().await;
    let made = offers.create(lounge()).await.expect("made");

    let below = CampaignSpec { stock: Some(-1), ..lounge() };
    assert_eq!(wrong(offers.create(below.clone()).await), "spec.stock");
    assert_eq!(wrong(offers.update(&made, 0, below).await), "spec.stock");
    let rule = |expression: &str| CampaignSpec {
        rules: vec![Rule { rule: "score".to_owned(), expression: expression.to_owned() }],
        ..lounge()
    };
    let status = offers.create(rule("score >= 40.0 &&")).await;
    let status = refused(status, Code::InvalidArgument, "RULE_INVALID");
    assert_eq!(metadata(&status, "rule"), "score");
    for number in ["line", "column"] {
        let number: usize = metadata(&status, number).parse().expect("a number");
        assert!(number > 0);
    }
    assert!(!metadata(&status, "problem").is_empty());
}

#[tokio::test]
async fn a_campaign_names_properties_and_categories_that_there_are() {
    let offers = Offers::start().await;
    let property = Property {
        property: "palms".to_owned(),
        display_name: "The Palms".to_owned(),
        country: "US".to_owned(),
        city: "Las Vegas".to_owned(),
        time_zone: "America/Los_Angeles".to_owned(),
        currency: "USD".to_owned(),
        categories: ["room", "suite"]
            .map(|it| Category { category: it.to_owned(), display_name: it.to_owned() })
            .into(),
        ..Default::default()
    };
    let request = CreatePropertyRequest { property: Some(property) };
    let mut desk = DeskServiceClient::new(link(&offers.running));
    desk.create_property(request).await.expect("made");
    let upgrade = |properties: &[&str], categories: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect();
        let kind = "UPGRADE".to_owned();
        CampaignSpec {
            benefit: Some(Benefit { kind, categories: owned(categories), ..Default::default() }),
            properties: owned(properties),
            ..lounge()
        }
    };

    let made = offers.create(upgrade(&["palms"], &["suite"])).await.expect("made");
    assert_eq!(wrong(offers.create(upgrade(&["palms", "plaza"], &[])).await), "spec.properties[1]");
    let penthouse = upgrade(&["palms"], &["suite", "penthouse"]);
    let field = "spec.benefit.categories[1]";
    assert_eq!(wrong(offers.create(penthouse.clone()).await), field);
    assert_eq!(wrong(offers.update(&made, 0, penthouse).await), field);
    offers.create(upgrade(&[], &["penthouse"])).await.expect("some property may come to have it");
    let named = offers.request("again", upgrade(&["plaza"], &[])).await;
    assert_eq!(wrong(named), "spec.properties[0]");
    offers.request("again", lounge()).await.expect("what was refused made nothing");
}

#[tokio::test]
async fn campaigns_are_listed_newest_first_page_by_page() {
    let offers = Offers::start().await;
    let mut made = Vec::new();
    for turn in 0..5 {
        let spec = CampaignSpec { brand: format!("brand {}", turn % 2), ..lounge() };
        made.push(offers.create(spec).await.expect("made").campaign);
    }
    made.reverse();
    let third = Campaign { campaign: made[2].clone(), ..Campaign::default() };
    offers.activate(&third).await.expect("activated");

    let mut listed = Vec::new();
    let mut token = String::new();
    loop {
        let request =
            ListCampaignsRequest { page_size: 2, page_token: token, ..Default::default() };
        let page = offers.list(request).await.expect("a page");
        assert!(page.campaigns.len() <= 2);
        listed.extend(page.campaigns.into_iter().map(|it| it.campaign));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, made);

    let of = |state: &str, brand: &str| ListCampaignsRequest {
        state: state.to_owned(),
        brand: brand.to_owned(),
        ..Default::default()
    };
    let names = |page: ListCampaignsResponse| -> Vec<String> {
        page.campaigns.into_iter().map(|it| it.campaign).collect()
    };
    assert_eq!(names(offers.list(of("ACTIVE", "")).await.expect("a page")), [made[2].clone()]);
    let of_brand = names(offers.list(of("", "brand 1")).await.expect("a page"));
    assert_eq!(of_brand, [made[1].clone(), made[3].clone()]);
    assert_eq!(wrong(offers.list(of("active", "")).await), "state");
    let negative = ListCampaignsRequest { page_size: -1, ..Default::default() };
    assert_eq!(wrong(offers.list(negative).await), "page_size");
    for token in ["x", "1", "-99999999999999999.1", "1.2.3"] {
        let page_token = token.to_owned();
        let foreign = ListCampaignsRequest { page_token, ..Default::default() };
        assert_eq!(wrong(offers.list(foreign).await), "page_token", "{token}");
    }
}

#[tokio::test]
async fn a_thousand_are_active_at_once_and_no_more() {
    let offers = Offers::start().await;
    let draft = offers.create(lounge()).await.expect("made");
    offers
        .give(
            &draft,
            "insert into perks.campaign (campaign_id, state, brand, create_caller, create_time, update_time)
             select it, 'ACTIVE', 'many', '', now(), now() from generate_series(1, 1000) it where it <> $1",
        )
        .await;

    let status = offers.activate(&draft).await;
    let status = refused(status, Code::FailedPrecondition, "CAMPAIGNS_TOO_MANY");
    assert_eq!(metadata(&status, "max"), "1000");
    offers.give(&draft, "delete from perks.campaign where campaign_id = 1 and $1 > 0").await;
    offers.activate(&draft).await.expect("there is room");
}
