//! What shape a condition has, as it was written.

#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "a shape is one of a few among all that an expression can be"
)]

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators};
use cel::parser::Expression;
use time::OffsetDateTime;

use super::{Comparison, Counted, How, Need, number_text};
use crate::arithmetic::to_double;
use crate::moments::{parse_time, time_of};
use crate::variable::Variable;

pub(super) fn shape_of(condition: &Expression) -> Option<Need> {
    match &condition.expr {
        Expr::Call(call) if call.target.is_none() => {
            match (call.func_name.as_str(), call.args.as_slice()) {
                (operators::LOGICAL_AND, [_, _]) => {
                    all_of(condition, operators::LOGICAL_AND).map(Need::Each)
                }
                (operators::LOGICAL_OR, [_, _]) => {
                    all_of(condition, operators::LOGICAL_OR).map(Need::Either)
                }
                (operators::LOGICAL_NOT, [denied]) => denied_shape_of(denied),
                (operators::IN, [entry, list]) => membership(entry, list),
                (operator, [left, right]) => {
                    comparison(Comparison::from_operator(operator)?, left, right)
                }
                _ => None,
            }
        }
        Expr::Comprehension(comprehension) => loop_shape_of(comprehension),
        _ => None,
    }
}

fn all_of(condition: &Expression, operator: &str) -> Option<Vec<Need>> {
    let mut parts = Vec::new();
    joined_by(condition, operator, &mut parts);
    parts.into_iter().map(shape_of).collect()
}

/// What an operator joins, from left to right.
pub(crate) fn joined_by<'a>(
    expression: &'a Expression,
    operator: &str,
    parts: &mut Vec<&'a Expression>,
) {
    match &expression.expr {
        Expr::Call(CallExpr { func_name, target: None, args })
            if func_name == operator && args.len() == 2 =>
        {
            for part in args {
                joined_by(part, operator, parts);
            }
        }
        _ => parts.push(expression),
    }
}

fn denied_shape_of(denied: &Expression) -> Option<Need> {
    Some(match shape_of(denied)? {
        Need::Number { of, is, bound, bound_text } => {
            Need::Number { of, is: is.denied(), bound, bound_text }
        }
        Need::Joined { is, bound } => Need::Joined { is: is.denied(), bound },
        Need::Place { of, in_one_of, is_denied } => {
            Need::Place { of, in_one_of, is_denied: !is_denied }
        }
        Need::Entries { of, wanted, how: How::OneOf } => {
            Need::Entries { of, wanted, how: How::NoneOf }
        }
        Need::Entries { of, wanted, how: How::NoneOf } => {
            Need::Entries { of, wanted, how: How::OneOf }
        }
        Need::Entries { .. } | Need::Each(_) | Need::Either(_) | Need::Other(_) => return None,
    })
}

fn comparison(is: Comparison, left: &Expression, right: &Expression) -> Option<Need> {
    if let (None, Some(_)) = (subject(left), subject(right)) {
        return comparison(is.mirrored(), right, left);
    }
    match subject(left)? {
        Counted::Variable(of @ (Variable::Country | Variable::City)) => {
            let is_denied = match is {
                Comparison::Equal => false,
                Comparison::NotEqual => true,
                _ => return None,
            };
            Some(Need::Place { of, in_one_of: vec![text(right)?], is_denied })
        }
        Counted::Variable(Variable::MemberSince) => {
            Some(Need::Joined { is, bound: moment(right)? })
        }
        Counted::Variable(Variable::Topics | Variable::Languages | Variable::Networks) => None,
        of @ (Counted::Variable(_) | Counted::SizeOf(_)) => {
            let bound = number(right)?;
            Some(Need::Number { of, is, bound, bound_text: number_text(bound) })
        }
    }
}

fn subject(expression: &Expression) -> Option<Counted> {
    match &expression.expr {
        Expr::Ident(_) => variable(expression).map(Counted::Variable),
        Expr::Call(call) if call.func_name == "size" => {
            let list = call.target.as_deref().or(call.args.first())?;
            list_variable(list).map(Counted::SizeOf)
        }
        _ => None,
    }
}

fn membership(entry: &Expression, list: &Expression) -> Option<Need> {
    if let Some(of) = list_variable(list) {
        return Some(Need::Entries { of, wanted: vec![text(entry)?], how: How::OneOf });
    }
    match variable(entry)? {
        of @ (Variable::Country | Variable::City) => {
            Some(Need::Place { of, in_one_of: texts(list)?, is_denied: false })
        }
        _ => None,
    }
}

