//! Says in words what a condition needs and what somebody has.
//!
//! Words are chosen when a rule is read, from the shape of each condition; what somebody has is put in when it is
//! evaluated. Whether the condition holds is never decided here.

use std::fmt::Write as _;

use cel::common::ast::operators;
use cel::parser::Expression;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::Facts;
use crate::variable::Variable;

mod shape;

pub(crate) use shape::{joined_by, one_of_entries};
use shape::{shape_of, variables_of};

/// How many entries of a list are told.
const TOLD_MAX: usize = 5;

/// Why it cannot be said whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsaid {
    Unknown(Variable),
    DividesByZero,
    TooLarge,
    /// Nothing that a checked rule meets.
    Otherwise,
}

/// What a condition needs.
#[derive(Debug)]
pub(crate) enum Need {
    /// A number, compared with one that stands there.
    Number { of: Counted, is: Comparison, bound: f64, bound_text: String },
    /// To have joined before or after a time.
    Joined { is: Comparison, bound: OffsetDateTime },
    /// To live in one of these, or not.
    Place { of: Variable, in_one_of: Vec<String>, is_denied: bool },
    /// To have one of these in a list, all of them, or none.
    Entries { of: Variable, wanted: Vec<String>, how: How },
    /// Each of these.
    Each(Vec<Self>),
    /// One of these.
    Either(Vec<Self>),
    /// Something that has no words of its own, made of these.
    Other(Vec<Variable>),
}

/// What is counted or measured.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Counted {
    Variable(Variable),
    SizeOf(Variable),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    LessOrEqual,
    Equal,
    NotEqual,
    GreaterOrEqual,
    Greater,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    OneOf,
    All,
    NoneOf,
}

// === impl Need ===

impl Need {
    /// What a condition needs, by its shape as it was written.
    pub(crate) fn of(condition: &Expression) -> Self {
        shape_of(condition).unwrap_or_else(|| {
            let mut variables = Vec::new();
            variables_of(condition, &mut variables);
            Self::Other(variables)
        })
    }

    /// In words, for somebody.
    pub(crate) fn in_words(&self, facts: &Facts, answer: Result<bool, Unsaid>) -> String {
        let mut words = String::with_capacity(64);
        if let Err(Unsaid::Otherwise) = answer {
            return "it cannot be told".to_owned();
        }
        self.write(&mut words, facts, answer);
        words
    }

    fn write(&self, words: &mut String, facts: &Facts, answer: Result<bool, Unsaid>) {
        match self {
            Self::Number { of, is, bound, bound_text } => {
                write_number(words, facts, *of, *is, *bound, bound_text)
            }
            Self::Joined { is, bound } => write_joined(words, facts, *is, *bound),
            Self::Place { of, in_one_of, is_denied } => {
                write_place(words, facts, *of, in_one_of, *is_denied)
            }
            Self::Entries { of, wanted, how } => write_entries(words, facts, *of, wanted, *how),
            Self::Each(needs) | Self::Either(needs) => {
                let between = if matches!(self, Self::Each(_)) { ", and " } else { "; or " };
                for (at, need) in needs.iter().enumerate() {
                    if at > 0 {
                        words.push_str(between);
                    }
                    need.write(words, facts, answer);
                }
            }
            Self::Other(variables) => write_other(words, facts, variables, answer),
        }
    }
}

// === impl Comparison ===

impl Comparison {
    fn from_operator(operator: &str) -> Option<Self> {
        Some(match operator {
            operators::LESS => Self::Less,
            operators::LESS_EQUALS => Self::LessOrEqual,
            operators::EQUALS => Self::Equal,
            operators::NOT_EQUALS => Self::NotEqual,
            operators::GREATER_EQUALS => Self::GreaterOrEqual,
            operators::GREATER => Self::Greater,
            _ => return None,
        })
    }

    #[allow(clippy::float_cmp, reason = "as the rule compares")]
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::GreaterOrEqual => left >= right,
            Self::Greater => left > right,
        }
    }

    /// With its sides exchanged.
    fn mirrored(self) -> Self {
        match self {
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Greater => Self::Less,
            Self::Equal | Self::NotEqual => self,
        }
    }

    /// When the whole of it is denied.
    fn denied(self) -> Self {
        match self {
            Self::Less => Self::GreaterOrEqual,
            Self::LessOrEqual => Self::Greater,
            Self::Equal => Self::NotEqual,
            Self::NotEqual => Self::Equal,
            Self::GreaterOrEqual => Self::Less,
            Self::Greater => Self::LessOrEqual,
        }
    }
}

