//! The one table of what is answered over REST. Everything else follows from the descriptors.

mod bulk;
mod connections;
mod jobs;
mod keys;
mod perks;
mod progress;

use http::Method;
use klout_proto::json::DESCRIPTORS;
use prost_reflect::{MessageDescriptor, MethodDescriptor};

use crate::{lookup, people};

/// An RPC that has a path.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// As axum writes it: `{name}` stands for one segment.
    pub(crate) path: &'static str,
    /// `PACKAGE.SERVICE/METHOD`.
    pub(crate) rpc: &'static str,
    /// Which segment is which field of the request; dots lead into messages.
    pub(crate) segments: &'static [(&'static str, &'static str)],
    /// Where the fields come from that no segment names.
    pub(crate) rest: Rest,
    /// The field of the response that is answered alone; `None`: all of it.
    pub(crate) resource: Option<&'static str>,
}

/// Where fields come from that no segment names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// `?pageSize=10`.
    Query,
    /// The JSON of the request.
    Body,
}

/// Every path there is but those of batches, connections, jobs, keys, perks and progress.
static ROUTES: [Route; 58] = [
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/score",
        rpc: "klout.score.v1.ScoreService/GetScore",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: Some("score"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/scores",
        rpc: "klout.score.v1.ScoreService/ListScores",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/explanation",
        rpc: "klout.score.v1.ScoreService/ExplainScore",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: Some("explanation"),
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/score/simulate",
        rpc: "klout.score.v1.ScoreService/SimulateScore",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/moments",
        rpc: "klout.score.v1.ScoreService/ListMoments",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/contests",
        rpc: "klout.score.v1.ScoreService/ContestScore",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: Some("contest"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/contests",
        rpc: "klout.score.v1.ScoreService/ListContests",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/accounts/{network}/{handle}/score",
        rpc: "klout.score.v1.ScoreService/GetScore",
        segments: &[("network", "account.network"), ("handle", "account.handle")],
        rest: Rest::Query,
        resource: Some("score"),
    },
    Route {
        method: Method::POST,
        path: "/v1/scores:batchLookup",
        rpc: "klout.score.v1.ScoreService/BatchLookupScores",
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/models",
        rpc: "klout.score.v1.ScoreService/ListModels",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}",
        rpc: "klout.graph.v1.GraphService/GetPerson",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: Some("person"),
    },
    Route {
        method: Method::PATCH,
        path: "/v1/people/{person}",
        rpc: "klout.graph.v1.GraphService/UpdatePerson",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: Some("person"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/influencers",
        rpc: "klout.graph.v1.GraphService/ListInfluencers",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/influencees",
        rpc: "klout.graph.v1.GraphService/ListInfluencees",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/mutuals",
        rpc: "klout.graph.v1.GraphService/ListMutuals",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people",
        rpc: "klout.graph.v1.GraphService/CreatePerson",
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people",
        rpc: people::csv::RPC,
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people:score",
        rpc: lookup::RPC,
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people:resolve",
        rpc: "klout.graph.v1.GraphService/ResolvePerson",
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/accounts",
        rpc: "klout.graph.v1.GraphService/LinkAccount",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: Some("person"),
    },
    Route {
        method: Method::DELETE,
        path: "/v1/people/{person}/accounts/{network}/{nativeId}",
        rpc: "klout.graph.v1.GraphService/UnlinkAccount",
        segments: &[
            ("person", "person"),
            ("network", "account.network"),
            ("nativeId", "account.native_id"),
        ],
        rest: Rest::Query,
        resource: Some("person"),
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/links",
        rpc: "klout.graph.v1.GraphService/StartLink",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/links:complete",
        rpc: "klout.graph.v1.GraphService/CompleteLink",
        segments: &[],
        rest: Rest::Body,
        resource: Some("person"),
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/merge",
        rpc: "klout.graph.v1.GraphService/MergePeople",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: Some("person"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/handles",
        rpc: "klout.graph.v1.GraphService/ListHandles",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/contacts",
        rpc: "klout.graph.v1.GraphService/AddContacts",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/contacts/remove",
        rpc: "klout.graph.v1.GraphService/RemoveContacts",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/disputes",
        rpc: "klout.graph.v1.GraphService/ListDisputes",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/disputes/{dispute}/settle",
        rpc: "klout.graph.v1.GraphService/SettleDispute",
        segments: &[("dispute", "dispute")],
        rest: Rest::Body,
        resource: Some("dispute"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/lookups",
        rpc: "klout.graph.v1.GraphService/ListLookups",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::DELETE,
        path: "/v1/people/{person}",
        rpc: "klout.graph.v1.GraphService/ErasePerson",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: Some("receipt"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/consent",
        rpc: "klout.graph.v1.GraphService/GetConsent",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::PATCH,
        path: "/v1/people/{person}/consent",
        rpc: "klout.graph.v1.GraphService/SetConsent",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/receipts/{receipt}",
        rpc: "klout.graph.v1.GraphService/GetReceipt",
        segments: &[("receipt", "receipt")],
        rest: Rest::Query,
        resource: Some("receipt"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/topics",
        rpc: "klout.topic.v1.TopicService/ListPersonTopics",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/topics",
        rpc: "klout.topic.v1.TopicService/DeclareTopics",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/topics/{topic}",
        rpc: "klout.topic.v1.TopicService/ExplainPersonTopic",
        segments: &[("person", "person"), ("topic", "topic")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/topics/{topic}/veto",
        rpc: "klout.topic.v1.TopicService/VetoTopic",
        segments: &[("person", "person"), ("topic", "topic")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/topics/{topic}/restore",
        rpc: "klout.topic.v1.TopicService/RestoreTopic",
        segments: &[("person", "person"), ("topic", "topic")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/topicSuggestions",
        rpc: "klout.topic.v1.TopicService/SuggestTopics",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/contentSuggestions",
        rpc: "klout.topic.v1.TopicService/SuggestContent",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/plusK/given",
        rpc: "klout.graph.v1.PlusKService/GivePlusK",
        segments: &[("person", "giver")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/plusK/given",
        rpc: "klout.graph.v1.PlusKService/ListPlusKGiven",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/plusK/given/{plusK}/takeBack",
        rpc: "klout.graph.v1.PlusKService/TakeBackPlusK",
        segments: &[("person", "giver"), ("plusK", "plus_k")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/plusK/received",
        rpc: "klout.graph.v1.PlusKService/ListPlusKReceived",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/plusK/received/{plusK}/thank",
        rpc: "klout.graph.v1.PlusKService/ThankForPlusK",
        segments: &[("person", "receiver"), ("plusK", "plus_k")],
        rest: Rest::Body,
        resource: Some("plus_k"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/plusK/budget",
        rpc: "klout.graph.v1.PlusKService/GetPlusKBudget",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: Some("budget"),
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/plusK/suggestions",
        rpc: "klout.graph.v1.PlusKService/ListPlusKSuggestions",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/topicProposals",
        rpc: "klout.graph.v1.PlusKService/ListTopicProposals",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/topicProposals",
        rpc: "klout.graph.v1.PlusKService/ProposeTopic",
        segments: &[("person", "person")],
        rest: Rest::Body,
        resource: Some("proposal"),
    },
    Route {
        method: Method::POST,
        path: "/v1/people/{person}/topicProposals/{proposal}/answer",
        rpc: "klout.graph.v1.PlusKService/AnswerTopicProposal",
        segments: &[("person", "person"), ("proposal", "proposal")],
        rest: Rest::Body,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/people/{person}/blocked",
        rpc: "klout.graph.v1.PlusKService/ListBlocked",
        segments: &[("person", "person")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::PUT,
        path: "/v1/people/{person}/blocked/{blocked}",
        rpc: "klout.graph.v1.PlusKService/BlockPerson",
        segments: &[("person", "person"), ("blocked", "blocked")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::DELETE,
        path: "/v1/people/{person}/blocked/{blocked}",
        rpc: "klout.graph.v1.PlusKService/UnblockPerson",
        segments: &[("person", "person"), ("blocked", "blocked")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/topics",
        rpc: "klout.topic.v1.TopicService/ListTopics",
        segments: &[],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/topics/{topic}",
        rpc: "klout.topic.v1.TopicService/GetTopic",
        segments: &[("topic", "topic")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::GET,
        path: "/v1/topics/{topic}/experts",
        rpc: "klout.topic.v1.TopicService/ListExperts",
        segments: &[("topic", "topic")],
        rest: Rest::Query,
        resource: None,
    },
    Route {
        method: Method::POST,
        path: "/v1/topics:match",
        rpc: "klout.topic.v1.TopicService/MatchText",
        segments: &[],
        rest: Rest::Body,
        resource: None,
    },
];

/// Every path there is, over all of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Route> {
    ROUTES
        .iter()
        .chain(&bulk::ROUTES)
        .chain(&connections::ROUTES)
        .chain(&jobs::ROUTES)
        .chain(&keys::ROUTES)
        .chain(&perks::ROUTES)
        .chain(&progress::ROUTES)
}

/// The section name of the service that answers a package of RPCs.
pub(crate) const fn owners() -> [(&'static str, &'static str); 6] {
    [
        ("klout.graph.v1", "social_graph"),
        ("klout.perk.v1", "perks"),
        ("klout.profile.v1", "gateway"),
        ("klout.score.v1", "scoring"),
        ("klout.signal.v1", "connector"),
        ("klout.topic.v1", "topics"),
    ]
}

// === impl Route ===

impl Route {
    /// # Panics
    ///
    /// When the contracts have no such RPC; a test goes through the table.
    pub(crate) fn descriptor(&self) -> MethodDescriptor {
        let (service, method) = self.rpc.split_once('/').expect("SERVICE/METHOD");
        let service = DESCRIPTORS.get_service_by_name(service).expect("a service");
        service.methods().find(|it| it.name() == method).expect("a method")
    }

    /// What is answered: the response, or the one field of it.
    ///
    /// # Panics
    ///
    /// When the response has no such message; a test goes through the table.
    pub(crate) fn answer(&self) -> MessageDescriptor {
        let response = self.descriptor().output();
        let Some(resource) = self.resource else { return response };
        let field = response.get_field_by_name(resource).expect("a field of the response");
        field.kind().as_message().expect("a message").clone()
    }

    /// The section name of the service that answers.
    ///
    /// # Panics
    ///
    /// When nobody owns the package; a test goes through the table.
    pub(crate) fn owner(&self) -> &'static str {
        let package = self.descriptor().parent_service().package_name().to_owned();
        let owner = owners().into_iter().find(|(owned, _)| *owned == package);
        owner.expect("somebody owns each package").1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::DynamicMessage;

    use super::*;
    use crate::{access::Access, call, fields, transcode::set};

    /// The page that tells callers of [`OVER_GRPC_ALONE`], in the same words.
    const PAGE: &str = include_str!("../../../docs/rest.md");

    const STREAM: &str = "a stream";
    const CSV: &str = "CSV, which has paths of its own";

    /// What a key of a customer may call and has no path, and why.
    const OVER_GRPC_ALONE: [(&str, &str); 4] = [
        ("klout.profile.v1.LookupService/DownloadLookupRows", CSV),
        ("klout.profile.v1.LookupService/UploadLookupRows", CSV),
        ("klout.score.v1.ScoreService/WatchScores", STREAM),
        ("klout.signal.v1.SignalService/IngestSignals", STREAM),
    ];

    #[test]
    fn every_route_leads_to_an_rpc_and_its_segments_to_fields() {
        for route in all() {
            let rpc = route.descriptor();
            let mut request = DynamicMessage::new(rpc.input());
            for (segment, field) in route.segments {
                assert!(route.path.contains(&format!("{{{segment}}}")), "{route:?}");
                set(&mut request, field, "1").expect("the segment is a field");
            }
            assert_eq!(route.path.matches('{').count(), route.segments.len(), "{route:?}");
            assert!(rpc.input().get_field_by_name(fields::PARAMETER).is_none(), "{route:?}");
            assert!(!route.answer().full_name().is_empty(), "{route:?}");
            assert!(!route.owner().is_empty());
            assert!(!rpc.is_client_streaming() && !rpc.is_server_streaming(), "{route:?}");
        }
    }

    #[test]
    fn whatever_customers_may_call_has_a_path_or_a_reason_to_have_none() {
        let routed: BTreeSet<&str> = all().map(|route| route.rpc).collect();
        let services = DESCRIPTORS.services().filter(|it| it.package_name().starts_with("klout."));
        let paths =
            services.flat_map(|it| it.methods().map(|it| call::path(&it)).collect::<Vec<_>>());
        let customers = paths.filter(|path| Access::of(path) != Access::Operators);
        let rpcs = customers.map(|path| path.trim_start_matches('/').to_owned());
        let without: BTreeSet<String> = rpcs.filter(|rpc| !routed.contains(rpc.as_str())).collect();
        let named: BTreeSet<String> =
            OVER_GRPC_ALONE.iter().map(|(rpc, _)| (*rpc).to_owned()).collect();
        assert_eq!(without, named);
        for (rpc, why) in OVER_GRPC_ALONE {
            let name = rpc.split_once('/').expect("SERVICE/METHOD").1;
            let row = PAGE.lines().find(|line| line.starts_with('|') && line.contains(why));
            assert!(row.is_some_and(|row| row.contains(&format!("`{name}`"))), "{rpc}: {why}");
        }
    }

    #[test]
    fn somebody_owns_every_package_of_ours() {
        for service in DESCRIPTORS.services().filter(|it| it.package_name().starts_with("klout.")) {
            assert!(owners().iter().any(|(package, _)| *package == service.package_name()));
        }
    }
}
