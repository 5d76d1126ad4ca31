//! From what happened around a person on one network to influence. docs/scoring.md, section 7.

use klout_model::{Kind, WINDOW_DAYS};

use crate::{
    Factors, Model, Share, float,
    share::{People, Squares},
};

/// Sums over the edges of one presence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    credible: People,
    people: People,
    prestige: People,
    strangers: People,
    squares: Squares,
}

/// Interactions that name no actor, added up by kind and age as they come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Unnamed {
    /// Σ count · first, in 32,768ths.
    parts: u128,
    /// Σ (count · first)² over kinds and days.
    squares: f64,
}

/// What one presence adds to a person.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Presence {
    /// Its influence but for strangers, at least 0.
    pub influence: f64,
    /// People who are reached.
    pub people: f64,
    /// Prestige, added up over the people who are reached.
    pub prestige: f64,
    /// Strangers, before their allowance.
    pub strangers: f64,
    /// Posts, decayed.
    pub posts: f64,
    /// The sum of the squares of what each actor adds to `influence`.
    pub squares: f64,
}

// === impl Sums ===

impl Sums {
    /// With one more edge, of an actor with these factors.
    #[must_use]
    pub const fn plus(self, factors: &Factors, share: Share) -> Self {
        Self {
            credible: self.credible.plus(factors.attention, share),
            people: self.people.plus(factors.people, share),
            prestige: self.prestige.plus(factors.prestige, share),
            strangers: self.strangers.plus(factors.strangers, share),
            squares: self.squares.plus(factors.attention, share),
        }
    }

    /// Two parts of one sum.
    #[must_use]
    pub const fn and(self, other: &Self) -> Self {
        Self {
            credible: self.credible.and(other.credible),
            people: self.people.and(other.people),
            prestige: self.prestige.and(other.prestige),
            strangers: self.strangers.and(other.strangers),
            squares: self.squares.and(other.squares),
        }
    }

    /// What is left without a part of it.
    pub(crate) const fn but(self, part: &Self) -> Self {
        Self {
            credible: self.credible.but(part.credible),
            people: self.people.but(part.people),
            prestige: self.prestige.but(part.prestige),
            strangers: self.strangers.but(part.strangers),
            squares: self.squares.but(part.squares),
        }
    }

    /// Of as many edges, each like these.
    pub(crate) const fn times(self, count: u64) -> Self {
        Self {
            credible: self.credible.times(count),
            people: self.people.times(count),
            prestige: self.prestige.times(count),
            strangers: self.strangers.times(count),
            squares: self.squares.times(count),
        }
    }

    /// Credible attention, in people.
    pub(crate) fn credible(&self) -> f64 {
        self.credible.count()
    }
}

// === impl Unnamed ===

impl Unnamed {
    /// With the interactions of one kind and day, all of them at once. Kinds and days come in ascending
    /// order, because squares are added as floats.
    #[must_use]
    pub fn plus(mut self, model: &Model, vouched: bool, kind: Kind, age: u8, count: u64) -> Self {
        let first = model.first(vouched, kind, age);
        self.parts = self.parts.saturating_add(u128::from(first.parts()) * u128::from(count));
        let people = float(count) * first.people();
        self.squares += people * people;
        self
    }

    /// With a part of the interactions of one kind and day, 0 to 1.
    pub(crate) fn plus_part(
        mut self,
        model: &Model,
        vouched: bool,
        (kind, age, count): (Kind, u8, u64),
        part: f64,
    ) -> Self {
        let first = model.first(vouched, kind, age);
        let people = float(count) * part * first.people();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let parts = (people * f64::from(Share::WHOLE.parts())) as u128;
        self.parts = self.parts.saturating_add(parts);
        self.squares += people * people;
        self
    }

    /// `n` of section 7.
    pub(crate) fn count(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "to the nearest")]
        let parts = self.parts as f64;
        parts / f64::from(Share::WHOLE.parts())
    }

    /// `g` of section 7.
    pub(crate) fn worth(&self, model: &Model) -> f64 {
        model.unnamed_worth(self.count())
    }
}

// === impl Presence ===

impl Presence {
    /// - `vouched`: whether the network vouches for `unnamed`.
    /// - `posts`: how many there are by age in whole UTC days.
    #[must_use]
    pub fn new(
        model: &Model,
        attention: &Sums,
        vouched: bool,
        unnamed: &Unnamed,
        posts: impl IntoIterator<Item = (u8, u64)>,
    ) -> Self {
        let mut credible = attention.credible.count();
        let mut people = attention.people.count();
        let mut strangers = attention.strangers.count();
        let mut squares = attention.squares.total();

        let (count, flood) = (unnamed.count(), model.numbers.unnamed.people);
        let worth = unnamed.worth(model);
        if vouched {
            credible += worth;
            people += worth;
            let bend = 1.0 + count / flood;
            squares += 2.0 * unnamed.squares / (bend * bend);
        } else {
            strangers += worth;
        }

        let posts = decayed(model, posts);
        let weight = model.numbers.posts.weight;
        let kept = 1.0 - weight + weight * amplified(model, people, posts);
        Self {
            influence: credible * kept,
            people,
            prestige: attention.prestige.count(),
            strangers,
            posts,
            squares: squares * (kept * kept),
        }
    }

    /// The part of credible attention that is counted because of how much is amplified, 0 to 1.
    pub(crate) fn amplified_part(&self, model: &Model) -> f64 {
        model.numbers.posts.weight * amplified(model, self.people, self.posts)
    }
}

/// How much is done about what somebody posts, 0 to 1: people who are reached, over themselves and so
/// many for each post. Section 7.
pub(crate) fn amplified(model: &Model, people: f64, posts: f64) -> f64 {
    let numbers = &model.numbers.posts;
    people / (people + numbers.half * (posts + numbers.prior))
}

fn decayed(model: &Model, posts: impl IntoIterator<Item = (u8, u64)>) -> f64 {
    let left = posts.into_iter().filter(|(age, _)| *age < WINDOW_DAYS).fold(0_u64, |sum, post| {
        let (age, count) = post;
        sum.saturating_add(model.left(age).saturating_mul(count))
    });
    float(left) / 10_000.0
}