fn write_number(
    words: &mut String,
    facts: &Facts,
    of: Counted,
    is: Comparison,
    bound: f64,
    bound_text: &str,
) {
    let Some(has) = number_of(facts, of) else {
        if let Counted::Variable(variable) = of {
            words.push_str(variable.unknown());
        }
        return;
    };
    let one = bound_text == "1";
    let (before, unit) = match of {
        Counted::Variable(Variable::Percentile) => ("a percentile of ", ""),
        Counted::Variable(Variable::Confidence) => ("a confidence of ", ""),
        Counted::Variable(Variable::TrueReach) => ("a true reach of ", ""),
        Counted::Variable(Variable::Amplification) => ("an amplification of ", ""),
        Counted::Variable(Variable::NetworkImpact) => ("a network impact of ", ""),
        Counted::Variable(Variable::PlusK) => ("", " +K"),
        Counted::SizeOf(Variable::Languages) => ("", if one { " language" } else { " languages" }),
        Counted::SizeOf(Variable::Networks) => ("", if one { " network" } else { " networks" }),
        Counted::SizeOf(_) => ("", if one { " topic" } else { " topics" }),
        Counted::Variable(_) => ("", ""),
    };
    words.push_str("needs ");
    words.push_str(before);
    let (more_than, or_more) = match is {
        Comparison::Less => ("less than ", ""),
        Comparison::LessOrEqual => ("", " or less"),
        Comparison::Equal => ("exactly ", ""),
        Comparison::NotEqual => ("other than ", ""),
        Comparison::GreaterOrEqual => ("", " or more"),
        Comparison::Greater => ("more than ", ""),
    };
    words.extend([more_than, bound_text, unit, or_more, ", you have "]);
    write_number_had(words, has, decimals_of(of), |number| is.holds(number, bound));
}

fn number_of(facts: &Facts, of: Counted) -> Option<f64> {
    let number = match of {
        Counted::Variable(Variable::Score) => facts.score,
        Counted::Variable(Variable::Percentile) => facts.percentile,
        Counted::Variable(Variable::Confidence) => facts.confidence,
        Counted::Variable(Variable::TrueReach) => facts.true_reach,
        Counted::Variable(Variable::Amplification) => facts.amplification,
        Counted::Variable(Variable::NetworkImpact) => facts.network_impact,
        Counted::Variable(Variable::PlusK) => Some(f64::from(facts.plus_k)),
        Counted::SizeOf(list) => list_of(facts, list)
            .map(|list| f64::from(u32::try_from(list.len()).unwrap_or(u32::MAX))),
        Counted::Variable(_) => None,
    };
    number.filter(|number| number.is_finite())
}

fn list_of(facts: &Facts, list: Variable) -> Option<&[String]> {
    if list == Variable::Topics {
        Some(&facts.topics)
    } else if list == Variable::Languages {
        Some(&facts.languages)
    } else if list == Variable::Networks {
        Some(&facts.networks)
    } else {
        None
    }
}

/// How many decimals are told when they make no difference.
fn decimals_of(of: Counted) -> usize {
    match of {
        Counted::Variable(Variable::Confidence) => 2,
        Counted::Variable(Variable::TrueReach | Variable::PlusK) | Counted::SizeOf(_) => 0,
        Counted::Variable(_) => 1,
    }
}

/// Writes a number so short that what was asked of it is answered the same: 39.97 is not 40 or more.
fn write_number_had(words: &mut String, number: f64, decimals: usize, asked: impl Fn(f64) -> bool) {
    let start = words.len();
    if number.abs() < 1e15 {
        for decimals in decimals..=12 {
            words.truncate(start);
            // Writing into a string does not fail.
            let _ = write!(words, "{number:.decimals$}");
            if words[start..].parse().is_ok_and(|written| asked(written) == asked(number)) {
                if words[start..].contains('.') {
                    let kept = words[start..].trim_end_matches('0').trim_end_matches('.').len();
                    words.truncate(start + kept);
                }
                return;
            }
        }
        words.truncate(start);
    }
    words.push_str(&number_text(number));
}

fn number_text(number: f64) -> String {
    if number != 0.0 && !(1e-6..1e15).contains(&number.abs()) {
        format!("{number:e}")
    } else {
        number.to_string()
    }
}

fn write_joined(words: &mut String, facts: &Facts, is: Comparison, bound: OffsetDateTime) {
    let Some(joined) = facts.member_since else {
        words.push_str(Variable::MemberSince.unknown());
        return;
    };
    // Days say it as long as the hour cannot matter.
    let by_day = bound.time() == time::Time::MIDNIGHT
        && matches!(is, Comparison::Less | Comparison::GreaterOrEqual);
    words.push_str(match is {
        Comparison::Less => "needs to have joined before ",
        Comparison::LessOrEqual => "needs to have joined at the latest at ",
        Comparison::Equal => "needs to have joined exactly at ",
        Comparison::NotEqual => "needs to have joined other than at ",
        Comparison::GreaterOrEqual if by_day => "needs to have joined on or after ",
        Comparison::GreaterOrEqual => "needs to have joined at the earliest at ",
        Comparison::Greater => "needs to have joined after ",
    });
    write_time(words, bound, by_day);
    words.push_str(if by_day { ", you joined on " } else { ", you joined at " });
    write_time(words, joined.to_offset(time::UtcOffset::UTC), by_day);
}

