use std::collections::BTreeMap;

use klout_chassis::{Caller, Seen};
use klout_model::{Network, PersonId, Purpose, TopicId};
use klout_proto::topic::v1::{Expert, ListExpertsRequest, ListExpertsResponse};

use super::{TopicRpc, page, parse, show};
use crate::{
    error::Error,
    ontologies::Current,
    store::{
        self,
        person_state::{Standings, sees},
        person_topic::Among,
    },
};

/// Of a city, as of profiles.
const CITY_BYTES_MAX: usize = 128;

/// More people than there are.
const PLACE_MAX: i64 = 1 << 40;

/// The last one of a page: bits of the score, person, rank, and how many are listed up to it.
type Place = [i64; 4];

pub(super) async fn list_experts(
    rpc: &TopicRpc,
    caller: &Caller,
    request: ListExpertsRequest,
) -> Result<ListExpertsResponse, Error> {
    check(&request)?;
    let language = parse::language(&request.language)?;
    let size = page::size(request.page_size, 20, 1_000)?;
    let after = page::after::<4>(&request.page_token)?;
    let current = rpc.ontologies.current().await?;
    let topic = parse::topic(rpc, &current, &request.topic).await?;
    let city = request.city.to_lowercase();
    let among = Among {
        topic: topic.bits(),
        network: &request.network,
        country: &request.country,
        city: &city,
    };
    let [score, person, mut rank, mut position] =
        after.unwrap_or([f64::INFINITY.to_bits().cast_signed(), 0, 0, 0]);
    let place = (f64::from_bits(score.cast_unsigned()), person);
    let is_possible = place.0 >= 0.0 && (0..=PLACE_MAX).contains(&position) && rank <= position;
    if !is_possible || rank < 0 {
        return Err(page::not_ours().into());
    }
    let limit = i64::try_from(size).unwrap_or(i64::MAX) + 1;
    let found = store::person_topic::experts(&rpc.db, among, place, limit).await;
    let mut found = found.map_err(Error::store("list experts"))?;
    let more = found.len() > size;
    found.truncate(size);
    let said = Said::read(rpc, caller.purpose(), &current, &found).await?;
    let mut experts = Vec::with_capacity(found.len());
    let (mut last, mut next) = (place.0, None::<Place>);
    for it in found {
        // People who are as strong share a rank.
        position += 1;
        if it.score.to_bits() != last.to_bits() {
            rank = position;
        }
        last = it.score;
        next = Some([it.score.to_bits().cast_signed(), it.person, rank, position]);
        let Some(person) =
            PersonId::new(it.person).filter(|_| said.may_tell(&current, it.person, topic))
        else {
            continue;
        };
        let mostly = TopicId::of_bits(it.mostly)
            .filter(|mostly| said.may_tell(&current, it.person, *mostly))
            .unwrap_or(topic);
        rpc.lookups.note(caller, Seen::Ranking, person);
        experts.push(Expert {
            person: person.to_string(),
            score: it.score,
            rank,
            strength: it.strength,
            people: it.people.into(),
            mostly: Some(show::topic(&current, mostly, language)),
            country: it.country,
            city: it.city,
        });
    }
    Ok(ListExpertsResponse {
        experts,
        next_page_token: next.filter(|_| more).map_or_else(String::new, page::token),
        topic: Some(show::topic(&current, topic, language)),
    })
}

fn check(request: &ListExpertsRequest) -> Result<(), Error> {
    let invalid = |field, problem| Err(Error::FieldInvalid { field, problem });
    let ListExpertsRequest { network, country, city, .. } = request;
    if !network.is_empty() && network.parse::<Network>().is_err() {
        return invalid("network", "is not 1 to 64 of a-z, 0-9 and -");
    }
    let is_code = country.len() == 2 && country.bytes().all(|it| it.is_ascii_uppercase());
    if !country.is_empty() && !is_code {
        return invalid("country", "is not a code of two letters, such as DE");
    }
    if !city.is_empty() && country.is_empty() {
        return invalid("city", "needs a country");
    }
    if city.len() > CITY_BYTES_MAX || city.contains('\0') {
        return invalid("city", "is not the name of a city");
    }
    Ok(())
}

/// Whether those who are listed are there for a purpose, and what they said of themselves, read after them: what was
/// vetoed in between is not told, nor who left.
struct Said {
    purpose: Purpose,
    standings: Standings,
    declared: BTreeMap<i64, Vec<TopicId>>,
    vetoed: BTreeMap<i64, Vec<TopicId>>,
}

// === impl Said ===

impl Said {
    async fn read(
        rpc: &TopicRpc,
        purpose: Purpose,
        current: &Current,
        experts: &[store::person_topic::Expert],
    ) -> Result<Self, Error> {
        let store = Error::store;
        let people: Vec<i64> = experts.iter().map(|it| it.person).collect();
        let standings = store::person_state::find(&rpc.db, &people).await;
        let standings = standings.map_err(store("look who is a member"))?;
        let (declared, vetoed) = (BTreeMap::new(), BTreeMap::new());
        let mut said = Self { purpose, standings, declared, vetoed };
        let vetoed = store::said::vetoed(&rpc.db, &people).await;
        for (person, topic) in vetoed.map_err(store("read what people vetoed"))? {
            said.vetoed.entry(person).or_default().extend(current.topics([topic]));
        }
        let declared = store::said::declared(&rpc.db, &people).await;
        for it in declared.map_err(store("read what people declared"))? {
            said.declared.entry(it.person).or_default().extend(current.topics([it.topic]));
        }
        Ok(said)
    }

    fn may_tell(&self, current: &Current, person: i64, topic: TopicId) -> bool {
        let of =
            |said: &'_ BTreeMap<i64, Vec<TopicId>>| said.get(&person).cloned().unwrap_or_default();
        sees(self.purpose, &self.standings, person)
            && current.may_tell(topic, &of(&self.declared))
            && !current.is_within(topic, &of(&self.vetoed))
    }
}
