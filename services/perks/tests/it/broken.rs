//! What was kept and cannot be read any more keeps nothing else from being told or done.

use klout_proto::perk::v1::{
    ListDecisionsRequest, ListGrantsRequest, perk_service_client::PerkServiceClient,
};
use klout_testkit::{link, until};

use crate::{
    giving::{Giving, ask, offer},
    town::{Town, offer as lounge, with_score},
};

/// Has a version be what nobody can read.
async fn break_version(db: &sqlx::PgPool, campaign: &str, version: i32) {
    let campaign: i64 = campaign.parse().expect("a number");
    let broken = r"update perks.campaign_version set spec = '\xff'::bytea where campaign_id = $1 and version = $2";
    sqlx::query(broken).bind(campaign).bind(version).execute(db).await.expect("broken");
}

#[tokio::test]
async fn decisions_are_listed_though_the_version_of_one_cannot_be_read() {
    let giving = Giving::start(1).await;
    let mut spec = offer(None);
    let campaign = giving.campaign(spec.clone()).await;
    giving.given(ask(&campaign, 50, "first")).await;
    spec.title = "Another lounge".to_owned();
    giving.change(&campaign, spec).await;
    giving.given(ask(&campaign, 51, "second")).await;
    // The newest one too: then nothing is decided any more, and all that was is still there.
    for broken in [1, 2] {
        break_version(&giving.db, &campaign, broken).await;
        let fresh = giving.beside().await;
        let mut client = PerkServiceClient::new(link(&fresh));
        let request = ListDecisionsRequest { campaign: campaign.clone(), ..Default::default() };
        let listed = client.list_decisions(request).await.expect("listed").into_inner().decisions;
        let said: Vec<_> = listed
            .iter()
            .map(|it| (it.request_id.as_str(), it.rules.len(), it.facts.is_some()))
            .collect();
        let newest = usize::from(broken == 1);
        assert_eq!(said, [("second", newest, true), ("first", 0, true)]);
        assert!(listed.iter().all(|it| it.outcome == "RESERVED" && !it.grant.is_empty()));
    }
}

#[tokio::test]
async fn grants_are_listed_and_given_though_what_they_are_cannot_be_read() {
    let town = Town::start().await;
    town.folk.add(1, with_score(50.0));
    let (broken, whole) =
        (town.offers(lounge("score >= 40.0")).await, town.offers(lounge("true")).await);
    let reserved = town.reserve(&broken, 1).await.expect("decided").grant.expect("given");
    town.reserve(&whole, 1).await.expect("decided").grant.expect("given");
    break_version(&town.db, &broken, 1).await;
    let fresh = town.beside().await;
    let mut client = PerkServiceClient::new(link(&fresh));
    let request = klout_proto::perk::v1::ConfirmGrantRequest {
        campaign: broken.clone(),
        grant: reserved.grant.clone(),
    };
    let confirmed = client.confirm_grant(request).await.expect("confirmed").into_inner().grant;
    assert_eq!(confirmed.expect("always there").state, "CONFIRMED");
    for request in [
        ListGrantsRequest { person: "1".to_owned(), ..Default::default() },
        ListGrantsRequest { campaign: broken.clone(), ..Default::default() },
    ] {
        let is_of_person = !request.person.is_empty();
        let grants = client.list_grants(request).await.expect("listed").into_inner().grants;
        let title = |campaign: &str| {
            let found = grants.iter().find(|it| it.campaign == campaign);
            found.map(|it| it.title.clone())
        };
        assert_eq!(title(&broken).as_deref(), Some(""));
        assert_eq!(title(&whole).as_deref(), is_of_person.then_some("The lounge"));
    }
}

#[tokio::test]
async fn a_campaign_whose_books_are_wrong_keeps_no_other_from_ending_reservations() {
    let giving = Giving::start(1).await;
    let (wrong, right) = (giving.campaign(offer(None)).await, giving.campaign(offer(None)).await);
    for campaign in [&wrong, &right] {
        let grant = giving.given(ask(campaign, 50, "a")).await;
        if *campaign == wrong {
            // One that is given back makes less than none.
            let id: i64 = wrong.parse().expect("a number");
            let nothing = "update perks.campaign set reserved = 0 where campaign_id = $1";
            sqlx::query(nothing).bind(id).execute(&giving.db).await.expect("changed");
        }
        giving.let_time_pass(&grant).await;
    }
    until("the other one is ended", async || giving.counts(&right).await == (0, 0, 0)).await;
    assert_eq!(giving.counts(&wrong).await, (0, 0, 150));
}
