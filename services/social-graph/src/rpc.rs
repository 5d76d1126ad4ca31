//! The gRPC face of social-graph. One file for each RPC.

mod add_contacts;
mod apply_signals;
mod batch_create_people;
mod batch_get_memberships;
mod batch_get_people;
mod batch_identify_people;
mod batch_resolve_people;
mod complete_link;
mod create_person;
mod erase_person;
mod export_person;
mod get_backlog;
mod get_consent;
mod get_person;
mod get_receipt;
mod import_deletion_list;
mod influence;
mod link_account;
mod link_proven_account;
mod list_disputes;
mod list_handles;
mod list_influencees;
mod list_influencers;
mod list_lookups;
mod list_mutuals;
mod list_perk_members;
mod list_person_states;
mod merge_people;
mod note;
mod person_data;
mod plus_k;
mod record_lookups;
mod remove_contacts;
mod resolve_person;
mod resume_person_states;
mod set_consent;
mod settle_dispute;
mod start_link;
mod unlink_account;
mod update_person;

use futures::TryStreamExt as _;
use klout_chassis::{Caller, Clock, Lookups, page};
use klout_model::{AccountKey, PersonId};
use klout_proto::graph::v1::{
    AddContactsRequest, AddContactsResponse, ApplySignalsRequest, ApplySignalsResponse,
    BatchCreatePeopleRequest, BatchCreatePeopleResponse, BatchGetMembershipsRequest,
    BatchGetMembershipsResponse, BatchGetPeopleRequest, BatchGetPeopleResponse,
    BatchIdentifyPeopleRequest, BatchIdentifyPeopleResponse, BatchResolvePeopleRequest,
    BatchResolvePeopleResponse, CompleteLinkRequest, CompleteLinkResponse, CreatePersonRequest,
    CreatePersonResponse, ErasePersonRequest, ErasePersonResponse, ExportPersonRequest,
    ExportPersonResponse, GetBacklogRequest, GetBacklogResponse, GetConsentRequest,
    GetConsentResponse, GetPersonRequest, GetPersonResponse, GetReceiptRequest, GetReceiptResponse,
    ImportDeletionListRequest, ImportDeletionListResponse, LinkAccountRequest, LinkAccountResponse,
    LinkProvenAccountRequest, LinkProvenAccountResponse, ListDisputesRequest, ListDisputesResponse,
    ListHandlesRequest, ListHandlesResponse, ListInfluenceesRequest, ListInfluenceesResponse,
    ListInfluencersRequest, ListInfluencersResponse, ListLookupsRequest, ListLookupsResponse,
    ListMutualsRequest, ListMutualsResponse, ListPerkMembersRequest, ListPerkMembersResponse,
    ListPersonStatesRequest, ListPersonStatesResponse, MergePeopleRequest, MergePeopleResponse,
    RecordLookupsRequest, RecordLookupsResponse, RemoveContactsRequest, RemoveContactsResponse,
    ResolvePersonRequest, ResolvePersonResponse, ResumePersonStatesRequest,
    ResumePersonStatesResponse, SetConsentRequest, SetConsentResponse, SettleDisputeRequest,
    SettleDisputeResponse, StartLinkRequest, StartLinkResponse, UnlinkAccountRequest,
    UnlinkAccountResponse, UpdatePersonRequest, UpdatePersonResponse,
    graph_service_server::GraphService, signal_consumer_service_server::SignalConsumerService,
};
use sqlx::PgPool;
use tonic::{Request, Response, Status, Streaming, codegen::BoxStream};

pub(crate) use self::{person_data::PersonDataRpc, plus_k::PlusKRpc, record_lookups::LOOKUPS_MAX};
use crate::{
    age::AgeRules, announce::Bell, consent::Ledger, contact::ContactKeys, error::Error,
    links::Linker, tell::Teller, topics::Topics,
};

/// Rows in one request: what one statement answers quickly.
pub(crate) const REQUESTS_MAX: usize = 1_000;

/// In bytes, of why somebody changes a state.
const NOTE_LENGTH_MAX: usize = 512;

#[derive(Clone, Debug)]
pub(crate) struct GraphRpc {
    pub(crate) db: PgPool,
    pub(crate) clock: Clock,
    pub(crate) account_key: AccountKey,
    /// Names topics of people.
    pub(crate) topics: Topics,
    pub(crate) lookups: Lookups,
    /// Rung when the owner of an account changed, or where they live.
    pub(crate) owners_changed: Bell,
    /// Tells the other services of people's states.
    pub(crate) teller: Teller,
    pub(crate) age_rules: AgeRules,
    pub(crate) contact_keys: ContactKeys,
    pub(crate) linker: Linker,
}

