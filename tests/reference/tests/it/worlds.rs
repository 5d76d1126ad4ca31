//! Random worlds.

use klout_model::{CounterName, Kind};
use klout_reference::{Counter, Person, Post, Reaction, World};
use proptest::{collection::vec, prelude::*, sample::Index};

const NETWORKS: [&str; 4] = ["bluesky", "github", "stackexchange", "twitter"];

/// One member of a world before it is one: whether they joined, and the networks of their accounts.
type Somebody = (bool, Vec<usize>);

/// Registered people who all react to one another: how many, from which account on, how old.
type Circle = (usize, Index, usize);

/// Members of whom each gives a +K to those who come so many places later: how many, from which account on, the
/// places, how old.
type Ring = (usize, Index, Vec<usize>, usize);

/// Somebody who reacts to so many from an account on, a number of accounts apart.
type Hub = (Index, usize, Index, usize);

/// What happens in a world, before anybody knows who there is.
#[derive(Clone, Debug)]
struct Plan {
    people: Vec<Somebody>,
    reactions: Vec<(Index, Option<Index>, Kind, usize, u64)>,
    /// They react to each other, with this kind both ways.
    mutual: Vec<(Index, Index, Kind, usize)>,
    circles: Vec<Circle>,
    rings: Vec<Ring>,
    hubs: Vec<Hub>,
    posts: Vec<(Index, usize)>,
    counters: Vec<(Index, CounterName, f64)>,
}

/// Of two to `people_max` people; `rows` reactions at most.
pub(crate) fn any_world(people_max: usize, rows: usize) -> impl Strategy<Value = World> {
    any_plan(people_max, rows).prop_map(Plan::into_world)
}

/// The same where an account that nobody claimed is its own owner, as in files.
pub(crate) fn any_world_of_files(people_max: usize, rows: usize) -> impl Strategy<Value = World> {
    any_plan(people_max, rows).prop_map(|mut plan| {
        for (registered, networks) in &mut plan.people {
            if !*registered {
                networks.truncate(1);
            }
        }
        plan.into_world()
    })
}

fn any_plan(people_max: usize, rows: usize) -> impl Strategy<Value = Plan> {
    let networks = prop_oneof![
        4 => vec(0..NETWORKS.len(), 1..2),
        2 => vec(0..NETWORKS.len(), 2..5),
        1 => (0..NETWORKS.len()).prop_map(|network| vec![network, network]),
    ];
    let people = vec((prop::bool::weighted(0.4), networks), 2..=people_max);
    let actor = prop::option::weighted(0.85, any::<Index>());
    let reaction = (any::<Index>(), actor, any_kind(), any_age(), any_count());
    let mutual = (any::<Index>(), any::<Index>(), any_kind(), any_age());
    let hub = (any::<Index>(), 20_usize..80, any::<Index>(), 1_usize..7);
    let plan = (
        people,
        vec(reaction, 0..=rows),
        vec(mutual, 0..=rows / 20),
        (
            vec((4_usize..31, any::<Index>(), 0_usize..60), 0..3),
            vec((2_usize..16, any::<Index>(), vec(1_usize..6, 1..4), 0_usize..60), 0..4),
        ),
        vec(hub, 0..3),
        vec((any::<Index>(), any_age()), 0..=rows / 10),
        vec((any::<Index>(), any_counter(), any_value()), 0..=rows / 10),
    );
    plan.prop_map(|(people, reactions, mutual, (circles, rings), hubs, posts, counters)| Plan {
        people,
        reactions,
        mutual,
        circles,
        rings,
        hubs,
        posts,
        counters,
    })
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(&Kind::ALL)
}

fn any_counter() -> impl Strategy<Value = CounterName> {
    prop::sample::select(&CounterName::ALL)
}

fn any_age() -> impl Strategy<Value = usize> {
    prop_oneof![9 => 0_usize..90, 1 => 88_usize..92, 1 => 90_usize..256]
}

fn any_count() -> impl Strategy<Value = u64> {
    prop_oneof![1 => Just(0), 12 => 1_u64..4, 2 => 4_u64..3_000, 1 => Just(1_000_000_000)]
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![1 => Just(0.0), 4 => 0.0..30.0, 4 => 0.0..1e7, 1 => Just(1e300)]
}

// === impl Plan ===

impl Plan {
    fn into_world(self) -> World {
        let mut world = World::default();
        for ((registered, networks), person) in self.people.iter().zip(0 as Person..) {
            if *registered {
                world.registered.insert(person);
            }
            let networks = networks.iter().map(|it| (person, NETWORKS[*it].to_owned()));
            world.accounts.extend(networks);
        }
        let accounts = world.accounts.len();
        let registered: Vec<usize> =
            (0..accounts).filter(|it| world.registered.contains(&world.owner(*it))).collect();

        for (subject, actor, kind, age, count) in self.reactions {
            let (subject, actor) = (subject.index(accounts), actor.map(|it| it.index(accounts)));
            world.reactions.push(Reaction { subject, actor, kind, age, count });
        }
        for (one, other, kind, age) in self.mutual {
            let (one, other) = (one.index(accounts), other.index(accounts));
            world.react(one, other, kind, age);
            world.react(other, one, kind, age);
        }
        for (size, first, age) in self.circles.into_iter().filter(|_| !registered.is_empty()) {
            let first = first.index(registered.len());
            let members: Vec<usize> =
                registered.iter().cycle().skip(first).take(size).copied().collect();
            for one in &members {
                for other in &members {
                    world.react(*one, *other, Kind::Reply, age + (one + other) % 20);
                }
            }
        }
        for (size, first, apart, age) in self.rings.into_iter().filter(|_| !registered.is_empty()) {
            let first = first.index(registered.len());
            let members: Vec<usize> =
                registered.iter().cycle().skip(first).take(size).copied().collect();
            for (place, giver) in members.iter().enumerate() {
                for apart in &apart {
                    let taker = members[(place + apart) % size];
                    world.react(*giver, taker, Kind::PlusK, age + place % 20);
                }
            }
        }
        for (actor, targets, first, apart) in self.hubs {
            let (actor, first) = (actor.index(accounts), first.index(accounts));
            for target in 0..targets {
                world.react(actor, (first + target * apart) % accounts, Kind::Reshare, target);
            }
        }
        let posts = self.posts.into_iter();
        world.posts = posts.map(|(it, age)| Post { account: it.index(accounts), age }).collect();
        let counters = self.counters.into_iter();
        world.counters = counters
            .map(|(it, name, value)| Counter { account: it.index(accounts), name, value })
            .collect();
        world
    }
}

/// One reaction of somebody.
trait React {
    fn react(&mut self, actor: usize, subject: usize, kind: Kind, age: usize);
}

impl React for World {
    fn react(&mut self, actor: usize, subject: usize, kind: Kind, age: usize) {
        self.reactions.push(Reaction { subject, actor: Some(actor), kind, age, count: 1 });
    }
}
