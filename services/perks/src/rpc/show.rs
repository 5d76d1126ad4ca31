//! Rows as the contract has them.

use klout_proto::{
    convert::timestamp,
    perk::v1::{Campaign, Given, Money},
};

use crate::{campaigns::decode, error::Error, store::campaign::Kept};

/// A campaign with the version that was read.
pub(super) fn campaign(kept: &Kept) -> Result<Campaign, Error> {
    let spec = decode(kept)?;
    let currency = spec.benefit.as_ref().and_then(|it| it.value.as_ref()).map(|it| &it.currency);
    let given = Given {
        reserved: kept.reserved,
        confirmed: kept.confirmed,
        value: currency.map(|currency| Money {
            currency: currency.clone(),
            minor_units: kept.given_minor_units,
        }),
        left: spec.stock.map(|stock| (stock - kept.reserved - kept.confirmed).max(0)),
    };
    Ok(Campaign {
        campaign: kept.campaign_id.to_string(),
        state: kept.state.clone(),
        version: kept.spec_version,
        spec: Some(spec),
        create_time: Some(timestamp(kept.create_time)),
        update_time: Some(timestamp(kept.update_time)),
        given: Some(given),
    })
}
