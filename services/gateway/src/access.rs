//! Who may call what: the one table of RPCs and what they take. No I/O.

use std::{collections::HashMap, fmt, sync::LazyLock};

use klout_chassis::Caller;
use klout_model::Purpose;
use prost_reflect::DynamicMessage;

use crate::{
    error::Error,
    transcode::{self, Unbindable},
};

/// What it takes to call something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// The operator's key. To anybody else it is not there.
    Operators,
    /// A key with that scope.
    Scope(Scope),
    /// A key with the scope `perks` that chooses who gets a perk, as at a desk.
    Perks,
}

/// What a key of a customer may call. Service tokens have all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Scores,
    People,
    Topics,
    Influence,
    Lookups,
    Segments,
    Perks,
    Signals,
    Legacy,
}

/// What a key may call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scopes(u16);

use Access::{Operators, Perks};

const SCORES: Access = Access::Scope(Scope::Scores);
const PEOPLE: Access = Access::Scope(Scope::People);
const TOPICS: Access = Access::Scope(Scope::Topics);
const INFLUENCE: Access = Access::Scope(Scope::Influence);
const LOOKUPS: Access = Access::Scope(Scope::Lookups);
const SEGMENTS: Access = Access::Scope(Scope::Segments);
const SIGNALS: Access = Access::Scope(Scope::Signals);

