//! What keeps a text from being an expression, in words.

use std::thread;

use cel::common::ast::SourceInfo;
use cel::parser::{Expression, ParseErrors, Parser};

use crate::RuleError;
use crate::source::{error_at, nested_deeper_than};

/// The longest rule, in bytes.
const LENGTH_MAX: usize = 1_000;
/// How deep brackets may be nested: more than anybody can read.
const NESTING_MAX: usize = 12;
/// Enough for a rule of any shape within these limits: the parser takes up to 200 kB for each open bracket when it is
/// built without optimisation, which is more than the stack of a worker has left.
const STACK_BYTES: usize = 16 << 20;
const SYNTAX: &str = "Syntax error: ";

/// Reads an expression, whatever it is.
pub(crate) fn read(source: &str) -> Result<(Expression, SourceInfo), RuleError> {
    if source.len() > LENGTH_MAX {
        let start = source.floor_char_boundary(LENGTH_MAX);
        return Err(error_at(source, start, "a rule has at most 1,000 bytes"));
    }
    if source.trim().is_empty() {
        return Err(error_at(source, 0, "it is empty"));
    }
    if let Some(byte) = nested_deeper_than(source, NESTING_MAX) {
        return Err(error_at(source, byte, "brackets are nested too deep; 12 levels is the most"));
    }
    // The limit of the parser holds where a broken string hides brackets from the count above.
    let parse = || {
        let depth_max = u16::try_from(NESTING_MAX).unwrap_or(u16::MAX) + 4;
        Parser::new().max_recursion_depth(depth_max).parse_with_source_info(source)
    };
    let parsed = thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("rule".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, parse);
        reader.ok().and_then(|reader| reader.join().ok())
    });
    match parsed {
        Some(Ok(parsed)) => Ok(parsed),
        Some(Err(errors)) => Err(in_words(source, &errors)),
        None => Err(error_at(source, 0, "it cannot be read")),
    }
}

/// The first of the parser's complaints, as somebody would say it who knows what rules look like.
fn in_words(source: &str, errors: &ParseErrors) -> RuleError {
    let Some(error) = errors.errors.first() else {
        return error_at(source, 0, "it cannot be read");
    };
    let line = usize::try_from(error.pos.0).unwrap_or(1).max(1);
    let column = usize::try_from(error.pos.1).unwrap_or(1).max(1);
    if let Some(message) = error.msg.strip_prefix(SYNTAX) {
        return RuleError { line, column, problem: syntax(message) };
    }
    // The columns of macros count bytes, all others characters.
    let line_start: usize = source.split_inclusive('\n').take(line - 1).map(str::len).sum();
    match error.msg.as_str() {
        "argument must be a simple name" => {
            let problem = "a name has to stand here, as in topics.exists(t, t == \"coffee\")";
            return error_at(source, line_start + column - 1, problem);
        }
        "invalid argument to has() macro" => {
            let problem = "there is no `has` in rules: what is not known holds for nobody anyway";
            return error_at(source, line_start + column - 1, problem);
        }
        _ => {}
    }
    let problem = match error.msg.as_str() {
        "invalid int literal" | "invalid uint literal" => "the number is too large".to_owned(),
        "invalid double literal" => "this is no number".to_owned(),
        other => match other.strip_prefix("reserved identifier: ") {
            Some(word) => format!("`{word}` is no name that can be used"),
            None => other.to_owned(),
        },
    };
    RuleError { line, column, problem }
}

fn syntax(message: &str) -> String {
    if let Some(text) = message.strip_prefix("token recognition error at: ") {
        let text = unquoted(text);
        return match text.trim() {
            "=" => "`=` is not used in rules; `==` compares".to_owned(),
            "=>" => "`=>` is not used in rules; `>=` is `or more`".to_owned(),
            "=<" => "`=<` is not used in rules; `<=` is `or less`".to_owned(),
            "&" => "`&` is not used in rules; `&&` joins conditions".to_owned(),
            "|" => {
                "`|` is not used in rules; `||` joins conditions of which one suffices".to_owned()
            }
            quoted if quoted.starts_with(['"', '\'']) => {
                "the text that starts here does not end".to_owned()
            }
            other => format!("`{other}` is not used in rules"),
        };
    }
    if let Some(missing) = message.strip_prefix("missing ") {
        let missing = missing.split(" at ").next().unwrap_or(missing);
        return format!("`{}` is missing", unquoted(missing));
    }
    let found = message.split_once("input '").map_or(message, |(_, rest)| {
        let end = rest.rfind("' expecting").unwrap_or(rest.trim_end_matches('\'').len());
        rest.get(..end).unwrap_or(rest)
    });
    match found {
        "<EOF>" => "something is missing at the end".to_owned(),
        "and" | "AND" => "`and` is written `&&`".to_owned(),
        "or" | "OR" => "`or` is written `||`".to_owned(),
        found if found.contains("OtherError") => "it is nested too deep".to_owned(),
        found => format!("`{}` does not belong here", found.replace("<EOF>", "")),
    }
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text)
}
