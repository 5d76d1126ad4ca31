use klout_proto::convert::timestamp;
use time::macros::datetime;

use super::*;

fn spec() -> wire::CampaignSpec {
    wire::CampaignSpec {
        brand: "Cathay Pacific".to_owned(),
        title: "The lounge".to_owned(),
        benefit: Some(wire::Benefit { kind: "ACCESS".to_owned(), ..Default::default() }),
        ..Default::default()
    }
}

fn with(change: impl FnOnce(&mut wire::CampaignSpec)) -> Result<Spec, Error> {
    let mut proto = spec();
    change(&mut proto);
    Spec::check(proto).map(|(spec, _)| spec)
}

/// The field that is wrong.
#[track_caller]
fn refused(change: impl FnOnce(&mut wire::CampaignSpec)) -> String {
    match with(change) {
        Err(Error::FieldInvalid { field, .. }) => field.into_owned(),
        other => panic!("{other:?}"),
    }
}

fn euros(minor_units: i64) -> wire::Money {
    wire::Money { currency: "EUR".to_owned(), minor_units }
}

fn rule(rule: &str, expression: &str) -> wire::Rule {
    wire::Rule { rule: rule.to_owned(), expression: expression.to_owned() }
}

#[test]
fn what_is_left_out_has_a_default_that_is_kept() {
    let spec = with(|_| {}).expect("a spec");
    assert_eq!(spec.unique_per, UniquePer::Person);
    assert_eq!(spec.codes, Codes::None);
    assert_eq!(spec.reservation_duration, Duration::from_mins(10));
    assert_eq!((spec.stock, spec.value, spec.budgets), (None, None, Budgets::default()));
    assert_eq!(spec.proto.unique_per, "PERSON");
    assert_eq!(spec.proto.codes, "NONE");
    let (again, _) = Spec::check(spec.proto.clone()).expect("what is kept can be read");
    assert_eq!(again.proto, spec.proto, "and reads the same");
}

#[test]
fn texts_are_there_and_fit() {
    assert_eq!(refused(|it| it.brand.clear()), "spec.brand");
    assert_eq!(refused(|it| it.title = " ".to_owned()), "spec.title");
    assert_eq!(refused(|it| it.benefit = None), "spec.benefit");
    assert!(with(|it| it.brand = "ü".repeat(100)).is_ok(), "characters are counted, not bytes");
    assert_eq!(refused(|it| it.brand = "ü".repeat(101)), "spec.brand");
    assert_eq!(refused(|it| it.title = "a".repeat(201)), "spec.title");
    assert_eq!(refused(|it| it.disclosure = "a".repeat(1_001)), "spec.disclosure");
    assert_eq!(refused(|it| it.line = "a".repeat(501)), "spec.line");
    assert_eq!(refused(|it| it.line = "Dear {guest}".to_owned()), "spec.line");
    assert_eq!(refused(|it| it.title = "a\0b".to_owned()), "spec.title");
    let described = |it: &mut wire::CampaignSpec| {
        it.benefit.as_mut().expect("there").description = "a".repeat(501);
    };
    assert_eq!(refused(described), "spec.benefit.description");
}

#[test]
fn a_benefit_is_one_of_those_that_add_something() {
    let kind = |kind: &'static str| {
        move |it: &mut wire::CampaignSpec| {
            it.benefit.as_mut().expect("there").kind = kind.to_owned()
        }
    };
    for known in ["UPGRADE", "ACCESS", "CREDIT", "DISCOUNT", "GIFT", "PREVIEW"] {
        assert!(with(kind(known)).is_ok(), "{known}");
    }
    for unknown in ["", "access", "SURCHARGE", "DOWNGRADE", "POST"] {
        assert_eq!(refused(kind(unknown)), "spec.benefit.kind", "{unknown}");
    }
    let categories = |it: &mut wire::CampaignSpec| {
        it.benefit.as_mut().expect("there").categories = vec!["suite".to_owned()];
    };
    assert_eq!(refused(categories), "spec.benefit.categories", "only an upgrade has any");
    let upgrade = with(|it| {
        categories(it);
        kind("UPGRADE")(it);
    });
    let upgrade = upgrade.expect("a spec").benefit;
    assert_eq!(upgrade, Benefit::Upgrade { categories: vec!["suite".to_owned()] });
    for wrong in ["", &"a".repeat(65), "a\nb"] {
        let wrong = |it: &mut wire::CampaignSpec| {
            kind("UPGRADE")(it);
            it.benefit.as_mut().expect("there").categories = vec![wrong.to_owned()];
        };
        assert_eq!(refused(wrong), "spec.benefit.categories");
    }
}

