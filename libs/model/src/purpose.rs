//! What somebody's data is asked for, and to what of it people consent.

use std::{fmt, str::FromStr};

/// Why a caller asks: what its key says, as far as we tell purposes apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Whoever runs the installation. Sees members, whatever they consent to, and is in their log of look-ups.
    Operator,
    /// Our own services, for one another.
    Internal,
    /// On pages that everybody can read.
    Show,
    /// In a system for customers, and whatever is named by no other word.
    Crm,
    /// To choose who gets a perk.
    Perks,
    /// To find out about people in general.
    Research,
}

/// A word of a key's purpose for which nobody's score may be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("scores of people may not be used for {word}")]
pub struct PurposeRefused {
    /// As it stands there, in lower case.
    pub word: String,
}

/// Something that people cannot consent to, or withhold consent from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the purpose is not show, crm, perks or research")]
pub struct PurposeUnknown;

/// Some of the purposes that people consent to, one bit each; [`bits`](Self::bits) may be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Purposes(u8);

/// Words by which the purposes are told that no score may serve: it would decide on somebody's work, credit, insurance
/// or home. `docs/purposes.md` says by what laws.
const REFUSED: [&str; 73] = [
    // Work.
    "applicant",
    "applicants",
    "employability",
    "employee",
    "employees",
    "employer",
    "employers",
    "employing",
    "employment",
    "headhunter",
    "headhunters",
    "headhunting",
    "hire",
    "hired",
    "hires",
    "hiring",
    "jobseeker",
    "jobseekers",
    "preemployment",
    "recruit",
    "recruiter",
    "recruiters",
    "recruiting",
    "recruitment",
    "recruits",
    // Credit.
    "borrower",
    "borrowers",
    "credit",
    "creditor",
    "creditors",
    "creditworthiness",
    "creditworthy",
    "lend",
    "lender",
    "lenders",
    "lending",
    "loan",
    "loans",
    "microcredit",
    "microloan",
    "microloans",
    "mortgage",
    "mortgages",
    // Insurance.
    "insurability",
    "insurance",
    "insurances",
    "insure",
    "insured",
    "insurer",
    "insurers",
    "insuring",
    "reinsurance",
    "underwrite",
    "underwriter",
    "underwriters",
    "underwriting",
    // A home.
    "evict",
    "eviction",
    "evictions",
    "housing",
    "landlord",
    "landlords",
    "lettings",
    "rent",
    "rental",
    "rentals",
    "renter",
    "renters",
    "renting",
    "tenancies",
    "tenancy",
    "tenant",
    "tenants",
];

// === impl Purpose ===

impl Purpose {
    /// To what people consent, or not.
    pub const OF_CONSENT: [Self; 4] = [Self::Show, Self::Crm, Self::Perks, Self::Research];

    /// What the text of a key means: one of the words `operator` and `internal`, exactly; `show`, `crm`, `perks` (or
    /// `check-in`) and `research`, in capitals or not; else as `crm`.
    ///
    /// # Errors
    ///
    /// When a word of it is one for which no score may be used. Words are what stands between characters that are no
    /// letters, and between a small and a capital letter.
    pub fn of_key(text: &str) -> Result<Self, PurposeRefused> {
        match text {
            "operator" => return Ok(Self::Operator),
            "internal" => return Ok(Self::Internal),
            _ => {}
        }
        if let Some(word) = words(text).find(|word| REFUSED.contains(&word.as_str())) {
            return Err(PurposeRefused { word });
        }
        let text = text.trim().to_ascii_lowercase();
        Ok(if text == "check-in" { Self::Perks } else { text.parse().unwrap_or(Self::Crm) })
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Internal => "internal",
            Self::Show => "show",
            Self::Crm => "crm",
            Self::Perks => "perks",
            Self::Research => "research",
        }
    }

    /// Whether somebody who withholds `withheld` is there for this purpose.
    #[must_use]
    pub const fn sees(self, withheld: Purposes) -> bool {
        !withheld.contains(self)
    }

    /// Never changed, never reused: databases hold it. Nobody can withhold anything from those without one.
    const fn bit(self) -> u8 {
        match self {
            Self::Operator | Self::Internal => 0,
            Self::Show => 1,
            Self::Crm => 2,
            Self::Perks => 4,
            Self::Research => 8,
        }
    }
}

/// Of the purposes of consent alone.
impl FromStr for Purpose {
    type Err = PurposeUnknown;

