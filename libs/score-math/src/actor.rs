//! What an actor's reactions are worth. docs/scoring.md, sections 4 to 6.

use crate::{
    Model, Share,
    share::{Factor, Received},
};

/// What a pass over the population found out about one actor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repute {
    /// How far the actor is known to be somebody, 0 to 1.
    pub credibility: f64,
    /// How influential the actor is, 0 to 1.
    pub prestige: f64,
    /// What a whole share of the actor is worth, attention and prestige, 0 to 1 + the model's worth of
    /// prestige.
    pub worth: f64,
}

/// What an epoch keeps of an actor: the products of a [`Repute`] that sums need, as whole numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// credibility · worth
    pub attention: Factor,
    /// credibility
    pub people: Factor,
    /// credibility · prestige
    pub prestige: Factor,
    /// (1 − credibility) · worth
    pub strangers: Factor,
}

// === impl Repute ===

impl Repute {
    /// Of an actor of whom a pass saw nothing: a stranger who reacts to nobody else.
    pub const UNSEEN: Self = Self { credibility: 0.0, prestige: 0.0, worth: 1.0 };

    /// - `given`: the shares of others that the actor gives, added up, in 32,768ths.
    /// - `received`: the credible attention that the actor receives, in people, from
    ///   [`handed_on`] and final credibilities.
    #[must_use]
    pub fn new(model: &Model, credibility: f64, given: u64, received: f64) -> Self {
        let prestige = received / (received + model.numbers.prestige.half);
        let attention = attention(model, given);
        let worth = attention * (1.0 + model.numbers.prestige.worth * prestige);
        Self { credibility, prestige, worth }
    }

    #[must_use]
    pub fn factors(self) -> Factors {
        let Self { credibility, prestige, worth } = self;
        let attention = Factor::of(credibility * worth);
        Factors {
            attention,
            people: Factor::of(credibility),
            prestige: Factor::of(credibility * prestige),
            strangers: Factor::of(worth).without(attention),
        }
    }
}

// === impl Factors ===

impl Factors {
    /// The repute that they were made from, its credibility and worth to within 2⁻⁴⁰; the prestige of an actor without credibility
    /// is not kept, because it counts for nothing.
    #[must_use]
    pub fn repute(&self) -> Repute {
        let credibility = self.people.value();
        let prestige = if credibility > 0.0 { self.prestige.value() / credibility } else { 0.0 };
        Repute { credibility, prestige, worth: self.attention.value() + self.strangers.value() }
    }
}

/// The part of a person's attention that each whole share gets, above 0 and at most 1, of somebody who
/// gives so many 32,768ths. Section 4.
#[must_use]
pub fn attention(model: &Model, given: u64) -> f64 {
    let (given, people) = (people(given), model.numbers.attention.people);
    if given > people { people / given } else { 1.0 }
}

/// What an actor hands on of its credibility for each whole share that it gives, 0 to 1. Section 6.
#[must_use]
pub fn handed_on(model: &Model, credibility: f64, given: u64) -> Factor {
    Factor::of(credibility / people(given).max(model.numbers.credibility.targets_min))
}

/// The credibility that comes with what was handed on to somebody who is not registered, 0 to 1. What one
/// actor alone hands on counts for nothing. Section 6.
#[must_use]
pub fn credibility(model: &Model, received: Received) -> f64 {
    let numbers = &model.numbers.credibility;
    let corroborated = received.count().min(numbers.corroborated * received.but_the_largest());
    (numbers.handed_on * corroborated).min(1.0)
}

/// The part of a reaction among people of a closed circle that is not counted. Section 5.
///
/// - `both`: the attention of those who are mutual with both, added up.
/// - `of_one`, `of_other`: of those who are mutual with each, the other included.
#[must_use]
pub fn discount(model: &Model, both: Factor, of_one: Factor, of_other: Factor) -> Share {
    let closure = &model.numbers.closure;
    let most = of_one.max(of_other).value();
    let closed = both.value() / (most + closure.beside);
    let part =
        (closed - closure.discounted_from) / (closure.worthless_from - closure.discounted_from);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "is 0 to 32,768")]
    Share::of_parts((f64::from(Share::WHOLE.parts()) * part.clamp(0.0, 1.0)) as u16)
}

fn people(parts: u64) -> f64 {
    crate::float(parts) / f64::from(Share::WHOLE.parts())
}
