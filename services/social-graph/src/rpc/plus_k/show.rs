//! +K as they are answered.

use klout_model::PersonId;
use klout_proto::{convert, graph::v1 as proto};
use time::{Duration, OffsetDateTime};

use super::parse_person;
use crate::{
    error::Error,
    plus_k::{
        PlusK,
        rules::{self, Budget},
        suggest::Suggestion,
    },
    store::topic_proposal::Proposal,
};

/// Who looks; nobody in particular sees what all may see.
pub(super) fn viewer(text: &str) -> Result<Option<PersonId>, Error> {
    if text.is_empty() { Ok(None) } else { parse_person("viewer", text).map(Some) }
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
