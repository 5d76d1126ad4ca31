//! Checks types and cost of an expression, and makes it one that can be evaluated.
//!
//! Afterwards no evaluation meets a type that it did not expect: times are numbers of microseconds, whole numbers become
//! broken ones where they meet, and arithmetic that could leave the numbers is done by functions that say so.

use cel::common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, SourceInfo, operators};
use cel::parser::Expression;

use crate::arithmetic::{self, ADD, DIVIDE, MULTIPLY, SUBTRACT};
use crate::explain::one_of_entries;
use crate::moments::{parse_duration, parse_time};
use crate::types::Type;
use crate::variable::Variable;

/// How many parts an expression has at most. 1,000 bytes hardly hold more.
const NODES_MAX: usize = 400;
/// How deep its parts are nested at most: what evaluates them goes as deep.
const DEPTH_MAX: usize = 20;
/// How deep `exists`, `all` and `filter` are nested at most.
const LOOPS_MAX: usize = 2;
/// How many steps an evaluation takes at most, with all lists at their longest.
const STEPS_MAX: u64 = 20_000;

const FUNCTIONS: [&str; 10] = [
    "size",
    "contains",
    "startsWith",
    "endsWith",
    "exists",
    "all",
    "filter",
    "timestamp",
    "duration",
    "double",
];

/// What is wrong with which part.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// The byte at which the part stands.
    pub(crate) byte: usize,
    pub(crate) problem: String,
}

/// What an expression evaluates to, and in how many steps.
#[derive(Debug)]
struct Checked {
    of: Type,
    steps: u64,
}

struct Checker<'a> {
    source: &'a SourceInfo,
    /// The names that `exists`, `all` and `filter` gave to entries, innermost last.
    names: Vec<(String, Type)>,
    nodes: usize,
    depth: usize,
}

/// Checks that an expression is a condition, and makes it one that can be evaluated.
pub(crate) fn check(expression: &mut Expression, source: &SourceInfo) -> Result<(), Wrong> {
    let mut checker = Checker { source, names: Vec::new(), nodes: 0, depth: 0 };
    let id = expression.id;
    let checked = checker.check(expression)?;
    if checked.of != Type::Bool {
        return Err(checker.wrong(id, format!("a rule is a condition, and this is {}", checked.of)));
    }
    if checked.steps > STEPS_MAX {
        return Err(checker.wrong(
            id,
            "it takes too many steps: fewer of `exists`, `all` and `filter` in one another",
        ));
    }
    Ok(())
}

// === impl Checker ===

