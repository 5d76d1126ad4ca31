//! What honest people do on one day.

use klout_model::{CounterName, Kind};

use crate::{
    World,
    draw::{Draw, Purpose},
    event::{Happening, PostKey, What},
    name::Place,
    people::Traits,
    rhythm::{DAYS_AFTER, Delays, weekday},
};

/// How much posts of one account differ: standard deviation of the logarithm of the reactions that
/// each is worth.
const POST_SIGMA: f64 = 1.4;
/// At most so many posts of an account a day.
const POSTS_MAX: u32 = 200;
/// The chance that a post names somebody.
const NAMES_SOMEBODY: f64 = 0.35;
/// The share of reactions that come from anywhere, not from followers.
const STRANGERS: f64 = 0.2;
/// The share of likes on Mastodon whose actors other servers do not tell.
const UNTOLD: f64 = 0.1;
/// Sought so often for somebody who is awake and has not reacted to the post today; then given up.
const TRIES: u32 = 6;
/// The share of accounts that have counters, and how many days lie between two readings.
const COUNTED: f64 = 0.3;
const COUNTED_EVERY: u16 = 28;

/// Reactions and how likely each is, by [`Place`].
const KINDS: [&[(Kind, f64)]; 3] = [
    &[(Kind::Like, 0.62), (Kind::Reshare, 0.29), (Kind::Reply, 0.08), (Kind::List, 0.01)],
    &[(Kind::Like, 0.52), (Kind::Reshare, 0.38), (Kind::Reply, 0.10)],
    &[(Kind::Like, 0.60), (Kind::Comment, 0.25), (Kind::Reshare, 0.10), (Kind::Accept, 0.05)],
];

/// A post, before anybody reacted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Post {
    pub(crate) key: PostKey,
    /// Expected reactions.
    worth: f64,
    names: Option<u32>,
}

/// Gives what happens on a day its numbers.
#[derive(Debug)]
pub(crate) struct Diary {
    day: u16,
    next: u64,
    pub(crate) happenings: Vec<Happening>,
}

/// Who tells a diary; so that what attacks do does not move the numbers of honest people.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Source {
    Honest = 0,
    Said = 1,
    Attack = 2,
}

/// Who has reacted to the post at hand.
struct Reacted {
    post: u32,
    by_account: Vec<u32>,
}

// === impl Diary ===

impl Diary {
    pub(crate) const fn new(source: Source, day: u16) -> Self {
        // 47 bits of numbers below, more than a day has things to happen; a day has seven.
        let next = (source as u64) << 62 | (day as u64) << 47;
        Self { day, next, happenings: Vec::new() }
    }

    pub(crate) const fn day(&self) -> u16 {
        self.day
    }

    pub(crate) fn note(&mut self, at: u32, what: What) {
        self.happenings.push(Happening { at, number: self.next, what });
        self.next += 1;
    }
}

/// Writes down everything that honest people do on the diary's day.
pub(crate) fn live(world: &World, diary: &mut Diary) {
    let mut reacted = Reacted { post: 0, by_account: vec![0; world.people.traits.len()] };
    for after in 0..=DAYS_AFTER.min(diary.day()) {
        for account in 0..world.honest() {
            for post in posts(world, account, diary.day() - after) {
                if after == 0 {
                    publish(diary, account, post);
                }
                reacted.post += 1;
                react(world, diary, account, post, after, &mut reacted);
            }
        }
    }
    follow(world, diary);
    count(world, diary);
}

/// The posts of an account on a day, in no order of time.
pub(crate) fn posts(world: &World, account: u32, day: u16) -> Vec<Post> {
    let traits = world.traits(account);
    let name = [u64::from(account), u64::from(day)];
    let draw = &mut Draw::new(world.seed, Purpose::PostTimes, &name);
    let count = draw.poisson_above(traits.quiet).min(POSTS_MAX);
    if count == 0 {
        return Vec::new();
    }
    let kept = weekday(traits.place, world.first_day.number() + i32::from(day));
    let mut posts = Vec::new();
    for ordinal in 0..u16::try_from(count).expect("at most 200") {
        let at = traits.zone.moment(draw);
        let worth = traits.influence * draw.noise(POST_SIGMA);
        let topics = world.account(account).topics();
        let names =
            draw.chance(NAMES_SOMEBODY).then(|| world.urns.draw(traits.place, topics, draw));
        let names = names.flatten().filter(|it| *it != account);
        if draw.chance(kept) {
            posts.push(Post { key: PostKey { day, at, ordinal }, worth, names });
        }
    }
    posts
}

fn publish(diary: &mut Diary, account: u32, post: Post) {
    diary.note(post.key.at, What::Post { account, post: post.key });
    if let Some(subject) = post.names {
        // Being named is about oneself, not about a post of one's own.
        let what = interaction(account, subject, Kind::Mention, None);
        diary.note(post.key.at, what);
    }
}

