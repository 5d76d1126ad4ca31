//! What is known of somebody when a rule is read.

use time::OffsetDateTime;

/// What rules see of somebody. What may not be used for rewards is not in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// 1 to 100; `None`: not known.
    pub score: Option<f64>,
    /// 0 to 100; `None`: not known.
    pub percentile: Option<f64>,
    /// 0 to 1; `None`: not known.
    pub confidence: Option<f64>,
    /// People; `None`: not known.
    pub true_reach: Option<f64>,
    /// 0 to 100; `None`: not known.
    pub amplification: Option<f64>,
    /// 0 to 100; `None`: not known.
    pub network_impact: Option<f64>,
    /// Slugs of topics, at most 20.
    pub topics: Vec<String>,
    /// Two letters of ISO 3166-1; `None`: not told.
    pub country: Option<String>,
    /// `None`: not told.
    pub city: Option<String>,
    /// As the person declared them.
    pub languages: Vec<String>,
    /// On which they have accounts.
    pub networks: Vec<String>,
    /// When they joined; `None`: not known.
    pub member_since: Option<OffsetDateTime>,
    /// +K received in the last 90 days.
    pub plus_k: u32,
}
