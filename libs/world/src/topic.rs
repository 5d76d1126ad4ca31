//! What people are about, and what they say about it.

use std::fmt;

use crate::draw::{Draw, index};

/// Something to be influential about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(u8);

/// A topic and things that people say about it, most popular topic first.
struct Subject {
    name: &'static str,
    things: [&'static str; 4],
}

const SUBJECTS: [Subject; 24] = [
    subject(
        "photography",
        ["a long exposure", "film grain", "soft window light", "a pinhole camera"],
    ),
    subject("cooking", ["a slow stew", "pickled radish", "a cast-iron pan", "roasted squash"]),
    subject(
        "open-source",
        ["a first pull request", "release notes", "a tidy changelog", "issue triage"],
    ),
    subject("gardening", ["tomato seedlings", "compost", "a late frost", "raised beds"]),
    subject("cycling", ["a gravel loop", "a squeaky chain", "a long climb", "winter tyres"]),
    subject(
        "science-fiction",
        ["a generation ship", "first contact", "a quiet dystopia", "a moon colony"],
    ),
    subject(
        "distributed-systems",
        ["a consensus bug", "clock skew", "a retry storm", "idempotent writes"],
    ),
    subject(
        "birdwatching",
        ["a heron at dawn", "a wren in the hedge", "spring migration", "a tawny owl"],
    ),
    subject("sourdough", ["a lively starter", "an open crumb", "a cold proof", "rye flour"]),
    subject("hiking", ["a ridge walk", "wet boots", "a mountain hut", "an old map"]),
    subject("board-games", ["a tense endgame", "a solo scheme", "house rules", "worker placement"]),
    subject("typography", ["a humanist serif", "optical sizes", "bad kerning", "a variable font"]),
    subject("astronomy", ["a lunar halo", "Saturn's rings", "a dark sky", "a borrowed telescope"]),
    subject(
        "rust",
        ["a borrow checker riddle", "a small macro", "zero-copy parsing", "a clean trait"],
    ),
    subject("knitting", ["a dropped stitch", "cabled socks", "hand-dyed yarn", "a lace shawl"]),
    subject("urban-planning", ["a quiet street", "a bus lane", "corner shops", "a pocket park"]),
    subject("jazz", ["a brushed snare", "a walking bass", "a modal tune", "a late set"]),
    subject("databases", ["a missing index", "a slow join", "a tricky migration", "query plans"]),
    subject("ceramics", ["a cracked glaze", "raku firing", "a thrown bowl", "wild clay"]),
    subject("linguistics", ["vowel harmony", "a lost case", "loanwords", "a dialect map"]),
    subject("climate", ["a heat record", "tidal power", "peat bogs", "glacier melt"]),
    subject("beekeeping", ["a swarm in May", "lime honey", "a new queen", "a quiet hive"]),
    subject(
        "cartography",
        ["contour lines", "an odd projection", "hand-drawn coasts", "place names"],
    ),
    subject("accessibility", ["focus order", "alt text", "colour contrast", "keyboard traps"]),
];

/// What comes before a thing, and the mark after it.
const OPENINGS: [(&str, &str); 8] = [
    ("Spent the morning on", "."),
    ("Still thinking about", "."),
    ("Today's small joy:", "."),
    ("Does anybody else struggle with", "?"),
    ("Wrote a few notes on", "."),
    ("Never again without", "!"),
    ("A question about", "."),
    ("Finally happy with", "."),
];

/// What lists of people are called: what comes before and after a topic.
const LISTS: [(&str, &str); 6] = [
    ("", " people"),
    ("", ""),
    ("best of ", ""),
    ("people who know ", ""),
    ("my ", " corner"),
    ("", " friends"),
];

const CLOSINGS: [&str; 8] = [
    "Worth every minute.",
    "Tips welcome.",
    "More tomorrow.",
    "It took three tries.",
    "My neighbour disagrees.",
    "Photos to follow.",
    "I was wrong before.",
    "Slowly getting there.",
];

// === impl Topic ===

impl Topic {
    /// How many there are.
    pub const COUNT: u8 = 24;

    /// Every topic, most popular first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// In lower case with hyphens, such as `distributed-systems`; also the tag of its posts.
    #[must_use]
    pub const fn name(self) -> &'static str {
        SUBJECTS[self.0 as usize].name
    }

    /// As people write it, such as `distributed systems`.
    pub(crate) fn words(self) -> String {
        self.name().replace('-', " ")
    }

    /// What a list of people about it is called, such as `photography people`.
    pub(crate) fn list(self, draw: &mut Draw) -> String {
        let (before, after) = draw.pick(&LISTS);
        format!("{before}{}{after}", self.words())
    }

    pub(crate) const fn place(self) -> usize {
        self.0 as usize
    }

    /// A topic by popularity: the one in place r (from 0) has the weight 1 / (r + 3), a Zipf law with
    /// a flattened head (Mandelbrot, 1953).
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        let mut weights = [0.0; Self::COUNT as usize];
        for (rank, weight) in weights.iter_mut().enumerate() {
            *weight = 1.0 / f64::from(index(rank) + 3);
        }
        let place = draw.weighted(&weights);
        Self(u8::try_from(place).expect("there are 24 topics"))
    }

    /// Something short to say about it.
    pub(crate) fn text(self, draw: &mut Draw) -> String {
        let (opening, mark) = draw.pick(&OPENINGS);
        let thing = draw.pick(&SUBJECTS[self.place()].things);
        let closing = draw.pick(&CLOSINGS);
        format!("{opening} {thing}{mark} {closing} #{}", self.name())
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

const fn subject(name: &'static str, things: [&'static str; 4]) -> Subject {
    Subject { name, things }
}