impl Checker<'_> {
    fn wrong(&self, id: u64, problem: impl Into<String>) -> Wrong {
        let byte = self.source.offset_for(id).map_or(0, |(start, _)| start as usize);
        Wrong { byte, problem: problem.into() }
    }

    fn check(&mut self, expression: &mut Expression) -> Result<Checked, Wrong> {
        self.nodes += 1;
        if self.nodes > NODES_MAX {
            return Err(self.wrong(expression.id, "it has too many parts"));
        }
        if self.depth >= DEPTH_MAX {
            return Err(self.wrong(expression.id, "its parts are nested too deep"));
        }
        self.depth += 1;
        let checked = self.check_kind(expression);
        self.depth -= 1;
        let Checked { of, steps } = checked?;
        Ok(Checked { of, steps: steps.saturating_add(1) })
    }

    fn check_kind(&mut self, expression: &mut Expression) -> Result<Checked, Wrong> {
        let id = expression.id;
        let of = match &mut expression.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::Boolean(_) => Type::Bool,
                LiteralValue::Double(_) => Type::Double,
                LiteralValue::Int(_) => Type::Int,
                LiteralValue::String(_) => Type::String,
                LiteralValue::UInt(_) => {
                    return Err(self.wrong(id, "numbers are written without `u` in rules"));
                }
                LiteralValue::Bytes(_) => {
                    return Err(self.wrong(id, "texts are written without `b` in rules"));
                }
                LiteralValue::Null => {
                    let problem =
                        "there is no `null` in rules: what is not known holds for nobody anyway";
                    return Err(self.wrong(id, problem));
                }
            },
            Expr::Ident(name) => self.type_of_name(id, name)?,
            Expr::List(list) => {
                let Some((first, others)) = list.elements.split_first_mut() else {
                    return Err(self.wrong(id, "an empty list has nothing in it"));
                };
                let length_max = others.len() as u64 + 1;
                let Checked { of, mut steps } = self.check(first)?;
                for other in others {
                    let checked = self.check(other)?;
                    if !of.equals_with(&checked.of) {
                        let problem =
                            format!("the list begins with {of}, and this is {}", checked.of);
                        return Err(self.wrong(other.id, problem));
                    }
                    steps = steps.saturating_add(checked.steps);
                }
                return Ok(Checked { of: Type::List { of: Box::new(of), length_max }, steps });
            }
            Expr::Call(_) => return self.check_call(expression),
            Expr::Comprehension(comprehension) => {
                let wanted = one_of_entries(comprehension);
                let checked = self.check_loop(id, comprehension)?;
                if let Some((list, wanted)) = wanted {
                    *expression = has_one_of(id, list, &wanted);
                }
                return Ok(checked);
            }
            Expr::Select(select) => {
                let checked = self.check(&mut select.operand)?;
                let problem = format!("{} has no `{}`", checked.of, select.field);
                return Err(self.wrong(id, problem));
            }
            Expr::Map(_) | Expr::Struct(_) => {
                return Err(self.wrong(id, "there are no `{` and `}` in rules"));
            }
            Expr::Unspecified => return Err(self.wrong(id, "something is missing here")),
        };
        Ok(Checked { of, steps: 0 })
    }

    fn type_of_name(&self, id: u64, name: &str) -> Result<Type, Wrong> {
        if let Some((_, of)) = self.names.iter().rev().find(|(other, _)| other == name) {
            return Ok(of.clone());
        }
        if let Some(variable) = Variable::from_name(name) {
            return Ok(variable.of_type());
        }
        let there_are = Variable::ALL.map(Variable::name);
        let mut problem = format!("there is no `{name}`; there are {}", there_are.join(", "));
        if let Some(near) = nearest(name, &there_are) {
            problem = format!(
                "there is no `{name}`: did you mean `{near}`? There are {}",
                there_are.join(", ")
            );
        }
        Err(self.wrong(id, problem))
    }

    fn check_call(&mut self, expression: &mut Expression) -> Result<Checked, Wrong> {
        let id = expression.id;
        let Expr::Call(call) = &mut expression.expr else {
            return Err(self.wrong(id, "something is missing here"));
        };
        if call.target.is_some() {
            return self.check_method(id, call);
        }
        match (call.func_name.as_str(), call.args.len()) {
            ("timestamp", 1) => {
                let text = literal_text(&call.args[0]);
                let micros = text.and_then(parse_time).ok_or_else(|| {
                    let problem = "a time is written as in timestamp(\"2026-01-31T00:00:00Z\")";
                    self.wrong(call.args[0].id, problem)
                })?;
                expression.expr = Expr::Literal(LiteralValue::Int(micros.into()));
                Ok(Checked { of: Type::Timestamp, steps: 0 })
            }
            ("duration", 1) => {
                let text = literal_text(&call.args[0]);
                let micros = text.and_then(parse_duration).ok_or_else(|| {
                    let problem =
                        "a duration is written as in duration(\"720h\"), with h, m, s or ms";
                    self.wrong(call.args[0].id, problem)
                })?;
                expression.expr = Expr::Literal(LiteralValue::Int(micros.into()));
                Ok(Checked { of: Type::Duration, steps: 0 })
            }
            ("size", 1) => {
                let Checked { of, steps } = self.check(&mut call.args[0])?;
                self.has_size(call.args[0].id, &of)?;
                Ok(Checked { of: Type::Int, steps })
            }
            ("double", 1) => {
                let Checked { of, steps } = self.check(&mut call.args[0])?;
                if !of.is_number() {
                    return Err(self.wrong(
                        call.args[0].id,
                        format!("`double` takes a number, and this is {of}"),
                    ));
                }
                Ok(Checked { of: Type::Double, steps })
            }
            (operators::LOGICAL_NOT | operators::NEGATE, 1) => self.check_unary(id, call),
            (operators::CONDITIONAL, 3) => self.check_choice(id, call),
            (name, 2) if name.starts_with(['_', '@']) => self.check_binary(id, call),
            (name, _) => Err(self.no_function(id, name)),
        }
    }

    fn check_unary(&mut self, id: u64, call: &mut CallExpr) -> Result<Checked, Wrong> {
        let is_not = call.func_name == operators::LOGICAL_NOT;
        let checked = self.check(&mut call.args[0])?;
        if is_not && checked.of != Type::Bool {
            return Err(
                self.wrong(id, format!("`!` needs a condition, and this is {}", checked.of))
            );
        }
        if !is_not && !checked.of.is_number() && checked.of != Type::Duration {
            return Err(self.wrong(id, format!("`-` needs a number, and this is {}", checked.of)));
        }
        Ok(checked)
    }

    fn check_choice(&mut self, id: u64, call: &mut CallExpr) -> Result<Checked, Wrong> {
        let [condition, yes, no] = call.args.as_mut_slice() else {
            return Err(self.wrong(id, "something is missing here"));
        };
        let checked = self.check(condition)?;
        if checked.of != Type::Bool {
            let problem =
                format!("a condition has to stand before `?`, and this is {}", checked.of);
            return Err(self.wrong(condition.id, problem));
        }
        let (if_so, if_not) = (self.check(yes)?, self.check(no)?);
        let steps = checked.steps.saturating_add(if_so.steps).saturating_add(if_not.steps);
        let of = if if_so.of.is_number() && if_not.of.is_number() {
            unify(yes, &if_so.of, no, &if_not.of)
        } else if if_so.of == if_not.of {
            if_so.of
        } else {
            let problem = format!("before `:` stands {}, and behind it {}", if_so.of, if_not.of);
            return Err(self.wrong(no.id, problem));
        };
        Ok(Checked { of, steps })
    }

    fn check_binary(&mut self, id: u64, call: &mut CallExpr) -> Result<Checked, Wrong> {
        let [left, right] = call.args.as_mut_slice() else {
            return Err(self.wrong(id, "something is missing here"));
        };
        let symbol = call.func_name.trim_matches(['_', '@']).to_owned();
        let name = call.func_name.as_str();
        let is_arithmetic = matches!(
            name,
            operators::ADD | operators::SUBSTRACT | operators::MULTIPLY | operators::DIVIDE
        );
        let is_known = is_arithmetic
            || matches!(
                name,
                operators::LOGICAL_AND
                    | operators::LOGICAL_OR
                    | operators::EQUALS
                    | operators::NOT_EQUALS
                    | operators::LESS
                    | operators::LESS_EQUALS
                    | operators::GREATER
                    | operators::GREATER_EQUALS
                    | operators::IN
            );
        if !is_known {
            let symbol = if name == operators::INDEX { "[ ]" } else { &symbol };
            return Err(self.wrong(id, format!("there is no `{symbol}` in rules")));
        }
        let (first, second) = (self.check(left)?, self.check(right)?);
        let mut steps = first.steps.saturating_add(second.steps);
        let of = match name {
            operators::LOGICAL_AND | operators::LOGICAL_OR => {
                for (part, of) in [(&*left, &first.of), (&*right, &second.of)] {
                    if *of != Type::Bool {
                        let problem = format!("`{symbol}` joins conditions, and this is {of}");
                        return Err(self.wrong(part.id, problem));
                    }
                }
                Type::Bool
            }
            operators::EQUALS | operators::NOT_EQUALS => {
                if !first.of.equals_with(&second.of) {
                    return Err(self.wrong(right.id, differs(&symbol, &first.of, &second.of)));
                }
                Type::Bool
            }
            operators::IN => {
                let Type::List { of, length_max } = &second.of else {
                    let problem = format!("`in` looks into a list, and this is {}", second.of);
                    return Err(self.wrong(right.id, problem));
                };
                if !first.of.equals_with(of) {
                    let problem =
                        format!("`in` looks for {} in a list of which each is {of}", first.of);
                    return Err(self.wrong(left.id, problem));
                }
                steps = steps.saturating_add(*length_max);
                Type::Bool
            }
            _ if is_arithmetic => match arithmetic_of(name, &first.of, &second.of) {
                Some(Type::Double) => {
                    unify(left, &first.of, right, &second.of);
                    call.func_name = match name {
                        operators::ADD => ADD,
                        operators::SUBSTRACT => SUBTRACT,
                        operators::MULTIPLY => MULTIPLY,
                        _ => DIVIDE,
                    }
                    .to_owned();
                    Type::Double
                }
                Some(of) => of,
                None => {
                    return Err(self.wrong(id, cannot_calculate(&symbol, &first.of, &second.of)));
                }
            },
            _ => {
                if !first.of.compares_with(&second.of) {
                    return Err(self.wrong(right.id, differs(&symbol, &first.of, &second.of)));
                }
                Type::Bool
            }
        };
        Ok(Checked { of, steps })
    }

    fn check_method(&mut self, id: u64, call: &mut CallExpr) -> Result<Checked, Wrong> {
        let name = call.func_name.clone();
        let Some(target) = call.target.as_deref_mut() else {
            return Err(self.no_function(id, &name));
        };
        let Checked { of, mut steps } = self.check(target)?;
        match (name.as_str(), call.args.as_mut_slice()) {
            ("size", []) => {
                self.has_size(target.id, &of)?;
                Ok(Checked { of: Type::Int, steps })
            }
            ("contains" | "startsWith" | "endsWith", [part]) => {
                if of != Type::String {
                    let hint = if matches!(of, Type::List { .. }) {
                        "; `in` looks into lists"
                    } else {
                        ""
                    };
                    return Err(self.wrong(
                        target.id,
                        format!("`{name}` looks into a text, and this is {of}{hint}"),
                    ));
                }
                let checked = self.check(part)?;
                if checked.of != Type::String {
                    return Err(self.wrong(
                        part.id,
                        format!("`{name}` looks for a text, and this is {}", checked.of),
                    ));
                }
                steps = steps.saturating_add(checked.steps);
                Ok(Checked { of: Type::Bool, steps })
            }
            ("exists" | "all" | "filter", _) => Err(self.wrong(
                id,
                format!("`{name}` takes a name and a condition: topics.{name}(t, t == \"coffee\")"),
            )),
            _ => Err(self.no_function(id, &name)),
        }
    }

    /// `exists`, `all` and `filter`, which the parser has written out as loops.
    fn check_loop(
        &mut self,
        id: u64,
        comprehension: &mut ComprehensionExpr,
    ) -> Result<Checked, Wrong> {
        let Checked { of, steps } = self.check(&mut comprehension.iter_range)?;
        let Type::List { of: entry, length_max } = &of else {
            let problem = format!("this goes through a list, and it is {of}");
            return Err(self.wrong(comprehension.iter_range.id, problem));
        };
        let name = comprehension.iter_var.clone();
        if Variable::from_name(&name).is_some()
            || self.names.iter().any(|(other, _)| *other == name)
        {
            return Err(
                self.wrong(id, format!("`{name}` is used already; name the entries otherwise"))
            );
        }
        if self.names.len() >= LOOPS_MAX {
            return Err(self.wrong(
                id,
                "`exists`, `all` and `filter` are nested too deep; two levels is the most",
            ));
        }
        let Some(Loop { condition, answers_list }) = loop_of(comprehension) else {
            return Err(self.wrong(
                id,
                "of what goes through a list there are `exists`, `all` and `filter` in rules",
            ));
        };
        self.names.push((name, (**entry).clone()));
        let checked = self.check(condition);
        self.names.pop();
        let checked = checked?;
        if checked.of != Type::Bool {
            let problem = format!("a condition has to stand here, and this is {}", checked.of);
            return Err(self.wrong(condition.id, problem));
        }
        // The loop itself takes a few steps beside the condition.
        let each = checked.steps.saturating_add(4);
        let steps = steps.saturating_add(each.saturating_mul(*length_max));
        Ok(Checked { of: if answers_list { of } else { Type::Bool }, steps })
    }

    fn has_size(&self, id: u64, of: &Type) -> Result<(), Wrong> {
        if matches!(of, Type::String | Type::List { .. }) {
            return Ok(());
        }
        Err(self.wrong(id, format!("`size` counts a list or a text, and this is {of}")))
    }

    fn no_function(&self, id: u64, name: &str) -> Wrong {
        let there_are = FUNCTIONS.join(", ");
        if FUNCTIONS.contains(&name) {
            return self
                .wrong(id, format!("`{name}` is not used like that; see the examples of rules"));
        }
        match nearest(name, &FUNCTIONS) {
            Some(near) => self.wrong(
                id,
                format!(
                    "there is no function `{name}`: did you mean `{near}`? There are {there_are}"
                ),
            ),
            None => self.wrong(id, format!("there is no function `{name}`; there are {there_are}")),
        }
    }
}

