//! Conditions that people have to meet.

use cel::common::ast::operators;
use cel::common::types::CelBool;
use cel::parser::Expression;
use cel::{ExecutionError, Value};

use crate::arithmetic::DIVIDES_BY_ZERO;
use crate::check::check;
use crate::explain::{Need, Unsaid, joined_by};
use crate::source::{conditions, error_at};
use crate::syntax::read;
use crate::variable::Variable;
use crate::{Facts, Prepared};

/// A condition that was read and checked.
#[derive(Debug)]
pub struct Rule {
    name: String,
    expression: String,
    conditions: Vec<Condition>,
}

/// What `&&` joins on the outside of a rule.
#[derive(Debug)]
struct Condition {
    text: String,
    checked: Expression,
    need: Need,
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
        let (written, source) = read(expression)?;
        let mut checked = written.clone();
        check(&mut checked, &source)
            .map_err(|wrong| error_at(expression, wrong.byte, wrong.problem))?;

        let (mut parts, mut checked_parts) = (Vec::new(), Vec::new());
        joined_by(&written, operators::LOGICAL_AND, &mut parts);
        joined_by(&checked, operators::LOGICAL_AND, &mut checked_parts);
        let mut texts = conditions(expression);
        // Were they ever counted differently, the rule is told as one condition rather than with texts exchanged.
        if texts.len() != parts.len() || parts.len() != checked_parts.len() {
            (texts, parts, checked_parts) =
                (vec![expression.trim()], vec![&written], vec![&checked]);
        }
        let conditions =
            texts.into_iter().zip(parts).zip(checked_parts).map(|((text, part), checked)| {
                Condition { text: text.to_owned(), checked: checked.clone(), need: Need::of(part) }
            });
        Ok(Self {
            name: name.to_owned(),
            expression: expression.to_owned(),
            conditions: conditions.collect(),
        })
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As it was written.
    #[must_use]
    pub fn expression(&self) -> &str {
        &self.expression
    }

    /// Whether it holds for somebody, and why. What is not known holds for nobody.
    #[must_use]
    pub fn evaluate(&self, facts: &Facts) -> RuleOutcome {
        self.evaluate_prepared(&Prepared::new(facts))
    }

    /// [`Rule::evaluate`] with what is made of somebody's facts once for many rules.
    #[must_use]
    pub fn evaluate_prepared(&self, prepared: &Prepared<'_>) -> RuleOutcome {
        let conditions: Vec<ConditionOutcome> = self
            .conditions
            .iter()
            .map(|condition| {
                let answer = condition.answer(prepared);
                ConditionOutcome {
                    condition: condition.text.clone(),
                    holds: answer == Ok(true),
                    explanation: condition.need.in_words(prepared.facts(), answer),
                }
            })
            .collect();
        RuleOutcome { holds: conditions.iter().all(|condition| condition.holds), conditions }
    }

    /// Whether it holds, without words.
    #[must_use]
    pub fn holds(&self, prepared: &Prepared<'_>) -> bool {
        self.conditions.iter().all(|condition| condition.answer(prepared) == Ok(true))
    }
}

// === impl Condition ===

impl Condition {
    fn answer(&self, prepared: &Prepared<'_>) -> Result<bool, Unsaid> {
        match Value::resolve_val(&self.checked, prepared.context()) {
            Ok(value) => {
                value.downcast_ref::<CelBool>().map(|holds| *holds.inner()).ok_or(Unsaid::Otherwise)
            }
            Err(error) => Err(unsaid(&error)),
        }
    }
}

#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "the errors of evaluation are open; the others cannot come from a checked rule"
)]
fn unsaid(error: &ExecutionError) -> Unsaid {
    match error {
        ExecutionError::UndeclaredReference(name) => {
            Variable::from_name(name).map_or(Unsaid::Otherwise, Unsaid::Unknown)
        }
        ExecutionError::DivisionByZero(_) => Unsaid::DividesByZero,
        ExecutionError::FunctionError { message, .. } if message == DIVIDES_BY_ZERO => {
            Unsaid::DividesByZero
        }
        ExecutionError::FunctionError { .. } | ExecutionError::Overflow(..) => Unsaid::TooLarge,
        _ => Unsaid::Otherwise,
    }
}
