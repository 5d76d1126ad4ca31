//! +K as they are answered.

use std::collections::BTreeSet;

use klout_chassis::{Caller, Seen};
use klout_model::PersonId;
use klout_proto::{convert, graph::v1 as proto};
use time::{Duration, OffsetDateTime};

use super::{PlusKRpc, parse_person};
use crate::{
    error::Error,
    plus_k::{
        PlusK,
        rules::{self, Budget},
        suggest::Suggestion,
    },
    shown::hidden_from,
    store::topic_proposal::Proposal,
};

/// Who looks; nobody in particular sees what all may see.
pub(super) fn viewer(text: &str) -> Result<Option<PersonId>, Error> {
    if text.is_empty() { Ok(None) } else { parse_person("viewer", text).map(Some) }
}

/// Refuses somebody who is `found` by the id `asked`, and is nobody to `caller`.
pub(super) async fn check(
    rpc: &PlusKRpc,
    caller: &Caller,
    asked: PersonId,
    found: i64,
) -> Result<(), Error> {
    let people: Vec<_> = PersonId::new(found).into_iter().collect();
    let hidden = hidden_from(&rpc.vouching.db, caller, &people).await?;
    if hidden.is_empty() { Ok(()) } else { Err(Error::PersonUnknown { person: asked }) }
}

/// Those of +K of `whose` at whose other end somebody is whom `caller` is shown; notes who was seen.
pub(super) async fn seen(
    rpc: &PlusKRpc,
    caller: &Caller,
    whose: i64,
    mut listed: Vec<PlusK>,
    other: impl Fn(&PlusK) -> i64,
) -> Result<Vec<PlusK>, Error> {
    let people: BTreeSet<_> = listed.iter().filter_map(|it| PersonId::new(other(it))).collect();
    let people: Vec<_> = people.into_iter().collect();
    let hidden = hidden_from(&rpc.vouching.db, caller, &people).await?;
    listed.retain(|it| PersonId::new(other(it)).is_some_and(|person| !hidden.contains(&person)));
    let shown = people.into_iter().filter(|person| !hidden.contains(person));
    for person in shown.chain(PersonId::new(whose)) {
        rpc.lookups.note(caller, Seen::PlusK, person);
    }
    Ok(listed)
}

/// A +K, for one of the two whom it is about or for anybody.
pub(super) fn plus_k(it: PlusK, is_theirs: bool) -> proto::PlusK {
    let shown = it.thank_time.filter(|_| is_theirs || it.thanks_public);
    proto::PlusK {
        plus_k: it.id.to_string(),
        giver: it.giver.to_string(),
        receiver: it.receiver.to_string(),
        topic: it.topic,
        give_time: Some(convert::timestamp(it.give_time)),
        thank_time: shown.map(convert::timestamp),
        thanks: if shown.is_some() { it.thanks } else { String::new() },
        thanks_public: shown.is_some() && it.thanks_public,
        take_back_until_time: Some(convert::timestamp(rules::take_back_until(it.give_time))),
    }
}

pub(super) fn budget(it: &Budget) -> proto::PlusKBudget {
    proto::PlusKBudget {
        daily: it.daily.into(),
        left: it.left.into(),
        reset_time: Some(convert::timestamp(it.reset_time)),
    }
}

pub(super) fn proposal(it: Proposal) -> proto::TopicProposal {
    proto::TopicProposal {
        proposal: it.id.to_string(),
        proposer: it.proposer.to_string(),
        person: it.person.to_string(),
        topic: it.topic,
        create_time: Some(convert::timestamp(it.create_time)),
    }
}

pub(super) fn suggestion(it: Suggestion) -> proto::PlusKSuggestion {
    let midnight = OffsetDateTime::UNIX_EPOCH + Duration::days(it.suggested.day.into());
    proto::PlusKSuggestion {
        receiver: it.suggested.receiver.to_string(),
        topics: it.topics,
        accept_time: Some(convert::timestamp(midnight)),
    }
}
