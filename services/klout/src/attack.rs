//! `klout attack`: the figures of docs/attacks.md, measured anew.

mod bought;
mod circles;
mod harm;
mod offline;
mod others;
mod plot;
mod recorded;
mod report;
mod town;
mod vouching;

use std::{
    fs,
    path::{Path, PathBuf},
};

use klout_score_math::Model;
use klout_world::{Attack as Planted, Attacks};

use crate::{exit::Failure, model::ChosenModel, output};
use recorded::Recorded;
use report::Report;
use town::{Scores, Town};

/// Attacks a made-up world in every way that is known, and says what it gains.
///
/// A world of people who post and react is made up and scored; then each attack is planted into it,
/// and everybody is scored again. A figure is what those who attack have gained, or what somebody
/// honest has lost, beside the most that it may be: in the median, and for the one of them all for whom
/// it went worst. Those who buy are of two kinds: typical members, who post and have few reactions; and
/// the worst start, members of whom nothing is known, or hardly anything, since points are cheapest
/// at the bottom of the scale.
///
/// Prints three tables in Markdown. Takes less than a minute, and neither a server nor a database.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  klout attack
  klout attack --people 2000 --check      for every change: exit 1 when a limit is not held
  klout attack --model mine.toml          what a model of one's own withstands
  klout attack --plot docs/figures        draws attack-size.svg and month-offline.svg too
  klout attack --data higgs               attacks real people too, as of 2012-07-04T04:00:00Z

--data takes a folder with interactions.csv.gz, registered.csv.gz, victims.csv (account), and what
is planted: attack-star-20x5.csv.gz, attack-star-100x20.csv.gz, honest-boost-20x5.csv.gz

--json prints an object with
  model, people, seed
  lines           attack, figure, median, worst;
                  limit as text, and limits as numbers, each only if there is such a one:
                  most and least of the worst, median_most and median_least of the median;
                  told: it is not defended, and the limit is that of the plain attack;
                  within: the limit is held; over: it is not held, and should be
  sizes           attack, start, fakes, repeats; points gained: median, most; score: a median
  month_offline   day; quartiles: three scores, or null; once_each: the pure case's score
A figure that there is none of is null, and over its limit.")]
pub(crate) struct Attack {
    /// How many people the world has
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1_000..=100_000))]
    people: u32,
    /// The same number makes the same world
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The model to score with, by name or as a file of one's own
    #[arg(long, value_name = "NAME|FILE", value_parser = ChosenModel::parse, default_value = ChosenModel::NEWEST)]
    model: ChosenModel,
    /// Numbers of fakes that each buys; the largest is what takes long
    #[arg(long, value_name = "N,…", value_delimiter = ',', default_value = "10,100,1000,10000", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    fakes: Vec<u32>,
    /// Attacks the people of these files too
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Exits with 1 when a limit is not held
    #[arg(long)]
    check: bool,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
    /// Draws attack-size.svg and month-offline.svg into this folder
    #[arg(long, value_name = "DIR")]
    plot: Option<PathBuf>,
}

/// How much is attacked.
#[derive(Clone, Debug)]
struct Scale {
    /// How many of each kind are attacked, or buy.
    victims: usize,
    /// Numbers of fakes.
    fakes: Vec<u32>,
    /// How often each of them reacts.
    repeats: Vec<u32>,
}

/// The world before anything is planted.
struct Ground<'a> {
    model: &'a Model,
    scale: Scale,
    honest: Town,
    scores: Scores,
    /// Everybody in the order of their scores, the lowest first.
    ascending: Vec<u32>,
    /// The same world with the attacks that it plants itself; the pod is in a world of its own, because
    /// some of its members would buy fakes too.
    attacked: Town,
    podded: Town,
    /// Presences of those who buy.
    typical: Vec<u32>,
    worst: Vec<u32>,
    quiet: bool,
}

const POD: u32 = 50;

