//! Rows of a graph for benchmarks: as many as wanted, as fast as they can be read.

use klout_model::{Kind, WINDOW_DAYS};

use crate::draw::{Draw, Purpose, below, float, mix, whole};

/// A compact interaction: `actor` did something to `subject`, `age` days ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    pub subject: u32,
    pub actor: u32,
    pub kind: Kind,
    /// In whole UTC days, 0 to 89.
    pub age: u8,
    /// At least 1; 1 in nine of ten rows.
    pub count: u32,
}

/// Rows of a heavy-tailed graph, in no order; the same arguments give the same rows.
///
/// Nobody lives behind them as in a [`World`](crate::World): subjects and actors are drawn from power
/// laws by tables made once, so that a row costs a few nanoseconds and no allocation.
#[derive(Debug)]
pub struct Interactions {
    draw: Draw,
    seed: u64,
    accounts: u32,
    /// Accounts are numbered across their ranks in steps of this, which is coprime to their number.
    step: u32,
    rows: u64,
    subjects: Box<Ranks>,
    actors: Box<Ranks>,
    kinds: [Kind; 256],
}

/// A power law over ranks with a flattened head (Mandelbrot, 1953): the rank r, from 0 on, has the
/// weight (r + `flat`)^−`exponent`. As a table of quantiles, straight lines between.
#[derive(Debug)]
struct Ranks {
    /// The rank below which each 1 / [`STEPS`] of the weight lies, from 0 on.
    quantiles: [f64; STEPS + 1],
    /// How many actors are faithful to each subject of a step.
    audiences: [u32; STEPS],
    /// The largest rank.
    last: u32,
}

/// The shape of [`Ranks`].
#[derive(Clone, Copy, Debug)]
struct Law {
    /// Not 1.
    exponent: f64,
    /// More than 0.
    flat: f64,
}

const STEPS: usize = 4_096;
/// With these, rows are spread over subjects and actors as in the table of docs/world.md.
const SUBJECTS: Law = Law { exponent: 1.3, flat: 15.0 };
const ACTORS: Law = Law { exponent: 0.7, flat: 100.0 };
/// How many rows a pair of a subject and one of its faithful actors has in the mean.
const FAITH: f64 = 0.15;

// === impl Interactions ===

impl Interactions {
    /// `rows` rows among `accounts` accounts, which are numbered from 0.
    ///
    /// # Panics
    ///
    /// With fewer than two accounts: nobody reacts to themselves.
    #[must_use]
    pub fn new(seed: u64, accounts: u32, rows: u64) -> Self {
        assert!(accounts >= 2, "nobody reacts to themselves");
        // About the golden section of all numbers, so that neighbours in rank are far apart.
        let golden = whole(f64::from(accounts) * 0.618_034);
        let step = (golden..accounts).find(|step| coprime(*step, accounts)).unwrap_or(1);
        let shares =
            [(Kind::Like, 154), (Kind::Reshare, 38), (Kind::Reply, 28), (Kind::Follow, 16)];
        let mut kinds = [Kind::Mention; 256];
        let mut place = 0;
        for (kind, share) in shares {
            kinds[place..place + share].fill(kind);
            place += share;
        }
        Self {
            draw: Draw::new(seed, Purpose::Edges, &[]),
            seed,
            accounts,
            step: step.max(1),
            rows,
            subjects: Ranks::new(SUBJECTS, accounts, rows),
            actors: Ranks::new(ACTORS, accounts, rows),
            kinds,
        }
    }

    fn edge(&mut self) -> Edge {
        let who = self.draw.word();
        let what = self.draw.word();
        let (subject, audience) = self.subjects.rank(who);
        // One of the faithful: the same number among them is the same actor.
        let faithful = below(what << 32, audience);
        let actor = mix(self.seed ^ u64::from(subject) << 32 ^ u64::from(faithful));
        let (mut actor, _) = self.actors.rank(actor);
        if actor == subject {
            actor = (actor + 1) % self.accounts;
        }
        let [.., coin, day, kind] = what.to_le_bytes();
        Edge {
            subject: self.number(subject),
            actor: self.number(actor),
            kind: self.kinds[usize::from(kind)],
            age: age(day),
            count: count(coin, what),
        }
    }

    /// The number of the account with this rank, so that numbers do not tell ranks.
    fn number(&self, rank: u32) -> u32 {
        let number = u64::from(rank) * u64::from(self.step) % u64::from(self.accounts);
        u32::try_from(number).expect("below the number of accounts")
    }
}

impl Iterator for Interactions {
    type Item = Edge;

    fn next(&mut self) -> Option<Edge> {
        self.rows = self.rows.checked_sub(1)?;
        Some(self.edge())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        usize::try_from(self.rows).map_or((usize::MAX, None), |rows| (rows, Some(rows)))
    }
}

/// A byte, scaled to the days of the window.
fn age(byte: u8) -> u8 {
    let [_, age] = (u16::from(byte) * u16::from(WINDOW_DAYS)).to_le_bytes();
    age
}

/// 1 in nine of ten cases, else 2 in a half of the rest, 3 in a quarter, and so on up to 10. `coins` is
/// read from below.
const fn count(byte: u8, coins: u64) -> u32 {
    const ONCE: u8 = 230;
    if byte < ONCE { 1 } else { 2 + (coins | 1 << 8).trailing_zeros() }
}

/// Whether nothing but 1 divides both (Euclid).
const fn coprime(mut left: u32, mut right: u32) -> bool {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left == 1
}

// === impl Ranks ===

impl Ranks {
    /// With the sum over ranks taken as its integral, where h(r) = (r + flat)^(1 − exponent):
    ///
    /// ```text
    /// quantile(u) = (h(0) + u · (h(accounts) − h(0)))^(1 / (1 − exponent)) − flat
    /// ```
    fn new(law: Law, accounts: u32, rows: u64) -> Box<Self> {
        let mut ranks = Box::new(Self {
            quantiles: [0.0; STEPS + 1],
            audiences: [1; STEPS],
            last: accounts - 1,
        });
        let steps = float(STEPS as u64);
        let power = 1.0 - law.exponent;
        let first = libm::pow(law.flat, power);
        let last = libm::pow(f64::from(accounts) + law.flat, power);
        for (step, quantile) in ranks.quantiles.iter_mut().enumerate() {
            let share = float(step as u64) / steps;
            let rank = libm::pow(first + share * (last - first), 1.0 / power) - law.flat;
            *quantile = rank.clamp(0.0, f64::from(accounts));
        }
        for (step, audience) in ranks.audiences.iter_mut().enumerate() {
            let subjects = ranks.quantiles[step + 1] - ranks.quantiles[step];
            *audience = whole(float(rows) / steps / subjects / FAITH).clamp(1, accounts);
        }
        ranks
    }

    /// A rank from 0 on, and how many are faithful to it.
    fn rank(&self, word: u64) -> (u32, u32) {
        const BITS: u32 = STEPS.trailing_zeros();
        let step = (word >> (64 - BITS)) as usize;
        let rest = crate::draw::unit(word << BITS);
        let (low, high) = (self.quantiles[step], self.quantiles[step + 1]);
        let rank = low + rest * (high - low);
        // Rounding may take the last quantile to the number of accounts.
        (whole(rank).min(self.last), self.audiences[step])
    }
}
