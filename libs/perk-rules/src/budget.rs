//! What a campaign may still give.

/// How much a campaign gives. `None`: not limited. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Grants in all.
    pub stock: Option<i64>,
    /// What all grants together may be worth, in the currency's smallest unit.
    pub minor_units: Option<i64>,
    /// Grants for one person.
    pub per_person: Option<i64>,
    /// Grants at one property.
    pub per_property: Option<i64>,
    /// Grants on one UTC day.
    pub per_day: Option<i64>,
}

/// What is reserved or confirmed, as far as it concerns one [`Ask`]. Never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Grants in all.
    pub grants: i64,
    /// What they are worth.
    pub minor_units: i64,
    /// Grants of the person who asks.
    pub person: i64,
    /// Grants at the property where it is asked; 0 when it is asked at none.
    pub property: i64,
    /// Grants on the day on which it is asked.
    pub day: i64,
    /// Uploaded codes that nobody has. `None`: a grant needs none of them.
    pub codes_left: Option<i64>,
}

/// What one grant would take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// What it is worth. Never negative.
    pub minor_units: i64,
    /// Whether it would be given at a property.
    pub is_at_property: bool,
}

/// What there is not enough of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shortage {
    /// All of the stock was given.
    #[error("all of the stock was given")]
    Stock,
    /// Everybody else has a code.
    #[error("all codes were given")]
    Codes,
    /// The money does not suffice for one more.
    #[error("the money was spent")]
    Money,
    /// The person has as many as one may have.
    #[error("the person has as many as one may have")]
    Person,
    /// The property gave as many as it may.
    #[error("the property gave as many as it may")]
    Property,
    /// The day saw as many as it may.
    #[error("the day saw as many as it may")]
    Day,
}

/// Whether one more can be given.
///
/// # Errors
///
/// What there is not enough of; when it is several things, the first in the order of [`Shortage`].
pub fn admit(limits: &Limits, taken: &Taken, ask: Ask) -> Result<(), Shortage> {
    let has_room = |limit: Option<i64>, taken: i64| fits(limit, taken, 1);
    if !has_room(limits.stock, taken.grants) {
        return Err(Shortage::Stock);
    }
    if taken.codes_left.is_some_and(|left| left <= 0) {
        return Err(Shortage::Codes);
    }
    if !fits(limits.minor_units, taken.minor_units, ask.minor_units) {
        return Err(Shortage::Money);
    }
    if !has_room(limits.per_person, taken.person) {
        return Err(Shortage::Person);
    }
    if ask.is_at_property && !has_room(limits.per_property, taken.property) {
        return Err(Shortage::Property);
    }
    if !has_room(limits.per_day, taken.day) {
        return Err(Shortage::Day);
    }
    Ok(())
}

// === impl Taken ===

impl Taken {
    /// Once one more was given, which [`admit`] allowed.
    #[must_use]
    pub fn with(self, ask: Ask) -> Self {
        Self {
            grants: self.grants.saturating_add(1),
            minor_units: self.minor_units.saturating_add(ask.minor_units),
            person: self.person.saturating_add(1),
            property: if ask.is_at_property {
                self.property.saturating_add(1)
            } else {
                self.property
            },
            day: self.day.saturating_add(1),
            codes_left: self.codes_left.map(|left| left.saturating_sub(1)),
        }
    }

    /// Once one came back that had been given, with its code or without.
    #[must_use]
    pub fn without(self, ask: Ask, returns_code: bool) -> Self {
        Self {
            grants: self.grants.saturating_sub(1).max(0),
            minor_units: self.minor_units.saturating_sub(ask.minor_units).max(0),
            person: self.person.saturating_sub(1).max(0),
            property: if ask.is_at_property {
                self.property.saturating_sub(1).max(0)
            } else {
                self.property
            },
            day: self.day.saturating_sub(1).max(0),
            codes_left: self.codes_left.map(|left| left.saturating_add(i64::from(returns_code))),
        }
    }
}

