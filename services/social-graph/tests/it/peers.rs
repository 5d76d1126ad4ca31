//! Services that hold something about people, and note what they are told.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use futures::stream;
use klout_proto::{
    graph::v1::{
        ApplyPersonStatesRequest, ApplyPersonStatesResponse, DescribePersonRequest,
        DescribePersonResponse, ForgetPersonRequest, ForgetPersonResponse, Forgotten,
        KnownPersonState, PersonState,
    },
    perk, profile, score, signal, topic,
};
use tonic::{Request, Response, Status, codegen::BoxStream, service::RoutesBuilder};

/// One of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holder {
    pub(crate) states: Arc<Mutex<Vec<PersonState>>>,
    pub(crate) forgotten: Arc<Mutex<Vec<ForgetPersonRequest>>>,
    /// What it says that it holds.
    pub(crate) held: Arc<Mutex<Vec<(String, String)>>>,
    pub(crate) refusing: Arc<AtomicBool>,
    /// What it knows from before social-graph was restored from a backup.
    pub(crate) known: Arc<Mutex<BTreeMap<i64, KnownPersonState>>>,
    /// Whoever has all of it keeps answers to forgetting waiting.
    pub(crate) answering: Arc<tokio::sync::RwLock<()>>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers(BTreeMap<&'static str, Holder>);

const NAMES: [&str; 5] = ["scoring", "topics", "connector", "perks", "gateway"];

// === impl Peers ===

impl Peers {
    pub(crate) fn new() -> Self {
        Self(NAMES.map(|name| (name, Holder::default())).into())
    }

    pub(crate) fn of(&self, name: &str) -> &Holder {
        &self.0[name]
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, &Holder)> {
        self.0.iter().map(|(name, holder)| (*name, holder))
    }

    pub(crate) fn mount(&self, routes: &mut RoutesBuilder) {
        routes
            .add_service(score::v1::person_data_service_server::PersonDataServiceServer::new(
                self.of("scoring").clone(),
            ))
            .add_service(topic::v1::person_data_service_server::PersonDataServiceServer::new(
                self.of("topics").clone(),
            ))
            .add_service(signal::v1::person_data_service_server::PersonDataServiceServer::new(
                self.of("connector").clone(),
            ))
            .add_service(perk::v1::person_data_service_server::PersonDataServiceServer::new(
                self.of("perks").clone(),
            ))
            .add_service(profile::v1::person_data_service_server::PersonDataServiceServer::new(
                self.of("gateway").clone(),
            ));
    }
}

// === impl Holder ===

impl Holder {
    /// The newest state that it was told of a person.
    pub(crate) fn newest(&self, person: &str) -> Option<PersonState> {
        let states = self.states.lock().expect("not poisoned");
        let of = states.iter().filter(|state| state.person_id.to_string() == person);
        of.max_by_key(|state| state.number).cloned()
    }

    fn willing(&self) -> Result<(), Status> {
        if self.refusing.load(Ordering::SeqCst) {
            return Err(Status::unavailable("not now"));
        }
        Ok(())
    }

    /// As services do: of two states the one of the higher number holds, but who was erased stays so.
    fn apply(
        &self,
        request: ApplyPersonStatesRequest,
    ) -> Result<ApplyPersonStatesResponse, Status> {
        self.willing()?;
        let known = self.known.lock().expect("not poisoned");
        let is_newer = |it: &PersonState| {
            let known = known.get(&it.person_id)?;
            let holds = it.number < known.number || known.state == "ERASED" && it.state != "ERASED";
            holds.then(|| known.clone())
        };
        let newer: Vec<_> = request.states.iter().filter_map(is_newer).collect();
        let taken = request.states.into_iter().filter(|it| is_newer(it).is_none());
        self.states.lock().expect("not poisoned").extend(taken);
        Ok(ApplyPersonStatesResponse { newer })
    }

    /// Says at the second call that it is done, of who opted out at the first.
    async fn forget(&self, request: ForgetPersonRequest) -> Result<ForgetPersonResponse, Status> {
        self.willing()?;
        let done = {
            let mut forgotten = self.forgotten.lock().expect("not poisoned");
            let same = |it: &ForgetPersonRequest| {
                it.person_id == request.person_id && it.state == request.state
            };
            let done = request.state == "OPTED_OUT" || forgotten.iter().any(same);
            forgotten.push(request);
            done
        };
        let _answering = self.answering.read().await;
        let things = Forgotten { name: "thing".to_owned(), count: 2 };
        Ok(ForgetPersonResponse { forgotten: vec![things], done })
    }

    fn describe(&self) -> Result<BoxStream<DescribePersonResponse>, Status> {
        self.willing()?;
        let held = self.held.lock().expect("not poisoned").clone();
        let things = held.into_iter().map(|(name, json)| Ok(DescribePersonResponse { name, json }));
        Ok(Box::pin(stream::iter(things.collect::<Vec<_>>())))
    }
}

macro_rules! holds {
    ($($package:ident),*) => {$(
        #[tonic::async_trait]
        impl $package::v1::person_data_service_server::PersonDataService for Holder {
            async fn apply_person_states(
                &self,
                request: Request<ApplyPersonStatesRequest>,
            ) -> Result<Response<ApplyPersonStatesResponse>, Status> {
                self.apply(request.into_inner()).map(Response::new)
            }

            async fn forget_person(
                &self,
                request: Request<ForgetPersonRequest>,
            ) -> Result<Response<ForgetPersonResponse>, Status> {
                self.forget(request.into_inner()).await.map(Response::new)
            }

            async fn describe_person(
                &self,
                _: Request<DescribePersonRequest>,
            ) -> Result<Response<BoxStream<DescribePersonResponse>>, Status> {
                self.describe().map(Response::new)
            }
        }
    )*};
}

holds!(score, topic, signal, perk, profile);