fn write_time(words: &mut String, time: OffsetDateTime, by_day: bool) {
    match time.format(&Rfc3339) {
        Ok(_) if by_day => words.push_str(&time.date().to_string()),
        Ok(written) => words.push_str(&written),
        // A year that has more than four digits.
        Err(_) => words.push_str(&time.to_string()),
    }
}

fn write_place(
    words: &mut String,
    facts: &Facts,
    of: Variable,
    in_one_of: &[String],
    is_denied: bool,
) {
    let (one, many, has) = if of == Variable::Country {
        ("country", "countries", facts.country.as_deref())
    } else {
        ("city", "cities", facts.city.as_deref())
    };
    let Some(has) = has else {
        words.push_str(of.unknown());
        return;
    };
    words.push_str(if is_denied { "is not for the " } else { "needs the " });
    write_named(words, one, many, in_one_of, false);
    words.extend([", yours is ", has]);
}

fn write_entries(words: &mut String, facts: &Facts, of: Variable, wanted: &[String], how: How) {
    let has = list_of(facts, of).unwrap_or_default();
    let (one, many) = if of == Variable::Languages {
        ("language", "languages")
    } else if of == Variable::Networks {
        ("network", "networks")
    } else {
        ("topic", "topics")
    };
    words.push_str(if how == How::NoneOf { "is not for the " } else { "needs the " });
    write_named(words, one, many, wanted, how == How::All);
    let (held, missing): (Vec<&String>, Vec<&String>) =
        wanted.iter().partition(|entry| has.contains(entry));
    if how == How::All && wanted.len() > 1 {
        if !missing.is_empty() {
            words.push_str(", you lack ");
            write_list(words, &missing);
        }
    } else if !held.is_empty() {
        words.push_str(", you have ");
        write_list(words, &held);
    }
}

/// `topic coffee`, or `topics coffee, tea` of which one suffices or not.
fn write_named(words: &mut String, one: &str, many: &str, names: &[String], each: bool) {
    match names {
        [name] => words.extend([one, " ", name]),
        names => {
            words.extend([many, " "]);
            let last = names.len().saturating_sub(1);
            for (at, name) in names.iter().enumerate() {
                if at > 0 {
                    words.push_str(match (at == last, each) {
                        (true, true) => " and ",
                        (true, false) => " or ",
                        (false, _) => ", ",
                    });
                }
                words.push_str(name);
            }
        }
    }
}

fn write_list(words: &mut String, entries: &[&String]) {
    for (at, entry) in entries.iter().take(TOLD_MAX).enumerate() {
        words.extend([if at > 0 { ", " } else { "" }, entry.as_str()]);
    }
    if entries.len() > TOLD_MAX {
        // Writing into a string does not fail.
        let _ = write!(words, " and {} more", entries.len() - TOLD_MAX);
    }
}

fn write_other(
    words: &mut String,
    facts: &Facts,
    variables: &[Variable],
    answer: Result<bool, Unsaid>,
) {
    words.push_str(match answer {
        Ok(true) => "it holds",
        Ok(false) => "it does not hold",
        Err(Unsaid::Unknown(variable)) => {
            words.push_str(variable.unknown());
            return;
        }
        Err(Unsaid::DividesByZero) => "it divides by zero",
        Err(Unsaid::TooLarge) => "a number in it becomes too large",
        Err(Unsaid::Otherwise) => "it cannot be told",
    });
    for (at, variable) in variables.iter().enumerate() {
        words.extend([if at > 0 { ", " } else { " with " }, variable.name(), " "]);
        write_value(words, facts, *variable);
    }
}

fn write_value(words: &mut String, facts: &Facts, variable: Variable) {
    let counted = Counted::Variable(variable);
    if let Some(number) = number_of(facts, counted) {
        return write_number_had(words, number, decimals_of(counted) + 2, |_| true);
    }
    match variable {
        Variable::Topics | Variable::Languages | Variable::Networks => {
            let list: Vec<&String> = list_of(facts, variable).unwrap_or_default().iter().collect();
            if list.is_empty() {
                words.push_str("none");
            }
            write_list(words, &list);
        }
        Variable::Country => words.push_str(facts.country.as_deref().unwrap_or("unknown")),
        Variable::City => words.push_str(facts.city.as_deref().unwrap_or("unknown")),
        Variable::MemberSince => match facts.member_since {
            Some(time) => write_time(words, time.to_offset(time::UtcOffset::UTC), false),
            None => words.push_str("unknown"),
        },
        Variable::Score
        | Variable::Percentile
        | Variable::Confidence
        | Variable::TrueReach
        | Variable::Amplification
        | Variable::NetworkImpact
        | Variable::PlusK => words.push_str("unknown"),
    }
}
