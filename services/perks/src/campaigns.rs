//! Campaigns in memory.
//!
//! A version never changes, so it is read and compiled once. Which version is the newest, and in which state a campaign
//! is, is looked up again when it is older than a second; whoever changes one in this process sees it at once.

mod change;

use std::{
    sync::{Arc, RwLock},
    time::Duration,
};

use klout_perk_rules::Rule;
use klout_proto::perk::v1::CampaignSpec;
use prost::Message as _;
use quick_cache::sync::Cache;
use sqlx::PgPool;
use time::OffsetDateTime;
use tokio::{sync::Mutex, task::spawn_blocking, time::Instant};
use tracing::error;

pub(crate) use self::change::decode;
use crate::{
    error::Error,
    spec::Spec,
    store::{self, campaign::Kept},
};

/// How many can be active at once: each is asked about each person.
pub(crate) const ACTIVE_MAX: i64 = 1_000;

/// How old an answer may be.
const AGE_MAX: Duration = Duration::from_secs(1);

/// Campaigns, and versions of them, that are remembered.
const REMEMBERED_MAX: usize = 10_000;

/// A campaign as it decides: read, checked, compiled. Never changed; another version is another one.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    pub(crate) id: i64,
    pub(crate) version: i32,
    pub(crate) state: CampaignState,
    pub(crate) spec: Arc<Spec>,
    pub(crate) rules: Arc<[Rule]>,
    /// When it was activated first.
    pub(crate) activate_time: Option<OffsetDateTime>,
}

/// Whether a campaign gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CampaignState {
    Draft,
    Active,
    Paused,
    Ended,
}

/// What there is. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Campaigns(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: PgPool,
    /// `None`: cannot be read.
    terms: Cache<(i64, i32), Option<Terms>>,
    newest: Cache<i64, Arc<Fresh<Arc<Compiled>>>>,
    active: Fresh<Arc<[Arc<Compiled>]>>,
}

/// What a version says.
#[derive(Clone, Debug)]
struct Terms {
    spec: Arc<Spec>,
    rules: Arc<[Rule]>,
}

/// Something that is looked up once a second, by one while others wait.
#[derive(Debug)]
struct Fresh<T> {
    seen: RwLock<Option<(Instant, T)>>,
    looking: Mutex<()>,
}

// === impl Campaigns ===

impl Campaigns {
    pub(crate) fn new(db: PgPool) -> Self {
        Self(Arc::new(Inner {
            db,
            terms: Cache::new(REMEMBERED_MAX),
            newest: Cache::new(REMEMBERED_MAX),
            active: Fresh::default(),
        }))
    }

    /// The newest version, from memory when it was looked at within a second, else from Postgres.
    pub(crate) async fn get(&self, campaign: i64) -> Result<Arc<Compiled>, Error> {
        let known = self.0.newest.get(&campaign);
        let fresh = known.unwrap_or_default();
        fresh
            .get(|| async {
                let kept = self.find(campaign, None).await?;
                let compiled = Arc::new(self.compile(&kept).await?);
                // Whoever asks for what there is not takes no room.
                self.0.newest.insert(campaign, Arc::clone(&fresh));
                Ok(compiled)
            })
            .await
    }

    /// One version, in the state that the campaign has.
    pub(crate) async fn version(
        &self,
        campaign: i64,
        version: i32,
    ) -> Result<Arc<Compiled>, Error> {
        if let Some(Some(Terms { spec, rules })) = self.0.terms.get(&(campaign, version)) {
            let newest = self.get(campaign).await?;
            return Ok(Arc::new(Compiled { version, spec, rules, ..(*newest).clone() }));
        }
        let kept = self.find(campaign, Some(version)).await?;
        Ok(Arc::new(self.compile(&kept).await?))
    }

    /// What one version offers, also one that cannot decide any more; nothing, if not even that can be read.
    pub(crate) async fn offered(&self, campaign: i64, version: i32) -> Result<CampaignSpec, Error> {
        if let Some(Some(Terms { spec, .. })) = self.0.terms.get(&(campaign, version)) {
            return Ok(spec.proto.clone());
        }
        let kept = self.find(campaign, Some(version)).await?;
        Ok(decode(&kept).unwrap_or_else(|broken| {
            error!(error = %broken, "what a grant was given for cannot be told");
            CampaignSpec::default()
        }))
    }

    /// Fails where there is none; one that cannot be read is there.
    pub(crate) async fn look_for(&self, campaign: i64) -> Result<(), Error> {
        self.find(campaign, None).await.map(|_| ())
    }

    /// All that are active, also those in shadow, by their ids.
    pub(crate) async fn active(&self) -> Result<Arc<[Arc<Compiled>]>, Error> {
        self.0.active.get(|| self.look_for_active()).await
    }

    /// Has a campaign looked up again, as it was changed.
    pub(crate) fn forget(&self, campaign: i64) {
        if let Some(fresh) = self.0.newest.get(&campaign) {
            fresh.forget();
        }
        self.0.newest.remove(&campaign);
        self.0.active.forget();
    }

    async fn find(&self, campaign: i64, version: Option<i32>) -> Result<Kept, Error> {
        let found = store::campaign::find(&self.0.db, campaign, version).await;
        let found = found.map_err(Error::store("read a campaign"))?;
        found.ok_or_else(|| Error::no_campaign(campaign))
    }

