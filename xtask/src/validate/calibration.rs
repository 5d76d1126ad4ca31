//! The published scale, held against the scores that real people had.

use std::{fs, path::Path};

use anyhow::{Context as _, Result};

use super::table::{markdown, row};

/// Of 100,258 people's Klout scores: percent of the people, and what they were at most. twitto.be,
/// September 2014.
const PUBLISHED: [(f64, f64); 8] = [
    (25.0, 13.1),
    (50.0, 17.2),
    (75.0, 25.7),
    (90.0, 42.5),
    (95.0, 48.3),
    (98.0, 54.9),
    (99.0, 59.5),
    (99.5, 62.9),
];
const PUBLISHED_MEAN: f64 = 21.8;

/// The curve is fitted from here on: the visible scores of Klout began at 10.
const FITTED_FROM: f64 = 50.0;

/// `score = 100 − 99 · (1 + influence / scale)^−exponent`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Curve {
    scale: f64,
    /// Given by how fast a score falls in silence, and not fitted. docs/scoring.md, section 9.
    exponent: f64,
}

/// How scores and influence are spread over everybody with influence.
#[derive(Debug)]
pub(super) struct Quantiles {
    people: usize,
    mean: f64,
    /// By place in [`PUBLISHED`].
    scores: Vec<f64>,
    influence: Vec<f64>,
}

// === impl Curve ===

impl Curve {
    /// Of a model file.
    pub(super) fn of(file: &Path) -> Result<Self> {
        let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
        let model: toml::Table = toml::from_str(&text)?;
        let number = |name| model.get("curve")?.get(name)?.as_float();
        let curve = || Some(Self { scale: number("scale")?, exponent: number("exponent")? });
        curve().with_context(|| format!("{} has no curve", file.display()))
    }

    /// The scale that brings these amounts of influence nearest to these scores, by least squares.
    fn fitted(exponent: f64, points: &[(f64, f64)]) -> Self {
        let curve = |logarithm: f64| Self { scale: logarithm.exp(), exponent };
        let error = |logarithm| -> f64 {
            points.iter().map(|it| (curve(logarithm).score(it.0) - it.1).powi(2)).sum()
        };
        // Every score falls when the scale grows, so there is one valley: its thirds close in on it.
        let (mut low, mut high) = (1e-6_f64.ln(), 1e6_f64.ln());
        while high - low > 1e-9 {
            let third = (high - low) / 3.0;
            if error(low + third) < error(high - third) {
                high -= third;
            } else {
                low += third;
            }
        }
        curve(low)
    }

    fn score(self, influence: f64) -> f64 {
        100.0 - 99.0 * (1.0 + influence / self.scale).powf(-self.exponent)
    }
}

// === impl Quantiles ===

impl Quantiles {
    /// Of (score, influence), those without influence left out.
    pub(super) fn of(people: impl Iterator<Item = (f64, f64)>) -> Result<Self> {
        let (mut scores, mut influence): (Vec<f64>, Vec<f64>) =
            people.filter(|(_, influence)| *influence > 0.0).unzip();
        scores.sort_unstable_by(f64::total_cmp);
        influence.sort_unstable_by(f64::total_cmp);
        let all = |sorted: &[f64]| PUBLISHED.iter().map(|(at, _)| quantile(sorted, *at)).collect();
        let found = (all(&scores), all(&influence));
        let (Some(score_quantiles), Some(influence_quantiles)) = found else {
            anyhow::bail!("nobody in the world has influence");
        };
        Ok(Self {
            people: scores.len(),
            mean: scores.iter().sum::<f64>() / float(scores.len()),
            scores: score_quantiles,
            influence: influence_quantiles,
        })
    }

    pub(super) fn table(&self) -> String {
        let mut rows = vec![row(&["", "real Klout scores", "made-up world", "influence there"])];
        for ((at, published), (score, influence)) in
            PUBLISHED.iter().zip(self.scores.iter().zip(&self.influence))
        {
            let cells = [format!("p{at}"), format!("{published:.1}")];
            rows.push([cells, [format!("{score:.1}"), format!("{influence:.3}")]].concat());
        }
        let means = [format!("{PUBLISHED_MEAN:.1}"), format!("{:.1}", self.mean)];
        rows.push([vec!["mean".to_owned()], means.to_vec(), vec![String::new()]].concat());
        let people = ["100258".to_owned(), self.people.to_string()];
        rows.push([vec!["people".to_owned()], people.to_vec(), vec![String::new()]].concat());
        markdown(&rows, 1)
    }

    /// What the scale would be if it were fitted today, beside `curve`; `other` is a model whose own curve is
    /// not data.
    pub(super) fn fit_line(&self, curve: Curve, other: Option<&str>) -> String {
        let points = PUBLISHED.iter().zip(&self.influence);
        let points = points.filter(|((at, _), _)| *at >= FITTED_FROM);
        let points: Vec<_> = points.map(|((_, score), influence)| (*influence, *score)).collect();
        let Curve { scale, exponent } = curve;
        let fitted = Curve::fitted(exponent, &points).scale;
        let model = other.map_or_else(
            || format!("the model has {scale} with the exponent {exponent}"),
            |other| format!("the curve of {other} is not data"),
        );
        format!("The scale that fits best, with the exponent {exponent}: {fitted:.2}; {model}.")
    }
}

/// What `percent` of the values are at most, in between by a straight line; `None` of nothing.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place in a list, rounded down on purpose"
)]
fn quantile(sorted: &[f64], percent: f64) -> Option<f64> {
    let place = percent / 100.0 * float(sorted.len().checked_sub(1)?);
    let (before, after) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(before + (after - before) * place.fract())
}

#[expect(clippy::cast_precision_loss, reason = "numbers of people are far below 2^53")]
fn float(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_its_neighbours() {
        let values = [1.0, 2.0, 4.0];
        assert_eq!(
            [0.0, 25.0, 50.0, 75.0, 100.0].map(|at| quantile(&values, at)),
            [Some(1.0), Some(1.5), Some(2.0), Some(3.0), Some(4.0)]
        );
        assert_eq!(quantile(&[], 50.0), None);
    }

    #[test]
    fn a_curve_is_found_again_from_its_own_points() {
        for scale in [0.01, 0.5, 40.0] {
            let curve = Curve { scale, exponent: 0.2 };
            let points =
                [0.1, 1.0, 10.0, 100.0].map(|influence| (influence, curve.score(influence)));
            let found = Curve::fitted(0.2, &points).scale;
            assert!((found / scale - 1.0).abs() < 1e-6, "{found} is not {scale}");
        }
    }

    #[test]
    fn whoever_has_no_influence_is_left_out() {
        let people = [(1.0, 0.0), (20.0, 1.0), (20.0, 1.0), (1.0, 0.0)];
        let quantiles = Quantiles::of(people.into_iter()).expect("two have influence");
        assert_eq!((quantiles.people, quantiles.mean), (2, 20.0));
        assert!(Quantiles::of([(1.0, 0.0)].into_iter()).is_err());
        assert_eq!(quantiles.table().lines().count(), PUBLISHED.len() + 4);
    }

    #[test]
    fn the_newest_model_has_a_curve_and_what_has_none_is_named() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        Curve::of(&super::super::newest(&root)).expect("the model that is compiled in lies there");
        let error = Curve::of(&root.join("rustfmt.toml")).expect_err("it is no model");
        assert!(error.to_string().contains("rustfmt.toml has no curve"), "{error}");
    }
}
