//! What keys for perks see of one another.

use klout_chassis::{Caller, Link};
use klout_proto::perk::v1::{
    CampaignSpec, ConfirmGrantRequest, CreateCampaignRequest, GetCampaignRequest, Grant,
    ListGrantsRequest, ReleaseGrantRequest, ReserveGrantRequest, ReverseGrantRequest,
    perk_service_client::PerkServiceClient, reserve_grant_request,
};
use klout_testkit::link;
use tonic::Code;

use crate::town::{Town, offer, told, with_score};

/// A client that calls for a key.
fn client_for(town: &Town, name: &str, purpose: &str) -> PerkServiceClient<Link> {
    let caller = Caller::new(name, purpose).expect("a caller");
    PerkServiceClient::new(link(&town.running).on_behalf_of(&caller))
}

async fn grant_of(client: &mut PerkServiceClient<Link>, person: i64) -> Grant {
    let request = ListGrantsRequest { person: person.to_string(), ..Default::default() };
    let grants = client.list_grants(request).await.expect("listed").into_inner().grants;
    let [grant] = grants.try_into().expect("one grant");
    grant
}

#[tokio::test]
async fn a_grant_is_of_the_key_that_reserved_it() {
    let town = Town::start().await;
    town.folk.add(1, with_score(50.0));
    let spec = CampaignSpec { codes: "GENERATED".to_owned(), ..offer("score >= 40.0") };
    let campaign = town.offers(spec).await;
    let (mut palms, mut other) =
        (client_for(&town, "palms", "check-in"), client_for(&town, "other", "check-in"));
    let mut operator = client_for(&town, "operator", "operator");

    let request = ReserveGrantRequest {
        campaign: campaign.clone(),
        subject: Some(reserve_grant_request::Subject::Person("1".to_owned())),
        request_id: "1".to_owned(),
        stay: "S-1".to_owned(),
        ..ReserveGrantRequest::default()
    };
    let reserved = palms.reserve_grant(request).await.expect("decided").into_inner();
    let grant = reserved.grant.expect("given").grant;

    // Nobody else gives it or lets it go.
    let unknown = (Code::NotFound, "GRANT_UNKNOWN".to_owned());
    let confirm = ConfirmGrantRequest { campaign: campaign.clone(), grant: grant.clone() };
    let refused = other.confirm_grant(confirm.clone()).await.expect_err("not theirs");
    assert_eq!(told(&refused), unknown);
    let release = ReleaseGrantRequest { campaign: campaign.clone(), grant: grant.clone() };
    let refused = other.release_grant(release).await.expect_err("not theirs");
    assert_eq!(told(&refused), unknown);

    let confirmed = palms.confirm_grant(confirm).await.expect("theirs").into_inner();
    let code = confirmed.grant.expect("always there").code;
    assert!(!code.is_empty());
    for client in [&mut palms, &mut operator] {
        let grant = grant_of(client, 1).await;
        assert_eq!((grant.code, grant.stay.as_str()), (code.clone(), "S-1"));
    }
    let shown = grant_of(&mut other, 1).await;
    assert_eq!(
        (shown.code.as_str(), shown.stay.as_str(), shown.state.as_str()),
        ("", "", "CONFIRMED")
    );

    let reverse = ReverseGrantRequest { campaign, grant, why: "closed".to_owned() };
    let refused = other.reverse_grant(reverse.clone()).await.expect_err("not theirs");
    assert_eq!(told(&refused), unknown);
    operator.reverse_grant(reverse).await.expect("an operator may");
}

#[tokio::test]
async fn a_draft_is_shown_to_operators_only() {
    let town = Town::start().await;
    let request =
        CreateCampaignRequest { spec: Some(offer("score >= 40.0")), request_id: String::new() };
    let made = town.client().create_campaign(request).await.expect("made").into_inner();
    let campaign = made.campaign.expect("always there").campaign;
    let active = town.offers(offer("score >= 40.0")).await;
    let (mut desk, mut operator) =
        (client_for(&town, "desk", "check-in"), client_for(&town, "operator", "operator"));

    let request = GetCampaignRequest { campaign, version: 0 };
    let refused = desk.get_campaign(request.clone()).await.expect_err("a draft");
    assert_eq!(told(&refused), (Code::NotFound, "CAMPAIGN_UNKNOWN".to_owned()));
    operator.get_campaign(request).await.expect("an operator may");
    let request = GetCampaignRequest { campaign: active, version: 0 };
    desk.get_campaign(request).await.expect("it is active");
}
