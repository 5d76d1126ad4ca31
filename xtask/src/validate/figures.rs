//! What measure.py says, held against what has to be reached.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};

use self::{
    Bound::{AtLeast, AtMost},
    Source::{Extra, Largest, More, Score},
};
use super::{
    sets::{BOOST, STAR_20, STAR_100},
    table::{markdown, row},
};

/// What was measured, by name. Of an extra, its name stands for `SET.extra`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Figures(BTreeMap<String, Vec<f64>>);

/// What has to be reached, and by how much.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A figure that has a target.
#[derive(Debug)]
struct Target {
    set: &'static str,
    figure: &'static str,
    /// What it is read from.
    source: Source,
    bound: Bound,
    /// The best that is known of simple methods.
    best: Option<f64>,
    /// Decimals to print.
    decimals: usize,
}

#[derive(Debug)]
enum Source {
    /// `SET.score.FIGURE`, as measure.py calls it.
    Score,
    /// Of an extra of higgs.
    Extra(&'static str, &'static str),
    /// How much more of it the first extra has than the second.
    More(&'static str, &'static str, &'static str),
    /// The largest of an extra's.
    Largest(&'static [&'static str], &'static str),
}

/// A target and what was measured.
#[derive(Debug)]
pub(super) struct Judged {
    target: &'static Target,
    measured: f64,
}

const MEDIAN: &str = "points_gained_median";
const MOST: &str = "points_gained_max";
const STARS: [&str; 2] = [STAR_20, STAR_100];
const ELSEWHERE: &str = "points_moved_elsewhere_max";

static TARGETS: [Target; 19] = [
    Target::score(0.54, "higgs", "rho_five_resharers", Some(0.563)),
    Target::score(0.33, "higgs", "rho_acted_on", Some(0.408)),
    Target::score(0.41, "higgs", "top100", Some(0.46)),
    Target::score(0.78, "higgs", "ndcg100", Some(0.823)),
    Target::score(1.0, "higgs", "bands_rise", Some(1.0)).decimals(0),
    Target::score(25.0, "higgs", "spread_p50_p99", None).decimals(1),
    Target::points(AtMost(5.0), "20 fakes", "points gained, median", Extra(STAR_20, MEDIAN)),
    Target::points(AtMost(10.0), "20 fakes", "points gained, most", Extra(STAR_20, MOST)),
    Target::points(AtMost(5.0), "100 fakes", "points gained, median", Extra(STAR_100, MEDIAN)),
    Target::points(AtMost(10.0), "100 fakes", "points gained, most", Extra(STAR_100, MOST)),
    Target::points(
        AtMost(0.0),
        "100 fakes",
        "more than by 20, median",
        More(STAR_100, STAR_20, MEDIAN),
    ),
    Target::points(
        AtMost(0.0),
        "100 fakes",
        "more than by 20, most",
        More(STAR_100, STAR_20, MOST),
    ),
    Target::points(
        AtMost(1.0),
        "20 or 100 fakes",
        "points moved elsewhere",
        Largest(&STARS, ELSEWHERE),
    ),
    Target::points(AtLeast(10.0), "20 real people", "points gained, median", Extra(BOOST, MEDIAN)),
    Target::score(0.66, "quantum", "rho_future_upvotes", Some(0.689)),
    Target::score(0.70, "quantum", "rho_final_reputation", Some(0.740)),
    Target::score(7.0, "quantum", "top10_reputation_in_top20", Some(9.0)).decimals(0),
    Target::score(0.76, "peerindex", "agreement", Some(0.764)),
    Target::score(0.28, "github", "rho", Some(0.303)),
];

/// Every target with its figure.
pub(super) fn judge(figures: &Figures) -> Result<Vec<Judged>> {
    let judge = |target| Ok(Judged { target, measured: figures.of(target)? });
    TARGETS.iter().map(judge).collect()
}

pub(super) fn table(judged: &[Judged]) -> String {
    let header = ["set", "figure", "target", "known best", "measured", ""];
    let mut rows = vec![row(&header)];
    for Judged { target, measured } in judged {
        let number = |value: f64| format!("{value:.*}", target.decimals);
        let bound = match target.bound {
            AtLeast(least) => format!("≥ {}", number(least)),
            AtMost(most) => format!("≤ {}", number(most)),
        };
        let reached = target.bound.reached_by(*measured);
        rows.push(row(&[
            target.set,
            target.figure,
            &bound,
            &target.best.map_or_else(|| "–".to_owned(), number),
            &number(*measured),
            if reached { "reached" } else { "**missed**" },
        ]));
    }
    markdown(&rows, 2)
}

// === impl Figures ===

impl Figures {
    /// Adds the lines `name value…` that measure.py printed.
    pub(super) fn read(&mut self, printed: &str, extra: Option<&str>) -> Result<()> {
        for line in printed.lines() {
            let mut words = line.split(' ');
            let name =
                words.next().filter(|name| !name.is_empty()).with_context(|| no_figure(line))?;
            let values: Result<Vec<f64>, _> = words.map(str::parse).collect();
            let values = values.with_context(|| no_figure(line))?;
            let good = !values.is_empty() && values.iter().all(|value| value.is_finite());
            ensure!(good, no_figure(line));
            let name = match (extra, name.split_once(".extra.")) {
                (Some(extra), Some((_, name))) => format!("{extra}.{name}"),
                _ => name.to_owned(),
            };
            self.0.insert(name, values);
        }
        Ok(())
    }

    /// All values of one.
    pub(super) fn values(&self, name: &str) -> Result<&[f64]> {
        let found = self.0.get(name).map(Vec::as_slice);
        found.with_context(|| format!("measure.py does not tell `{name}`"))
    }