/// Which texts a loop looks for in a list of somebody's, if that is all that it does and one of them suffices.
pub(crate) fn one_of_entries(comprehension: &ComprehensionExpr) -> Option<(Variable, Vec<String>)> {
    match loop_shape_of(comprehension)? {
        Need::Entries { of, wanted, how: How::OneOf } => Some((of, wanted)),
        _ => None,
    }
}

/// `topics.exists(t, t == "a" || t in ["b"])`, `["a"].exists(t, t in topics)` and `["a"].all(t, t in topics)`.
fn loop_shape_of(comprehension: &ComprehensionExpr) -> Option<Need> {
    let Expr::Call(step) = &comprehension.loop_step.expr else { return None };
    let how = match step.func_name.as_str() {
        operators::LOGICAL_OR => How::OneOf,
        operators::LOGICAL_AND => How::All,
        _ => return None,
    };
    let condition = step.args.get(1)?;
    let is_entry = |expression: &Expression| matches!(&expression.expr, Expr::Ident(name) if *name == comprehension.iter_var);
    if let Some(wanted) = texts(&comprehension.iter_range) {
        let Expr::Call(call) = &condition.expr else { return None };
        return match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::IN, [entry, list]) if is_entry(entry) => {
                Some(Need::Entries { of: list_variable(list)?, wanted, how })
            }
            _ => None,
        };
    }
    let of = list_variable(&comprehension.iter_range)?;
    if how != How::OneOf {
        return None;
    }
    let mut parts = Vec::new();
    joined_by(condition, operators::LOGICAL_OR, &mut parts);
    let mut wanted = Vec::new();
    for part in parts {
        let Expr::Call(call) = &part.expr else { return None };
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::IN, [entry, list]) if is_entry(entry) => wanted.extend(texts(list)?),
            (operators::EQUALS, [entry, other]) if is_entry(entry) => wanted.push(text(other)?),
            (operators::EQUALS, [other, entry]) if is_entry(entry) => wanted.push(text(other)?),
            _ => return None,
        }
    }
    Some(Need::Entries { of, wanted, how })
}

fn variable(expression: &Expression) -> Option<Variable> {
    match &expression.expr {
        Expr::Ident(name) => Variable::from_name(name),
        _ => None,
    }
}

fn list_variable(expression: &Expression) -> Option<Variable> {
    variable(expression)
        .filter(|of| matches!(of, Variable::Topics | Variable::Languages | Variable::Networks))
}

fn text(expression: &Expression) -> Option<String> {
    match &expression.expr {
        Expr::Literal(LiteralValue::String(text)) => Some(text.inner().to_owned()),
        _ => None,
    }
}

fn texts(expression: &Expression) -> Option<Vec<String>> {
    match &expression.expr {
        Expr::List(list) => list.elements.iter().map(text).collect(),
        _ => None,
    }
}

fn number(expression: &Expression) -> Option<f64> {
    match &expression.expr {
        Expr::Literal(LiteralValue::Int(number)) => Some(to_double(*number.inner())),
        Expr::Literal(LiteralValue::Double(number)) => Some(*number.inner()),
        _ => None,
    }
}

fn moment(expression: &Expression) -> Option<OffsetDateTime> {
    match &expression.expr {
        Expr::Call(call) if call.func_name == "timestamp" => {
            time_of(parse_time(&text(call.args.first()?)?)?)
        }
        _ => None,
    }
}

pub(super) fn variables_of(expression: &Expression, variables: &mut Vec<Variable>) {
    let mut also = |part: &Expression| variables_of(part, variables);
    match &expression.expr {
        Expr::Ident(name) => {
            if let Some(variable) = Variable::from_name(name)
                && !variables.contains(&variable)
            {
                variables.push(variable);
            }
        }
        Expr::Call(call) => call.target.iter().map(AsRef::as_ref).chain(&call.args).for_each(also),
        Expr::List(list) => list.elements.iter().for_each(also),
        Expr::Comprehension(comprehension) => {
            also(&comprehension.iter_range);
            also(&comprehension.loop_step);
        }
        Expr::Select(select) => also(&select.operand),
        Expr::Literal(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {}
    }
}
