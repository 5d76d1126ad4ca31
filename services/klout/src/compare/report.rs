//! A comparison as a page.

use askama::Template;
use time::OffsetDateTime;

use super::{Both, Comparison, Distribution, PARTS, Reading, plot, summary};
use crate::{arguments, exit::Failure, names::Names, output};

/// What a page is made of.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) comparison: &'a Comparison,
    /// The serving model.
    pub(crate) old: &'a str,
    /// The model in shadow.
    pub(crate) new: &'a str,
    /// Theirs, in the same order; empty where there is none.
    pub(crate) checksums: [&'a str; 2],
    /// `None` when nobody has a score.
    pub(crate) epoch: Option<u64>,
    pub(crate) made: OffsetDateTime,
    /// What the movers are called.
    pub(crate) names: &'a Names,
}

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    old: &'a str,
    new: &'a str,
    /// Of what, as the head says it.
    facts: [Fact; 5],
    figures: Vec<Figure>,
    distributions: Vec<Row>,
    /// The heads of their columns.
    parts: Vec<String>,
    /// SVG, made here.
    drawings: [Drawing; 3],
    movers: [Movers; 2],
}

struct Fact {
    name: &'static str,
    value: String,
}

struct Figure {
    name: &'static str,
    value: String,
    says: String,
}

struct Row {
    name: String,
    cells: Vec<String>,
}

struct Drawing {
    svg: String,
    says: &'static str,
}

struct Movers {
    head: &'static str,
    rows: Vec<Moved>,
}

struct Moved {
    /// What the person's accounts are called.
    names: Vec<String>,
    person: u64,
    old: String,
    new: String,
    change: String,
}

// === impl Report ===

impl Report<'_> {
    /// One file of HTML that needs nothing from elsewhere.
    pub(crate) fn html(&self) -> Result<String, Failure> {
        let Self { comparison, old, new, names, .. } = *self;
        let parts = std::iter::once("mean".to_owned());
        let page = Page {
            old,
            new,
            facts: self.facts(),
            figures: figures(comparison, old, new),
            distributions: [(old, &comparison.old), (new, &comparison.new)]
                .into_iter()
                .map(|(name, distribution)| row(name, distribution.as_ref()))
                .chain(std::iter::once(row("points moved", comparison.moved.as_ref())))
                .collect(),
            parts: parts.chain(PARTS.map(|percent| format!("{percent} %"))).collect(),
            drawings: [
                Drawing {
                    svg: plot::density(comparison, old, new)?,
                    says: "The darker, the more people. On the line a score stays what it is; above it the \
                           new model gives more.",
                },
                Drawing {
                    svg: plot::decades(comparison, old, new)?,
                    says: "Everybody whom a model scores, by decades.",
                },
                Drawing {
                    svg: plot::changes(comparison, old)?,
                    says: "By steps of five points; steps of fewer than five people are left out.",
                },
            ],
            movers: [
                Movers { head: "Who gains most", rows: moved(&comparison.up, names) },
                Movers { head: "Who loses most", rows: moved(&comparison.down, names) },
            ],
        };
        page.render().map_err(|error| Failure::failed(&error))
    }

    /// What is compared, so that it can be told from another report.
    fn facts(&self) -> [Fact; 5] {
        let Self { comparison, old, new, checksums, epoch, made, .. } = self;
        let Comparison { people, only_old, only_new, .. } = comparison;
        let model = |name: &str, checksum: &str| match checksum {
            "" => name.to_owned(),
            checksum => format!("{name}, checksum {checksum}"),
        };
        // No fractions: a second tells reports apart.
        let made = arguments::print_time(made.replace_nanosecond(0).unwrap_or(*made));
        let epoch = epoch.map_or_else(|| "none".to_owned(), |epoch| epoch.to_string());
        [
            ("made", made),
            ("epoch", epoch),
            ("serving", model(old, checksums[0])),
            ("in shadow", model(new, checksums[1])),
            ("people", output::grouped(people + only_old + only_new)),
        ]
        .map(|(name, value)| Fact { name, value })
    }
}