/// Fakes in the plot.
const CURVE: [u32; 9] = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000];

// === impl Attack ===

impl Attack {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let model = match &self.model {
            ChosenModel::BuiltIn(model) => *model,
            ChosenModel::Own(model) => model.as_ref(),
            ChosenModel::Counted(_) => {
                let message =
                    "the first model tells nobody from a fake, so there is nothing to attack";
                return Err(Failure::Usage(message.to_owned()));
            }
        };
        // What cannot be is found before any work.
        if let Some(folder) = &self.plot {
            writable(folder)?;
        }
        let recorded = self.data.as_deref().map(Recorded::open).transpose()?;
        eprintln!("klout: a world of {} people, seed {}", self.people, self.seed);
        let ground = Ground::new(model, self.seed, self.people, self.scale(), false)?;
        let mut report = ground.attack();
        offline::month(&ground, self.plot.is_some(), &mut report);
        let attacked = recorded.map_or(Ok(()), |it| it.attack(model, &mut report));
        self.print(model, &report)?;
        // Whatever fails from here on, what was measured is printed.
        attacked?;
        if let Some(folder) = &self.plot {
            ground.say("plots");
            let honest = bought::honest_curve(&ground, &CURVE);
            plot::sizes(folder, &bought::curve(&ground, &CURVE), &honest)?;
            plot::offline(folder, &report.days)?;
        }
        let over = report.over().count();
        if self.check && over > 0 {
            return Err(Failure::Failed(format!("{over} figures are over their limits")));
        }
        Ok(())
    }

    fn scale(&self) -> Scale {
        let mut fakes = self.fakes.clone();
        fakes.sort_unstable();
        fakes.dedup();
        Scale { victims: 20, fakes, repeats: vec![1, 5, 50] }
    }

    fn print(&self, model: &Model, report: &Report) -> Result<(), Failure> {
        if !self.json {
            return report.print();
        }
        let mut printed = report.json();
        printed["model"] = model.name().into();
        printed["people"] = self.people.into();
        printed["seed"] = self.seed.into();
        output::line(&printed.to_string())
    }
}

/// Makes a folder if there is none, and tries whether a file can be made in it.
fn writable(folder: &Path) -> Result<(), Failure> {
    let tried = fs::create_dir_all(folder).and_then(|()| tempfile::tempfile_in(folder));
    tried.map(drop).map_err(|error| {
        let (folder, hint) = (folder.display(), "choose another folder for --plot");
        Failure::Failed(format!("{folder}: nothing can be written there: {error}; {hint}"))
    })
}

// === impl Ground ===

impl<'a> Ground<'a> {
    fn new(
        model: &'a Model,
        seed: u64,
        people: u32,
        scale: Scale,
        quiet: bool,
    ) -> Result<Self, Failure> {
        let honest = Town::new(model, seed, people, Attacks::NONE)?;
        let attacks = Attacks::sized_for(people);
        let attacks = Attacks { buyers: (people / 200).min(20), pod: 0, ..attacks };
        let attacked = Town::new(model, seed, people, attacks)?;
        let podded = Town::new(model, seed, people, Attacks { pod: POD, ..Attacks::NONE })?;
        let scores = honest.scene().score(model);
        let mut ascending: Vec<u32> = (0..town::number(honest.registered.len())).collect();
        ascending.sort_by(|one, other| scores.points(*one).total_cmp(&scores.points(*other)));
        let mut typical = honest.here(&attacked, attacked.gaining(Planted::Star));
        typical.truncate(scale.victims);
        let worst = worst(&honest, &scores, &ascending, scale.victims);
        Ok(Self {
            model,
            scale,
            honest,
            scores,
            ascending,
            attacked,
            podded,
            typical,
            worst,
            quiet,
        })
    }