/// The RPCs of public services. What other services push, and what operators alone call, is in services of their own, which
/// are not here: through the gateway, which calls in its own name, they are for the operator.
///
/// So is, of these, what is everybody's (cases, campaigns, one pass over everybody after another), what only services
/// know (keyed hashes), and what somebody decides for themselves. Whoever names a person shows nothing that says that
/// they may act for them, so that joining, leaving, accounts, contacts, who looked, and vouching wait for the operator
/// until people sign in themselves.
const TABLE: [(&str, Access); 126] = [
    ("/klout.graph.v1.GraphService/AddContacts", Operators),
    ("/klout.graph.v1.GraphService/BatchCreatePeople", Operators),
    ("/klout.graph.v1.GraphService/BatchGetMemberships", Operators),
    ("/klout.graph.v1.GraphService/BatchGetPeople", PEOPLE),
    ("/klout.graph.v1.GraphService/BatchIdentifyPeople", Operators),
    ("/klout.graph.v1.GraphService/BatchResolvePeople", PEOPLE),
    ("/klout.graph.v1.GraphService/CompleteLink", PEOPLE),
    ("/klout.graph.v1.GraphService/CreatePerson", Operators),
    ("/klout.graph.v1.GraphService/ErasePerson", Operators),
    ("/klout.graph.v1.GraphService/ExportPerson", Operators),
    ("/klout.graph.v1.GraphService/GetBacklog", PEOPLE),
    ("/klout.graph.v1.GraphService/GetConsent", Operators),
    ("/klout.graph.v1.GraphService/GetPerson", PEOPLE),
    ("/klout.graph.v1.GraphService/GetReceipt", PEOPLE),
    ("/klout.graph.v1.GraphService/ImportDeletionList", Operators),
    ("/klout.graph.v1.GraphService/LinkAccount", Operators),
    ("/klout.graph.v1.GraphService/LinkProvenAccount", Operators),
    ("/klout.graph.v1.GraphService/ListDisputes", Operators),
    ("/klout.graph.v1.GraphService/ListHandles", PEOPLE),
    ("/klout.graph.v1.GraphService/ListInfluencees", INFLUENCE),
    ("/klout.graph.v1.GraphService/ListInfluencers", INFLUENCE),
    ("/klout.graph.v1.GraphService/ListLookups", Operators),
    ("/klout.graph.v1.GraphService/ListMutuals", INFLUENCE),
    ("/klout.graph.v1.GraphService/ListPerkMembers", Operators),
    ("/klout.graph.v1.GraphService/ListPersonStates", Operators),
    ("/klout.graph.v1.GraphService/MergePeople", Operators),
    ("/klout.graph.v1.GraphService/RecordLookups", Operators),
    ("/klout.graph.v1.GraphService/RemoveContacts", Operators),
    ("/klout.graph.v1.GraphService/ResolvePerson", PEOPLE),
    ("/klout.graph.v1.GraphService/ResumePersonStates", Operators),
    ("/klout.graph.v1.GraphService/SetConsent", Operators),
    ("/klout.graph.v1.GraphService/SettleDispute", Operators),
    ("/klout.graph.v1.GraphService/StartLink", PEOPLE),
    ("/klout.graph.v1.GraphService/UnlinkAccount", Operators),
    ("/klout.graph.v1.GraphService/UpdatePerson", PEOPLE),
    ("/klout.graph.v1.PlusKService/AnswerTopicProposal", Operators),
    ("/klout.graph.v1.PlusKService/BatchCountPlusK", Operators),
    ("/klout.graph.v1.PlusKService/BlockPerson", Operators),
    ("/klout.graph.v1.PlusKService/GetPlusKBudget", Operators),
    ("/klout.graph.v1.PlusKService/GivePlusK", Operators),
    ("/klout.graph.v1.PlusKService/ListBlocked", Operators),
    ("/klout.graph.v1.PlusKService/ListPlusKGiven", INFLUENCE),
    ("/klout.graph.v1.PlusKService/ListPlusKReceived", INFLUENCE),
    ("/klout.graph.v1.PlusKService/ListPlusKSuggestions", Operators),
    ("/klout.graph.v1.PlusKService/ListTopicProposals", Operators),
    ("/klout.graph.v1.PlusKService/ProposeTopic", Operators),
    ("/klout.graph.v1.PlusKService/TakeBackPlusK", Operators),
    ("/klout.graph.v1.PlusKService/ThankForPlusK", Operators),
    ("/klout.graph.v1.PlusKService/UnblockPerson", Operators),
    ("/klout.perk.v1.DeskService/CreateProperty", Operators),
    ("/klout.perk.v1.DeskService/GetPassKeys", Access::Scope(Scope::Perks)),
    ("/klout.perk.v1.DeskService/GetProperty", Perks),
    ("/klout.perk.v1.DeskService/IssuePass", Operators),
    ("/klout.perk.v1.DeskService/ListArrivals", Perks),
    ("/klout.perk.v1.DeskService/ListProperties", Perks),
    ("/klout.perk.v1.DeskService/MarkArrivals", Perks),
    ("/klout.perk.v1.DeskService/UpdateProperty", Operators),
    ("/klout.perk.v1.DeskService/VerifyPass", Perks),
    ("/klout.perk.v1.PerkService/ActivateCampaign", Operators),
    ("/klout.perk.v1.PerkService/ConfirmGrant", Perks),
    ("/klout.perk.v1.PerkService/CreateCampaign", Operators),
    ("/klout.perk.v1.PerkService/DecideCheckIn", Perks),
    ("/klout.perk.v1.PerkService/EndCampaign", Operators),
    ("/klout.perk.v1.PerkService/EvaluatePerks", Perks),
    ("/klout.perk.v1.PerkService/GetCampaign", Perks),
    ("/klout.perk.v1.PerkService/GetCampaignReport", Operators),
    ("/klout.perk.v1.PerkService/GetPreview", Operators),
    ("/klout.perk.v1.PerkService/ListCampaigns", Operators),
    ("/klout.perk.v1.PerkService/ListDecisions", Operators),
    ("/klout.perk.v1.PerkService/ListGrants", Perks),
    ("/klout.perk.v1.PerkService/PauseCampaign", Operators),
    ("/klout.perk.v1.PerkService/PreviewCampaign", Operators),
    ("/klout.perk.v1.PerkService/ReleaseGrant", Perks),
    ("/klout.perk.v1.PerkService/ReplayDecision", Operators),
    ("/klout.perk.v1.PerkService/ReserveGrant", Perks),
    ("/klout.perk.v1.PerkService/ReverseGrant", Perks),
    ("/klout.perk.v1.PerkService/UpdateCampaign", Operators),
    ("/klout.perk.v1.PerkService/UploadCodes", Operators),
    ("/klout.profile.v1.LookupService/CloseLookupJob", LOOKUPS),
    ("/klout.profile.v1.LookupService/CreateLookupJob", LOOKUPS),
    ("/klout.profile.v1.LookupService/DeleteLookupJob", LOOKUPS),
    ("/klout.profile.v1.LookupService/DownloadLookupRows", LOOKUPS),
    ("/klout.profile.v1.LookupService/GetLookupJob", LOOKUPS),
    ("/klout.profile.v1.LookupService/ListLookupJobs", LOOKUPS),
    ("/klout.profile.v1.LookupService/ListPeople", SEGMENTS),
    ("/klout.profile.v1.LookupService/ResolveAndGetScore", LOOKUPS),
    ("/klout.profile.v1.LookupService/UploadLookupRows", LOOKUPS),
    ("/klout.score.v1.ScoreService/BatchGetActors", Operators),
    ("/klout.score.v1.ScoreService/BatchLookupScores", SCORES),
    ("/klout.score.v1.ScoreService/ContestScore", SCORES),
    ("/klout.score.v1.ScoreService/ExplainScore", SCORES),
    ("/klout.score.v1.ScoreService/GetBacklog", SCORES),
    ("/klout.score.v1.ScoreService/GetRescore", SCORES),
    ("/klout.score.v1.ScoreService/GetScore", SCORES),
    ("/klout.score.v1.ScoreService/ListContests", Operators),
    ("/klout.score.v1.ScoreService/ListModels", SCORES),
    ("/klout.score.v1.ScoreService/ListMoments", SCORES),
    ("/klout.score.v1.ScoreService/ListScores", SCORES),
    ("/klout.score.v1.ScoreService/ListTopScores", SEGMENTS),
    ("/klout.score.v1.ScoreService/SimulateScore", SCORES),
    ("/klout.score.v1.ScoreService/StartRescore", Operators),
    ("/klout.score.v1.ScoreService/WatchScores", SCORES),
    ("/klout.signal.v1.SignalService/BatchIngestSignals", SIGNALS),
    ("/klout.signal.v1.SignalService/CompleteConnection", PEOPLE),
    ("/klout.signal.v1.SignalService/Disconnect", Operators),
    ("/klout.signal.v1.SignalService/GetBacklog", SIGNALS),
    ("/klout.signal.v1.SignalService/GetConnection", Operators),
    ("/klout.signal.v1.SignalService/IngestSignals", SIGNALS),
    ("/klout.signal.v1.SignalService/ListConnections", Operators),
    ("/klout.signal.v1.SignalService/ListNetworks", PEOPLE),
    ("/klout.signal.v1.SignalService/RedeliverSignals", Operators),
    ("/klout.signal.v1.SignalService/StartConnection", PEOPLE),
    ("/klout.signal.v1.SignalService/SyncConnection", Operators),
    ("/klout.topic.v1.TopicService/BatchGetPersonTopics", Operators),
    ("/klout.topic.v1.TopicService/DeclareTopics", TOPICS),
    ("/klout.topic.v1.TopicService/ExplainPersonTopic", TOPICS),
    ("/klout.topic.v1.TopicService/GetBacklog", TOPICS),
    ("/klout.topic.v1.TopicService/GetTopic", TOPICS),
    ("/klout.topic.v1.TopicService/ListExperts", TOPICS),
    ("/klout.topic.v1.TopicService/ListPersonTopics", TOPICS),
    ("/klout.topic.v1.TopicService/ListTopics", TOPICS),
    ("/klout.topic.v1.TopicService/MatchText", TOPICS),
    ("/klout.topic.v1.TopicService/RestoreTopic", TOPICS),
    ("/klout.topic.v1.TopicService/SuggestContent", TOPICS),
    ("/klout.topic.v1.TopicService/SuggestTopics", TOPICS),
    ("/klout.topic.v1.TopicService/VetoTopic", TOPICS),
];