/// Whether one of some texts is in a list, which is answered many times faster than a loop through the list.
fn has_one_of(id: u64, list: Variable, wanted: &[String]) -> Expression {
    let (func_name, args) = match wanted {
        [_, _, ..] => {
            let (left, right) = wanted.split_at(wanted.len() / 2);
            (operators::LOGICAL_OR, vec![has_one_of(id, list, left), has_one_of(id, list, right)])
        }
        _ => {
            let text = wanted.first().cloned().unwrap_or_default();
            let text = Expression { id, expr: Expr::Literal(LiteralValue::String(text.into())) };
            let list = Expression { id, expr: Expr::Ident(list.name().to_owned()) };
            (operators::IN, vec![text, list])
        }
    };
    Expression {
        id,
        expr: Expr::Call(CallExpr { func_name: func_name.to_owned(), target: None, args }),
    }
}

/// What a loop asks of each entry.
struct Loop<'a> {
    condition: &'a mut Expression,
    /// Whether it answers the entries for which that holds.
    answers_list: bool,
}

fn loop_of(comprehension: &mut ComprehensionExpr) -> Option<Loop<'_>> {
    let starts_with_list = matches!(comprehension.accu_init.expr, Expr::List(_));
    let starts_with_bool =
        matches!(comprehension.accu_init.expr, Expr::Literal(LiteralValue::Boolean(_)));
    if comprehension.iter_var2.is_some() {
        return None;
    }
    let Expr::Call(step) = &mut comprehension.loop_step.expr else { return None };
    let (at, answers_list) = match (step.func_name.as_str(), step.args.as_slice()) {
        (operators::LOGICAL_OR | operators::LOGICAL_AND, [_, _]) if starts_with_bool => (1, false),
        // `map` with a condition has the same shape, but adds something else than the entry.
        (operators::CONDITIONAL, [_, added, _])
            if starts_with_list && adds_entry(added, &comprehension.iter_var) =>
        {
            (0, true)
        }
        _ => return None,
    };
    let condition = step.args.get_mut(at)?;
    Some(Loop { condition, answers_list })
}

