//! What a campaign offers, checked.
//!
//! A spec can only add to what somebody has anyway. There is no kind of [`Benefit`] that takes something away, no
//! [`Quantity`] below zero, and nothing that says what one has to do for it: rules see what is known of somebody when it
//! is decided, and a grant waits for nothing but its confirmation.

mod check;
mod text;

use std::time::Duration;

use iso_currency::Currency;
use klout_perk_rules::Rule;
use klout_proto::perk::v1::CampaignSpec;
use time::OffsetDateTime;
use tokio::task::spawn_blocking;

use crate::error::Error;

/// A spec that can be. Its texts are in `proto`.
#[derive(Clone, Debug)]
pub(crate) struct Spec {
    /// As it is kept and answered: what was left out that has a default is filled in.
    pub(crate) proto: CampaignSpec,
    pub(crate) benefit: Benefit,
    /// What one grant is worth. `None`: nothing.
    pub(crate) value: Option<Money>,
    /// From then on. `None`: from its activation on.
    pub(crate) start_time: Option<OffsetDateTime>,
    /// Before that. `None`: until it is ended.
    pub(crate) end_time: Option<OffsetDateTime>,
    /// None: at all, and without one.
    pub(crate) properties: Vec<String>,
    /// None: of all.
    pub(crate) places: Vec<Place>,
    /// How many there are. `None`: as many as the budgets allow.
    pub(crate) stock: Option<Quantity>,
    pub(crate) budgets: Budgets,
    /// 0 to 0.5.
    pub(crate) hold_out_share: f64,
    pub(crate) unique_per: UniquePer,
    pub(crate) shadow: bool,
    pub(crate) reservation_duration: Duration,
    pub(crate) codes: Codes,
}

/// Which specs are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    New,
    Kept,
}

/// What one gets on top of what one has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Benefit {
    /// A better room or seat, of these categories; none: of any that is better than the booked one.
    Upgrade {
        categories: Vec<String>,
    },
    Access,
    Credit,
    Discount,
    Gift,
    Preview,
}

/// Not below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Quantity(i64);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Money {
    pub(crate) currency: Currency,
    pub(crate) minor_units: Quantity,
}

/// What limits a campaign beside its stock. `None`: no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Budgets {
    /// In the currency of the value.
    pub(crate) minor_units: Option<Quantity>,
    pub(crate) per_person: Option<Quantity>,
    pub(crate) per_property: Option<Quantity>,
    pub(crate) per_day: Option<Quantity>,
}

/// Where somebody says to live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// In capitals.
    pub(crate) country: String,
    /// `None`: the whole country.
    pub(crate) city: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UniquePer {
    Person,
    Stay,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codes {
    None,
    Generated,
    Uploaded,
}

// === impl Spec ===

impl Spec {
    /// Checks a spec. Returns its rules beside it.
    ///
    /// # Errors
    ///
    /// [`Error::FieldInvalid`] or [`Error::RuleInvalid`], at the first thing that is wrong.
    pub(crate) fn check(proto: CampaignSpec) -> Result<(Self, Vec<Rule>), Error> {
        check::check(proto, Of::New)
    }

    /// The same without keeping up the thread that waits: rules are as deep as somebody wrote them.
    pub(crate) async fn check_apart(proto: CampaignSpec) -> Result<(Self, Vec<Rule>), Error> {
        spawn_blocking(move || Self::check(proto)).await.map_err(Error::Lost)?
    }

    /// Reads a spec that was checked when it was kept: what a newer list of currencies or countries does not have any
    /// more still stands.
    pub(crate) fn read(proto: CampaignSpec) -> Result<(Self, Vec<Rule>), Error> {
        check::check(proto, Of::Kept)
    }
}

// === impl Quantity ===

impl Quantity {
    /// `None` when it is below zero.
    pub(crate) const fn new(quantity: i64) -> Option<Self> {
        if quantity < 0 { None } else { Some(Self(quantity)) }
    }

    pub(crate) const fn get(self) -> i64 {
        self.0
    }
}

// === impl UniquePer ===

impl UniquePer {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "PERSON",
            Self::Stay => "STAY",
        }
    }
}

// === impl Codes ===

impl Codes {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "NONE",
            Self::Generated => "GENERATED",
            Self::Uploaded => "UPLOADED",
        }
    }
}
