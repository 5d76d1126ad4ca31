//! The score, slowly: `docs/scoring.md` as a textbook would do it.
//!
//! Written from that page alone and sharing no code with `klout-score-math` and `klout-score-engine`, so
//! that whatever both say is what the page says. It is not fast, not bit for bit the same on every machine
//! and not for anything but tests.

#![allow(clippy::cast_precision_loss, reason = "shares and counts are far below 2^53")]
#![allow(clippy::cast_possible_truncation, reason = "a part of 32,768 is no larger than that")]

mod numbers;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use klout_model::{CounterName, Kind};

pub use crate::numbers::Numbers;
pub use crate::world::{Account, Counter, Person, Post, Presence, Reaction, World};

/// A share that is a whole person. Section 2.
const WHOLE: u64 = 32_768;

/// What the pass says of somebody. Sections 4 and 6.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repute {
    pub credibility: f64,
    pub prestige: f64,
    pub worth: f64,
}

/// What a person is told. Sections 8 to 11.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    pub score: f64,
    pub influence: f64,
    pub true_reach: f64,
    pub amplification: f64,
    pub network_impact: f64,
    pub low: f64,
    pub high: f64,
    pub confidence: f64,
    /// `S`, `O` and `K` of section 8.
    pub strangers: f64,
    pub outside: f64,
    pub plus_k: f64,
}

/// Everything that the page computes.
#[derive(Clone, Debug)]
pub struct Answer<'a> {
    /// Of everybody.
    pub reputes: BTreeMap<Person, Repute>,
    /// Discounts above 0, both ways. Section 5.
    pub discounts: BTreeMap<(Person, Person), u64>,
    /// The part of a +K that came round, where it is above 0, in 32,768ths: by giver and taker. Section 8.
    pub rounds: BTreeMap<(Person, Person), u64>,
    pub sums: BTreeMap<Presence<'a>, Sums>,
    /// Of whoever has evidence.
    pub scores: BTreeMap<Person, Scored>,
}

/// By presence and actor: a share in 32,768ths.
type Shares<'a> = BTreeMap<(Presence<'a>, Person), u64>;

/// What a presence adds up to, under the letters of section 7.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    /// `R`
    pub reach: f64,
    /// `P`
    pub people: f64,
    /// `N`
    pub impact: f64,
    /// `U`
    pub strangers: f64,
    /// `Q`
    pub squares: f64,
    /// `T`
    pub posts: f64,
}

/// All of docs/scoring.md, on one day.
#[must_use]
pub fn scores<'a>(numbers: &Numbers, world: &'a World) -> Answer<'a> {
    let shares = shares(numbers, world);
    let given = given(world, &shares);
    let discounts = discounts(numbers, world, &shares, &given);
    let discounted = discounted(&shares, &discounts);
    let reputes = reputes(numbers, world, &given, &discounted);
    let sums = sums(numbers, world, &discounted, &reputes);
    let vouched = vouched(numbers, world);
    let rounds = rounds(numbers, world, &vouched);
    let plus_k = plus_k(numbers, world, &reputes, &vouched, &rounds);

    let mut scores = BTreeMap::new();
    for person in evidenced(world) {
        scores.insert(person, scored(numbers, world, person, &sums, plus_k[&person]));
    }
    Answer { reputes, discounts, rounds, sums, scores }
}

/// Section 3: what one actor did to one presence, as a share. What an owner's accounts do to one another
/// weighs nothing (section 2), and +K is not part of it.
fn shares<'a>(numbers: &Numbers, world: &'a World) -> Shares<'a> {
    let mut masses: BTreeMap<(Presence<'_>, Person), u64> = BTreeMap::new();
    for reaction in world.reactions().filter(|it| it.kind != Kind::PlusK) {
        let Some(actor) = reaction.actor.map(|it| world.owner(it)) else { continue };
        let presence = world.presence(reaction.subject);
        if actor == presence.0 {
            continue;
        }
        let mass = numbers.weight(reaction.kind) * reaction.count * numbers.left(reaction.age);
        *masses.entry((presence, actor)).or_default() += mass;
    }
    let share = |mass: u64| mass.min(numbers.reaction.whole) * WHOLE / numbers.reaction.whole;
    masses.into_iter().map(|(edge, mass)| (edge, share(mass))).collect()
}

