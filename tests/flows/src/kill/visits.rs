//! A connector that is killed while it reads what an account's network tells.

/// Points at which it can be stopped.
pub const POINTS: [&str; 2] = ["connector.visit.written", "connector.visit.committed"];
