//! What a desk asks about perks.

use klout_proto::perk::v1::{
    ConfirmGrantRequest, ConfirmGrantResponse, DecideCheckInRequest, DecideCheckInResponse,
    EvaluatePerksRequest, EvaluatePerksResponse, ListArrivalsRequest, ListArrivalsResponse,
    MarkArrivalsRequest, MarkArrivalsResponse, ReleaseGrantRequest, ReleaseGrantResponse,
    ReserveGrantRequest, ReserveGrantResponse, ReverseGrantRequest, ReverseGrantResponse,
    VerifyPassRequest, VerifyPassResponse, desk_service_client::DeskServiceClient,
    perk_service_client::PerkServiceClient,
};

use crate::{Client, Error, Repeat};

impl Client {
    /// Decides whether a guest who checks in is offered an upgrade. The same stay again answers what was decided.
    ///
    /// # Errors
    ///
    /// What `DecideCheckIn` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn decide_check_in(
        &self,
        request: DecideCheckInRequest,
    ) -> Result<DecideCheckInResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            PerkServiceClient::new(channel).decide_check_in(request).await
        })
        .await
    }

    /// What each active campaign says about somebody; takes and writes nothing.
    ///
    /// # Errors
    ///
    /// What `EvaluatePerks` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn evaluate_perks(
        &self,
        request: EvaluatePerksRequest,
    ) -> Result<EvaluatePerksResponse, Error> {
        let read = Repeat::Read("EvaluatePerks");
        self.call(read, request, |channel, request| async move {
            PerkServiceClient::new(channel).evaluate_perks(request).await
        })
        .await
    }

    /// Takes what a campaign offers until it is confirmed or released. Made again only with a `request_id`, by which the
    /// same decision is answered.
    ///
    /// # Errors
    ///
    /// What `ReserveGrant` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn reserve_grant(
        &self,
        request: ReserveGrantRequest,
    ) -> Result<ReserveGrantResponse, Error> {
        let repeat = if request.request_id.is_empty() { Repeat::Never } else { Repeat::Safe };
        self.call(repeat, request, |channel, request| async move {
            PerkServiceClient::new(channel).reserve_grant(request).await
        })
        .await
    }

    /// Gives what was reserved.
    ///
    /// # Errors
    ///
    /// What `ConfirmGrant` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn confirm_grant(
        &self,
        request: ConfirmGrantRequest,
    ) -> Result<ConfirmGrantResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            PerkServiceClient::new(channel).confirm_grant(request).await
        })
        .await
    }

    /// Gives back what was reserved.
    ///
    /// # Errors
    ///
    /// What `ReleaseGrant` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn release_grant(
        &self,
        request: ReleaseGrantRequest,
    ) -> Result<ReleaseGrantResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            PerkServiceClient::new(channel).release_grant(request).await
        })
        .await
    }

    /// Takes back what was confirmed.
    ///
    /// # Errors
    ///
    /// What `ReverseGrant` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn reverse_grant(
        &self,
        request: ReverseGrantRequest,
    ) -> Result<ReverseGrantResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            PerkServiceClient::new(channel).reverse_grant(request).await
        })
        .await
    }

    /// Marks which of the guests who arrive on a day could be offered what. A stay that was marked is marked anew.
    ///
    /// # Errors
    ///
    /// What `MarkArrivals` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn mark_arrivals(
        &self,
        request: MarkArrivalsRequest,
    ) -> Result<MarkArrivalsResponse, Error> {
        self.call(Repeat::Safe, request, |channel, request| async move {
            DeskServiceClient::new(channel).mark_arrivals(request).await
        })
        .await
    }

    /// Marked arrivals of a day, by stay: one page.
    ///
    /// # Errors
    ///
    /// What `ListArrivals` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn list_arrivals(
        &self,
        request: ListArrivalsRequest,
    ) -> Result<ListArrivalsResponse, Error> {
        let read = Repeat::Read("ListArrivals");
        self.call(read, request, |channel, request| async move {
            DeskServiceClient::new(channel).list_arrivals(request).await
        })
        .await
    }

    /// What a pass says.
    ///
    /// # Errors
    ///
    /// What `VerifyPass` of `klout.perk.v1` says, or that it could not be asked.
    pub async fn verify_pass(
        &self,
        request: VerifyPassRequest,
    ) -> Result<VerifyPassResponse, Error> {
        let read = Repeat::Read("VerifyPass");
        self.call(read, request, |channel, request| async move {
            DeskServiceClient::new(channel).verify_pass(request).await
        })
        .await
    }
}
