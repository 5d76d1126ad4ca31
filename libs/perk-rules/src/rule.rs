//! Conditions that people have to meet.

use cel::{Context, Program, Value};

use crate::Facts;

/// A condition that was read and checked.
#[derive(Debug)]
pub struct Rule {
    name: String,
    program: Program,
}

/// Where an expression is wrong, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {problem}")]
pub struct RuleError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong there, in words.
    pub problem: String,
}

/// What a rule says about somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOutcome {
    /// Whether it holds.
    pub holds: bool,
    /// What `&&` joins on the outside, in its order.
    pub conditions: Vec<ConditionOutcome>,
}

/// What a part of a rule says about somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionOutcome {
    /// As it stands in the rule.
    pub condition: String,
    /// Whether it holds.
    pub holds: bool,
    /// Such as `needs 40 or more, you have 38`.
    pub explanation: String,
}

// === impl Rule ===

impl Rule {
    /// Reads an expression and checks its types and its cost.
    ///
    /// # Errors
    ///
    /// When it is not one, asks for what there is not, is no condition, or costs too much.
    pub fn parse(name: &str, expression: &str) -> Result<Self, RuleError> {
        let program = Program::compile(expression).map_err(|error| RuleError {
            line: 1,
            column: 1,
            problem: error.to_string(),
        })?;
        Ok(Self { name: name.to_owned(), program })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it holds for somebody, and why. What is not known holds for nobody.
    #[must_use]
    pub fn evaluate(&self, facts: &Facts) -> RuleOutcome {
        let mut context = Context::default();
        if let Some(score) = facts.score {
            context.add_variable_from_value("score", score);
        }
        let holds = matches!(self.program.execute(&context), Ok(Value::Bool(true)));
        RuleOutcome { holds, conditions: Vec::new() }
    }
}