    fn of(&self, target: &Target) -> Result<f64> {
        let named = |name: &str| self.values(name).map(|values| values[0]);
        let extra = |extra: &str, name: &str| named(&format!("{extra}.{name}"));
        match target.source {
            Score => named(&format!("{}.score.{}", target.set, target.figure)),
            Extra(of, name) => extra(of, name),
            More(of, than, name) => Ok(extra(of, name)? - extra(than, name)?),
            Largest(of, name) => {
                of.iter().try_fold(0.0, |most: f64, of| Ok(most.max(extra(of, name)?)))
            }
        }
    }
}

fn no_figure(line: &str) -> String {
    format!("measure.py printed `{line}`, which is no figure")
}

// === impl Bound ===

impl Bound {
    /// Judges what measure.py printed, which is rounded to three decimals: a figure that misses its bound by
    /// less than half of the last one counts as reached. docs/validation.md, section 2, says of which that is so.
    fn reached_by(self, measured: f64) -> bool {
        match self {
            AtLeast(least) => measured >= least,
            AtMost(most) => measured <= most,
        }
    }
}

// === impl Target ===

impl Target {
    const fn score(least: f64, set: &'static str, figure: &'static str, best: Option<f64>) -> Self {
        Self { set, figure, source: Score, bound: AtLeast(least), best, decimals: 3 }
    }

    const fn points(bound: Bound, set: &'static str, figure: &'static str, source: Source) -> Self {
        Self { set, figure, source, bound, best: None, decimals: 2 }
    }

    const fn decimals(self, decimals: usize) -> Self {
        Self { decimals, ..self }
    }
}

// === impl Judged ===

impl Judged {
    pub(super) fn reached(&self) -> bool {
        self.target.bound.reached_by(self.measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HIGGS: &str = "higgs.score.rho_acted_on 0.343
higgs.baseline_distinct_actors.top100 0.420
higgs.score.future_by_band 0.5 1.2 8.0
higgs.extra.points_gained_median 0.22";

    fn figures(printed: &str, extra: Option<&str>) -> Figures {
        let mut figures = Figures::default();
        figures.read(printed, extra).expect("lines of measure.py");
        figures
    }

    /// Figures that reach every target just so.
    fn just_reached() -> Figures {
        let mut figures: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for target in &TARGETS {
            let (AtLeast(value) | AtMost(value)) = target.bound;
            match target.source {
                Score => {
                    figures.insert(format!("{}.score.{}", target.set, target.figure), vec![value]);
                }
                Extra(of, name) => {
                    figures.insert(format!("{of}.{name}"), vec![value]);
                }
                Largest(of, name) => {
                    figures.extend(of.iter().map(|of| (format!("{of}.{name}"), vec![value])));
                }
                // Both that are compared are as large as they may be.
                More(..) => {}
            }
        }
        Figures(figures)
    }

    #[test]
    fn lines_are_read_by_name_and_those_of_an_extra_by_its() {
        let figures = figures(HIGGS, Some(STAR_20));
        let of = |name: &str| figures.values(name).ok();
        assert_eq!(of("higgs.score.rho_acted_on"), Some(&[0.343][..]));
        assert_eq!(of("higgs.score.future_by_band"), Some(&[0.5, 1.2, 8.0][..]));
        assert_eq!(of("attack-star-20x5.points_gained_median"), Some(&[0.22][..]));
        assert_eq!(figures.0.len(), 4);
    }

    #[test]
    fn what_is_no_figure_is_said_and_never_taken_for_one() {
        for wrong in ["", "higgs.score.top100", "higgs.score.top100 many", "higgs.score.top100 nan"]
        {
            let error = Figures::default().read(&format!("{wrong}\n"), None).expect_err(wrong);
            assert!(error.to_string().contains("is no figure"), "{error}");
        }
    }

    #[test]
    fn a_figure_that_is_missing_is_an_error_that_names_it() {
        let error = judge(&figures(HIGGS, None)).expect_err("most are missing").to_string();
        assert!(error.contains("higgs.score.rho_five_resharers"), "{error}");
    }

    #[test]
    fn a_target_is_reached_at_its_bound_and_missed_beyond() {
        let exact = just_reached();
        assert!(judge(&exact).expect("all are there").iter().all(Judged::reached));

        let changed = |name: &str, value: f64| {
            let mut figures = exact.clone();
            figures.0.insert(name.to_owned(), vec![value]);
            let judged = judge(&figures).expect("all are there");
            let missed: Vec<_> = judged.iter().filter(|it| !it.reached()).collect();
            missed.iter().map(|it| it.target.figure).collect::<Vec<_>>()
        };
        assert_eq!(changed("github.score.rho", 0.279), ["rho"]);
        assert_eq!(
            changed("honest-boost-20x5.points_gained_median", 9.9),
            ["points gained, median"]
        );
        assert_eq!(changed("attack-star-20x5.points_gained_max", 9.0), ["more than by 20, most"]);
        assert_eq!(
            changed("attack-star-100x20.points_moved_elsewhere_max", 1.01),
            ["points moved elsewhere"]
        );
    }

    #[test]
    fn the_table_has_a_line_for_each_target_and_marks_what_is_missed() {
        let mut figures = just_reached();
        figures.0.insert("github.score.rho".to_owned(), vec![0.2]);
        let table = table(&judge(&figures).expect("all are there"));
        assert_eq!(table.lines().count(), TARGETS.len() + 2);
        assert_eq!(table.matches("**missed**").count(), 1);
        let line = table.lines().find(|line| line.contains("github")).expect("its line");
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        assert_eq!(cells, ["", "github", "rho", "≥ 0.280", "0.303", "0.200", "**missed**", ""]);
    }
}