    /// Every attack on the made-up world.
    fn attack(&self) -> Report {
        let mut report = Report::default();
        bought::sizes(self, &mut report);
        bought::burst(self, &mut report);
        bought::noise(self, &mut report);
        circles::pod(self, &mut report);
        vouching::traded(self, &mut report);
        others::followers(self, &mut report);
        others::fooled(self, &mut report);
        harm::harm(self, &mut report);
        circles::of_the_world(self, &mut report);
        report
    }

    /// The presences of those who buy, by how they start.
    fn starts(&self) -> [(&'static str, &[u32]); 2] {
        [("typical", &self.typical), ("worst start", &self.worst)]
    }

    fn say(&self, what: &str) {
        if !self.quiet {
            eprintln!("klout: {what}");
        }
    }
}

/// Members of whom there is no evidence, and as many who have the lowest scores of those with some.
fn worst(honest: &Town, scores: &Scores, ascending: &[u32], count: usize) -> Vec<u32> {
    let joined = ascending.iter().filter(|person| honest.registered[**person as usize]);
    let (some, none): (Vec<u32>, Vec<u32>) =
        joined.partition(|person| scores.scores[**person as usize].is_some());
    let half = count.div_ceil(2);
    let people = none.into_iter().take(half).chain(some.into_iter().take(half));
    people.map(|person| honest.first_presence(person)).collect()
}

#[cfg(test)]
mod tests {
    use klout_score_math::ModelInvalid;

    use super::*;

    fn report(model: &Model) -> Report {
        let scale = Scale { victims: 4, fakes: vec![10, 200], repeats: vec![1, 20] };
        let ground = Ground::new(model, 1, 1_000, scale, true);
        let ground = ground.expect("there is room for the attacks");
        let mut report = ground.attack();
        offline::month(&ground, false, &mut report);
        report
    }

    /// The newest model with another number, and the checksum that goes with it.
    fn with(number: &str, other: &str) -> Model {
        let file = Model::CURRENT_FILE
            .replacen(Model::current().name(), "klout-of-a-test", 1)
            .replacen(number, other, 1);
        assert_ne!(file, Model::CURRENT_FILE, "{number} is not in the file");
        let found = match Model::load(&file) {
            Err(ModelInvalid::Checksum { right, found }) => file.replacen(&found, &right, 1),
            other => panic!("the checksum is that of other numbers: {other:?}"),
        };
        Model::load(&found).expect("its numbers are valid")
    }

    fn over(report: &Report) -> Vec<&str> {
        report.over().map(|line| line.attack.as_str()).collect()
    }

    #[test]
    fn no_attack_gains_more_than_its_limit() {
        let report = report(Model::current());
        assert!(report.lines.len() > 20, "attacks are missing: {report:?}");
        assert_eq!(over(&report), [""; 0], "{report:#?}");
    }

    #[test]
    fn a_large_allowance_for_strangers_is_found_out() {
        let report = report(&with("[strangers]\npeople = 0.08", "[strangers]\npeople = 8.0"));
        let over = over(&report);
        for attack in ["star, typical", "ring, worst start", "burst of 10,000 likes, typical"] {
            assert!(over.contains(&attack), "{attack} is not among {over:?}");
        }
    }

    #[test]
    fn closed_circles_that_are_not_discounted_are_found_out() {
        let model = with(
            "discounted_from = 0.25\nworthless_from = 0.5",
            "discounted_from = 0.98\nworthless_from = 0.99",
        );
        let report = report(&model);
        let over = over(&report);
        assert!(over.contains(&"pod of 50, every day"), "{over:?}");
    }

    #[test]
    fn a_model_by_which_two_friends_are_a_closed_circle_is_found_out() {
        let number = "beside = 9.0\ndiscounted_from = 0.25\nworthless_from = 0.5";
        let model = with(number, "beside = 0.01\ndiscounted_from = 0.05\nworthless_from = 0.1");
        let report = report(&model);
        let over = over(&report);
        assert!(over.iter().any(|attack| attack.starts_with("harm")), "{over:?}");
    }
}