fn adds_entry(added: &Expression, iter_var: &str) -> bool {
    let Expr::Call(call) = &added.expr else { return false };
    let Some(Expr::List(list)) = call.args.get(1).map(|list| &list.expr) else { return false };
    matches!(list.elements.as_slice(), [entry] if matches!(&entry.expr, Expr::Ident(name) if name == iter_var))
}

/// What comes out of arithmetic, if anything does.
fn arithmetic_of(operator: &str, left: &Type, right: &Type) -> Option<Type> {
    match (operator, left, right) {
        (_, Type::Int, Type::Int) => Some(Type::Int),
        (_, left, right) if left.is_number() && right.is_number() => Some(Type::Double),
        (operators::ADD | operators::SUBSTRACT, Type::Timestamp, Type::Duration)
        | (operators::ADD, Type::Duration, Type::Timestamp) => Some(Type::Timestamp),
        (operators::ADD | operators::SUBSTRACT, Type::Duration, Type::Duration)
        | (operators::SUBSTRACT, Type::Timestamp, Type::Timestamp) => Some(Type::Duration),
        _ => None,
    }
}

/// Makes a whole number a broken one where the other is.
fn unify(
    left: &mut Expression,
    left_type: &Type,
    right: &mut Expression,
    right_type: &Type,
) -> Type {
    match (left_type, right_type) {
        (Type::Int, Type::Double) => make_double(left),
        (Type::Double, Type::Int) => make_double(right),
        (same, _) => return same.clone(),
    }
    Type::Double
}

