//! Which model an argument names.

use std::{fs, path::Path, sync::Arc};

use klout_score_engine::{Population, Ranked, counted, rank};
use klout_score_math::{Model, counted::Model as CountedModel};

/// A model that is compiled in, or one of a file.
#[derive(Clone, Debug)]
pub(crate) enum ChosenModel {
    /// The first model, which has a formula of its own.
    Counted(&'static CountedModel),
    BuiltIn(&'static Model),
    Own(Arc<Model>),
}

// === impl ChosenModel ===

impl ChosenModel {
    /// The name of the newest model.
    pub(crate) const NEWEST: &'static str = "klout-2027-01";

    /// A name, or the path of a file that ends in `.toml`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Some(model) = CountedModel::by_name(text) {
            return Ok(Self::Counted(model));
        }
        if let Some(model) = Model::built_in().find(|it| it.name() == text) {
            return Ok(Self::BuiltIn(model));
        }
        if Path::new(text).extension().is_none_or(|it| it != "toml") {
            let names: Vec<_> = Model::built_in()
                .map(Model::name)
                .chain(CountedModel::all().map(CountedModel::name))
                .collect();
            let names = names.join(", ");
            return Err(format!(
                "there is no such model; there are {names}, and files that end in .toml"
            ));
        }
        let file = fs::read_to_string(text).map_err(|error| {
            format!(
                "{text} cannot be read: {error}; to begin with, copy \
                 libs/score-math/models/klout-2027-01.toml from the source"
            )
        })?;
        let model = Model::load(&file).map_err(|error| format!("{text}: {error}"))?;
        Ok(Self::Own(Arc::new(model)))
    }

    /// Whether it tells how far a score may be off.
    pub(crate) const fn has_interval(&self) -> bool {
        !matches!(self, Self::Counted(_))
    }

    /// Scores on the threads of the current pool.
    pub(crate) fn rank(&self, population: Population) -> Vec<Ranked> {
        match self {
            Self::Counted(model) => counted::rank(model, population),
            Self::BuiltIn(model) => rank(model, population),
            Self::Own(model) => rank(model, population),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_model_is_the_one_that_is_compiled_in_last() {
        assert_eq!(ChosenModel::NEWEST, Model::current().name());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named_and_so_is_one_to_start_from() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (missing, bytes) = (folder.path().join("no.toml"), folder.path().join("bytes.toml"));
        fs::write(&bytes, [0xff]).expect("a file");
        for path in [missing, bytes] {
            let path = path.to_str().expect("a temporary folder has an ASCII name");
            let error = ChosenModel::parse(path).expect_err("it is no model");
            assert!(error.starts_with(path), "{error}");
            let start = format!("libs/score-math/models/{}.toml", ChosenModel::NEWEST);
            assert!(error.contains(&start), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_no_model_is_named() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("own.toml");
        fs::write(&path, "name = \"own\"").expect("a file");
        let path = path.to_str().expect("a temporary folder has an ASCII name");
        let error = ChosenModel::parse(path).expect_err("nearly all is missing");
        assert!(error.starts_with(&format!("{path}: ")), "{error}");
    }
}
