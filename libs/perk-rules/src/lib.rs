//! Who may have a perk, and how many there are.
//!
//! Rules are conditions in the Common Expression Language over [`Facts`]; budgets say what a campaign may still give;
//! a grant goes from one [`GrantState`] to the next. Nothing here waits, reads a clock or draws a number.

mod arithmetic;
mod budget;
mod check;
mod explain;
mod facts;
mod life;
mod moments;
mod prepared;
mod rule;
mod source;
mod syntax;
mod types;
mod variable;

pub use budget::{Ask, Limits, Shortage, Taken, admit};
pub use facts::Facts;
pub use life::{Change, GrantState, Step, StepRefused};
pub use prepared::Prepared;
pub use rule::{ConditionOutcome, Rule, RuleError, RuleOutcome};
