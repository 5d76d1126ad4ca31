//! Some people are scored as everybody was.

use std::collections::BTreeSet;

use klout_model::{CounterName, Kind, Network};
use klout_score_engine::{
    Account, Block, Census, Graph, Identity, Ignored, Published, Scope,
    packed::{AccountEvidence, Cell, Given, NO_POST, Post, Reading},
};
use klout_score_math::Model;
use proptest::{collection::vec, prelude::*};

const TODAY: i32 = 20_000;
const ACCOUNTS: i64 = 14;
const OWNERS: usize = 14;

/// Account, actor, kind, age, count.
type Row = (i64, Option<i64>, u8, i32, i64);

#[derive(Debug)]
struct World {
    accounts: Vec<Account>,
    evidence: Vec<(i64, AccountEvidence)>,
}

/// Its code; +K so often that rings of them come about.
fn any_kind() -> impl Strategy<Value = u8> {
    prop_oneof![2 => 0..10_u8, 1 => Just(Kind::PlusK.code())]
}

fn any_world() -> impl Strategy<Value = World> {
    let row = (0..ACCOUNTS, prop::option::of(0..ACCOUNTS), any_kind(), -1..92_i32, 0..4_i64);
    let owners = vec((0..2_u32, prop::option::of(0..8_i64)), OWNERS);
    (owners, vec(row, 0..120), vec((0..ACCOUNTS, 0..4_u8, 0..95_i32), 0..20)).prop_map(
        |(owners, rows, posts)| {
            let accounts = owners.iter().zip(0..).map(|((network, owner), number)| Account {
                id: id(number),
                network: *network,
                owner: owner.map(|owner| owner + 1_000),
            });
            World { accounts: accounts.collect(), evidence: evidence(rows, posts) }
        },
    )
}

/// Often none.
fn any_findings() -> impl Strategy<Value = Ignored> {
    let everywhere = vec(0..ACCOUNTS, 0..2);
    let about = vec((0..ACCOUNTS, 0..8_i64), 0..4);
    (everywhere, about).prop_map(|(everywhere, about)| Ignored {
        everywhere: everywhere.into_iter().map(id).collect(),
        about: about.into_iter().map(|(account, person)| (id(account), person + 1_000)).collect(),
    })
}

/// Spread, as keyed hashes are.
fn id(number: i64) -> i64 {
    number.wrapping_mul(0x5851_f42d_4c95_7f2d)
}

/// Each row and post as a change of its own.
fn evidence(rows: Vec<Row>, posts: Vec<(i64, u8, i32)>) -> Vec<(i64, AccountEvidence)> {
    let mut changes = Vec::new();
    for (account, actor, kind, age, count) in rows {
        let (kind, day) = (Kind::from_code(kind).expect("a kind"), TODAY - age);
        let cell = Cell { actor: actor.map(id), day, kind, count, told: 1 };
        let cells = vec![cell];
        changes.push((id(account), AccountEvidence { cells, ..AccountEvidence::default() }));
        if let (Some(actor), Kind::PlusK) = (actor, kind) {
            let given = vec![Given { receiver: id(account), day, count, told: 1 }];
            changes.push((id(actor), AccountEvidence { given, ..AccountEvidence::default() }));
        }
    }
    for (account, post, age) in posts {
        let day = TODAY - age;
        let posts = vec![Post { hash: [post; 16], day, told: 1 }];
        let reading = |name, post| Reading {
            name,
            post,
            time: i64::from(day) * 86_400_000_000 + 5,
            value: f64::from(age),
            told: 1,
        };
        let readings = match post {
            0 => vec![reading(CounterName::FollowerCount, NO_POST)],
            1 => vec![reading(CounterName::Views, [post; 16])],
            _ => Vec::new(),
        };
        changes
            .push((id(account), AccountEvidence { posts, readings, ..AccountEvidence::default() }));
    }
    changes
}

fn blocks(evidence: &[(i64, AccountEvidence)]) -> Vec<Block<Vec<u8>>> {
    let block = |(account, evidence): &(i64, AccountEvidence)| Block {
        account: *account,
        bytes: evidence.clone().settled().pack(),
    };
    evidence.iter().map(block).collect()
}

fn networks() -> [Network; 2] {
    ["bluesky", "stackexchange"].map(|name| name.parse().expect("a network"))
}

proptest! {
    #[test]
    fn some_people_get_the_bits_that_they_get_among_all(
        world in any_world(), chosen in vec(any::<bool>(), 8), findings in any_findings(),
    ) {
        let (model, networks, ignored) = (Model::current(), networks(), findings);
        let scope = Scope {
            model, today: TODAY, networks: &networks, accounts: &world.accounts, ignored: &ignored,
        };
        let all = Census::take(scope, blocks(&world.evidence)).expect("packed");
        let graph = Graph::new(model, all.evidence);
        let epoch = graph.epoch(model);
        let (scores, _) = graph.scores(model, &epoch);
        let parts: Vec<Vec<u8>> = Published::new(&epoch, &all.people).pack().collect();
        let published = Published::unpack(&parts).expect("packed");

        let chosen: BTreeSet<i64> =
            chosen.iter().zip(1_000..).filter_map(|(chosen, person)| chosen.then_some(person)).collect();
        let mine = |account: &Account| account.owner.is_some_and(|it| chosen.contains(&it));
        let own: BTreeSet<i64> = world.accounts.iter().filter(|it| mine(it)).map(|it| it.id).collect();
        let evidence: Vec<_> =
            world.evidence.iter().filter(|(account, _)| own.contains(account)).cloned().collect();
        let some = Census::take(scope, blocks(&evidence)).expect("packed");
        let epoch = published.of(&some.people);
        let graph = Graph::of_some(model, some.evidence, epoch.closed.clone());
        let (again, _) = graph.scores(model, &epoch);
        for (person, score) in some.people.iter().zip(again) {
            let Identity::Person(number) = person else { continue };
            if !chosen.contains(number) { continue }
            let among_all = all.people.iter().position(|it| it == person).expect("a member");
            prop_assert_eq!(score, scores[among_all], "{:?}", person);
        }
    }
}
