//! How fast posts are read: from text to topics, by one ontology as large as Klout's was.

use std::{collections::BTreeMap, hint::black_box, sync::Arc, time::Instant};

use klout_model::TopicId;
use klout_ontology::{Language, Ontology, Phrase, PhraseKind, Topic};
use klout_topic_math::words::{Matcher, Words};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use rand_distr::{Distribution as _, Zipf};

use super::{Figures, engine::resident};
use crate::exit::Failure;

/// The same topics and posts every time.
const SEED: u64 = 2_008;
/// Different words that posts are made of.
const WORDS: usize = 30_000;
/// A name stands among so many other words.
const NAME_EVERY: u32 = 25;
/// Words of a topic's description.
const DESCRIPTION: usize = 12;
const LANGUAGES: [&str; 6] = ["en", "en", "en", "de", "es", "fr"];
const FUNCTION_WORDS: [&str; 24] = [
    "the", "of", "and", "to", "a", "in", "is", "it", "you", "that", "he", "was", "for", "on",
    "are", "with", "as", "his", "they", "be", "at", "one", "have", "this",
];

/// Measures how fast posts are read, on one core: megabytes of text a second, from text to topics.
///
/// The topics, their names in four languages, their descriptions and the posts are made up. A second kind of
/// posts has accents in one word of eight, and a third is ten times as long.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  klout bench topics --topics 8000 --names 50000 --json")]
pub(crate) struct TopicsBench {
    /// How many topics
    #[arg(long, value_name = "N", default_value_t = 8_000, value_parser = clap::value_parser!(u32).range(100..=100_000))]
    topics: u32,
    /// How many names they have together
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(100..=1_000_000))]
    names: u32,
    /// Bytes of a post
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(100..=60_000))]
    bytes: u32,
    /// How many posts of each kind
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    posts: u32,
    /// How often they are read; the median is printed
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    runs: u8,
    /// Prints one line of JSON
    #[arg(long)]
    json: bool,
}

/// Makes up words, topics and posts.
struct Maker {
    random: StdRng,
    words: Vec<String>,
    /// Which word comes next: few words come often.
    often: Zipf<f64>,
}

// === impl TopicsBench ===

impl TopicsBench {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let failed = |error| Failure::failed(&error);
        let mut maker = Maker::new()?;
        let topics = maker.topics(self.topics, self.names);
        let names: Vec<String> = topics
            .iter()
            .flat_map(|it| it.names.values().chain(it.phrases.iter().map(|it| &it.text)))
            .cloned()
            .collect();
        let ontology = Ontology::new("bench", "1", topics).map_err(|flaws| {
            Failure::Failed(format!("the made-up topics are no ontology: {}", flaws[0]))
        })?;
        let ontology = Arc::new(ontology);
        let plain = maker.posts(self.posts, self.bytes, &names, false);
        let marked = maker.posts(self.posts, self.bytes, &names, true);
        let long = maker.posts((self.posts / 10).max(1), self.bytes * 10, &names, false);

        let before = resident("VmRSS").map_err(failed)?;
        let started = Instant::now();
        let matcher = Matcher::new(ontology);
        let built = started.elapsed().as_secs_f64();
        let memory = resident("VmRSS").map_err(failed)? - before;

        let [mut of_plain, mut of_marked, mut of_long, mut found] = [const { Vec::new() }; 4];
        for run in 1..=self.runs {
            eprintln!("klout: {} posts of each kind, run {run} of {}", self.posts, self.runs);
            let (rate, topics) = read(&matcher, &plain);
            of_plain.push(rate);
            found.push(topics);
            of_marked.push(read(&matcher, &marked).0);
            of_long.push(read(&matcher, &long).0);
        }
        let mut figures = Figures::default();
        figures.add("megabytes_per_second", of_plain);
        figures.add("marked_megabytes_per_second", of_marked);
        figures.add("long_megabytes_per_second", of_long);
        figures.add("topics_per_post", found);
        figures.add("names", vec![f64::from(self.names)]);
        figures.add("building_seconds", vec![built]);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let held = matcher.bytes() as f64;
        figures.add("matcher_mib", vec![held / f64::from(1 << 20)]);
        figures.add("resident_mib", vec![memory / f64::from(1 << 20)]);
        figures.print("topics", self.json)
    }
}

