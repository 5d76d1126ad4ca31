//! Reads a spec from the wire.

use std::{collections::BTreeSet, time::Duration};

use iso_currency::Currency;
use klout_perk_rules::Rule;
use klout_proto::{convert, perk::v1 as wire};
use prost_types::Timestamp;
use time::OffsetDateTime;

use super::{Benefit, Budgets, Codes, Money, Of, Place, Quantity, Spec, UniquePer, text};
use crate::{error::Error, properties};

const BRAND_MAX: usize = 100;
const TITLE_MAX: usize = 200;
const DESCRIPTION_MAX: usize = 500;
const DISCLOSURE_MAX: usize = 1_000;
const LINE_MAX: usize = 500;
const RULE_NAME_MAX: usize = 100;
const EXPRESSION_BYTES_MAX: usize = 1_000;

/// In bytes, of a city; as where people say where they live.
const CITY_BYTES_MAX: usize = 128;

/// In bytes, of a category of rooms or seats.
const CATEGORY_BYTES_MAX: usize = 64;

const RULES_MAX: usize = 20;

/// Each is compared with each whenever somebody is decided on.
const PROPERTIES_MAX: usize = 1_000;
const PLACES_MAX: usize = 1_000;
const CATEGORIES_MAX: usize = 100;

/// What one grant can be worth at most: so much that a sum of them fits what is counted in, whatever is given.
const VALUE_MAX: i64 = 10_000_000_000;

const HOLD_OUT_SHARE_MAX: f64 = 0.5;

const RESERVATION_TIME: Duration = Duration::from_mins(10);
const RESERVATION_TIME_MIN: Duration = Duration::from_secs(1);
const RESERVATION_TIME_MAX: Duration = Duration::from_hours(7 * 24);

pub(super) fn check(mut proto: wire::CampaignSpec, of: Of) -> Result<(Spec, Vec<Rule>), Error> {
    text::required("spec.brand", &proto.brand, BRAND_MAX)?;
    text::required("spec.title", &proto.title, TITLE_MAX)?;
    text::optional("spec.disclosure", &proto.disclosure, DISCLOSURE_MAX)?;
    text::optional("spec.line", &proto.line, LINE_MAX)?;
    text::line("spec.line", &proto.line)?;
    let Some(given) = &mut proto.benefit else {
        return Err(Error::field("spec.benefit", "is missing"));
    };
    let (benefit, value) = benefit(given, of)?;
    let start_time = time("spec.start_time", proto.start_time.as_ref())?;
    let end_time = time("spec.end_time", proto.end_time.as_ref())?;
    if start_time.zip(end_time).is_some_and(|(start, end)| end <= start) {
        return Err(Error::field("spec.end_time", "is not after start_time"));
    }
    check_properties(&proto.properties)?;
    let places = places(&mut proto.places, of)?;
    let stock = quantity("spec.stock", proto.stock)?;
    let budgets = match &mut proto.budgets {
        Some(budgets) => self::budgets(budgets, value, of)?,
        None => Budgets::default(),
    };
    if !(0.0..=HOLD_OUT_SHARE_MAX).contains(&proto.hold_out_share) {
        return Err(Error::field("spec.hold_out_share", "is not within 0 and 0.5"));
    }
    let unique_per = match proto.unique_per.as_str() {
        "" | "PERSON" => UniquePer::Person,
        "STAY" => UniquePer::Stay,
        _ => return Err(Error::field("spec.unique_per", "is not PERSON or STAY")),
    };
    let codes = match proto.codes.as_str() {
        "" | "NONE" => Codes::None,
        "GENERATED" => Codes::Generated,
        "UPLOADED" => Codes::Uploaded,
        _ => return Err(Error::field("spec.codes", "is not NONE, GENERATED or UPLOADED")),
    };
    let reservation_duration = reservation_duration(proto.reservation_duration)?;
    let rules = rules(&proto.rules)?;
    unique_per.as_str().clone_into(&mut proto.unique_per);
    codes.as_str().clone_into(&mut proto.codes);
    proto.reservation_duration = prost_types::Duration::try_from(reservation_duration).ok();
    let spec = Spec {
        benefit,
        value,
        start_time,
        end_time,
        properties: proto.properties.clone(),
        places,
        stock,
        budgets,
        hold_out_share: proto.hold_out_share,
        unique_per,
        shadow: proto.shadow,
        reservation_duration,
        codes,
        proto,
    };
    Ok((spec, rules))
}

