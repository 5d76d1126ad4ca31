//! to come
use crate::sample::Sample;
pub(crate) fn all(_: &std::path::Path, _: &Sample, _: &Sample) -> anyhow::Result<()> {
    Ok(())
}