#[derive(Clone, Debug)]
pub(crate) struct ConsumerRpc {
    pub(crate) db: PgPool,
}

// Decode, call, encode. What a call means is in its own file and returns the service's own `Error`;
// the `?` here is the only place where that becomes a `Status`.
#[tonic::async_trait]
impl GraphService for GraphRpc {
    async fn create_person(
        &self,
        request: Request<CreatePersonRequest>,
    ) -> Result<Response<CreatePersonResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            create_person::create_person(self, caller.name(), request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_create_people(
        &self,
        request: Request<BatchCreatePeopleRequest>,
    ) -> Result<Response<BatchCreatePeopleResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            batch_create_people::batch_create_people(self, caller.name(), request.into_inner())
                .await?;
        Ok(Response::new(response))
    }

    async fn get_person(
        &self,
        request: Request<GetPersonRequest>,
    ) -> Result<Response<GetPersonResponse>, Status> {
        let caller = Caller::of(&request);
        let response = get_person::get_person(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_get_people(
        &self,
        request: Request<BatchGetPeopleRequest>,
    ) -> Result<Response<BatchGetPeopleResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            batch_get_people::batch_get_people(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn resolve_person(
        &self,
        request: Request<ResolvePersonRequest>,
    ) -> Result<Response<ResolvePersonResponse>, Status> {
        let caller = Caller::of(&request);
        let response = resolve_person::resolve_person(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_resolve_people(
        &self,
        request: Request<BatchResolvePeopleRequest>,
    ) -> Result<Response<BatchResolvePeopleResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            batch_resolve_people::batch_resolve_people(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn batch_identify_people(
        &self,
        request: Request<BatchIdentifyPeopleRequest>,
    ) -> Result<Response<BatchIdentifyPeopleResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            batch_identify_people::batch_identify_people(self, &caller, request.into_inner())
                .await?;
        Ok(Response::new(response))
    }

    async fn batch_get_memberships(
        &self,
        request: Request<BatchGetMembershipsRequest>,
    ) -> Result<Response<BatchGetMembershipsResponse>, Status> {
        let response =
            batch_get_memberships::batch_get_memberships(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn link_account(
        &self,
        request: Request<LinkAccountRequest>,
    ) -> Result<Response<LinkAccountResponse>, Status> {
        let response = link_account::link_account(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn update_person(
        &self,
        request: Request<UpdatePersonRequest>,
    ) -> Result<Response<UpdatePersonResponse>, Status> {
        let caller = Caller::of(&request);
        let response = update_person::update_person(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_backlog(
        &self,
        _: Request<GetBacklogRequest>,
    ) -> Result<Response<GetBacklogResponse>, Status> {
        let response = get_backlog::get_backlog(self).await?;
        Ok(Response::new(response))
    }

    async fn start_link(
        &self,
        request: Request<StartLinkRequest>,
    ) -> Result<Response<StartLinkResponse>, Status> {
        let caller = Caller::of(&request);
        let response = start_link::start_link(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn complete_link(
        &self,
        request: Request<CompleteLinkRequest>,
    ) -> Result<Response<CompleteLinkResponse>, Status> {
        let caller = Caller::of(&request);
        let response = complete_link::complete_link(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn link_proven_account(
        &self,
        request: Request<LinkProvenAccountRequest>,
    ) -> Result<Response<LinkProvenAccountResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            link_proven_account::link_proven_account(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn unlink_account(
        &self,
        request: Request<UnlinkAccountRequest>,
    ) -> Result<Response<UnlinkAccountResponse>, Status> {
        let response = unlink_account::unlink_account(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn merge_people(
        &self,
        request: Request<MergePeopleRequest>,
    ) -> Result<Response<MergePeopleResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            merge_people::merge_people(self, caller.name(), request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_handles(
        &self,
        request: Request<ListHandlesRequest>,
    ) -> Result<Response<ListHandlesResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_handles::list_handles(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_disputes(
        &self,
        request: Request<ListDisputesRequest>,
    ) -> Result<Response<ListDisputesResponse>, Status> {
        let response = list_disputes::list_disputes(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn settle_dispute(
        &self,
        request: Request<SettleDisputeRequest>,
    ) -> Result<Response<SettleDisputeResponse>, Status> {
        let response = settle_dispute::settle_dispute(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn add_contacts(
        &self,
        request: Request<AddContactsRequest>,
    ) -> Result<Response<AddContactsResponse>, Status> {
        let response = add_contacts::add_contacts(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn remove_contacts(
        &self,
        request: Request<RemoveContactsRequest>,
    ) -> Result<Response<RemoveContactsResponse>, Status> {
        let response = remove_contacts::remove_contacts(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn set_consent(
        &self,
        request: Request<SetConsentRequest>,
    ) -> Result<Response<SetConsentResponse>, Status> {
        let caller = Caller::of(&request);
        let response = set_consent::set_consent(self, caller.name(), request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_consent(
        &self,
        request: Request<GetConsentRequest>,
    ) -> Result<Response<GetConsentResponse>, Status> {
        let response = get_consent::get_consent(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn erase_person(
        &self,
        request: Request<ErasePersonRequest>,
    ) -> Result<Response<ErasePersonResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            erase_person::erase_person(self, caller.name(), request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn get_receipt(
        &self,
        request: Request<GetReceiptRequest>,
    ) -> Result<Response<GetReceiptResponse>, Status> {
        let response = get_receipt::get_receipt(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_lookups(
        &self,
        request: Request<ListLookupsRequest>,
    ) -> Result<Response<ListLookupsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_lookups::list_lookups(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn record_lookups(
        &self,
        request: Request<RecordLookupsRequest>,
    ) -> Result<Response<RecordLookupsResponse>, Status> {
        let response = record_lookups::record_lookups(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn import_deletion_list(
        &self,
        request: Request<Streaming<ImportDeletionListRequest>>,
    ) -> Result<Response<ImportDeletionListResponse>, Status> {
        let caller = Caller::of(&request);
        let stream = request.into_inner();
        let response =
            import_deletion_list::import_deletion_list(self, caller.name(), stream).await?;
        Ok(Response::new(response))
    }

    async fn export_person(
        &self,
        request: Request<ExportPersonRequest>,
    ) -> Result<Response<BoxStream<ExportPersonResponse>>, Status> {
        let pieces = export_person::export_person(self, request.into_inner()).await?;
        Ok(Response::new(Box::pin(pieces.map_err(Status::from))))
    }

    async fn resume_person_states(
        &self,
        request: Request<ResumePersonStatesRequest>,
    ) -> Result<Response<ResumePersonStatesResponse>, Status> {
        let response =
            resume_person_states::resume_person_states(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_perk_members(
        &self,
        request: Request<ListPerkMembersRequest>,
    ) -> Result<Response<ListPerkMembersResponse>, Status> {
        let response = list_perk_members::list_perk_members(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_person_states(
        &self,
        request: Request<ListPersonStatesRequest>,
    ) -> Result<Response<ListPersonStatesResponse>, Status> {
        let response = list_person_states::list_person_states(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_influencers(
        &self,
        request: Request<ListInfluencersRequest>,
    ) -> Result<Response<ListInfluencersResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            list_influencers::list_influencers(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_influencees(
        &self,
        request: Request<ListInfluenceesRequest>,
    ) -> Result<Response<ListInfluenceesResponse>, Status> {
        let caller = Caller::of(&request);
        let response =
            list_influencees::list_influencees(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }

    async fn list_mutuals(
        &self,
        request: Request<ListMutualsRequest>,
    ) -> Result<Response<ListMutualsResponse>, Status> {
        let caller = Caller::of(&request);
        let response = list_mutuals::list_mutuals(self, &caller, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}

#[tonic::async_trait]
impl SignalConsumerService for ConsumerRpc {
    async fn apply_signals(
        &self,
        request: Request<ApplySignalsRequest>,
    ) -> Result<Response<ApplySignalsResponse>, Status> {
        let response = apply_signals::apply_signals(self, request.into_inner()).await?;
        Ok(Response::new(response))
    }
}

// === impl GraphRpc ===

impl GraphRpc {
    /// What changes of consent stand on.
    const fn ledger(&self) -> Ledger<'_> {
        Ledger {
            db: &self.db,
            owners_changed: &self.owners_changed,
            teller: &self.teller,
            age_rules: self.age_rules,
        }
    }

    /// Tells the other services of people whose states changed.
    async fn tell(&self, people: &[PersonId]) -> Result<(), Error> {
        if people.is_empty() { Ok(()) } else { self.teller.tell(people).await }
    }
}

/// Why, as it is to stand in the ledger.
fn parse_note(note: &str) -> Result<&str, Error> {
    if note.len() > NOTE_LENGTH_MAX {
        return Err(Error::field("note", "has more than 512 bytes"));
    }
    if note.contains('\0') {
        return Err(Error::field("note", "has a character that cannot be kept"));
    }
    Ok(note)
}

fn parse_person(field: &str, text: &str) -> Result<PersonId, Error> {
    text.parse().map_err(|invalid| Error::field(field, invalid))
}

fn check_count(count: usize) -> Result<(), Error> {
    if count > REQUESTS_MAX { Err(Error::RequestsTooMany { count }) } else { Ok(()) }
}
