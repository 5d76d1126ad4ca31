//! Somebody's facts, as rules read them.

use std::fmt;
use std::sync::Arc;

use cel::Context;
use cel::common::types::{CelDouble, CelInt, CelList, CelString};
use cel::common::value::Val;

use crate::Facts;
use crate::arithmetic::FUNCTIONS;
use crate::moments::micros_of;
use crate::variable::Variable;

/// Somebody's facts, made ready once to be asked by many rules.
pub struct Prepared<'a> {
    facts: &'a Facts,
    context: Context<'a, 'a>,
}

// === impl Prepared ===

impl<'a> Prepared<'a> {
    /// Makes somebody's facts ready.
    #[must_use]
    pub fn new(facts: &'a Facts) -> Self {
        let mut context = Context::with_env(Arc::clone(&FUNCTIONS));
        // What is not known is not declared: asking for it is the error that `&&` and `||` know how to pass by.
        for variable in Variable::ALL {
            if let Some(value) = value_of(facts, variable) {
                context.add_variable_as_val(variable.name(), value);
            }
        }
        Self { facts, context }
    }

    /// What it was made of.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        self.facts
    }

    pub(crate) fn context(&self) -> &Context<'a, 'a> {
        &self.context
    }
}

impl fmt::Debug for Prepared<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Prepared").field("facts", self.facts).finish_non_exhaustive()
    }
}

fn value_of(facts: &Facts, variable: Variable) -> Option<Box<dyn Val + '_>> {
    let double = |number: Option<f64>| {
        let number = number.filter(|number| number.is_finite())?;
        Some(Box::new(CelDouble::from(number)) as Box<dyn Val>)
    };
    match variable {
        Variable::Score => double(facts.score),
        Variable::Percentile => double(facts.percentile),
        Variable::Confidence => double(facts.confidence),
        Variable::TrueReach => double(facts.true_reach),
        Variable::Amplification => double(facts.amplification),
        Variable::NetworkImpact => double(facts.network_impact),
        Variable::Topics => Some(list(&facts.topics)),
        Variable::Country => text(facts.country.as_deref()),
        Variable::City => text(facts.city.as_deref()),
        Variable::Languages => Some(list(&facts.languages)),
        Variable::Networks => Some(list(&facts.networks)),
        Variable::MemberSince => Some(Box::new(CelInt::from(micros_of(facts.member_since?)?))),
        Variable::PlusK => Some(Box::new(CelInt::from(i64::from(facts.plus_k)))),
    }
}

fn text(text: Option<&str>) -> Option<Box<dyn Val + '_>> {
    Some(Box::new(CelString::from(text?)))
}

fn list(entries: &[String]) -> Box<dyn Val + '_> {
    let entries: Vec<Box<dyn Val + '_>> = entries
        .iter()
        .map(|entry| Box::new(CelString::from(entry.as_str())) as Box<dyn Val + '_>)
        .collect();
    Box::new(CelList::from(entries))
}
