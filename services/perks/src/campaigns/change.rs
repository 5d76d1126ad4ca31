//! Makes and changes campaigns.
//!
//! Whoever changes one holds its row, as does whoever reserves: a grant is decided by one version, in one state, and what
//! was given is counted when a limit is lowered.

use klout_chassis::Clock;
use klout_proto::perk::v1::CampaignSpec;
use prost::Message as _;
use sqlx::{PgConnection, Postgres, Transaction};
use tracing::{info, instrument};

use super::{ACTIVE_MAX, CampaignState, Campaigns};
use crate::{
    error::Error,
    grants::Key,
    spec::{Benefit, Codes, Quantity, Spec},
    store::{
        self,
        campaign::{Kept, Taken},
    },
};

// === impl Campaigns ===

impl Campaigns {
    /// Makes a draft, or finds the one that this request made.
    #[instrument(name = "create_campaign", skip_all)]
    pub(crate) async fn create(
        &self,
        caller: &str,
        request_id: Option<&str>,
        spec: CampaignSpec,
    ) -> Result<Kept, Error> {
        let store = Error::store;
        let (spec, _) = Spec::check_apart(spec).await?;
        let mut transaction = self.0.db.begin().await.map_err(store("begin a campaign"))?;
        let now = Clock::running().now();
        loop {
            // The request names the campaign, so that two of the same request make one.
            let campaign = request_id.map_or_else(random_id, |it| id_of(caller, it));
            let brand = &spec.proto.brand;
            let is_new = store::campaign::insert(&mut *transaction, campaign, brand, caller, now)
                .await
                .map_err(store("write a campaign"))?;
            if is_new {
                check_properties(&mut transaction, &spec).await?;
                let bytes = spec.proto.encode_to_vec();
                store::campaign::insert_version(&mut *transaction, campaign, 1, &bytes, now)
                    .await
                    .map_err(store("write what a campaign offers"))?;
                let kept = commit(transaction, campaign).await?;
                info!(campaign, "a campaign was made");
                return Ok(kept);
            }
            if request_id.is_some() {
                let first = find(&mut transaction, campaign, Some(1)).await?;
                if decode(&first)? != spec.proto {
                    return Err(Error::RequestIdReused);
                }
                return find(&mut transaction, campaign, None).await;
            }
        }
    }

    /// Changes what a campaign offers. `version`: which one it has, as far as the caller knows.
    #[instrument(name = "update_campaign", skip_all)]
    pub(crate) async fn update(
        &self,
        campaign: i64,
        version: Option<i32>,
        spec: CampaignSpec,
    ) -> Result<Kept, Error> {
        let store = Error::store;
        let (spec, _) = Spec::check_apart(spec).await?;
        let mut transaction = self.0.db.begin().await.map_err(store("begin to change"))?;
        let kept = hold(&mut transaction, campaign).await?;
        let before = decode(&kept)?;
        if before == spec.proto {
            return Ok(kept);
        }
        let state = state(&kept)?;
        if state == CampaignState::Ended {
            return Err(Error::CampaignEnded);
        }
        if version.is_some_and(|it| it != kept.version) {
            return Err(Error::CampaignChanged { version: kept.version });
        }
        if state == CampaignState::Active && spec.proto.disclosure.trim().is_empty() {
            return Err(Error::field("spec.disclosure", "is missing while the campaign is active"));
        }
        keeps_currency(&before, &spec)?;
        keeps_unique_per(&before, &spec, &kept)?;
        check_properties(&mut transaction, &spec).await?;
        let now = Clock::running().now();
        let lowered = lowered(&before, &spec);
        let mut taken = Taken::default();
        // There may be a row for each person, and whoever reserves waits meanwhile.
        if !lowered.is_empty() {
            let today = Key::Day(now.date()).text();
            let found = store::campaign::taken(&mut *transaction, campaign, &lowered, &today).await;
            taken = found.map_err(store("count what was given"))?;
        }
        covers(&spec, &kept, &taken)?;
        let (version, bytes) = (kept.version + 1, spec.proto.encode_to_vec());
        store::campaign::insert_version(&mut *transaction, campaign, version, &bytes, now)
            .await
            .map_err(store("write what a campaign offers"))?;
        store::campaign::renew(&mut *transaction, campaign, version, &spec.proto.brand, now)
            .await
            .map_err(store("change a campaign"))?;
        let kept = commit(transaction, campaign).await?;
        self.forget(campaign);
        info!(campaign, version, "a campaign was changed");
        Ok(kept)
    }