/// Reactions to a post on the day that is `after` days later.
///
/// Their number in all is Poisson; so those of each day are Poisson and independent, and no other day
/// has to be made for them.
fn react(
    world: &World,
    diary: &mut Diary,
    subject: u32,
    post: Post,
    after: u16,
    reacted: &mut Reacted,
) {
    let delays = Delays::into_day(post.key.at, after);
    let PostKey { day, at, ordinal } = post.key;
    let name = [subject, u32::from(day), u32::from(ordinal), u32::from(after)].map(u64::from);
    let draw = &mut Draw::new(world.seed, Purpose::Reactions, &name);
    let place = world.traits(subject).place;
    let (mut untold, mut untold_at) = (0, 0);
    for _ in 0..draw.poisson(post.worth * delays.share()) {
        let found = (0..TRIES).find_map(|_| {
            let actor = reader(world, subject, place, draw)?;
            let at = delays.draw(draw, at, after);
            let awake = draw.chance(world.traits(actor).zone.awake(at));
            (awake && actor != subject && reacted.first(actor)).then_some((actor, at))
        });
        let Some((actor, at)) = found else { continue };
        let kind = draw_kind(place, draw);
        if place == Place::Mastodon && kind == Kind::Like && draw.chance(UNTOLD) {
            untold += 1;
            untold_at = at.max(untold_at);
            continue;
        }
        diary.note(at, interaction(actor, subject, kind, Some(post.key)));
        if kind == Kind::Reply {
            // Who replies names whom they reply to.
            diary.note(at, interaction(actor, subject, Kind::Mention, Some(post.key)));
        }
    }
    if untold > 0 {
        let (kind, post) = (Kind::Like, Some(post.key));
        let what = What::Interaction { actor: None, subject, kind, count: untold, post };
        diary.note(untold_at, what);
    }
}

/// Writes down what people say of one another on the diary's day, whether or not those say something.
pub(crate) fn say(world: &World, diary: &mut Diary) {
    if world.said <= 0.0 {
        return;
    }
    for subject in 0..world.honest() {
        let Traits { place, influence, posting, .. } = world.traits(subject);
        let name = [subject, u32::from(diary.day())].map(u64::from);
        let draw = &mut Draw::new(world.seed, Purpose::Said, &name);
        for _ in 0..draw.poisson(world.said * influence * posting) {
            let Some(actor) = reader(world, subject, place, draw) else { continue };
            let at = world.traits(actor).zone.moment(draw);
            let kind = match place {
                Place::Bluesky | Place::Mastodon => Kind::List,
                Place::Github => Kind::Endorse,
            };
            if actor != subject {
                diary.note(at, interaction(actor, subject, kind, None));
            }
        }
    }
}

fn reader(world: &World, subject: u32, place: Place, draw: &mut Draw) -> Option<u32> {
    let follower = if draw.chance(STRANGERS) { None } else { world.ties.follower(subject, draw) };
    follower.or_else(|| world.ties.stranger(place, draw))
}

fn draw_kind(place: Place, draw: &mut Draw) -> Kind {
    let mut rest = draw.unit();
    let kinds = KINDS[place as usize];
    let kind = kinds.iter().find(|(_, chance)| {
        rest -= chance;
        rest < 0.0
    });
    kind.unwrap_or(&kinds[0]).0
}

fn follow(world: &World, diary: &mut Diary) {
    for (subject, actor) in world.ties.begun(diary.day()) {
        let name = [u64::from(actor), u64::from(subject), u64::from(diary.day())];
        let draw = &mut Draw::new(world.seed, Purpose::Tie, &name);
        let at = world.traits(actor).zone.moment(draw);
        diary.note(at, interaction(actor, subject, Kind::Follow, None));
    }
}

/// Reads the counters of those whose turn it is.
fn count(world: &World, diary: &mut Diary) {
    let day = diary.day();
    for account in 0..world.honest() {
        let draw = &mut Draw::new(world.seed, Purpose::Counters, &[u64::from(account)]);
        if !draw.chance(COUNTED)
            || draw.below(u32::from(COUNTED_EVERY)) != u32::from(day % COUNTED_EVERY)
        {
            continue;
        }
        let Traits { zone, .. } = world.traits(account);
        let at = zone.moment(draw);
        let ties = &world.ties;
        let followers = ties.followers_on(account, day);
        for (name, value) in [
            (CounterName::FollowerCount, followers),
            (CounterName::FollowingCount, ties.following(account)),
        ] {
            diary.note(at, What::Counter { account, name, value });
        }
    }
}

/// One of `kind`.
pub(crate) const fn interaction(
    actor: u32,
    subject: u32,
    kind: Kind,
    post: Option<PostKey>,
) -> What {
    What::Interaction { actor: Some(actor), subject, kind, count: 1, post }
}

// === impl Reacted ===

impl Reacted {
    /// Whether this is the actor's first reaction to the post at hand; it is noted.
    fn first(&mut self, actor: u32) -> bool {
        let newest = &mut self.by_account[actor as usize];
        let first = *newest != self.post;
        *newest = self.post;
        first
    }
}
