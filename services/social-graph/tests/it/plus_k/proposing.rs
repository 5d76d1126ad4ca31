//! Topics that somebody does not have yet.

use klout_proto::graph::v1::{
    AnswerTopicProposalRequest, BlockPersonRequest, ListTopicProposalsRequest, ProposeTopicRequest,
};
use tonic::Code;

use super::world::{World, give, wish};
use crate::world::told;

fn propose(proposer: &str, person: &str, topic: &str) -> ProposeTopicRequest {
    ProposeTopicRequest {
        proposer: proposer.to_owned(),
        person: person.to_owned(),
        topic: topic.to_owned(),
    }
}

#[tokio::test]
async fn whoever_accepts_a_topic_has_it() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    give(&mut client, wish(&ann, &bob, "chess")).await.expect_err("bob is not known for it");

    let proposed = client.propose_topic(propose(&ann, &bob, "chess")).await.expect("proposed");
    let proposal = proposed.into_inner().proposal.expect("one");
    let again = client.propose_topic(propose(&ann, &bob, "13")).await.expect("the same");
    assert_eq!(again.into_inner().proposal.as_ref(), Some(&proposal));
    let list = ListTopicProposalsRequest { person: bob.clone(), ..Default::default() };
    let listed = client.list_topic_proposals(list.clone()).await.expect("a list").into_inner();
    assert_eq!(listed.proposals, std::slice::from_ref(&proposal));

    let answer = AnswerTopicProposalRequest {
        person: bob.clone(),
        proposal: proposal.proposal,
        accept: true,
    };
    client.answer_topic_proposal(answer.clone()).await.expect("accepted");
    give(&mut client, wish(&ann, &bob, "chess")).await.expect("given");
    let refused = client.answer_topic_proposal(answer).await.expect_err("answered");
    assert_eq!(told(&refused), (Code::NotFound, "PROPOSAL_UNKNOWN".to_owned()));
    let listed = client.list_topic_proposals(list).await.expect("a list").into_inner();
    assert!(listed.proposals.is_empty());
}

#[tokio::test]
async fn whoever_declines_a_topic_does_not_have_it() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    let proposed = client.propose_topic(propose(&ann, &bob, "chess")).await.expect("proposed");
    let proposal = proposed.into_inner().proposal.expect("one").proposal;
    let of_ann = AnswerTopicProposalRequest {
        person: ann.clone(),
        proposal: proposal.clone(),
        accept: true,
    };
    let refused = client.answer_topic_proposal(of_ann).await.expect_err("not hers to answer");
    assert_eq!(told(&refused), (Code::NotFound, "PROPOSAL_UNKNOWN".to_owned()));
    let answer = AnswerTopicProposalRequest { person: bob.clone(), proposal, accept: false };
    client.answer_topic_proposal(answer).await.expect("declined");
    give(&mut client, wish(&ann, &bob, "chess")).await.expect_err("bob is not known for it");
}

#[tokio::test]
async fn proposals_are_bounded_and_end_with_a_block() {
    let world = World::start().await;
    let (ann, bob) = (world.member("ann").await, world.member("bob").await);
    let mut client = world.client();
    for place in 0..5 {
        let other = world.member(&format!("other{place}")).await;
        for topic in ["chess", "photography"] {
            client.propose_topic(propose(&ann, &other, topic)).await.expect("proposed");
        }
    }
    let refused = client.propose_topic(propose(&ann, &bob, "chess")).await.expect_err("ten wait");
    assert_eq!(told(&refused), (Code::ResourceExhausted, "PROPOSALS_TOO_MANY".to_owned()));

    let cleo = world.member("cleo").await;
    client.propose_topic(propose(&cleo, &bob, "chess")).await.expect("proposed");
    let block = BlockPersonRequest { person: bob.clone(), blocked: cleo.clone() };
    client.block_person(block).await.expect("blocked");
    let list = ListTopicProposalsRequest { person: bob.clone(), ..Default::default() };
    let listed = client.list_topic_proposals(list).await.expect("a list").into_inner();
    assert!(listed.proposals.is_empty());
    let refused = client.propose_topic(propose(&cleo, &bob, "chess")).await.expect_err("blocked");
    assert_eq!(told(&refused), (Code::PermissionDenied, "GIVER_BLOCKED".to_owned()));
    let refused = client.propose_topic(propose(&bob, &bob, "chess")).await.expect_err("oneself");
    assert_eq!(told(&refused), (Code::InvalidArgument, "FIELD_INVALID".to_owned()));
}