/// Fields of requests that are for the operator alone, by their RPCs: an age decides whether somebody takes part, and
/// what was said to somebody alone, or what they said to be wrong of them, is shown to nobody else. The service cannot
/// tell who asks.
const OPERATOR_FIELDS: [(&str, &str); 5] = [
    ("/klout.graph.v1.GraphService/UpdatePerson", "age_band"),
    ("/klout.graph.v1.PlusKService/ListPlusKGiven", "viewer"),
    ("/klout.graph.v1.PlusKService/ListPlusKReceived", "viewer"),
    ("/klout.perk.v1.PerkService/ListGrants", "campaign"),
    ("/klout.topic.v1.TopicService/ListPersonTopics", "include_vetoed"),
];

/// The table, to be looked up in for each call over gRPC.
static BY_RPC: LazyLock<HashMap<&str, Access>> = LazyLock::new(|| TABLE.into_iter().collect());

// === impl Access ===

impl Access {
    /// Of an RPC, as `/PACKAGE.SERVICE/METHOD`. What the table does not have is for operators: internal services, and
    /// what does not exist.
    pub(crate) fn of(rpc: &str) -> Self {
        BY_RPC.get(rpc).copied().unwrap_or(Operators)
    }

    /// Whether it is there for somebody.
    pub(crate) fn is_there_for(self, caller: &Caller) -> bool {
        self != Operators || is_operator(caller)
    }