#[test]
fn a_period_ends_after_it_starts() {
    let (start, end) = (datetime!(2026-12-01 0:00 UTC), datetime!(2026-12-24 0:00 UTC));
    let period = |start, end| {
        move |it: &mut wire::CampaignSpec| {
            it.start_time = Some(timestamp(start));
            it.end_time = Some(timestamp(end));
        }
    };
    let spec = with(period(start, end)).expect("a spec");
    assert_eq!((spec.start_time, spec.end_time), (Some(start), Some(end)));
    assert_eq!(refused(period(end, start)), "spec.end_time");
    assert_eq!(refused(period(start, start)), "spec.end_time");
    let never = Timestamp { seconds: i64::MAX, nanos: 0 };
    assert_eq!(refused(|it| it.start_time = Some(never)), "spec.start_time");
}

#[test]
fn nothing_is_below_zero() {
    assert!(with(|it| it.stock = Some(0)).is_ok());
    assert_eq!(refused(|it| it.stock = Some(-1)), "spec.stock");
    for field in ["per_person", "per_property", "per_day"] {
        let below = |it: &mut wire::CampaignSpec| {
            let budgets = it.budgets.get_or_insert_default();
            match field {
                "per_person" => budgets.per_person = Some(-1),
                "per_property" => budgets.per_property = Some(-1),
                _ => budgets.per_day = Some(-1),
            }
        };
        assert_eq!(refused(below), format!("spec.budgets.{field}"));
    }
    let value = |it: &mut wire::CampaignSpec| {
        it.benefit.as_mut().expect("there").value = Some(euros(-1));
    };
    assert_eq!(refused(value), "spec.benefit.value.minor_units");
}

#[test]
fn money_is_in_one_currency_that_there_is() {
    let money = |value: Option<wire::Money>, limit: wire::Money| {
        move |it: &mut wire::CampaignSpec| {
            it.benefit.as_mut().expect("there").value = value;
            it.budgets.get_or_insert_default().money = Some(limit);
        }
    };
    let of = |currency: &str| wire::Money { currency: currency.to_owned(), minor_units: 1 };
    let spec = with(money(Some(of("eur")), euros(100))).expect("a spec");
    assert_eq!(spec.value.expect("a value").currency, Currency::EUR);
    assert_eq!(spec.budgets.minor_units, Quantity::new(100));
    let kept = spec.proto.benefit.and_then(|it| it.value).expect("a value");
    assert_eq!(kept.currency, "EUR", "as the standard writes it");
    assert_eq!(refused(money(Some(of("USD")), euros(100))), "spec.budgets.money.currency");
    assert_eq!(refused(money(None, euros(100))), "spec.budgets.money");
    for unknown in ["", "EU", "ZZZ", "€", "XXX", "XTS", "EURO"] {
        let changed = money(Some(of(unknown)), euros(100));
        assert_eq!(refused(changed), "spec.benefit.value.currency", "{unknown}");
    }
    let much = wire::Money { minor_units: VALUE_MAX + 1, ..euros(0) };
    let changed = |it: &mut wire::CampaignSpec| {
        it.benefit.as_mut().expect("there").value = Some(much);
    };
    assert_eq!(refused(changed), "spec.benefit.value.minor_units");
}

#[test]
fn a_place_is_one() {
    let place = |country: &str, city: &str| {
        let place = wire::Place { country: country.to_owned(), city: city.to_owned() };
        move |it: &mut wire::CampaignSpec| it.places = vec![place]
    };
    let spec = with(place("us", " San Francisco ")).expect("a spec");
    let city = Some("San Francisco".to_owned());
    assert_eq!(spec.places, [Place { country: "US".to_owned(), city }]);
    assert_eq!(spec.proto.places[0].country, "US");
    let spec = with(place("DE", "")).expect("a spec");
    assert_eq!(spec.places[0].city, None);
    for nowhere in ["", "XX", "USA", "Germany"] {
        assert_eq!(refused(place(nowhere, "")), "spec.places[0].country", "{nowhere}");
    }
    assert_eq!(refused(place("DE", &"x".repeat(129))), "spec.places[0].city");
    assert_eq!(refused(place("DE", "a\0b")), "spec.places[0].city");
}

