//! A gateway that is killed while it takes a file of customers and looks it up.

/// Points at which it can be stopped.
pub const POINTS: [&str; 5] = [
    "gateway.part.written",
    "gateway.part.committed",
    "gateway.rows.leased",
    "gateway.rows.written",
    "gateway.rows.committed",
];
