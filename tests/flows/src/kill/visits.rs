//! A connector that is killed while it reads what networks tell.

/// Points at which it can be stopped while it visits an account.
pub const VISITS: [&str; 2] = ["connector.visit.written", "connector.visit.committed"];

/// Those while it keeps what a stream tells.
pub const STREAMS: [&str; 2] = ["connector.stream.written", "connector.stream.committed"];
