//! What the campaigns of a history give, and what limits it.

use klout_proto::perk::v1::{
    ActivateCampaignRequest, Benefit, Budgets, CampaignSpec, Category, CreateCampaignRequest,
    CreatePropertyRequest, Money, Property, Rule, UploadCodesRequest,
};

use super::door::Door;

/// Where something is reserved. At the first one is a desk.
pub(super) const PROPERTIES: [&str; 4] = ["palms", "dunes", "sands", "pines"];

/// Which upgrades are free at the desk, the better one last, and how many of each.
pub(super) const FREE: [(&str, i32); 2] = [("VIEW", 3), ("SUITE", 2)];

/// What one grant is worth where it is worth anything.
const WORTH: i64 = 150;

/// A campaign, and what it gives at most.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) campaign: String,
    pub(super) limits: Limits,
    /// Whether desks give it, and nobody else.
    pub(super) is_upgrade: bool,
}

/// `None`: not limited.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Limits {
    pub(super) stock: Option<i64>,
    pub(super) codes: Option<i64>,
    pub(super) minor_units: Option<i64>,
    pub(super) per_person: Option<i64>,
    pub(super) per_property: Option<i64>,
    pub(super) per_day: Option<i64>,
    /// What one grant is worth.
    pub(super) worth: i64,
    /// One for each stay, rather than for each person.
    pub(super) is_per_stay: bool,
}

impl Offer {
    pub(super) fn id(&self) -> i64 {
        self.campaign.parse().expect("a number")
    }
}

/// One of which there are few, one with money and a budget for each person, one with codes, one with budgets for
/// properties and days, one that nothing limits, and two that a desk gives, of which one runs out.
pub(super) async fn make(door: &Door) -> Vec<Offer> {
    for property in PROPERTIES {
        let property = Some(property_of(property));
        let made = door.desk(0).create_property(CreatePropertyRequest { property }).await;
        made.expect("a property");
    }
    let all = Limits { worth: WORTH, ..Limits::default() };
    let upgrades = Limits { is_per_stay: true, ..Limits::default() };
    let limits = [
        (Limits { stock: Some(40), ..all }, false),
        (
            Limits { minor_units: Some(60 * WORTH), per_person: Some(3), is_per_stay: true, ..all },
            false,
        ),
        (Limits { codes: Some(50), ..all }, false),
        (Limits { per_property: Some(12), per_day: Some(40), ..all }, false),
        (all, false),
        (Limits { stock: Some(12), ..upgrades }, true),
        (upgrades, true),
    ];
    let mut offers = Vec::new();
    for (limits, is_upgrade) in limits {
        let campaign = make_one(door, &limits, is_upgrade).await;
        offers.push(Offer { campaign, limits, is_upgrade });
    }
    offers
}

async fn make_one(door: &Door, limits: &Limits, is_upgrade: bool) -> String {
    let request =
        CreateCampaignRequest { spec: Some(spec(limits, is_upgrade)), request_id: String::new() };
    let mut client = door.client(0);
    let made = client.create_campaign(request).await.expect("it is made").into_inner();
    let campaign = made.campaign.expect("always there").campaign;
    if let Some(codes) = limits.codes {
        let codes = (0..codes).map(|code| format!("code-{code}")).collect();
        let request = UploadCodesRequest { campaign: campaign.clone(), codes };
        client.upload_codes(request).await.expect("they are there");
    }
    let request = ActivateCampaignRequest { campaign: campaign.clone() };
    client.activate_campaign(request).await.expect("it is active");
    campaign
}

fn spec(limits: &Limits, is_upgrade: bool) -> CampaignSpec {
    let kind = if is_upgrade { "UPGRADE" } else { "ACCESS" };
    let value = Some(money(limits.worth)).filter(|it| it.minor_units > 0);
    let unique_per = if limits.is_per_stay { "STAY" } else { "PERSON" };
    CampaignSpec {
        brand: "Cathay Pacific".to_owned(),
        title: "The lounge at San Francisco".to_owned(),
        benefit: Some(Benefit { kind: kind.to_owned(), value, ..Default::default() }),
        rules: vec![Rule { rule: "score".to_owned(), expression: "score >= 40.0".to_owned() }],
        stock: limits.stock,
        codes: if limits.codes.is_some() { "UPLOADED" } else { "" }.to_owned(),
        budgets: Some(Budgets {
            money: limits.minor_units.map(money),
            per_person: limits.per_person,
            per_property: limits.per_property,
            per_day: limits.per_day,
        }),
        unique_per: unique_per.to_owned(),
        disclosure: "Cathay Pacific pays for it.".to_owned(),
        reservation_duration: Some(prost_types::Duration { seconds: 1, nanos: 0 }),
        ..Default::default()
    }
}

fn property_of(property: &str) -> Property {
    let category = |category: &str| Category {
        category: category.to_owned(),
        display_name: category.to_lowercase(),
    };
    let better = FREE.map(|(it, _)| it);
    Property {
        property: property.to_owned(),
        display_name: property.to_owned(),
        country: "US".to_owned(),
        city: "Las Vegas".to_owned(),
        time_zone: "America/Los_Angeles".to_owned(),
        currency: "USD".to_owned(),
        categories: ["KING"].into_iter().chain(better).map(category).collect(),
        ..Default::default()
    }
}

fn money(minor_units: i64) -> Money {
    Money { currency: "USD".to_owned(), minor_units }
}
