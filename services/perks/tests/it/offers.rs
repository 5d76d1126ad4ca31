//! A perks service that runs, and what is offered on it.

use klout_chassis::{Host, Link, Running};
use klout_perks::Perks;
use klout_proto::perk::v1::{
    ActivateCampaignRequest, Benefit, Campaign, CampaignSpec, CreateCampaignRequest,
    GetCampaignRequest, Rule, UpdateCampaignRequest, perk_service_client::PerkServiceClient,
};
use klout_testkit::{Peer, Stores, link, start};
use tonic::{Status, service::Routes};

/// A service without peers that know anybody.
pub(crate) struct Offers {
    pub(crate) stores: Stores,
    pub(crate) running: Running,
    _nobody: Peer,
}

impl Offers {
    pub(crate) async fn start() -> Self {
        Self::start_on(Stores::fresh().await).await
    }

    /// The same stores, and another process.
    pub(crate) async fn beside(&self) -> Self {
        Self::start_on(self.stores.clone()).await
    }

    async fn start_on(stores: Stores) -> Self {
        let nobody = Peer::serve(Routes::default()).await;
        let links = ["links.social_graph", "links.scoring", "links.topics"];
        let flags = links.map(|it| (it, nobody.address()));
        let running = start(Host::new("test").with::<Perks>(), &stores, &flags).await;
        Self { stores, running, _nobody: nobody }
    }

    pub(crate) fn client(&self) -> PerkServiceClient<Link> {
        PerkServiceClient::new(link(&self.running))
    }

    pub(crate) async fn create(&self, spec: CampaignSpec) -> Result<Campaign, Status> {
        self.request("", spec).await
    }

    /// The same with a name, so that it can be repeated.
    pub(crate) async fn request(
        &self,
        request_id: &str,
        spec: CampaignSpec,
    ) -> Result<Campaign, Status> {
        let request = CreateCampaignRequest { spec: Some(spec), request_id: request_id.to_owned() };
        let made = self.client().create_campaign(request).await?.into_inner();
        Ok(made.campaign.expect("always there"))
    }

    pub(crate) async fn update(
        &self,
        campaign: &Campaign,
        version: i32,
        spec: CampaignSpec,
    ) -> Result<Campaign, Status> {
        let campaign = campaign.campaign.clone();
        let request = UpdateCampaignRequest { campaign, spec: Some(spec), version };
        let changed = self.client().update_campaign(request).await?.into_inner();
        Ok(changed.campaign.expect("always there"))
    }

    pub(crate) async fn activate(&self, campaign: &Campaign) -> Result<Campaign, Status> {
        let request = ActivateCampaignRequest { campaign: campaign.campaign.clone() };
        let active = self.client().activate_campaign(request).await?.into_inner();
        Ok(active.campaign.expect("always there"))
    }

    pub(crate) async fn get(&self, campaign: &str, version: i32) -> Result<Campaign, Status> {
        let request = GetCampaignRequest { campaign: campaign.to_owned(), version };
        let found = self.client().get_campaign(request).await?.into_inner();
        Ok(found.campaign.expect("always there"))
    }
}

/// Klout's lounge: whoever has 40 gets in.
pub(crate) fn lounge() -> CampaignSpec {
    CampaignSpec {
        brand: "Cathay Pacific".to_owned(),
        title: "The lounge at San Francisco".to_owned(),
        benefit: Some(Benefit { kind: "ACCESS".to_owned(), ..Default::default() }),
        rules: vec![Rule { rule: "score".to_owned(), expression: "score >= 40.0".to_owned() }],
        disclosure: "Cathay Pacific pays for it.".to_owned(),
        ..Default::default()
    }
}