fn make_double(expression: &mut Expression) {
    let id = expression.id;
    let whole = std::mem::take(expression);
    let expr = if let Expr::Literal(LiteralValue::Int(number)) = whole.expr {
        Expr::Literal(LiteralValue::Double(arithmetic::to_double(number.into_inner()).into()))
    } else {
        Expr::Call(CallExpr { func_name: "double".to_owned(), target: None, args: vec![whole] })
    };
    *expression = Expression { id, expr };
}

fn literal_text(expression: &Expression) -> Option<&str> {
    let Expr::Literal(LiteralValue::String(text)) = &expression.expr else { return None };
    Some(text.inner())
}

fn differs(symbol: &str, left: &Type, right: &Type) -> String {
    if matches!((left, right), (Type::List { .. }, _) | (_, Type::List { .. })) {
        return format!("`{symbol}` does not compare lists; `in` looks into one");
    }
    if left == right {
        return format!("`{symbol}` cannot compare {left} with another");
    }
    format!("`{symbol}` compares {left} with {right}")
}

fn cannot_calculate(symbol: &str, left: &Type, right: &Type) -> String {
    format!("`{symbol}` cannot calculate with {left} and {right}")
}

/// What somebody may have meant who wrote something else.
fn nearest(name: &str, names: &[&'static str]) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    names
        .iter()
        .map(|other| (strsim::damerau_levenshtein(&name, &other.to_ascii_lowercase()), *other))
        .filter(|(distance, other)| *distance <= 1 + other.len() / 5)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, other)| other)
}