    fn from_str(text: &str) -> Result<Self, PurposeUnknown> {
        Self::OF_CONSENT.into_iter().find(|it| it.as_str() == text).ok_or(PurposeUnknown)
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Purposes ===

impl Purposes {
    pub const NONE: Self = Self(0);

    /// The purposes of consent that `texts` name.
    ///
    /// # Errors
    ///
    /// When one of them is something else.
    pub fn parse<T: AsRef<str>>(texts: &[T]) -> Result<Self, PurposeUnknown> {
        texts.iter().try_fold(Self::NONE, |all, text| Ok(all.with(text.as_ref().parse()?)))
    }

    #[must_use]
    pub const fn with(self, purpose: Purpose) -> Self {
        Self(self.0 | purpose.bit())
    }

    #[must_use]
    pub const fn without(self, purpose: Purpose) -> Self {
        Self(self.0 & !purpose.bit())
    }

    /// Never of `operator` or `internal`.
    #[must_use]
    pub const fn contains(self, purpose: Purpose) -> bool {
        self.0 & purpose.bit() != 0
    }

    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// 0 to 15: show is 1, crm 2, perks 4, research 8.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Of [`bits`](Self::bits); those that mean nothing are left out.
    #[must_use]
    pub const fn of_bits(bits: u8) -> Self {
        Self(bits & 15)
    }

    /// In the order of [`Purpose::OF_CONSENT`].
    pub fn iter(self) -> impl Iterator<Item = Purpose> {
        Purpose::OF_CONSENT.into_iter().filter(move |purpose| self.contains(*purpose))
    }
}

/// The words of a text in lower case; and, where a word has a capital inside, the whole and its parts.
fn words(text: &str) -> impl Iterator<Item = String> {
    let runs = text.split(|character: char| !character.is_alphabetic());
    runs.filter(|run| !run.is_empty()).flat_map(|run| {
        let mut parts = vec![String::new()];
        let mut small = false;
        for character in run.chars() {
            if small && character.is_uppercase() {
                parts.push(String::new());
            }
            small = character.is_lowercase();
            parts.last_mut().expect("there is one").extend(character.to_lowercase());
        }
        if parts.len() > 1 {
            parts.push(run.to_lowercase());
        }
        parts
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_says_what_it_is_for() {
        for (text, purpose) in [
            ("operator", Purpose::Operator),
            ("internal", Purpose::Internal),
            ("show", Purpose::Show),
            ("crm", Purpose::Crm),
            ("CRM", Purpose::Crm),
            ("look-ups", Purpose::Crm),
            ("", Purpose::Crm),
            ("perks", Purpose::Perks),
            ("check-in", Purpose::Perks),
            (" Research ", Purpose::Research),
            ("market research", Purpose::Crm),
            ("accredited journalists", Purpose::Crm),
            ("current customers", Purpose::Crm),
            ("parents", Purpose::Crm),
        ] {
            assert_eq!(Purpose::of_key(text), Ok(purpose), "{text}");
        }
    }

    #[test]
    fn nobody_becomes_an_operator_by_writing_it_another_way() {
        for text in ["Operator", "operator ", "OPERATOR", "Internal", " internal", "operators"] {
            assert_eq!(Purpose::of_key(text), Ok(Purpose::Crm), "{text}");
        }
    }

    #[test]
    fn work_credit_insurance_and_homes_are_refused_however_they_are_written() {
        for text in [
            "hiring",
            "Hiring",
            "pre-employment screening",
            "pre_employment",
            "preEmployment checks",
            "PreEmployment",
            "RECRUITING",
            "recruitment2026",
            "credit",
            "credit-scoring",
            "creditScoring",
            "consumer lending",
            "Loans & mortgages",
            "insurance/underwriting",
            "life insurers",
            "housing",
            "tenant screening",
            "tenants",
            "tenancy",
            "apartment rental",
            "research, hiring",
        ] {
            assert!(Purpose::of_key(text).is_err(), "{text}");
        }
        let error = Purpose::of_key("Pre-Employment screening").expect_err("refused");
        assert_eq!(error.to_string(), "scores of people may not be used for employment");
    }

    #[test]
    fn refused_words_are_in_lower_case_and_each_stands_once() {
        for (at, word) in REFUSED.iter().enumerate() {
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase()), "{word}");
            assert!(!REFUSED[..at].contains(word), "{word}");
        }
    }

    #[test]
    fn whoever_withholds_a_purpose_is_there_for_the_others() {
        let withheld = Purposes::parse(&["research", "show"]).expect("purposes");
        assert!(Purpose::Crm.sees(withheld) && Purpose::Perks.sees(withheld));
        assert!(!Purpose::Research.sees(withheld) && !Purpose::Show.sees(withheld));
        let all = Purpose::OF_CONSENT.into_iter().fold(Purposes::NONE, Purposes::with);
        assert!(Purpose::Operator.sees(all) && Purpose::Internal.sees(all));
        assert_eq!(Purposes::parse(&["operator"]), Err(PurposeUnknown));
        assert_eq!(Purposes::parse(&["Show"]), Err(PurposeUnknown));
    }

    #[test]
    fn purposes_have_the_bits_that_databases_hold() {
        let bits = Purpose::OF_CONSENT.map(|purpose| Purposes::NONE.with(purpose).bits());
        assert_eq!(bits, [1, 2, 4, 8]);
    }

    proptest! {
        #[test]
        fn any_text_is_a_purpose_or_refused(text in ".{0,64}") {
            let _ = Purpose::of_key(&text);
        }

        #[test]
        fn a_refused_word_is_found_wherever_it_stands(
            before in "[a-z]{0,8}", at in 0..REFUSED.len(), after in "[A-Z]{0,8}",
        ) {
            let text = format!("{before} {}-{after}", REFUSED[at].to_uppercase());
            prop_assert!(Purpose::of_key(&text).is_err());
        }

        #[test]
        fn bits_go_there_and_back(bits in 0_u8..16) {
            let purposes = Purposes::of_bits(bits);
            prop_assert_eq!(purposes.bits(), bits);
            prop_assert_eq!(purposes.iter().fold(Purposes::NONE, Purposes::with), purposes);
        }
    }
}