    /// Starts a draft, or goes on with what was paused.
    #[instrument(name = "activate_campaign", skip_all)]
    pub(crate) async fn activate(&self, campaign: i64) -> Result<Kept, Error> {
        let store = Error::store;
        let mut transaction = self.0.db.begin().await.map_err(store("begin to activate"))?;
        store::campaign::hold_active(&mut *transaction)
            .await
            .map_err(store("hold what is active"))?;
        let kept = hold(&mut transaction, campaign).await?;
        match state(&kept)? {
            CampaignState::Active => return Ok(kept),
            CampaignState::Ended => return Err(Error::CampaignEnded),
            CampaignState::Draft | CampaignState::Paused => {}
        }
        let spec = decode(&kept)?;
        if spec.disclosure.trim().is_empty() {
            return Err(Error::CampaignIncomplete { problem: "has no disclosure" });
        }
        if spec.codes == Codes::Uploaded.as_str() {
            let any = store::code::any(&mut *transaction, campaign).await;
            if !any.map_err(store("look for codes"))? {
                return Err(Error::CampaignIncomplete { problem: "has no uploaded codes" });
            }
        }
        let active = store::campaign::count_active(&mut *transaction).await;
        if active.map_err(store("count what is active"))? >= ACTIVE_MAX {
            return Err(Error::CampaignsTooMany { max: ACTIVE_MAX });
        }
        self.go(transaction, campaign, CampaignState::Active).await
    }

    /// Gives nothing until it is activated again.
    #[instrument(name = "pause_campaign", skip_all)]
    pub(crate) async fn pause(&self, campaign: i64) -> Result<Kept, Error> {
        let transaction = self.0.db.begin().await;
        let mut transaction = transaction.map_err(Error::store("begin to pause"))?;
        let kept = hold(&mut transaction, campaign).await?;
        match state(&kept)? {
            CampaignState::Paused => Ok(kept),
            CampaignState::Ended => Err(Error::CampaignEnded),
            CampaignState::Draft => Err(Error::CampaignIncomplete { problem: "is a draft" }),
            CampaignState::Active => self.go(transaction, campaign, CampaignState::Paused).await,
        }
    }

    /// Gives nothing any more.
    #[instrument(name = "end_campaign", skip_all)]
    pub(crate) async fn end(&self, campaign: i64) -> Result<Kept, Error> {
        let transaction = self.0.db.begin().await;
        let mut transaction = transaction.map_err(Error::store("begin to end"))?;
        let kept = hold(&mut transaction, campaign).await?;
        if state(&kept)? == CampaignState::Ended {
            return Ok(kept);
        }
        self.go(transaction, campaign, CampaignState::Ended).await
    }

    /// Adds codes to those that are there. Returns how many were new, and how many nobody has.
    #[instrument(name = "upload_codes", skip_all, fields(codes.len = codes.len()))]
    pub(crate) async fn upload(
        &self,
        campaign: i64,
        codes: &[String],
    ) -> Result<(i64, i64), Error> {
        let store = Error::store;
        let mut transaction = self.0.db.begin().await.map_err(store("begin to upload"))?;
        let kept = hold(&mut transaction, campaign).await?;
        if state(&kept)? == CampaignState::Ended {
            return Err(Error::CampaignEnded);
        }
        if decode(&kept)?.codes != Codes::Uploaded.as_str() {
            return Err(Error::CodesNotUploaded);
        }
        let added = store::code::append(&mut *transaction, campaign, codes).await;
        let added = added.map_err(store("write codes"))?;
        transaction.commit().await.map_err(store("commit codes"))?;
        // Not before: there may be many, and whoever reserves waits as long as the campaign is held.
        let left = store::code::left(&self.0.db, campaign).await;
        let left = left.map_err(store("count codes"))?;
        Ok((added, left))
    }

    async fn go(
        &self,
        mut transaction: Transaction<'_, Postgres>,
        campaign: i64,
        state: CampaignState,
    ) -> Result<Kept, Error> {
        let now = Clock::running().now();
        store::campaign::go(&mut *transaction, campaign, state.as_str(), now)
            .await
            .map_err(Error::store("change a campaign's state"))?;
        let kept = commit(transaction, campaign).await?;
        self.forget(campaign);
        info!(campaign, state = state.as_str(), "a campaign changed its state");
        Ok(kept)
    }
}

/// What a campaign offers, as it is kept.
pub(crate) fn decode(kept: &Kept) -> Result<CampaignSpec, Error> {
    let Kept { campaign_id: campaign, spec_version: version, .. } = *kept;
    CampaignSpec::decode(kept.spec.as_slice())
        .map_err(|_| Error::CampaignBroken { campaign, version })
}

fn state(kept: &Kept) -> Result<CampaignState, Error> {
    let Kept { campaign_id: campaign, version, .. } = *kept;
    kept.state.parse().map_err(|()| Error::CampaignBroken { campaign, version })
}

async fn find(db: &mut PgConnection, campaign: i64, version: Option<i32>) -> Result<Kept, Error> {
    let found = store::campaign::find(db, campaign, version).await;
    found.map_err(Error::store("read a campaign"))?.ok_or_else(|| Error::no_campaign(campaign))
}

