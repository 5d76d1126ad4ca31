//! To what people consent.

/// What people can consent to, and do unless they say otherwise.
pub(crate) const PURPOSES: [&str; 4] = ["show", "crm", "perks", "research"];
