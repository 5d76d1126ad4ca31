//! Who may have a perk, and how many there are.
//!
//! Rules are conditions in the Common Expression Language over [`Facts`]; budgets say what a campaign may still give;
//! a grant goes from one [`State`] to the next. Nothing here waits, reads a clock or draws a number.

mod facts;
mod rule;

pub use facts::Facts;
pub use rule::{ConditionOutcome, Rule, RuleError, RuleOutcome};