/// Has everybody else wait who changes the campaign or reserves.
async fn hold(db: &mut PgConnection, campaign: i64) -> Result<Kept, Error> {
    let held = store::campaign::hold(&mut *db, campaign).await;
    if !held.map_err(Error::store("hold a campaign"))? {
        return Err(Error::no_campaign(campaign));
    }
    find(db, campaign, None).await
}

async fn commit(mut transaction: Transaction<'_, Postgres>, campaign: i64) -> Result<Kept, Error> {
    let kept = find(&mut transaction, campaign, None).await?;
    transaction.commit().await.map_err(Error::store("commit a campaign"))?;
    Ok(kept)
}

/// Its properties are there, and one of them has each category that it upgrades to.
async fn check_properties(db: &mut PgConnection, spec: &Spec) -> Result<(), Error> {
    if spec.properties.is_empty() {
        return Ok(());
    }
    let known = store::property::of(&mut *db, &spec.properties).await;
    let known = known.map_err(Error::store("look for properties"))?;
    if let Some(unknown) = spec.properties.iter().position(|it| !known.contains_key(it)) {
        return Err(Error::field(format!("spec.properties[{unknown}]"), "is not there"));
    }
    let Benefit::Upgrade { categories } = &spec.benefit else { return Ok(()) };
    let nowhere = |category: &String| !known.values().any(|it| it.contains(category));
    if let Some(unknown) = categories.iter().position(nowhere) {
        let field = format!("spec.benefit.categories[{unknown}]");
        return Err(Error::field(field, "is a category of none of its properties"));
    }
    Ok(())
}

/// What was given is counted in one currency.
fn keeps_currency(before: &CampaignSpec, spec: &Spec) -> Result<(), Error> {
    let before = before.benefit.as_ref().and_then(|it| it.value.as_ref());
    let Some(before) = before else { return Ok(()) };
    if spec.value.is_some_and(|it| it.currency.code() == before.currency) {
        return Ok(());
    }
    let problem = format!("was {} and cannot become another one", before.currency);
    Err(Error::field("spec.benefit.value.currency", problem))
}

/// What holds a place by one kind of name is not found by another.
fn keeps_unique_per(before: &CampaignSpec, spec: &Spec, kept: &Kept) -> Result<(), Error> {
    let live = kept.reserved + kept.confirmed;
    if before.unique_per == spec.proto.unique_per || live == 0 {
        return Ok(());
    }
    let problem = format!("is {} of {live} that are reserved or confirmed", before.unique_per);
    Err(Error::field("spec.unique_per", problem))
}

/// Which budgets are less than they were: those that stay as they are cover what was given.
fn lowered(before: &CampaignSpec, spec: &Spec) -> Vec<&'static str> {
    let was = before.budgets.clone().unwrap_or_default();
    let limits = [
        ("PERSON", was.per_person, spec.budgets.per_person),
        ("PROPERTY", was.per_property, spec.budgets.per_property),
        ("DAY", was.per_day, spec.budgets.per_day),
    ];
    let is_lowered = |was: Option<i64>, limit: Option<Quantity>| {
        limit.is_some_and(|limit| was.is_none_or(|was| limit.get() < was))
    };
    limits.into_iter().filter(|it| is_lowered(it.1, it.2)).map(|it| it.0).collect()
}

/// A limit is not below what it limits.
fn covers(spec: &Spec, kept: &Kept, taken: &Taken) -> Result<(), Error> {
    let limits = [
        ("spec.stock", spec.stock, kept.reserved + kept.confirmed),
        ("spec.budgets.money.minor_units", spec.budgets.minor_units, kept.given_minor_units),
        ("spec.budgets.per_person", spec.budgets.per_person, taken.by_person),
        ("spec.budgets.per_property", spec.budgets.per_property, taken.at_property),
        ("spec.budgets.per_day", spec.budgets.per_day, taken.today),
    ];
    for (field, limit, given) in limits {
        if limit.map(Quantity::get).is_some_and(|limit| limit < given) {
            return Err(Error::field(field, format!("is below {given}, which were given")));
        }
    }
    Ok(())
}

fn random_id() -> i64 {
    rand::random_range(1..=i64::MAX)
}

/// The name of what a request of a caller makes.
fn id_of(caller: &str, request_id: &str) -> i64 {
    let mut hasher = blake3::Hasher::new_derive_key("klout perks, campaign of a request");
    let length = u64::try_from(caller.len()).expect("a length fits 64 bits");
    hasher.update(&length.to_le_bytes()).update(caller.as_bytes()).update(request_id.as_bytes());
    let mut bytes = [0; 8];
    hasher.finalize_xof().fill(&mut bytes);
    (i64::from_le_bytes(bytes) & i64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_of_a_caller_names_one_campaign() {
        assert_eq!(id_of("a", "1"), id_of("a", "1"));
        assert!(id_of("a", "1") > 0);
        assert_ne!(id_of("a", "1"), id_of("a", "2"));
        assert_ne!(id_of("ab", "c"), id_of("a", "bc"), "what is whose is told apart");
    }
}