fn figures(comparison: &Comparison, old: &str, new: &str) -> Vec<Figure> {
    let same = comparison.same_decade.map(|share| 100.0 * share);
    let reading =
        comparison.stability.map_or("there is nobody to compare", |it| Reading::of(it).as_str());
    vec![
        Figure {
            name: "people with both scores",
            value: output::grouped(comparison.people),
            says: format!(
                "{} only by {old}, {} only by {new}",
                output::grouped(comparison.only_old),
                output::grouped(comparison.only_new)
            ),
        },
        Figure {
            name: "rank correlation",
            value: summary::number(comparison.rank_correlation, 4),
            says: "Spearman’s; 1 is the same order".to_owned(),
        },
        Figure {
            name: "stay in their decade",
            value: same.map_or_else(|| "-".to_owned(), |same| format!("{same:.1} %")),
            says: "0-9, 10-19, …, 90-100".to_owned(),
        },
        Figure {
            name: "population stability index",
            value: summary::number(comparison.stability, 3),
            says: reading.to_owned(),
        },
    ]
}

fn row(name: &str, distribution: Option<&Distribution>) -> Row {
    let cells = match distribution {
        Some(it) => std::iter::once(it.mean).chain(it.parts).map(|it| format!("{it:.2}")).collect(),
        None => vec!["-".to_owned(); 1 + PARTS.len()],
    };
    Row { name: name.to_owned(), cells }
}

fn moved(movers: &[Both], names: &Names) -> Vec<Moved> {
    let row = |it: &Both| Moved {
        names: names.each(&it.person.to_string()),
        person: it.person,
        old: format!("{:.2}", it.old),
        new: format!("{:.2}", it.new),
        change: format!("{:+.2}", it.change()),
    };
    movers.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use klout_proto::graph::v1::{LinkedAccount, Person};
    use quick_xml::{Reader, events::Event};
    use time::macros::datetime;

    use super::*;
    use crate::compare::Scores;

    fn report(scores: Scores, handle: &str) -> String {
        let account = LinkedAccount {
            network: "bluesky".to_owned(),
            native_id: "did:1".to_owned(),
            handle: handle.to_owned(),
            ..Default::default()
        };
        let person = Person {
            person: "1".to_owned(),
            accounts: vec![account],
            create_time: None,
            city: String::new(),
            country: String::new(),
            ..Default::default()
        };
        let report = Report {
            comparison: &scores.compare(),
            old: "klout-2027-01",
            // Nobody can call a model so here; a server of another version may.
            new: "<own> & \"new\"",
            checksums: ["ab12", ""],
            epoch: Some(48),
            made: datetime!(2026-11-26 12:00:00.5 UTC),
            names: &Names::of(vec![person]),
        };
        report.html().expect("a page")
    }

    fn some() -> Scores {
        let mut scores = Scores::default();
        for person in 1..=100_u32 {
            let old = f64::from(person);
            scores.add(person.into(), Some(old), Some((old + 10.0).min(100.0)));
        }
        scores
    }

    /// Every tag is closed, and in order.
    fn is_well_formed(page: &str) {
        let mut reader = Reader::from_str(page);
        loop {
            match reader.read_event() {
                Ok(Event::Eof) => return,
                Ok(_) => {}
                Err(error) => panic!("{error} at {}", reader.error_position()),
            }
        }
    }

    #[test]
    fn a_page_is_well_formed_and_stands_alone() {
        for scores in [some(), Scores::default()] {
            let page = report(scores, "ann");
            is_well_formed(&page);
            for outside in ["http-equiv", "<link", "<script", "src=", "url(", "@import"] {
                assert!(!page.contains(outside), "{outside}");
            }
            let addresses = page.matches("http").count();
            assert_eq!(addresses, page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
            assert!(!page.contains("NaN") && !page.contains("inf"));
        }
    }

    #[test]
    fn names_are_text_whatever_they_are() {
        let page = report(some(), "<script>alert(\"1\")</script>&amp;'");
        is_well_formed(&page);
        assert!(!page.contains("<script"), "a name became a tag");
        assert!(page.contains("bluesky:&#60;script&#62;"), "the name is shown as it is");
    }

    #[test]
    fn the_head_says_what_was_compared_and_when() {
        let page = report(some(), "ann");
        let head = page.split("<dl class=\"figures\">").next().expect("there is a beginning");
        for fact in [
            "2026-11-26T12:00:00Z",
            ">48<",
            ">klout-2027-01, checksum ab12<",
            ">100<",
            "&#60;own&#62; &#38; &#34;new&#34;<",
        ] {
            assert!(head.contains(fact), "{fact} is missing in {head}");
        }
    }

    #[test]
    fn movers_are_listed_with_their_scores() {
        let page = report(some(), "ann");
        assert!(page.contains("bluesky:ann"));
        assert!(page.contains("+10.00"));
    }
}