fn benefit(given: &mut wire::Benefit, of: Of) -> Result<(Benefit, Option<Money>), Error> {
    text::optional("spec.benefit.description", &given.description, DESCRIPTION_MAX)?;
    let benefit = match given.kind.as_str() {
        "UPGRADE" => Benefit::Upgrade { categories: given.categories.clone() },
        "ACCESS" => Benefit::Access,
        "CREDIT" => Benefit::Credit,
        "DISCOUNT" => Benefit::Discount,
        "GIFT" => Benefit::Gift,
        "PREVIEW" => Benefit::Preview,
        "" => return Err(Error::field("spec.benefit.kind", "is missing")),
        _ => {
            let problem = "is not UPGRADE, ACCESS, CREDIT, DISCOUNT, GIFT or PREVIEW";
            return Err(Error::field("spec.benefit.kind", problem));
        }
    };
    let categories = "spec.benefit.categories";
    if !given.categories.is_empty() && !matches!(benefit, Benefit::Upgrade { .. }) {
        return Err(Error::field(categories, "are there, and only an upgrade has any"));
    }
    if given.categories.len() > CATEGORIES_MAX {
        return Err(Error::field(categories, format!("are more than {CATEGORIES_MAX}")));
    }
    for category in &given.categories {
        let fits = (1..=CATEGORY_BYTES_MAX).contains(&category.len());
        if !fits || category.chars().any(char::is_control) {
            return Err(Error::field(categories, "has one that is not 1 to 64 bytes of text"));
        }
    }
    let value = match &mut given.value {
        Some(value) => Some(money("spec.benefit.value", value, of)?),
        None => None,
    };
    if value.is_some_and(|value| value.minor_units.get() > VALUE_MAX) {
        let problem = format!("is more than {VALUE_MAX}");
        return Err(Error::field("spec.benefit.value.minor_units", problem));
    }
    Ok((benefit, value))
}

/// An amount. Its currency is written as the standard does.
fn money(field: &'static str, money: &mut wire::Money, of: Of) -> Result<Money, Error> {
    money.currency.make_ascii_uppercase();
    let known = Currency::from_code(&money.currency)
        .filter(|it| of == Of::Kept || it.is_superseded().is_none() && !it.is_special());
    let currency = known.ok_or_else(|| {
        Error::field(format!("{field}.currency"), "is no currency of ISO 4217 such as EUR")
    })?;
    let minor_units = Quantity::new(money.minor_units)
        .ok_or_else(|| Error::field(format!("{field}.minor_units"), "is below zero"))?;
    Ok(Money { currency, minor_units })
}

fn budgets(given: &mut wire::Budgets, value: Option<Money>, of: Of) -> Result<Budgets, Error> {
    let minor_units = match &mut given.money {
        None => None,
        Some(limit) => {
            let limit = money("spec.budgets.money", limit, of)?;
            let Some(value) = value else {
                let problem = "limits money, and the benefit has no value";
                return Err(Error::field("spec.budgets.money", problem));
            };
            if value.currency != limit.currency {
                let problem = format!(
                    "is {}, and the benefit's value is in {}",
                    limit.currency.code(),
                    value.currency.code()
                );
                return Err(Error::field("spec.budgets.money.currency", problem));
            }
            Some(limit.minor_units)
        }
    };
    Ok(Budgets {
        minor_units,
        per_person: quantity("spec.budgets.per_person", given.per_person)?,
        per_property: quantity("spec.budgets.per_property", given.per_property)?,
        per_day: quantity("spec.budgets.per_day", given.per_day)?,
    })
}

