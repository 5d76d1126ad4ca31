//! The made-up world of `klout up --sample`.
//!
//! Its clock is walked through the last month day by day, so that everybody has a history. How far it
//! came is written down, and a start that was interrupted goes on from there. A brand and a hotel offer something from the
//! beginning.

mod perks;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use klout_chassis::Clock;
use klout_embedded::Home;
use klout_model::Day;
use klout_proto::{
    convert::timestamp,
    graph::v1::{BatchCreatePeopleRequest, CreatePersonRequest, LinkedAccount},
    signal::v1::{
        Account, BatchIngestSignalsRequest, Counter, Interaction, Post, Signal, signal::Content,
    },
};
use klout_world::{DAYS, Event, LAST_DAY, Recipe, World};
use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, Time, macros::time};

use crate::{
    arguments,
    client::{Client, retried},
    data_directory::DataDirectory,
    exit::Failure,
    output, visible,
};

/// The same world for everybody.
const SEED: u64 = 2_008;

/// Enough for every kind of fate, and loaded in seconds.
const PEOPLE: u32 = 1_000;

/// Lists and endorsements, for each reaction: enough to see what people are called, and too few to move a score
/// by much.
const SAID: f64 = 0.03;

/// The last millisecond of a day: nothing of it is later.
const END_OF_DAY: Time = time!(23:59:59.999);

/// Days that are scored one by one at the end; all before are taken in at once.
const HISTORY_DAYS: u16 = 31;

/// Rows in one call, and calls at once.
const ROWS_MAX: usize = 1_000;
const IN_FLIGHT_MAX: usize = 4;

/// The file of the data directory that says how far it is.
const FILE: &str = "sample.json";

/// How far the world is in.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
struct State {
    seed: u64,
    people: u32,
    days_done: u16,
}

/// The world, on its way in.
#[derive(Debug)]
pub(crate) struct Loading {
    world: World,
    state: State,
    first_day: Day,
}

/// Whether a start was asked for the sample and ended before it was in.
pub(crate) fn is_unfinished(directory: &DataDirectory) -> Result<bool, Failure> {
    Ok(State::read(directory)?.is_some_and(|state| state.days_done < DAYS))
}

// === impl State ===

impl State {
    fn read(directory: &DataDirectory) -> Result<Option<Self>, Failure> {
        let Some(text) = directory.read(FILE)? else { return Ok(None) };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::Failed(format!("{FILE} in the data directory cannot be read: {error}"))
        })
    }

    /// The day that the clock is pinned to: the last one that is in, and not before the first of the
    /// history.
    fn clock_day(self) -> u16 {
        self.days_done.max(DAYS - HISTORY_DAYS + 1) - 1
    }
}

// === impl Loading ===

impl Loading {
    /// Goes on where an earlier start ended, or begins in an empty folder, and pins its clock.
    pub(crate) fn begin(directory: &DataDirectory, home: &Home) -> Result<Self, Failure> {
        let state = match State::read(directory)? {
            Some(state) => state,
            None if home.postgres_data().exists() => {
                return Err(Failure::Failed(format!(
                    "there is data in {} already, which a made-up world must not be mixed into: \
                     name an empty folder with --data-dir",
                    directory.path().display()
                )));
            }
            None => State { seed: SEED, people: PEOPLE, days_done: 0 },
        };
        let last_day = Day::from_date(LAST_DAY);
        let recipe = Recipe { said: SAID, ..Recipe::new(state.seed, state.people, last_day) };
        let world = World::new(&recipe).map_err(|error| Failure::failed(&error))?;
        let loading = Self { world, state, first_day: last_day.minus(DAYS - 1) };
        loading.keep(directory)?;
        Ok(loading)
    }

