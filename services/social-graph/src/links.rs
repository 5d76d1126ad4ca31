//! Links accounts by proof.
//!
//! A link that was started is a text which its starter keeps: what is to be linked and until when, signed. So nothing
//! is kept of links that nobody completes; of one that was completed it is kept that it was, until it would have run
//! out. The challenge hangs on the same, so that a text which somebody found on a page proves nothing for them.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use klout_chassis::{Caller, Clock};
use klout_model::{AccountKey, PersonId};
use klout_proto::graph::v1::{LinkedAccount, Person};
use sqlx::PgPool;
use time::{Duration, OffsetDateTime};
use tracing::{debug, instrument};
use url::Url;

use crate::{
    account::Account,
    dispute,
    error::Error,
    link_account::hold_and_link,
    page::Pages,
    people::{self, Held},
    proof::Proof,
    rel_me, shown, store,
    web::WEB,
};

/// How long somebody has to put a proof on a page.
const LINK_TIME: Duration = Duration::hours(24);

/// What links need.
#[derive(Clone, Debug)]
pub(crate) struct Linker {
    pub(crate) db: PgPool,
    pub(crate) pages: Pages,
    pub(crate) account_key: AccountKey,
    /// The score clock: accounts are linked by it.
    pub(crate) clock: Clock,
    /// Links run out by the time that passes, also where the score clock is pinned.
    pub(crate) running: Clock,
}

/// A link that was started.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Started {
    person: PersonId,
    method: Proof,
    account: Account,
    expire_time: OffsetDateTime,
}

/// What whoever started a link is told.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) link: String,
    pub(crate) challenge: String,
    pub(crate) profile_page: Url,
    pub(crate) instructions: String,
    pub(crate) expire_time: OffsetDateTime,
}

// === impl Linker ===

impl Linker {
    /// Says what is to be shown where.
    #[instrument(skip_all)]
    pub(crate) async fn start(
        &self,
        caller: &Caller,
        person: PersonId,
        account: Account,
        method: Proof,
    ) -> Result<Told, Error> {
        let profile_page = self.pages.of(&account)?;
        let mut connection = self.db.acquire().await.map_err(Error::store("look for a person"))?;
        let found = people::theirs(&mut connection, person).await?;
        let person = found.person.parse().map_err(|_| Error::PersonUnknown { person })?;
        let expire_time = self.running.now() + LINK_TIME;
        let started = Started { person, method, account, expire_time };
        let payload = started.payload();
        let challenge = match method {
            Proof::Challenge => self.challenge(&payload),
            Proof::RelMe | Proof::Operator | Proof::OAuth => String::new(),
        };
        let instructions = if challenge.is_empty() {
            // Whoever withholds the network has no page to those who ask: it would be told here.
            let found = shown::as_told(caller, found);
            let own = found.accounts.iter().find(|account| account.network == WEB);
            let own = own.ok_or_else(|| {
                Error::field(
                    "method",
                    "needs a page of the person's own, an account of the network web",
                )
            })?;
            format!(
                "Let {profile_page} link to {own} with rel=\"me\", and {own} to {profile_page}; then complete the link.",
                own = own.native_id,
            )
        } else {
            format!(
                "Put {challenge} where {profile_page} shows it, such as into the description of the account; then \
                 complete the link. It may go afterwards."
            )
        };
        let link = format!("{}.{}", URL_SAFE_NO_PAD.encode(&payload), self.signature(&payload));
        Ok(Told { link, challenge, profile_page, instructions, expire_time })
    }