/// Section 4: to how many people, by shares, somebody reacts.
fn given(world: &World, shares: &Shares<'_>) -> BTreeMap<Person, f64> {
    let mut given: BTreeMap<Person, f64> =
        world.people().into_iter().map(|person| (person, 0.0)).collect();
    for (&(_, actor), &share) in shares {
        *given.get_mut(&actor).expect("an actor is a person") += share as f64 / WHOLE as f64;
    }
    given
}

/// Section 4.
fn attention(numbers: &Numbers, given: f64) -> f64 {
    if given > 0.0 { (numbers.attention.people / given).min(1.0) } else { 1.0 }
}

/// Section 5: by how much what two people do to each other is discounted, in 32,768ths.
fn discounts(
    numbers: &Numbers,
    world: &World,
    shares: &Shares<'_>,
    given: &BTreeMap<Person, f64>,
) -> BTreeMap<(Person, Person), u64> {
    let mut reacts: BTreeSet<(Person, Person)> = BTreeSet::new();
    for (&((owner, _), actor), &share) in shares {
        if share > 0 {
            reacts.insert((actor, owner));
        }
    }
    let people = world.people();
    let registered = |person| world.registered.contains(&person);
    let mutual = |a: Person, b: Person| {
        registered(a) && registered(b) && reacts.contains(&(a, b)) && reacts.contains(&(b, a))
    };
    let degree: BTreeMap<Person, usize> = world
        .people()
        .into_iter()
        .map(|a| (a, people.iter().filter(|&&other| mutual(a, other)).count()))
        .collect();

    // A circle is made of attention, so that whoever is friends with everybody hardly counts.
    let weight = |person: Person| rounded(attention(numbers, given[&person]));
    let sum = |of: &dyn Fn(Person) -> bool| -> f64 {
        people.iter().filter(|&&other| of(other)).map(|&other| weight(other)).sum()
    };

    let mut discounts = BTreeMap::new();
    for &(a, s) in reacts.iter().filter(|&&(a, s)| mutual(a, s)) {
        if degree[&a].max(degree[&s]) > numbers.closure.mutual_max {
            continue;
        }
        let most = sum(&|other| mutual(a, other)).max(sum(&|other| mutual(s, other)));
        let both = sum(&|other| mutual(a, other) && mutual(s, other));
        let closure = both / (most + numbers.closure.beside);
        let from = numbers.closure.discounted_from;
        let part = (closure - from) / (numbers.closure.worthless_from - from);
        let discount = whole_below(WHOLE as f64 * part.clamp(0.0, 1.0));
        if discount > 0 {
            discounts.insert((a, s), discount);
        }
    }
    discounts
}

/// Section 5: `share′`.
fn discounted<'a>(shares: &Shares<'a>, discounts: &BTreeMap<(Person, Person), u64>) -> Shares<'a> {
    let mut discounted = Shares::new();
    for (&(presence, actor), &share) in shares {
        let discount = discounts.get(&(actor, presence.0)).copied().unwrap_or(0);
        discounted.insert((presence, actor), share - share * discount / WHOLE);
    }
    discounted
}

/// Section 6: who is how credible, and what a share of theirs is worth.
fn reputes(
    numbers: &Numbers,
    world: &World,
    given: &BTreeMap<Person, f64>,
    discounted: &Shares<'_>,
) -> BTreeMap<Person, Repute> {
    let start = |person: Person| if world.registered.contains(&person) { 1.0 } else { 0.0 };
    let mut credibility: BTreeMap<Person, f64> =
        world.people().into_iter().map(|it| (it, start(it))).collect();

    // What each receives, term by term.
    let received = |credibility: &BTreeMap<Person, f64>| {
        let mut received: BTreeMap<Person, Vec<f64>> =
            world.people().into_iter().map(|it| (it, Vec::new())).collect();
        for (&(presence, actor), &share) in discounted {
            let targets = given[&actor].max(numbers.credibility.targets_min);
            let handed_on = rounded(credibility[&actor] / targets);
            let terms = received.get_mut(&presence.0).expect("an owner is a person");
            terms.push(handed_on * share as f64 / WHOLE as f64);
        }
        received
    };
    for _ in 0..numbers.credibility.rounds {
        for (person, terms) in received(&credibility) {
            if !world.registered.contains(&person) {
                let all: f64 = terms.iter().sum();
                let largest = terms.iter().copied().fold(0.0, f64::max);
                let corroborated = all.min(numbers.credibility.corroborated * (all - largest));
                let next = (numbers.credibility.handed_on * corroborated).min(1.0);
                credibility.insert(person, next);
            }
        }
    }

    let mut reputes = BTreeMap::new();
    for (person, terms) in received(&credibility) {
        let received: f64 = terms.iter().sum();
        let prestige = received / (received + numbers.prestige.half);
        let worth = attention(numbers, given[&person]) * (1.0 + numbers.prestige.worth * prestige);
        let credibility = credibility[&person];
        reputes.insert(person, Repute { credibility, prestige, worth });
    }
    reputes
}

