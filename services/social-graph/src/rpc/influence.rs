//! Lists of who influences whom, with topics.

use std::collections::BTreeMap;

use klout_chassis::{Caller, Seen};
use klout_model::{Day, Network, PersonId, Purpose};
use klout_proto::{convert, graph::v1::Influence};

use super::{GraphRpc, page, parse_person};
use crate::{
    error::Error,
    influence::{self, Other, Position, Reader, Viewer},
    store::tie::End,
    strength,
};

/// Rows of a page, when nothing is said and at most.
pub(super) const SIZE: (u16, u16) = (20, 100);

/// Topics that a row is shown with.
const TOPICS: usize = 3;

/// Topics of the influencing one that are compared with those of the influenced.
const COMPARED_MAX: i32 = 100;

/// The other influences the person, the person influences the other, or both.
const INFLUENCER: &str = "INFLUENCER";
const INFLUENCEE: &str = "INFLUENCEE";
const MUTUAL: &str = "MUTUAL";

/// What is asked of either list.
pub(super) struct Asked {
    pub(super) person: String,
    pub(super) network: String,
    pub(super) topic: String,
    pub(super) page_size: i32,
    pub(super) page_token: String,
    pub(super) with_total_size: bool,
}

/// What either list is answered with.
pub(super) struct Page {
    pub(super) people: Vec<Influence>,
    pub(super) next_page_token: String,
    pub(super) total_size: Option<i64>,
}

/// Whom a caller may see: operators and our own services everybody.
pub(super) fn viewer(rpc: &GraphRpc, caller: &Caller) -> Viewer {
    let purpose = Some(caller.purpose()).filter(|it| Purpose::OF_CONSENT.contains(it));
    Viewer { today: Day::of(rpc.clock.now()), purpose }
}

/// A page of those at the other end of the person's ties, and the token of the next.
pub(super) async fn list(
    rpc: &GraphRpc,
    caller: &Caller,
    end: End,
    asked: Asked,
) -> Result<Page, Error> {
    let person = parse_person("person", &asked.person)?;
    let network: Option<Network> = match asked.network.as_str() {
        "" => None,
        network => Some(network.parse().map_err(|invalid| Error::field("network", invalid))?),
    };
    let size = page::size(asked.page_size, SIZE.0, SIZE.1)?;
    let position = match page::after::<5>(&asked.page_token)? {
        None => None,
        Some(numbers) => Some(Position::from_numbers(numbers).ok_or_else(page::not_ours)?),
    };
    let viewer = viewer(rpc, caller);
    let own = influence::own(&rpc.db, person, viewer).await?;
    let own_person = own.person;
    let topic = Some(asked.topic.as_str()).filter(|topic| !topic.is_empty());
    if let Some(topic) = topic.filter(|_| end == End::Subject)
        && rpc.topics.who_has(&[own_person], topic).await?.is_empty()
    {
        let total_size = asked.with_total_size.then_some(0);
        return Ok(Page { people: Vec::new(), next_page_token: String::new(), total_size });
    }
    let reader = Reader::new(&rpc.db, end, own, network.as_ref(), viewer);
    let total_size = if asked.with_total_size { Some(reader.count().await?) } else { None };
    let (page, next) = reader.page(position, size, topic.map(|it| (&rpc.topics, it))).await?;
    let topics = Topics::read(rpc, end, own_person, &page).await?;
    for seen in page.iter().map(|it| it.person).chain([own_person]) {
        rpc.lookups.note(caller, Seen::Influence, seen);
    }
    let next_page_token = next.map_or_else(String::new, |next| page::token(next.numbers()));
    let people = page.into_iter().map(|it| encode(it, end, viewer.today, &topics)).collect();
    Ok(Page { people, next_page_token, total_size })
}

fn encode(other: Other, end: End, today: Day, topics: &Topics) -> Influence {
    let direction = match end {
        _ if other.mutual => MUTUAL,
        End::Actor => INFLUENCER,
        End::Subject => INFLUENCEE,
    };
    Influence {
        person: other.person.to_string(),
        strength: strength::told(other.strength, today),
        direction: direction.to_owned(),
        networks: other.networks,
        last_reaction_time: Some(convert::timestamp(strength::midnight(other.last_day))),
        topics: topics.of(other.person),
    }
}

/// What each row is shown with.
struct Topics {
    end: End,
    /// Of the person whose list it is, where that is who influences.
    own: Vec<String>,
    others: BTreeMap<PersonId, Vec<String>>,
}

// === impl Topics ===

impl Topics {
    async fn read(rpc: &GraphRpc, end: End, own: PersonId, page: &[Other]) -> Result<Self, Error> {
        let mut people: Vec<PersonId> = page.iter().map(|it| it.person).collect();
        let max = match end {
            End::Actor => 3,
            End::Subject => COMPARED_MAX,
        };
        if end == End::Subject && !people.is_empty() {
            people.push(own);
        }
        let mut others = rpc.topics.names(&people, max).await?;
        let own = others.remove(&own).unwrap_or_default();
        Ok(Self { end, own, others })
    }

    /// Topics of who influences; of those of an influencee what both have comes first.
    fn of(&self, other: PersonId) -> Vec<String> {
        let theirs = self.others.get(&other).map_or(&[][..], Vec::as_slice);
        match self.end {
            End::Actor => theirs.iter().take(TOPICS).cloned().collect(),
            End::Subject => {
                let (both, alone): (Vec<_>, Vec<_>) =
                    self.own.iter().partition(|it| theirs.contains(it));
                both.into_iter().chain(alone).take(TOPICS).cloned().collect()
            }
        }
    }
}
