//! Whole numbers that stand for parts of people, so that sums are the same in any order.

/// The part of a person that an actor's reactions to one presence amount to, in 32,768ths: from
/// [`NONE`](Self::NONE) to [`WHOLE`](Self::WHOLE). docs/scoring.md, section 3.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share(u16);

/// A factor of an actor, such as its credibility, at least 0, in multiples of 2⁻⁴⁰. Section 6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor(u64);

/// A sum of factors times shares, in people. Exact, so the order of adding does not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct People(u128);

/// What was handed on to somebody: a sum of factors times shares, and the largest of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    all: People,
    most: u64,
}

/// A sum of squares of factors times shares. Exact as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Squares(u128);

const WHOLE_BITS: u32 = 15;
const FACTOR_BITS: u32 = 40;

pub(crate) const fn of_mass(mass: u64, whole: u64) -> Share {
    let mass = if mass < whole { mass } else { whole };
    // The product fits, because `whole` is at most two million.
    let parts = mass * Share::WHOLE.0 as u64 / whole;
    #[expect(clippy::cast_possible_truncation, reason = "at most 32,768")]
    Share(parts as u16)
}

// === impl Share ===

impl Share {
    pub const NONE: Self = Self(0);
    /// One person.
    pub const WHOLE: Self = Self(1 << WHOLE_BITS);

    /// In 32,768ths.
    #[must_use]
    pub const fn parts(self) -> u16 {
        self.0
    }

    /// So many 32,768ths, at most one person.
    #[must_use]
    pub const fn of_parts(parts: u16) -> Self {
        if parts < Self::WHOLE.0 { Self(parts) } else { Self::WHOLE }
    }

    /// 0 to 1.
    #[must_use]
    pub fn people(self) -> f64 {
        f64::from(self.0) / f64::from(Self::WHOLE.0)
    }

    /// Less this part of itself. Section 5.
    #[must_use]
    pub const fn less(self, discount: Self) -> Self {
        let off = (self.0 as u32 * discount.0 as u32) >> WHOLE_BITS;
        #[expect(clippy::cast_possible_truncation, reason = "not more than the share itself")]
        Self(self.0 - off as u16)
    }

    /// All but a part of it.
    pub(crate) const fn but(self, part: Self) -> Self {
        Self(self.0.saturating_sub(part.0))
    }
}

// === impl Factor ===

impl Factor {
    pub const ZERO: Self = Self(0);
    pub const HALF: Self = Self(1 << (FACTOR_BITS - 1));

    /// As a number.
    #[must_use]
    pub fn value(self) -> f64 {
        crate::float(self.0) / ONE_FACTOR
    }

    /// How many multiples of 2⁻⁴⁰.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// So many multiples of 2⁻⁴⁰, at most 2²⁰ as a number.
    #[must_use]
    pub const fn of_bits(bits: u64) -> Self {
        let most = 1 << (FACTOR_BITS + 20);
        if bits < most { Self(bits) } else { Self(most) }
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of it without a part of itself.
    pub(crate) const fn without(self, part: Self) -> Self {
        Self(self.0.saturating_sub(part.0))
    }

    /// The nearest multiple of 2⁻⁴⁰ to a finite number from 0 to 2²⁰.
    #[must_use]
    pub fn of(value: f64) -> Self {
        debug_assert!((0.0..=1_048_576.0).contains(&value), "{value}");
        #[expect(clippy::cast_possible_truncation, reason = "saturates, and is below 2⁶⁰")]
        #[expect(clippy::cast_sign_loss, reason = "is not negative")]
        Self((value * ONE_FACTOR + 0.5) as u64)
    }
}

#[expect(clippy::cast_precision_loss, reason = "a power of two")]
const ONE_FACTOR: f64 = (1_u64 << FACTOR_BITS) as f64;

// === impl People ===

impl People {
    #[must_use]
    pub const fn plus(self, factor: Factor, share: Share) -> Self {
        Self(self.0.wrapping_add(factor.0 as u128 * share.0 as u128))
    }

    /// As often as that.
    pub(crate) const fn times(self, count: u64) -> Self {
        Self(self.0.wrapping_mul(count as u128))
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// All but a part of it.
    pub(crate) const fn but(self, part: Self) -> Self {
        Self(self.0.wrapping_sub(part.0))
    }

    /// As a number.
    #[must_use]
    pub fn count(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "to the nearest")]
        let whole = self.0 as f64;
        whole / (ONE_FACTOR * f64::from(Share::WHOLE.0))
    }
}

// === impl Received ===

impl Received {
    #[must_use]
    pub fn plus(self, factor: Factor, share: Share) -> Self {
        // Below 2⁶⁴, since what is handed on is at most 1.
        let one = factor.0 * u64::from(share.0);
        Self { all: self.all.plus(factor, share), most: self.most.max(one) }
    }

    /// All of it, in people.
    #[must_use]
    pub fn count(self) -> f64 {
        self.all.count()
    }

    /// All but the largest, in people.
    pub(crate) fn but_the_largest(self) -> f64 {
        People(self.all.0 - u128::from(self.most)).count()
    }
}

// === impl Squares ===

impl Squares {
    /// Adds the square of a factor times a share. The square of the factor is rounded down to 2⁻⁴⁰.
    #[must_use]
    pub const fn plus(self, factor: Factor, share: Share) -> Self {
        let (factor, share) = (factor.0 as u128, share.0 as u128);
        Self(self.0.wrapping_add(((factor * factor) >> FACTOR_BITS) * (share * share)))
    }

    /// As often as that.
    pub(crate) const fn times(self, count: u64) -> Self {
        Self(self.0.wrapping_mul(count as u128))
    }

    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    /// All but a part of it.
    pub(crate) const fn but(self, part: Self) -> Self {
        Self(self.0.wrapping_sub(part.0))
    }

    #[must_use]
    pub fn total(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "to the nearest")]
        let whole = self.0 as f64;
        whole / (ONE_FACTOR * f64::from(Share::WHOLE.0) * f64::from(Share::WHOLE.0))
    }
}