/// Section 7: the sums over the edges of each presence, with its numbers without names and its posts.
fn sums<'a>(
    numbers: &Numbers,
    world: &'a World,
    discounted: &Shares<'a>,
    reputes: &BTreeMap<Person, Repute>,
) -> BTreeMap<Presence<'a>, Sums> {
    let mut sums: BTreeMap<Presence<'_>, Sums> =
        world.presences().into_iter().map(|presence| (presence, Sums::default())).collect();
    for (&(presence, actor), &share) in discounted {
        let x = share as f64 / WHOLE as f64;
        let Repute { credibility, prestige, worth } = reputes[&actor];
        let sums = sums.get_mut(&presence).expect("an edge has a presence");
        sums.reach += rounded(credibility * worth) * x;
        sums.people += rounded(credibility) * x;
        sums.impact += rounded(credibility * prestige) * x;
        sums.strangers += (rounded(worth) - rounded(credibility * worth)) * x;
        sums.squares += cut(rounded(credibility * worth).powi(2)) * x.powi(2);
    }

    let mut unnamed: BTreeMap<Presence<'_>, BTreeMap<(Kind, usize), u64>> = BTreeMap::new();
    for reaction in world.reactions().filter(|it| it.kind != Kind::PlusK) {
        if reaction.actor.is_none() {
            let counts = unnamed.entry(world.presence(reaction.subject)).or_default();
            *counts.entry((reaction.kind, reaction.age)).or_default() += reaction.count;
        }
    }
    for (presence, counts) in unnamed {
        let vouching = numbers.vouching.iter().any(|it| it == presence.1);
        let first = |kind: Kind, age: usize| {
            let left = if vouching { numbers.vouched_left(age) } else { numbers.left(age) };
            let mass = (numbers.weight(kind) * left).min(numbers.reaction.whole);
            (mass * WHOLE / numbers.reaction.whole) as f64 / WHOLE as f64
        };
        let mut n = 0.0;
        let mut squares = 0.0;
        for ((kind, age), count) in counts {
            let people = count as f64 * first(kind, age);
            n += people;
            squares += people.powi(2);
        }
        let bend = numbers.unnamed.people;
        let g = bend * (1.0 + n / bend).ln();
        let sums = sums.get_mut(&presence).expect("a row has a presence");
        if vouching {
            sums.reach += g;
            sums.people += g;
            sums.squares += 2.0 * squares / (1.0 + n / bend).powi(2);
        } else {
            sums.strangers += g;
        }
    }

    for post in world.posts() {
        sums.get_mut(&world.presence(post.account)).expect("a post has a presence").posts +=
            numbers.left(post.age) as f64 / 10_000.0;
    }
    sums
}

/// Section 8: `y`, by giver and taker, in 32,768ths.
fn vouched(numbers: &Numbers, world: &World) -> BTreeMap<(Person, Person), u64> {
    let mut masses: BTreeMap<(Person, Person), u64> = BTreeMap::new();
    for reaction in world.reactions().filter(|it| it.kind == Kind::PlusK) {
        let Some(giver) = reaction.actor.map(|it| world.owner(it)) else { continue };
        let taker = world.owner(reaction.subject);
        if giver != taker {
            *masses.entry((giver, taker)).or_default() +=
                numbers.weight(Kind::PlusK) * reaction.count * numbers.left(reaction.age);
        }
    }
    let share = |mass: u64| mass.min(numbers.reaction.whole) * WHOLE / numbers.reaction.whole;
    masses.into_iter().map(|(pair, mass)| (pair, share(mass))).collect()
}