    async fn look_for_active(&self) -> Result<Arc<[Arc<Compiled>]>, Error> {
        let standings = store::campaign::active(&self.0.db, ACTIVE_MAX).await;
        let standings = standings.map_err(Error::store("list active campaigns"))?;
        let missing = standings
            .iter()
            .map(|it| (it.campaign_id, it.version))
            .filter(|it| self.0.terms.get(it).is_none());
        let (campaigns, versions): (Vec<_>, Vec<_>) = missing.unzip();
        if !campaigns.is_empty() {
            let specs = store::campaign::specs(&self.0.db, &campaigns, &versions).await;
            self.remember(specs.map_err(Error::store("read campaigns"))?).await?;
        }
        let compiled = standings.into_iter().filter_map(|it| {
            // One that cannot be read was logged, and keeps no other from giving.
            let Terms { spec, rules } = self.0.terms.get(&(it.campaign_id, it.version))??;
            Some(Arc::new(Compiled {
                id: it.campaign_id,
                version: it.version,
                state: CampaignState::Active,
                spec,
                rules,
                activate_time: it.activate_time,
            }))
        });
        Ok(compiled.collect())
    }

    /// What was read of a campaign, as it decides.
    pub(crate) async fn compile(&self, kept: &Kept) -> Result<Compiled, Error> {
        let name = (kept.campaign_id, kept.spec_version);
        let terms = match self.0.terms.get(&name) {
            Some(terms) => terms,
            None => {
                let spec = (kept.campaign_id, kept.spec_version, kept.spec.clone());
                self.remember(vec![spec]).await?.pop().flatten()
            }
        };
        Self::compiled(kept, terms)
    }

    /// The same from memory alone. `None`: it was not read yet.
    pub(crate) fn known(&self, kept: &Kept) -> Option<Result<Compiled, Error>> {
        let terms = self.0.terms.get(&(kept.campaign_id, kept.spec_version))?;
        Some(Self::compiled(kept, terms))
    }

    fn compiled(kept: &Kept, terms: Option<Terms>) -> Result<Compiled, Error> {
        let (campaign, version) = (kept.campaign_id, kept.spec_version);
        let broken = || Error::CampaignBroken { campaign, version };
        let Terms { spec, rules } = terms.ok_or_else(broken)?;
        let state = kept.state.parse().map_err(|()| broken())?;
        let activate_time = kept.activate_time;
        Ok(Compiled { id: campaign, version, state, spec, rules, activate_time })
    }

    /// Reads and compiles versions of campaigns, not on a thread on which others wait.
    async fn remember(&self, specs: Vec<(i64, i32, Vec<u8>)>) -> Result<Vec<Option<Terms>>, Error> {
        let campaigns = self.clone();
        let all = move || {
            let read = |(campaign, version, spec): (i64, i32, Vec<u8>)| {
                let terms = match read(&spec) {
                    Ok(terms) => Some(terms),
                    Err(problem) => {
                        error!(
                            campaign,
                            version, problem, "a campaign that was kept cannot be read"
                        );
                        None
                    }
                };
                campaigns.0.terms.insert((campaign, version), terms.clone());
                terms
            };
            specs.into_iter().map(read).collect()
        };
        spawn_blocking(all).await.map_err(Error::Lost)
    }
}

/// A spec as it is kept.
fn read(spec: &[u8]) -> Result<Terms, String> {
    let spec = CampaignSpec::decode(spec).map_err(|error| error.to_string())?;
    let (spec, rules) = Spec::read(spec).map_err(|error| error.to_string())?;
    Ok(Terms { spec: Arc::new(spec), rules: rules.into() })
}

// === impl CampaignState ===

impl CampaignState {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "DRAFT",
            Self::Active => "ACTIVE",
            Self::Paused => "PAUSED",
            Self::Ended => "ENDED",
        }
    }
}

impl std::str::FromStr for CampaignState {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Draft, Self::Active, Self::Paused, Self::Ended];
        all.into_iter().find(|it| it.as_str() == text).ok_or(())
    }
}

// === impl Fresh ===

impl<T> Default for Fresh<T> {
    fn default() -> Self {
        Self { seen: RwLock::new(None), looking: Mutex::new(()) }
    }
}

impl<T: Clone> Fresh<T> {
    async fn get<F: Future<Output = Result<T, Error>>>(
        &self,
        look: impl FnOnce() -> F,
    ) -> Result<T, Error> {
        if let Some(seen) = self.seen() {
            return Ok(seen);
        }
        let _looking = self.looking.lock().await;
        // Somebody else looked meanwhile.
        if let Some(seen) = self.seen() {
            return Ok(seen);
        }
        let now = Instant::now();
        let found = look().await?;
        *self.seen.write().expect("nobody panics while noting") = Some((now, found.clone()));
        Ok(found)
    }

    fn seen(&self) -> Option<T> {
        let seen = self.seen.read().expect("nobody panics while noting");
        seen.as_ref().filter(|(since, _)| since.elapsed() < AGE_MAX).map(|(_, it)| it.clone())
    }

    fn forget(&self) {
        *self.seen.write().expect("nobody panics while noting") = None;
    }
}

#[cfg(test)]
mod tests;