fn quantity(field: &'static str, given: Option<i64>) -> Result<Option<Quantity>, Error> {
    given
        .map(|it| Quantity::new(it).ok_or_else(|| Error::field(field, "is below zero")))
        .transpose()
}

fn time(field: &'static str, given: Option<&Timestamp>) -> Result<Option<OffsetDateTime>, Error> {
    let read = |it| convert::time(it).ok_or_else(|| Error::field(field, "is no time"));
    given.map(read).transpose()
}

fn check_properties(given: &[String]) -> Result<(), Error> {
    let field = "spec.properties";
    if given.len() > PROPERTIES_MAX {
        return Err(Error::field(field, format!("are more than {PROPERTIES_MAX}")));
    }
    if let Some(wrong) = given.iter().position(|it| !properties::is_name(it)) {
        let problem = "is not lower-case letters, digits and hyphens, at most 64";
        return Err(Error::field(format!("{field}[{wrong}]"), problem));
    }
    Ok(())
}

/// Places, as people say where they live: a code in letters of any case, a city without space around it.
fn places(given: &mut [wire::Place], of: Of) -> Result<Vec<Place>, Error> {
    if given.len() > PLACES_MAX {
        return Err(Error::field("spec.places", format!("are more than {PLACES_MAX}")));
    }
    let mut places = Vec::with_capacity(given.len());
    for (index, place) in given.iter_mut().enumerate() {
        place.country = place.country.trim().to_ascii_uppercase();
        place.city = place.city.trim().to_owned();
        let wrong = |field: &str, problem| {
            Err(Error::field(format!("spec.places[{index}].{field}"), problem))
        };
        if of == Of::New && rust_iso3166::from_alpha2(&place.country).is_none() {
            return wrong("country", "is no ISO 3166-1 alpha-2 code such as DE");
        }
        if place.city.len() > CITY_BYTES_MAX {
            return wrong("city", "has more than 128 bytes");
        }
        if place.city.chars().any(char::is_control) {
            return wrong("city", "has a control character");
        }
        let city = Some(place.city.clone()).filter(|city| !city.is_empty());
        places.push(Place { country: place.country.clone(), city });
    }
    Ok(places)
}

fn reservation_duration(given: Option<prost_types::Duration>) -> Result<Duration, Error> {
    let Some(given) = given else { return Ok(RESERVATION_TIME) };
    let time = Duration::try_from(given).ok();
    let fits = |it: &Duration| (RESERVATION_TIME_MIN..=RESERVATION_TIME_MAX).contains(it);
    let problem = "is not within 1 second and 7 days";
    let time =
        time.filter(fits).ok_or_else(|| Error::field("spec.reservation_duration", problem))?;
    // As the store keeps times: the first answer and the next say the same.
    Ok(Duration::new(time.as_secs(), time.subsec_micros() * 1_000))
}

fn rules(given: &[wire::Rule]) -> Result<Vec<Rule>, Error> {
    if given.len() > RULES_MAX {
        return Err(Error::field("spec.rules", format!("are more than {RULES_MAX}")));
    }
    let mut names = BTreeSet::new();
    let mut rules = Vec::with_capacity(given.len());
    for (index, wire::Rule { rule, expression }) in given.iter().enumerate() {
        let wrong = |field: &str, problem: String| {
            Err(Error::field(format!("spec.rules[{index}].{field}"), problem))
        };
        if rule.trim().is_empty() {
            return wrong("rule", "is missing".to_owned());
        }
        if rule.chars().count() > RULE_NAME_MAX || rule.chars().any(char::is_control) {
            return wrong("rule", format!("is not one line of at most {RULE_NAME_MAX} characters"));
        }
        if !names.insert(rule) {
            return wrong("rule", "is the name of another one too".to_owned());
        }
        if expression.len() > EXPRESSION_BYTES_MAX {
            return wrong("expression", format!("has more than {EXPRESSION_BYTES_MAX} bytes"));
        }
        let parsed = Rule::parse(rule, expression)
            .map_err(|flaw| Error::RuleInvalid { rule: rule.clone(), flaw })?;
        rules.push(parsed);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests;