/// Megabytes a second, and topics a post.
fn read(matcher: &Matcher, posts: &[String]) -> (f64, f64) {
    let bytes: usize = posts.iter().map(String::len).sum();
    let started = Instant::now();
    let mut topics = 0;
    for post in posts {
        let words = Words { text: post, ..Words::default() };
        topics += black_box(matcher.topics(&words, &[])).len();
    }
    let seconds = started.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
    let (bytes, topics, posts) = (bytes as f64, topics as f64, posts.len() as f64);
    (bytes / 1e6 / seconds, topics / posts)
}

// === impl Maker ===

impl Maker {
    fn new() -> Result<Self, Failure> {
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let often = Zipf::new(WORDS as f64, 1.0).map_err(|error| Failure::failed(&error))?;
        let mut maker = Self { random: StdRng::seed_from_u64(SEED), words: Vec::new(), often };
        maker.words = FUNCTION_WORDS.map(str::to_owned).into();
        while maker.words.len() < WORDS {
            let word = maker.new_word();
            maker.words.push(word);
        }
        Ok(maker)
    }

    /// Two to four syllables.
    fn new_word(&mut self) -> String {
        let mut word = String::new();
        for _ in 0..self.random.random_range(2..=4) {
            for letters in ["bcdfghjklmnprstvwz", "aeiou", "nrstl"] {
                let place = self.random.random_range(0..letters.len() * 2);
                word.extend(letters.chars().nth(place % letters.len()));
            }
        }
        word
    }

    fn word(&mut self) -> &str {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank, from 1 to the number of words"
        )]
        let rank = self.often.sample(&mut self.random) as usize;
        &self.words[(rank - 1).min(self.words.len() - 1)]
    }

    /// One to three words, one of them its own.
    fn name(&mut self) -> String {
        let mut name = self.new_word();
        for _ in 0..self.random.random_range(0..3) {
            let place = self.random.random_range(FUNCTION_WORDS.len()..self.words.len());
            name = format!("{name} {}", self.words[place]);
        }
        name
    }

    /// Topics of three levels.
    fn topics(&mut self, count: u32, names: u32) -> Vec<Topic> {
        let id = |number: u32| TopicId::new(u64::from(number) + 1).expect("from 1");
        let top = count.isqrt() / 4 + 1;
        let mut topics: Vec<Topic> = (0..count)
            .map(|number| Topic {
                id: id(number),
                slug: format!("topic-{number}"),
                names: BTreeMap::from([(Language::ENGLISH, self.name())]),
                parents: match number {
                    it if it < top => Vec::new(),
                    it if it < top * 20 => vec![id(it % top)],
                    it => vec![id(top + it % (top * 19))],
                },
                wikidata: None,
                phrases: Vec::new(),
                sensitive: false,
                description: {
                    let words: Vec<_> = (0..DESCRIPTION).map(|_| self.word().to_owned()).collect();
                    Some(words.join(" "))
                },
            })
            .collect();
        for number in count..names {
            let language = LANGUAGES[number as usize % LANGUAGES.len()].parse().ok();
            let phrase = Phrase { language, text: self.name(), kind: PhraseKind::Alias };
            topics[(number % count) as usize].phrases.push(phrase);
        }
        topics
    }

    fn posts(&mut self, count: u32, bytes: u32, names: &[String], marks: bool) -> Vec<String> {
        (0..count).map(|_| self.post(bytes as usize, names, marks)).collect()
    }

    /// Sentences of ten words or so.
    fn post(&mut self, bytes: usize, names: &[String], marks: bool) -> String {
        let mut post = String::with_capacity(bytes + 64);
        while post.len() < bytes {
            let length = self.random.random_range(5..15);
            for place in 0..length {
                if self.random.random_ratio(1, NAME_EVERY) {
                    let name = self.random.random_range(0..names.len());
                    post.push_str(&names[name]);
                } else if place == 0 {
                    let word = self.word().to_owned();
                    post.push_str(&word[..1].to_uppercase());
                    post.push_str(&word[1..]);
                } else if marks && self.random.random_ratio(1, 8) {
                    post.push_str(&self.word().replace('a', "ä").replace('e', "é"));
                } else {
                    post.push_str(self.word());
                }
                post.push_str(if place + 1 < length { " " } else { ". " });
            }
        }
        post
    }
}
