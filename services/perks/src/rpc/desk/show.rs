//! What this service keeps, in the words of the contract.

use klout_proto::{convert, perk::v1 as wire};
use time::OffsetDateTime;

use crate::{
    passes::Pass,
    store::{
        arrival::Arrival,
        property::{Category, Property},
    },
};

pub(super) fn property(it: &Property) -> wire::Property {
    let category = |it: &Category| wire::Category {
        category: it.category.clone(),
        display_name: it.display_name.clone(),
    };
    wire::Property {
        property: it.property.clone(),
        display_name: it.display_name.clone(),
        country: it.country.clone(),
        city: it.city.clone(),
        time_zone: it.time_zone.clone(),
        currency: it.currency.clone(),
        categories: it.categories.iter().map(category).collect(),
        sandbox: it.is_sandbox,
        create_time: Some(convert::timestamp(it.create_time)),
    }
}

/// As it came, unchecked; when it was made is ours to say.
pub(super) fn parse_property(it: wire::Property) -> Property {
    let category =
        |it: wire::Category| Category { category: it.category, display_name: it.display_name };
    Property {
        property: it.property,
        display_name: it.display_name,
        country: it.country,
        city: it.city,
        time_zone: it.time_zone,
        currency: it.currency,
        is_sandbox: it.sandbox,
        create_time: OffsetDateTime::UNIX_EPOCH,
        categories: it.categories.into_iter().map(category).collect(),
    }
}

pub(super) fn claims(pass: &Pass) -> wire::PassClaims {
    wire::PassClaims {
        person: pass.person.to_string(),
        score: pass.score,
        bucket: pass.bucket.clone(),
        issue_time: Some(convert::timestamp(pass.issue_time)),
        expire_time: Some(convert::timestamp(pass.expire_time)),
        model: pass.model.clone(),
    }
}

pub(super) fn arrival(it: Arrival) -> wire::Arrival {
    wire::Arrival {
        stay: it.stay,
        guest: None,
        booked_category: it.booked_category,
        outcome: outcome(it.is_offer).to_owned(),
        reason: it.reason,
        categories: it.categories,
        line: it.line,
        disclosure: it.disclosure,
        mark_time: Some(convert::timestamp(it.mark_time)),
        campaign: it.campaign.map(|it| it.to_string()).unwrap_or_default(),
    }
}

/// How it is told whether there is an offer.
const fn outcome(is_offer: bool) -> &'static str {
    if is_offer { "OFFER" } else { "NO_OFFER" }
}
