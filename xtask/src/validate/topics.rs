//! How well posts are read: which topics they are said to have, beside those that people gave them.

mod entities;
mod site;

use std::path::Path;

use anyhow::{Result, ensure};

use crate::say;

/// How much better than looking for the names of tags as they are.
const PRECISION_RATIO_MIN: f64 = 1.5;

pub(super) fn run(data: &Path, check: bool) -> Result<()> {
    let site = site::measure(&data.join("stackexchange-quantum"))?;
    say(&site.table(PRECISION_RATIO_MIN));
    say(&entities::measure(&data.join("klout-ontology"))?.table());
    let missed = check && site.ratio() < PRECISION_RATIO_MIN;
    ensure!(!missed, "the precision of tags misses its target");
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of posts and labels")]
fn share(part: usize, of: usize) -> f64 {
    part as f64 / (of.max(1)) as f64
}