    /// Looks for the proof, and links the account. Returns the person, and whether somebody has to be told.
    #[instrument(skip_all)]
    pub(crate) async fn complete(
        &self,
        caller: &Caller,
        token: &str,
    ) -> Result<(Person, bool), Error> {
        let (payload, started) = self.read(token).ok_or(Error::LinkUnknown)?;
        let Started { person, method, account, expire_time } = started;
        let now = self.running.now();
        if expire_time <= now {
            return Err(Error::LinkUnknown);
        }
        shown::check(&self.db, caller, person).await?;
        // No transaction is open while a page is read.
        self.look(person, method, &account, &payload).await?;

        let now_of_scores = self.clock.now();
        let (mut held, linked) =
            hold_and_link(&self.db, person, &account, method, now_of_scores).await?;
        match linked {
            Ok(false) => Ok((held.commit().await?, false)),
            Ok(true) => {
                // Who unlinked the account since does not get it back by an old proof.
                let hash = blake3::hash(payload.as_bytes());
                let transaction = &mut *held.transaction;
                let new = store::used_link::append(transaction, hash.as_bytes(), expire_time, now)
                    .await
                    .map_err(Error::store("note a link"))?;
                if !new {
                    return Err(Error::LinkUnknown);
                }
                Ok((held.commit().await?, true))
            }
            Err(Error::AccountLinked { .. }) => {
                Err(dispute(held, &account, method, now_of_scores).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// Links an account of which its network has shown one of our services that it is the person's. Returns the person,
    /// and whether somebody has to be told.
    #[instrument(skip_all)]
    pub(crate) async fn link_proven(
        &self,
        caller: &Caller,
        person: PersonId,
        account: &Account,
    ) -> Result<(Person, bool), Error> {
        shown::check(&self.db, caller, person).await?;
        let now = self.clock.now();
        let (held, linked) = hold_and_link(&self.db, person, account, Proof::OAuth, now).await?;
        match linked {
            Ok(new) => Ok((held.commit().await?, new)),
            Err(Error::AccountLinked { .. }) => {
                Err(dispute(held, account, Proof::OAuth, now).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// Looks whether the proof is there.
    async fn look(
        &self,
        person: PersonId,
        method: Proof,
        account: &Account,
        payload: &str,
    ) -> Result<(), Error> {
        let profile_page = self.pages.of(account)?;
        let page = self.page(&profile_page).await?;
        if method == Proof::Challenge {
            let challenge = self.challenge(payload);
            let there = page.windows(challenge.len()).any(|text| text == challenge.as_bytes());
            return if there { Ok(()) } else { Err(Error::ProofMissing { page: profile_page }) };
        }
        // Who was merged since has their pages as who stayed.
        let standing = store::person::standing(&self.db, person)
            .await
            .map_err(Error::store("read a person's state"))?;
        let person = standing.and_then(|standing| standing.state.into()).unwrap_or(person);
        let own = store::account::native_ids(&self.db, person, WEB)
            .await
            .map_err(Error::store("read a person's pages"))?;
        let own = own.iter().filter_map(|address| Url::parse(address).ok());
        let linked = rel_me::links(&page, &profile_page);
        let own = own.filter(|own| linked.iter().any(|link| rel_me::same_page(link, own)));
        let mut missing = profile_page.clone();
        for own in own {
            let page = self.page(&own).await?;
            let back = rel_me::links(&page, &own);
            if back.iter().any(|link| rel_me::same_page(link, &profile_page)) {
                return Ok(());
            }
            missing = own;
        }
        Err(Error::ProofMissing { page: missing })
    }

    async fn page(&self, url: &Url) -> Result<Vec<u8>, Error> {
        self.pages.read(url).await.map_err(|error| {
            debug!(page = %url, error = %klout_chassis::Chain(&error), "a page was not read");
            Error::PageUnavailable { page: url.clone() }
        })
    }

    fn challenge(&self, payload: &str) -> String {
        let mac = self.mac("challenge", payload);
        format!("klout-{}", URL_SAFE_NO_PAD.encode(&mac[..15]))
    }

    fn signature(&self, payload: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac("link", payload))
    }

    fn mac(&self, purpose: &str, payload: &str) -> [u8; 32] {
        *blake3::keyed_hash(&self.account_key.derived(purpose), payload.as_bytes()).as_bytes()
    }

    /// What a text says that we signed.
    fn read(&self, token: &str) -> Option<(String, Started)> {
        let (payload, signature) = token.split_once('.')?;
        let payload = String::from_utf8(URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
        let signature: [u8; 32] = URL_SAFE_NO_PAD.decode(signature).ok()?.try_into().ok()?;
        // Compared in constant time.
        if blake3::Hash::from(signature) != blake3::Hash::from(self.mac("link", &payload)) {
            return None;
        }
        let started = Started::parse(&self.account_key, &payload)?;
        Some((payload, started))
    }
}

/// Notes that somebody showed an account to be theirs that somebody else has. Returns what they are told.
async fn dispute(
    mut held: Held<'_>,
    account: &Account,
    method: Proof,
    now: OffsetDateTime,
) -> Result<Error, Error> {
    let person = held.person;
    dispute::open(&mut held.transaction, account, person, method, now).await?;
    held.commit().await?;
    let (network, native_id) = (account.network.clone(), account.native_id.to_string());
    Ok(Error::AccountDisputed { network, native_id })
}

// === impl Started ===

impl Started {
    /// A line each: no name has line breaks.
    fn payload(&self) -> String {
        let Self { person, method, account, expire_time } = self;
        let expire_time = expire_time.unix_timestamp();
        let (method, network, native_id) = (method.name(), &account.network, &account.native_id);
        format!("{person}\n{method}\n{expire_time}\n{network}\n{native_id}")
    }

    fn parse(key: &AccountKey, payload: &str) -> Option<Self> {
        let mut lines = payload.split('\n');
        let person = lines.next()?.parse().ok()?;
        let method = Proof::method(lines.next()?).ok()?;
        let expire_time = OffsetDateTime::from_unix_timestamp(lines.next()?.parse().ok()?).ok()?;
        // What the account is called is not shown by its page: its network tells.
        let (network, native_id) = (lines.next()?.to_owned(), lines.next()?.to_owned());
        let account = LinkedAccount { network, native_id, ..Default::default() };
        let account = Account::parse(key, "account", account).ok()?;
        Some(Self { person, method, account, expire_time })
    }
}