    /// Of a key of a customer that has not the scope it takes.
    pub(crate) fn refuse_other_scopes(self, scopes: Scopes) -> Result<(), Error> {
        let scope = match self {
            // No key of a customer is an operator's: to all of them it is not there.
            Self::Operators => return Ok(()),
            Self::Scope(scope) => scope,
            Self::Perks => Scope::Perks,
        };
        if scopes.has(scope) { Ok(()) } else { Err(Error::ScopeMissing { scope }) }
    }

    /// Of somebody for whose key it is for something else.
    pub(crate) fn refuse_other_purpose(self, caller: &Caller) -> Result<(), Error> {
        let is_for = matches!(caller.purpose(), Purpose::Perks | Purpose::Operator);
        if is_for || self != Perks { Ok(()) } else { Err(Error::PurposeNotPerks) }
    }
}

// === impl Scope ===

impl Scope {
    pub(crate) const ALL: [Self; 9] = [
        Self::Scores,
        Self::People,
        Self::Topics,
        Self::Influence,
        Self::Lookups,
        Self::Segments,
        Self::Perks,
        Self::Signals,
        Self::Legacy,
    ];

    /// The scope of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Scores => "scores",
            Self::People => "people",
            Self::Topics => "topics",
            Self::Influence => "influence",
            Self::Lookups => "lookups",
            Self::Segments => "segments",
            Self::Perks => "perks",
            Self::Signals => "signals",
            Self::Legacy => "legacy",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

// === impl Scopes ===

impl Scopes {
    /// Those of a key of which nobody says what it may call: what gives things away, what puts signals in, and an API of
    /// which keys stand in addresses, are asked for by name.
    pub(crate) const USUAL: [Scope; 6] = [
        Scope::Scores,
        Scope::People,
        Scope::Topics,
        Scope::Influence,
        Scope::Lookups,
        Scope::Segments,
    ];

    /// Of names that somebody gave: one at least, and none that is not known.
    pub(crate) fn parse(names: &[String]) -> Result<Self, Error> {
        let scopes = names.iter().map(|name| {
            Scope::named(name).ok_or_else(|| Error::ScopeUnknown { scope: name.clone() })
        });
        if names.is_empty() {
            return Err(Error::KeyField { field: "scopes", problem: "names no scope" });
        }
        scopes.collect()
    }

