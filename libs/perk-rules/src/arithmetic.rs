//! Arithmetic that says so when it leaves the numbers, where the one of CEL answers infinity.

use std::sync::{Arc, LazyLock};

use cel::common::types::{CelDouble, DOUBLE_TYPE};
use cel::common::value::CowVal;
use cel::{Env, ExecutionError};

pub(crate) const ADD: &str = "@add";
pub(crate) const SUBTRACT: &str = "@subtract";
pub(crate) const MULTIPLY: &str = "@multiply";
pub(crate) const DIVIDE: &str = "@divide";

/// What [`DIVIDE`] fails with.
pub(crate) const DIVIDES_BY_ZERO: &str = "divides by zero";
/// What each of them fails with.
pub(crate) const TOO_LARGE: &str = "too large";

/// The functions that rules call. `@` keeps ours from being written in one.
pub(crate) static FUNCTIONS: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut functions = Env::stdlib();
    let ours: [(&str, cel::common::functions::Function); 4] = [
        (ADD, |numbers| calculate(&numbers, |left, right| left + right)),
        (SUBTRACT, |numbers| calculate(&numbers, |left, right| left - right)),
        (MULTIPLY, |numbers| calculate(&numbers, |left, right| left * right)),
        (DIVIDE, |numbers| calculate(&numbers, |left, right| left / right)),
    ];
    for (name, function) in ours {
        let declared = functions.add_overload(name, name, vec![DOUBLE_TYPE, DOUBLE_TYPE], function);
        debug_assert!(declared.is_ok(), "each name is declared once");
    }
    Arc::new(functions)
});

/// The nearest number to a whole one.
#[allow(clippy::cast_precision_loss, reason = "as CEL compares whole numbers with others")]
pub(crate) fn to_double(number: i64) -> f64 {
    number as f64
}

fn calculate<'b, 'v>(
    numbers: &[CowVal<'b, 'v>],
    calculation: fn(f64, f64) -> f64,
) -> Result<CowVal<'b, 'v>, ExecutionError> {
    let number = |at: usize| {
        let number = numbers.get(at).and_then(|number| number.downcast_ref::<CelDouble>());
        number.map(|number| *number.inner()).ok_or_else(ExecutionError::missing_argument_or_target)
    };
    let (left, right) = (number(0)?, number(1)?);
    let result = calculation(left, right);
    if result.is_finite() {
        return Ok(CowVal::owned(CelDouble::from(result)));
    }
    // Only a division leaves the numbers by a zero on its right.
    let why = if right == 0.0 { DIVIDES_BY_ZERO } else { TOO_LARGE };
    Err(ExecutionError::function_error(ADD, why))
}
