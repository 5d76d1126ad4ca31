//! Chance: named streams of random numbers, and what is drawn from them.
//!
//! Every decision of a world has a stream of its own, named by the seed and by what is decided (say,
//! the reactions to the second post of account 17 on day 40). So any day can be made alone, and
//! nothing that is added later moves what was there before.

use rand_core::Rng as _;
use rand_pcg::Mcg128Xsl64;

/// A stream of random numbers.
///
/// PCG XSL 128/64 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
/// Algorithms", 2014): its output is fixed by its paper, so no upgrade changes a world.
#[derive(Debug)]
pub(crate) struct Draw(Mcg128Xsl64);

/// What streams are named by first. Never reused for another purpose.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Person = 1,
    Account,
    Tie,
    PostTimes,
    Reactions,
    Text,
    Counters,
    Buyers,
    Bought,
    Pod,
    Name,
    NativeId,
    SignalId,
    Edges,
    Label,
    Said,
    Home,
}

// === impl Draw ===

impl Draw {
    /// The stream of `purpose` and `name` in the world of `seed`.
    pub(crate) fn new(seed: u64, purpose: Purpose, name: &[u64]) -> Self {
        let low = hash(seed, purpose, name);
        let high = mix(low ^ GOLDEN);
        Self(Mcg128Xsl64::new(u128::from(high) << 64 | u128::from(low)))
    }

    pub(crate) fn word(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), in steps of 2⁻⁵³.
    pub(crate) fn unit(&mut self) -> f64 {
        unit(self.word())
    }

    /// Whether something that happens with this chance does.
    pub(crate) fn chance(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// Uniform in 0..`end`, which is not 0. The bias is below 2⁻³² × `end`, which nothing here sees.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        below(self.word(), end)
    }

    /// One of `choices`, which are not empty.
    pub(crate) fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(index(choices.len())) as usize]
    }

    /// The place of a weight in `weights`, drawn in proportion to it. Their sum is not 0.
    pub(crate) fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut rest = self.unit() * weights.iter().sum::<f64>();
        for (place, weight) in weights.iter().enumerate() {
            rest -= weight;
            if rest < 0.0 {
                return place;
            }
        }
        weights.len() - 1
    }

    /// Standard normal, by Box and Muller (1958).
    pub(crate) fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// Log-normal with this median and this standard deviation of its logarithm.
    pub(crate) fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.normal())
    }

    /// Log-normal with mean 1.
    pub(crate) fn noise(&mut self, sigma: f64) -> f64 {
        self.log_normal(libm::exp(-sigma * sigma / 2.0), sigma)
    }

    /// Pareto: P(X > x) = x^−`tail` from 1 on.
    pub(crate) fn pareto(&mut self, tail: f64) -> f64 {
        libm::pow(1.0 - self.unit(), -1.0 / tail)
    }

    /// Poisson. From a mean of 30 on, the normal distribution of the same mean and variance.
    pub(crate) fn poisson(&mut self, mean: f64) -> u32 {
        if mean <= 0.0 {
            return 0;
        }
        if mean >= 30.0 {
            return whole(mean + mean.sqrt() * self.normal() + 0.5);
        }
        self.poisson_above(libm::exp(-mean))
    }

    /// Poisson of the mean m, given `none` = e^−m: how many units it takes until their product is
    /// less (Knuth, "The Art of Computer Programming", 3.4.1).
    pub(crate) fn poisson_above(&mut self, none: f64) -> u32 {
        let mut count = 0;
        let mut product = self.unit();
        while product > none {
            count += 1;
            product *= self.unit();
        }
        count
    }
}

/// A number that names `name` in the world of `seed`. For a given length, it differs wherever the
/// last part alone does.
pub(crate) fn hash(seed: u64, purpose: Purpose, name: &[u64]) -> u64 {
    let start = mix(mix(seed.wrapping_add(GOLDEN)) ^ purpose as u64);
    name.iter().fold(start, |hash, part| mix(hash.wrapping_add(GOLDEN) ^ part))
}

/// A permutation of all words that scatters them: the finaliser of `SplitMix64` (Steele, Lea, Flood,
/// "Fast Splittable Pseudorandom Number Generators", 2014).
pub(crate) const fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

/// 2⁶⁴ over the golden ratio: the step of `SplitMix64`.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// The upper 53 bits of `word` as a fraction in [0, 1).
pub(crate) fn unit(word: u64) -> f64 {
    const STEP: f64 = 1.0 / 9_007_199_254_740_992.0;
    float(word >> 11) * STEP
}

/// The upper 32 bits of `word`, scaled to 0..`end` (Lemire, "Fast Random Integer Generation in an
/// Interval", 2019, without its rejection).
pub(crate) const fn below(word: u64, end: u32) -> u32 {
    (((word >> 32) * end as u64) >> 32) as u32
}

/// A whole number as a float. Exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "the one place where integers become floats")]
pub(crate) const fn float(count: u64) -> f64 {
    count as f64
}

/// A float without its fraction; what is below 0 is 0, and what is too large is the largest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the one place where floats become integers, and `as` saturates"
)]
pub(crate) const fn whole(value: f64) -> u32 {
    value as u32
}

/// A place in a list that is known to be short.
pub(crate) fn index(place: usize) -> u32 {
    u32::try_from(place).expect("a world has fewer than four thousand million of anything")
}