    pub(crate) fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// In one order, each once.
    pub(crate) fn names(self) -> Vec<String> {
        let held = Scope::ALL.into_iter().filter(|scope| self.has(*scope));
        held.map(|scope| scope.as_str().to_owned()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

/// Whether the caller showed an operator's key, or needs none.
pub(crate) fn is_operator(caller: &Caller) -> bool {
    caller.purpose() == Purpose::Operator
}

/// The field of an RPC, as `/PACKAGE.SERVICE/METHOD`, that is for the operator alone.
pub(crate) fn operator_field(rpc: &str) -> Option<&'static str> {
    OPERATOR_FIELDS.into_iter().find(|(path, _)| *path == rpc).map(|(_, field)| field)
}

/// Of somebody who is no operator.
pub(crate) fn refuse_operator_field(message: &DynamicMessage, field: &str) -> Result<(), Error> {
    if !transcode::is_set(message, field) {
        return Ok(());
    }
    let problem = "is for operators alone";
    Err(Error::Field(Unbindable { field: field.to_owned(), problem }))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use klout_proto::json::DESCRIPTORS;
    use prost_reflect::MethodDescriptor;

    use super::*;
    use crate::call;

    /// How the services end that take what other services push, and that only operators call. The table has nothing of
    /// them.
    const INTERNAL: [&str; 3] = ["ConsumerService", "OperatorService", "PersonDataService"];

    /// Every RPC there is of ours.
    fn methods() -> Vec<MethodDescriptor> {
        let services = DESCRIPTORS.services().filter(|it| it.package_name().starts_with("klout."));
        services.flat_map(|it| it.methods().collect::<Vec<_>>()).collect()
    }

    #[test]
    fn every_public_rpc_takes_exactly_one_thing_and_internal_ones_are_the_operators() {
        let (mut public, mut internal) = (HashSet::new(), HashSet::new());
        for method in methods() {
            let service = method.parent_service();
            let is_internal = INTERNAL.iter().any(|end| service.name().ends_with(end));
            let kind = if is_internal { &mut internal } else { &mut public };
            kind.insert(call::path(&method));
        }
        for rpc in &public {
            assert_eq!(TABLE.iter().filter(|(it, _)| it == rpc).count(), 1, "{rpc}");
        }
        for (rpc, _) in TABLE {
            assert!(public.contains(rpc), "{rpc} is no public RPC");
        }
        assert!(internal.iter().all(|rpc| Access::of(rpc) == Operators) && !internal.is_empty());
        assert_eq!(Access::of("/klout.score.v1.ScoreService/Nothing"), Operators);
    }

    #[test]
    fn fields_for_operators_are_there() {
        for (rpc, field) in OPERATOR_FIELDS {
            let method = methods().into_iter().find(|it| call::path(it) == rpc);
            let input = method.expect(rpc).input();
            assert!(input.get_field_by_name(field).is_some(), "{rpc} {field}");
            assert_ne!(Access::of(rpc), Operators, "all of {rpc} is for operators");
        }
    }

    #[test]
    fn what_a_contract_calls_for_operators_alone_is() {
        let mut said = 0;
        for service in DESCRIPTORS.services() {
            let file = service.parent_file();
            let comments = file.file_descriptor_proto().source_code_info.as_ref();
            let locations = comments.map(|it| it.location.as_slice()).unwrap_or_default();
            for method in service.methods() {
                let location = locations.iter().find(|it| it.path == method.path());
                let comment = location.map(|it| it.leading_comments()).unwrap_or_default();
                let words: Vec<&str> = comment.split_whitespace().collect();
                if words.join(" ").to_lowercase().contains("for operators alone") {
                    said += 1;
                    let path = call::path(&method);
                    assert_eq!(Access::of(&path), Operators, "{path}");
                }
            }
        }
        assert!(said > 20, "the contracts have their comments");
    }

    #[test]
    fn scopes_are_what_they_are_called() {
        let names = |scopes: &[&str]| scopes.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let parsed = Scopes::parse(&names(&["perks", "scores", "perks"])).expect("scopes");
        assert_eq!(parsed.names(), names(&["scores", "perks"]));
        assert!(parsed.has(Scope::Perks) && !parsed.has(Scope::Legacy));
        let all: Scopes = Scope::ALL.into_iter().collect();
        assert_eq!(Scopes::parse(&all.names()).expect("scopes"), all);
        assert!(Scopes::parse(&names(&["everything"])).is_err() && Scopes::parse(&[]).is_err());
    }

    #[test]
    fn a_key_calls_what_it_has_the_scope_for_and_nothing_else() {
        for scope in Scope::ALL {
            let only: Scopes = [scope].into_iter().collect();
            for (rpc, access) in TABLE {
                let needed = match access {
                    Operators => continue,
                    Access::Scope(needed) => needed,
                    Perks => Scope::Perks,
                };
                assert_eq!(access.refuse_other_scopes(only).is_ok(), needed == scope, "{rpc}");
            }
        }
    }

    #[test]
    fn what_is_for_operators_is_not_there_for_anybody_else() {
        let caller = |purpose| Caller::new("desk", purpose).expect("a caller");
        assert!(Operators.is_there_for(&caller("operator")));
        assert!(!Operators.is_there_for(&caller("crm")) && SCORES.is_there_for(&caller("crm")));
        assert!(Perks.refuse_other_purpose(&caller("check-in")).is_ok());
        assert!(Perks.refuse_other_purpose(&caller("crm")).is_err());
        assert!(SCORES.refuse_other_purpose(&caller("crm")).is_ok());
    }
}