/// Section 8: what part of a +K among members came round.
fn rounds(
    numbers: &Numbers,
    world: &World,
    vouched: &BTreeMap<(Person, Person), u64>,
) -> BTreeMap<(Person, Person), u64> {
    let one = 1_u128 << 40;
    let among_members: BTreeMap<(Person, Person), u128> = vouched
        .iter()
        .filter(|((giver, taker), _)| {
            world.registered.contains(giver) && world.registered.contains(taker)
        })
        .filter(|(_, share)| **share > 0)
        .map(|(pair, share)| (*pair, u128::from(*share)))
        .collect();
    let mut givers_of: BTreeMap<Person, Vec<(Person, u128)>> = BTreeMap::new();
    for (&(giver, taker), &share) in &among_members {
        givers_of.entry(taker).or_default().push((giver, share));
    }

    // What goes from one person to another on the way back from a giver, whoever the giver is.
    let mut ways: BTreeMap<(Person, Person), BTreeMap<Person, u128>> = BTreeMap::new();
    let everybody: BTreeSet<Person> = among_members.keys().map(|(giver, _)| *giver).collect();
    for giver in everybody {
        let mut here = BTreeMap::from([(giver, one)]);
        for _ in 0..numbers.rings.steps {
            let mut next: BTreeMap<Person, u128> = BTreeMap::new();
            for (person, amount) in here {
                let Some(givers) = givers_of.get(&person) else { continue };
                let all: u128 = givers.iter().map(|(_, share)| share).sum();
                for (before, share) in givers {
                    let amount = amount * share / all;
                    *next.entry(*before).or_default() += amount;
                    let way = ways.entry((*before, person)).or_default();
                    *way.entry(giver).or_default() += amount;
                }
            }
            next.retain(|_, amount| *amount >= one / u128::from(numbers.rings.least));
            here = next;
        }
    }

    // What a taker gave is not got back more than once.
    let mut rounds: BTreeMap<(Person, Person), u128> = BTreeMap::new();
    for ((taker, over), amounts) in ways {
        let one_way = |giver: &Person| {
            among_members.contains_key(&(*giver, taker))
                && !among_members.contains_key(&(taker, *giver))
        };
        let amounts: Vec<(Person, u128)> =
            amounts.into_iter().filter(|(giver, _)| one_way(giver)).collect();
        let all: u128 =
            amounts.iter().map(|(giver, amount)| among_members[&(*giver, taker)] * amount).sum();
        let most = one * among_members[&(taker, over)];
        for (giver, amount) in amounts {
            let amount = if all > most { amount * most / all } else { amount };
            *rounds.entry((giver, taker)).or_default() += amount;
        }
    }
    let parts = |amount: u128| amount.min(one) * u128::from(WHOLE) / one;
    let parts = rounds.into_iter().map(|(pair, amount)| (pair, parts(amount) as u64));
    parts.filter(|(_, part)| *part > 0).collect()
}

/// Section 8: `K` of everybody.
fn plus_k(
    numbers: &Numbers,
    world: &World,
    reputes: &BTreeMap<Person, Repute>,
    vouched: &BTreeMap<(Person, Person), u64>,
    rounds: &BTreeMap<(Person, Person), u64>,
) -> BTreeMap<Person, f64> {
    let mut sums: BTreeMap<Person, (f64, f64)> =
        world.people().into_iter().map(|person| (person, (0.0, 0.0))).collect();
    for (&(giver, taker), &share) in vouched {
        let given_back = vouched.get(&(taker, giver)).is_some_and(|&share| share > 0);
        let round = rounds.get(&(giver, taker)).copied().unwrap_or(0);
        let returned = if given_back { share } else { share * round / WHOLE };
        let Repute { credibility, worth, .. } = reputes[&giver];
        let each = rounded(credibility * worth) / WHOLE as f64;
        let (other, back) = sums.get_mut(&taker).expect("a taker is a person");
        *other += each * (share - returned) as f64;
        *back += each * returned as f64;
    }
    let numbers::PlusK { people, each, given_back } = numbers.plus_k;
    let k =
        |(other, back): (f64, f64)| each * (other + given_back * back.min(numbers.rings.together));
    let bent = |k: f64| people * (1.0 - (-k / people).exp());
    sums.into_iter().map(|(it, sum)| (it, bent(k(sum)))).collect()
}