#[test]
fn a_share_is_held_out_of_at_most_a_half() {
    for share in [0.0, 0.1, 0.5] {
        assert!(with(|it| it.hold_out_share = share).is_ok(), "{share}");
    }
    for share in [-0.1, 0.51, 1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(|it| it.hold_out_share = share), "spec.hold_out_share", "{share}");
    }
}

#[test]
fn what_is_kept_is_read_also_when_it_could_not_be_made_any_more() {
    let mut kept = spec();
    let benefit = kept.benefit.as_mut().expect("there");
    benefit.value = Some(wire::Money { currency: "BGN".to_owned(), minor_units: 5 });
    kept.places = vec![wire::Place { country: "AN".to_owned(), city: String::new() }];
    assert!(Spec::check(kept.clone()).is_err());
    let (read, _) = Spec::read(kept).expect("it was checked when it was kept");
    assert_eq!(read.value.map(|it| it.currency.code()), Some("BGN"));
}

#[test]
fn words_are_those_that_are_known() {
    assert_eq!(refused(|it| it.unique_per = "ROOM".to_owned()), "spec.unique_per");
    assert_eq!(refused(|it| it.codes = "SOME".to_owned()), "spec.codes");
    assert_eq!(refused(|it| it.properties = vec!["The Palms".to_owned()]), "spec.properties[0]");
    let stay = with(|it| it.unique_per = "STAY".to_owned()).expect("a spec");
    assert_eq!(stay.unique_per, UniquePer::Stay);
}

#[test]
fn a_reservation_lasts_seconds_to_days() {
    let lasting = |seconds: i64, nanos: i32| {
        move |it: &mut wire::CampaignSpec| {
            it.reservation_duration = Some(prost_types::Duration { seconds, nanos });
        }
    };
    for (seconds, nanos) in [(1, 0), (600, 5), (604_800, 0)] {
        assert!(with(lasting(seconds, nanos)).is_ok(), "{seconds}");
    }
    let cut = with(lasting(600, 1_005)).expect("a spec").reservation_duration;
    assert_eq!(cut, Duration::new(600, 1_000), "the store keeps microseconds");
    for (seconds, nanos) in [(0, 999_999_999), (-5, 0), (604_800, 1), (i64::MAX, 0)] {
        assert_eq!(refused(lasting(seconds, nanos)), "spec.reservation_duration", "{seconds}");
    }
}

#[test]
fn rules_have_names_of_their_own_and_are_twenty_at_most() {
    let rules = |rules: Vec<wire::Rule>| move |it: &mut wire::CampaignSpec| it.rules = rules;
    let many = |count: u8| (0..count).map(|it| rule(&it.to_string(), "score >= 40.0")).collect();
    assert!(with(rules(many(20))).is_ok());
    assert_eq!(refused(rules(many(21))), "spec.rules");
    assert_eq!(refused(rules(vec![rule("", "score >= 40.0")])), "spec.rules[0].rule");
    let twice = vec![rule("a", "score >= 40.0"), rule("a", "score >= 50.0")];
    assert_eq!(refused(rules(twice)), "spec.rules[1].rule");
    let long = rule("a", &format!("score >= 40.0{}", " ".repeat(1_000)));
    assert_eq!(refused(rules(vec![long])), "spec.rules[0].expression");
}

#[test]
fn a_wrong_rule_is_shown_where_it_is_wrong() {
    let wrong = with(|it| it.rules = vec![rule("score", "score >= 40.0 &&")]);
    let Err(Error::RuleInvalid { rule, flaw }) = wrong else { panic!("{wrong:?}") };
    assert_eq!(rule, "score");
    assert!(flaw.line >= 1 && flaw.column >= 1 && !flaw.problem.is_empty(), "{flaw:?}");
}