    /// Takes in what is missing, day by day, and waits for the scores of each.
    pub(crate) async fn load(
        mut self,
        client: &Client,
        directory: &DataDirectory,
        clock: &Clock,
    ) -> Result<(), Failure> {
        if self.state.days_done == DAYS {
            return Ok(());
        }
        let template = "the sample's days: [{bar:30}] {pos}/{len}, {eta} left";
        let bar = output::progress(Some(DAYS.into()), template);
        self.register(client).await?;
        perks::offer(client).await?;
        for day in self.state.days_done..DAYS {
            self.state.days_done = day + 1;
            if self.state.clock_day() == day {
                clock.set(self.end_of(day));
            }
            self.send(client, day).await?;
            if self.state.clock_day() == day {
                visible::until_passed_quietly(client).await?;
                self.keep(directory)?;
            }
            bar.set_position(u64::from(day) + 1);
        }
        bar.finish_and_clear();
        visible::until_visible(client).await?;
        visible::until_topics_are_told(client).await
    }

    /// Writes down how far it is, and where the clock is.
    fn keep(&self, directory: &DataDirectory) -> Result<(), Failure> {
        directory.write_json(FILE, &self.state)?;
        let time = self.end_of(self.state.clock_day());
        directory.pin(Some(&arguments::print_time(time)))
    }

    fn end_of(&self, day: u16) -> OffsetDateTime {
        let date = self.first_day.plus(day).to_date();
        date.with_time(END_OF_DAY).assume_utc()
    }

    async fn register(&self, client: &Client) -> Result<(), Failure> {
        let members = self.world.members().map(|member| CreatePersonRequest {
            accounts: member
                .accounts()
                .map(|account| LinkedAccount {
                    network: account.network.to_string(),
                    native_id: account.native_id.to_string(),
                    handle: account.handle.clone(),
                    ..Default::default()
                })
                .collect(),
            country: member.home().map(|home| home.country.to_owned()).unwrap_or_default(),
            city: member.home().and_then(|home| home.city).unwrap_or_default().to_owned(),
            ..Default::default()
        });
        let members: Vec<_> = members.collect();
        for requests in members.chunks(ROWS_MAX) {
            let created = retried(|| {
                let (mut client, requests) = (client.graph(), requests.to_vec());
                async move { client.batch_create_people(BatchCreatePeopleRequest { requests }).await }
            });
            created.await?;
        }
        Ok(())
    }

    async fn send(&self, client: &Client, day: u16) -> Result<(), Failure> {
        let mut calls = Vec::new();
        let mut signals = self.world.day(day).map(signal).peekable();
        while signals.peek().is_some() {
            let rows: Vec<_> = signals.by_ref().take(ROWS_MAX).collect();
            let client = client.clone();
            calls.push(retried(move || {
                let (mut client, signals) = (client.signals(), rows.clone());
                async move {
                    client.batch_ingest_signals(BatchIngestSignalsRequest { signals }).await
                }
            }));
        }
        let answers: Vec<_> =
            stream::iter(calls).buffer_unordered(IN_FLIGHT_MAX).try_collect().await?;
        let rejected = answers.into_iter().flat_map(|answer| answer.into_inner().rejected).next();
        // The world was made for this; what is left out would be a mistake of ours.
        rejected.map_or(Ok(()), |rejected| {
            Err(Failure::Failed(format!("the sample was refused: {}", rejected.message)))
        })
    }
}

/// As the connector takes it.
fn signal(event: Event<'_>) -> Signal {
    let named = |account: &klout_world::Account| {
        Some(Account {
            native_id: account.native_id.to_string(),
            handle: Some(account.handle.clone()),
        })
    };
    let content = match event.content {
        klout_world::Content::Interaction { actor, subject, kind, count, post, label } => {
            Content::Interaction(Interaction {
                actor: actor.and_then(named),
                subject: named(subject),
                kind: kind.to_string(),
                count: Some(count.get()),
                post,
                label,
            })
        }
        klout_world::Content::Post { account, post, text, tags } => Content::Post(Post {
            account: named(account),
            post,
            text: Some(text),
            links: Vec::new(),
            tags: tags.into_iter().map(str::to_owned).collect(),
        }),
        klout_world::Content::Counter { account, name, value } => Content::Counter(Counter {
            account: named(account),
            name: name.to_string(),
            value: value.get(),
            post: None,
        }),
    };
    Signal {
        network: event.network.to_string(),
        signal_id: event.signal_id,
        time: Some(timestamp(event.time)),
        content: Some(content),
    }
}