/// Sections 8 to 11: one person.
fn scored(
    numbers: &Numbers,
    world: &World,
    person: Person,
    sums: &BTreeMap<Presence<'_>, Sums>,
    plus_k: f64,
) -> Scored {
    let own: Vec<Sums> =
        sums.iter().filter(|((owner, _), _)| *owner == person).map(|(_, sums)| *sums).collect();
    let posts = &numbers.posts;
    let amplified = |people: f64, made: f64| people / (people + posts.half * (made + posts.prior));
    let factor =
        |sums: &Sums| 1.0 - posts.weight + posts.weight * amplified(sums.people, sums.posts);

    // Section 8.
    let strangers: f64 = own.iter().map(|sums| sums.strangers).sum();
    let mut counters = 0.0;
    let mut outside = 0.0;
    for account in (0..world.accounts.len()).filter(|it| world.owner(*it) == person) {
        let reading = |name| world.reading(account, name);
        for name in CounterName::ALL {
            counters += numbers.counter(name) * reading(name).ln_1p();
        }
        let inlinks = reading(CounterName::PageInlinks);
        if inlinks > 0.0 {
            let ratio = inlinks / (inlinks + reading(CounterName::PageOutlinks));
            outside += numbers.outside.inlinks * inlinks.ln_1p() * ratio;
        }
        outside += numbers.outside.rank * reading(CounterName::PageRank).ln_1p();
    }
    let allowance = &numbers.strangers;
    let allowed = allowance.people
        * (1.0
            - (-allowance.weight * strangers / allowance.people).exp()
                * (1.0 - counters / (counters + allowance.counters_half)));
    let presences: f64 = own.iter().map(|sums| sums.reach * factor(sums)).sum();
    let influence = presences + allowed + outside + plus_k;

    // Section 9.
    let score = numbers.score(influence);

    // Section 10.
    let people: f64 = own.iter().map(|sums| sums.people).sum();
    let made: f64 = own.iter().map(|sums| sums.posts).sum();
    let impact: f64 = own.iter().map(|sums| sums.impact).sum();
    let network_impact = if people > 0.0 { 100.0 * impact / people } else { 0.0 };

    // Section 11.
    let sure = &numbers.confidence;
    let squares: f64 = own.iter().map(|sums| factor(sums).powi(2) * sums.squares).sum();
    let distance = sure.spread * (2.0 * squares).sqrt();
    let further = if squares > 0.0 {
        let effective = influence.powi(2) / squares;
        distance * effective / (effective + sure.lucky)
    } else {
        0.0
    };
    let low = numbers.score((influence - distance - sure.unseen).max(0.0));
    let high = numbers.score(influence + further + sure.unseen);
    let confidence = score / (score + high - low);
    Scored {
        score,
        influence,
        true_reach: people + allowed,
        amplification: 100.0 * amplified(people, made),
        network_impact,
        low,
        high,
        confidence,
        strangers: allowed,
        outside,
        plus_k,
    }
}

/// Section 1: who is told a score, being the subject of something in the window.
fn evidenced(world: &World) -> BTreeSet<Person> {
    let reactions = world.reactions().map(|reaction| reaction.subject);
    let posts = world.posts().map(|post| post.account);
    let counters = world.counters.iter().map(|counter| counter.account);
    reactions.chain(posts).chain(counters).map(|account| world.owner(account)).collect()
}

/// To a multiple of 2⁻⁴⁰. Section 6.
fn rounded(amount: f64) -> f64 {
    let one = 2.0_f64.powi(40);
    (amount * one).round() / one
}

/// Down to a multiple of 2⁻⁴⁰. Section 6.
fn cut(amount: f64) -> f64 {
    let one = 2.0_f64.powi(40);
    (amount * one).floor() / one
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 32,768")]
fn whole_below(amount: f64) -> u64 {
    amount.floor() as u64
}