/// Whether there is room for more, also for the number that counts it.
fn fits(limit: Option<i64>, taken: i64, more: i64) -> bool {
    taken.checked_add(more).is_some_and(|sum| limit.is_none_or(|limit| sum <= limit))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limit() -> impl Strategy<Value = Option<i64>> {
        prop::option::of(prop_oneof![0_i64..6, Just(i64::MAX)])
    }

    prop_compose! {
        fn limits()(stock in limit(), minor_units in limit(), per_person in limit(), per_property in limit(),
            per_day in limit()) -> Limits {
            Limits { stock, minor_units, per_person, per_property, per_day }
        }
    }

    prop_compose! {
        fn ask()(minor_units in prop_oneof![0_i64..4, Just(i64::MAX)], is_at_property in any::<bool>()) -> Ask {
            Ask { minor_units, is_at_property }
        }
    }

    fn is_within(limits: &Limits, taken: &Taken) -> bool {
        let within =
            |limit: Option<i64>, taken| limit.is_none_or(|limit| (0..=limit).contains(&taken));
        within(limits.stock, taken.grants)
            && within(limits.minor_units, taken.minor_units)
            && within(limits.per_person, taken.person)
            && within(limits.per_property, taken.property)
            && within(limits.per_day, taken.day)
            && taken.codes_left.is_none_or(|left| left >= 0)
    }

    #[test]
    fn nothing_is_limited_when_no_limit_is_set() {
        let taken = Taken { grants: 1_000_000, person: 9, property: 9, day: 9, ..Taken::default() };
        assert_eq!(
            admit(&Limits::default(), &taken, Ask { minor_units: 5, is_at_property: true }),
            Ok(())
        );
    }

    #[test]
    fn each_limit_is_told_by_its_name() {
        let one = Ask { minor_units: 3, is_at_property: true };
        let cases = [
            (Limits { stock: Some(1), ..Limits::default() }, Shortage::Stock),
            (Limits { minor_units: Some(5), ..Limits::default() }, Shortage::Money),
            (Limits { per_person: Some(1), ..Limits::default() }, Shortage::Person),
            (Limits { per_property: Some(1), ..Limits::default() }, Shortage::Property),
            (Limits { per_day: Some(1), ..Limits::default() }, Shortage::Day),
        ];
        for (limits, shortage) in cases {
            assert_eq!(admit(&limits, &Taken::default(), one), Ok(()));
            assert_eq!(admit(&limits, &Taken::default().with(one), one), Err(shortage));
        }
        let no_codes = Taken { codes_left: Some(0), ..Taken::default() };
        assert_eq!(admit(&Limits::default(), &no_codes, one), Err(Shortage::Codes));
    }

    #[test]
    fn the_limit_of_a_property_is_nothing_to_who_asks_at_none() {
        let limits = Limits { per_property: Some(0), ..Limits::default() };
        assert_eq!(admit(&limits, &Taken::default(), Ask::default()), Ok(()));
    }

    #[test]
    fn what_could_not_be_counted_any_more_is_not_given() {
        let taken = Taken { minor_units: i64::MAX, ..Taken::default() };
        let ask = Ask { minor_units: 1, is_at_property: false };
        assert_eq!(admit(&Limits::default(), &taken, ask), Err(Shortage::Money));
    }

    proptest! {
        #[test]
        fn whatever_is_asked_no_limit_is_passed(
            limits in limits(), codes in prop::option::of(0_i64..6), asks in prop::collection::vec((ask(), any::<bool>()), 0..40),
        ) {
            let mut taken = Taken { codes_left: codes, ..Taken::default() };
            let mut given = Vec::new();
            for (ask, gives_back) in asks {
                if gives_back {
                    if let Some(ask) = given.pop() {
                        taken = taken.without(ask, true);
                    }
                } else if admit(&limits, &taken, ask).is_ok() {
                    taken = taken.with(ask);
                    given.push(ask);
                }
                prop_assert!(is_within(&limits, &taken), "{limits:?} {taken:?}");
                prop_assert_eq!(usize::try_from(taken.grants), Ok(given.len()));
            }
            for ask in given {
                taken = taken.without(ask, true);
            }
            prop_assert_eq!(taken, Taken { codes_left: codes, ..Taken::default() }, "what was given came back");
        }
    }
}
