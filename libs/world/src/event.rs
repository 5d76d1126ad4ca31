//! What happens, as the networks would tell it.

use klout_model::{Count, CounterName, CounterValue, Kind, Network};
use time::OffsetDateTime;

use crate::{
    Account, Topic, World,
    draw::{Draw, Purpose},
    name,
};

/// One signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Event<'w> {
    /// UTC, in whole milliseconds.
    pub time: OffsetDateTime,
    pub network: &'w Network,
    /// Unique in its world.
    pub signal_id: String,
    pub content: Content<'w>,
}

/// What a signal says.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<'w> {
    /// `actor` did something to `subject`. `None`: the network does not tell who.
    Interaction {
        actor: Option<&'w Account>,
        subject: &'w Account,
        kind: Kind,
        count: Count,
        post: Option<String>,
        /// What a list is called that somebody is put on, or the skill that is endorsed.
        label: Option<String>,
    },
    Post {
        account: &'w Account,
        post: String,
        text: String,
        tags: Vec<&'static str>,
    },
    Counter {
        account: &'w Account,
        name: CounterName,
        value: CounterValue,
    },
}

/// The events of one day in the order of their times; their texts are made as they are asked for.
#[derive(Debug)]
pub struct Events<'w> {
    pub(crate) world: &'w World,
    pub(crate) day: u16,
    pub(crate) happenings: std::vec::IntoIter<Happening>,
}

/// An event in few bytes. Sorts by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Happening {
    /// Milliseconds of the day.
    pub(crate) at: u32,
    /// Its own alone in this world: the source, the day, and a number in the order of making.
    pub(crate) number: u64,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    Interaction { actor: Option<u32>, subject: u32, kind: Kind, count: u32, post: Option<PostKey> },
    Post { account: u32, post: PostKey },
    Counter { account: u32, name: CounterName, value: u32 },
}

/// A post of an account: its day, its milliseconds, and which of that day's it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PostKey {
    pub(crate) day: u16,
    pub(crate) at: u32,
    /// Below 1,024.
    pub(crate) ordinal: u16,
}

// === impl Events ===

impl<'w> Events<'w> {
    fn event(&self, happening: Happening) -> Event<'w> {
        let world = self.world;
        let (place, content) = match happening.what {
            What::Interaction { actor, subject, kind, count, post } => {
                let place = world.place(subject);
                let content = Content::Interaction {
                    actor: actor.map(|actor| world.account(actor)),
                    subject: world.account(subject),
                    kind,
                    count: Count::new(u64::from(count)).expect("no more than there are people"),
                    post: post.map(|post| place.post(world.first_day, post)),
                    label: label(world, actor, subject, kind, happening.number),
                };
                (place, content)
            }
            What::Post { account, post } => {
                let place = world.place(account);
                let (text, tags) = say(world, account, post);
                let post = place.post(world.first_day, post);
                let account = world.account(account);
                (place, Content::Post { account, post, text, tags })
            }
            What::Counter { account, name, value } => {
                let value = CounterValue::new(f64::from(value)).expect("finite and at least 0");
                let content = Content::Counter { account: world.account(account), name, value };
                (world.place(account), content)
            }
        };
        Event {
            time: world.midnight(self.day) + time::Duration::milliseconds(i64::from(happening.at)),
            network: &world.networks[place as usize],
            signal_id: name::signal(world.seed, happening.number),
            content,
        }
    }
}

impl<'w> Iterator for Events<'w> {
    type Item = Event<'w>;

    fn next(&mut self) -> Option<Event<'w>> {
        let happening = self.happenings.next()?;
        Some(self.event(happening))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.happenings.size_hint()
    }
}

impl ExactSizeIterator for Events<'_> {}

/// The text and the tags of a post: about the main topic of its account in two of three cases.
fn say(world: &World, account: u32, post: PostKey) -> (String, Vec<&'static str>) {
    let name = [u64::from(account), u64::from(post.day), u64::from(post.ordinal)];
    let mut draw = Draw::new(world.seed, Purpose::Text, &name);
    let topics = world.account(account).topics();
    let topic = match topics.first() {
        Some(main) if draw.chance(2.0 / 3.0) => *main,
        Some(_) => *draw.pick(topics),
        // A bot says anything.
        None => Topic::draw(&mut draw),
    };
    (topic.text(&mut draw), vec![topic.name()])
}

/// What somebody is called who is put on a list or endorsed: after one of their topics, the main one in two of
/// three cases.
fn label(
    world: &World,
    actor: Option<u32>,
    subject: u32,
    kind: Kind,
    number: u64,
) -> Option<String> {
    let topics = world.account(subject).topics();
    // Fakes name nothing.
    let is_person = actor.is_some_and(|actor| actor < world.honest());
    let (main, is_person) = (*topics.first()?, is_person && subject < world.honest());
    if !is_person {
        return None;
    }
    let mut draw = Draw::new(world.seed, Purpose::Label, &[number]);
    let topic = if draw.chance(2.0 / 3.0) { main } else { *draw.pick(topics) };
    match kind {
        Kind::List => Some(topic.list(&mut draw)),
        Kind::Endorse => Some(topic.words()),
        Kind::Like
        | Kind::Reshare
        | Kind::Reply
        | Kind::Mention
        | Kind::Comment
        | Kind::Follow
        | Kind::Accept
        | Kind::PlusK => None,
    }
}
