//! Topics on which somebody would vouch for a member who does not have them.

use klout_model::PersonId;
use sqlx::PgConnection;
use tracing::instrument;

use super::{Vouching, give::may_be_given, random_id};
use crate::{
    error::Error,
    store::{self, topic_proposal::Proposal},
};

/// How many of one proposer may wait.
pub(crate) const OF_PROPOSER_MAX: i64 = 10;

/// How many may wait for one member.
pub(crate) const FOR_PERSON_MAX: i64 = 100;

// === impl Vouching ===

impl Vouching {
    /// Proposes a topic, or finds the proposal that waits.
    #[instrument(name = "propose_topic", skip_all)]
    pub(crate) async fn propose(
        &self,
        proposer: PersonId,
        person: PersonId,
        topic: &str,
    ) -> Result<Proposal, Error> {
        let store = Error::store;
        let (proposer, person) = self.two(proposer, ("person", person)).await?;
        let (proposer, person) = (proposer.person, person.person);
        let topic = self.topics.find(topic).await?;
        let mut transaction = self.db.begin().await.map_err(store("begin to propose"))?;
        hold_both(&mut transaction, proposer, person).await?;
        may_be_given(&mut transaction, person, proposer).await?;
        let same = store::topic_proposal::same(&mut *transaction, proposer, person, topic.id).await;
        if let Some(same) = same.map_err(store("look for a proposal"))? {
            return Ok(same);
        }
        let waiting = store::topic_proposal::waiting(&mut *transaction, proposer, person).await;
        let waiting = waiting.map_err(store("count proposals"))?;
        if waiting.of_proposer >= OF_PROPOSER_MAX || waiting.for_person >= FOR_PERSON_MAX {
            return Err(Error::ProposalsTooMany);
        }
        let proposal = Proposal {
            id: random_id(),
            proposer,
            person,
            topic_id: topic.id,
            topic: topic.slug,
            create_time: self.now(),
        };
        store::topic_proposal::insert(&mut *transaction, &proposal)
            .await
            .map_err(store("write a proposal"))?;
        transaction.commit().await.map_err(store("commit a proposal"))?;
        Ok(proposal)
    }

    /// Accepts or declines a proposal. What is accepted is declared first: who is interrupted answers again.
    #[instrument(name = "answer_topic_proposal", skip_all)]
    pub(crate) async fn answer(
        &self,
        person: PersonId,
        id: i64,
        accept: bool,
    ) -> Result<(), Error> {
        let store = Error::store;
        let person = self.member(person).await?.person;
        let unknown = || Error::ProposalUnknown { proposal: id };
        let proposal = store::topic_proposal::find(&self.db, person, id).await;
        let proposal = proposal.map_err(store("look for a proposal"))?.ok_or_else(unknown)?;
        if accept {
            self.topics.declare(person, &proposal.topic).await?;
        }
        let same_topic = accept.then_some(proposal.topic_id);
        let deleted = store::topic_proposal::delete(&self.db, person, id, same_topic).await;
        // Two who accept at once have both declared it.
        if deleted.map_err(store("delete a proposal"))? || accept { Ok(()) } else { Err(unknown()) }
    }
}

/// Holds both, in the order of ids: what waits is counted of each.
async fn hold_both(db: &mut PgConnection, one: i64, other: i64) -> Result<(), Error> {
    for id in [one.min(other), one.max(other)] {
        let held = store::member::hold(&mut *db, id).await;
        if held.map_err(Error::store("hold a member"))?.is_none() {
            let person = PersonId::new(id).expect("it was found by this id");
            return Err(Error::PersonUnknown { person });
        }
    }
    Ok(())
}
