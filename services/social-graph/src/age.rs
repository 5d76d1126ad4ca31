//! How old people say to be, and from what age on they take part.

use crate::{error::Error, state::State};

/// A span of years. In the order of years, so that the smaller of two is the younger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AgeBand {
    /// The first year of it.
    begins: u8,
    name: &'static str,
}

/// What an operator asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AgeRules {
    /// Who may be younger does not take part.
    pub(crate) limit: u8,
    /// Whether who does not tell an age does not take part either.
    pub(crate) required: bool,
}

const BANDS: [AgeBand; 9] = [
    AgeBand { begins: 0, name: "under_13" },
    AgeBand { begins: 13, name: "13_15" },
    AgeBand { begins: 16, name: "16_17" },
    AgeBand { begins: 18, name: "18_24" },
    AgeBand { begins: 25, name: "25_34" },
    AgeBand { begins: 35, name: "35_44" },
    AgeBand { begins: 45, name: "45_54" },
    AgeBand { begins: 55, name: "55_64" },
    AgeBand { begins: 65, name: "65_and_over" },
];

// === impl AgeBand ===

impl AgeBand {
    pub(crate) const fn name(self) -> &'static str {
        self.name
    }

    /// `None`: not told.
    pub(crate) fn parse(text: &str) -> Result<Option<Self>, Error> {
        if text.is_empty() {
            return Ok(None);
        }
        Self::named(text).map(Some).ok_or_else(|| {
            let names: Vec<_> = BANDS.iter().map(|band| band.name).collect();
            Error::field("age_band", format!("is none of {}", names.join(", ")))
        })
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        BANDS.into_iter().find(|band| band.name == name)
    }
}

// === impl AgeRules ===

impl AgeRules {
    /// Whether somebody of that age may be below the limit.
    pub(crate) fn is_too_young(self, band: Option<AgeBand>) -> bool {
        band.is_some_and(|band| band.begins < self.limit)
    }

    /// What somebody of that age is.
    pub(crate) fn state(self, band: Option<AgeBand>) -> State {
        if self.is_too_young(band) || (self.required && band.is_none()) {
            State::Withheld
        } else {
            State::Member
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn band(name: &str) -> Option<AgeBand> {
        AgeBand::parse(name).expect("a band")
    }

    #[test]
    fn who_may_be_below_the_limit_does_not_take_part() {
        let rules = AgeRules { limit: 16, required: false };
        assert_eq!(rules.state(band("under_13")), State::Withheld);
        assert_eq!(rules.state(band("13_15")), State::Withheld);
        assert_eq!(rules.state(band("16_17")), State::Member);
        assert_eq!(rules.state(band("")), State::Member, "nobody asks");
        let rules = AgeRules { limit: 17, required: true };
        assert_eq!(rules.state(band("16_17")), State::Withheld, "may be sixteen");
        assert_eq!(rules.state(band("65_and_over")), State::Member);
        assert_eq!(rules.state(None), State::Withheld, "the operator wants to know");
        assert!(!rules.is_too_young(None));
    }

    #[test]
    fn an_age_is_one_of_the_bands() {
        assert!(AgeBand::parse("17").is_err());
        assert!(band("13_15") < band("16_17"));
    }
}
