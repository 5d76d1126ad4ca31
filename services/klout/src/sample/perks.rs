//! What is offered in the sample: Klout's own cases, and a property to try them at.

use klout_proto::{
    json,
    perk::v1::{
        ActivateCampaignRequest, CampaignSpec, Category, CreateCampaignRequest,
        CreatePropertyRequest, Property,
    },
};
use tonic::Code;

use crate::{
    client::{Client, retried},
    exit::Failure,
};

/// The requests that make them, and what they are.
const CAMPAIGNS: [(&str, &str); 2] = [
    ("sample/lounge", include_str!("../../../../docs/example/perks/lounge.json")),
    ("sample/upgrade", include_str!("../../../../docs/example/perks/upgrade.json")),
];

/// Where desks can be tried without anything being counted: as docs/check-in.md makes it, so that what stands there works
/// here too.
const PROPERTY: &str = "sandbox";

/// From the plainest to the best.
const CATEGORIES: [(&str, &str); 3] = [("KING", ""), ("VIEW", ""), ("SUITE", "a suite")];

/// Makes the property and the campaigns, and activates these. Repeated, it changes nothing.
pub(super) async fn offer(client: &Client) -> Result<(), Failure> {
    let request = CreatePropertyRequest { property: Some(property()) };
    let made = retried(|| {
        let (mut client, request) = (client.desk(), request.clone());
        async move { client.create_property(request).await }
    });
    match made.await {
        // Whoever changed it before all was loaded meant it.
        Err(status) if status.code() != Code::AlreadyExists => return Err(status.into()),
        Ok(_) | Err(_) => {}
    }
    for (request_id, text) in CAMPAIGNS {
        let request =
            CreateCampaignRequest { spec: Some(spec(text)?), request_id: request_id.to_owned() };
        let made = retried(|| {
            let (mut client, request) = (client.perks(), request.clone());
            async move { client.create_campaign(request).await }
        });
        let campaign = made.await?.into_inner().campaign.unwrap_or_default();
        // So did whoever paused or ended one.
        if campaign.state != "DRAFT" {
            continue;
        }
        let request = ActivateCampaignRequest { campaign: campaign.campaign };
        let activated = retried(|| {
            let (mut client, request) = (client.perks(), request.clone());
            async move { client.activate_campaign(request).await }
        });
        activated.await?;
    }
    Ok(())
}

/// As in the file, and from now on.
fn spec(text: &str) -> Result<CampaignSpec, Failure> {
    let spec: CampaignSpec =
        json::from_slice(text.as_bytes()).map_err(|error| Failure::failed(&error))?;
    Ok(CampaignSpec { start_time: None, end_time: None, ..spec })
}

fn property() -> Property {
    let categories = CATEGORIES.map(|(category, display_name)| Category {
        category: category.to_owned(),
        display_name: display_name.to_owned(),
    });
    Property {
        property: PROPERTY.to_owned(),
        categories: categories.into(),
        sandbox: true,
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_offered_in_the_sample_can_be() {
        for (request_id, text) in CAMPAIGNS {
            let spec = spec(text).expect("a spec");
            let spec = klout_perks::check(spec).expect("one that can be");
            assert!(!spec.disclosure.is_empty(), "{request_id} can be activated");
        }
    }
}
