//! Thanks for a +K.

use klout_model::PersonId;
use tracing::instrument;

use super::{PlusK, Side, Vouching};
use crate::{error::Error, store};

/// The longest thanks.
pub(crate) const THANKS_BYTES_MAX: usize = 512;

// === impl Vouching ===

impl Vouching {
    /// Thanks, once: the same thanks again change nothing.
    #[instrument(name = "thank_for_plus_k", skip_all)]
    pub(crate) async fn thank(
        &self,
        receiver: PersonId,
        id: i64,
        thanks: &str,
        public: bool,
    ) -> Result<PlusK, Error> {
        let store = Error::store;
        if thanks.len() > THANKS_BYTES_MAX {
            return Err(Error::field("thanks", "are longer than 512 bytes"));
        }
        if thanks.chars().any(|it| it.is_control() && it != '\n') {
            return Err(Error::field("thanks", "hold a control character"));
        }
        let member = self.member(receiver).await?;
        let find = async || {
            let found = store::plus_k::find(&self.db, id, Side::Received, member.person).await;
            let found = found.map_err(store("look for a +K"))?;
            let there = found.filter(|it| it.take_back_time.is_none());
            there.ok_or(Error::PlusKUnknown { plus_k: id })
        };
        let given = find().await?;
        store::plus_k::thank(&self.db, &given, self.now(), thanks, public)
            .await
            .map_err(store("write thanks"))?;
        let thanked = find().await?;
        if thanked.thanks != thanks || thanked.thanks_public != public {
            return Err(Error::ThanksGiven);
        }
        Ok(thanked)
    }
}
