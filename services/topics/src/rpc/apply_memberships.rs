use std::collections::BTreeMap;

use klout_model::Network;
use klout_proto::{
    graph::v1::Membership,
    topic::v1::{ApplyMembershipsRequest, ApplyMembershipsResponse},
};

use super::ConsumerRpc;
use crate::{apply, error::Error};

/// Memberships in one request.
const MEMBERSHIPS_MAX: usize = 1_000;

pub(super) async fn apply_memberships(
    rpc: &ConsumerRpc,
    request: ApplyMembershipsRequest,
) -> Result<ApplyMembershipsResponse, Error> {
    let malformed = |problem| Err(Error::BatchMalformed { problem });
    if request.memberships.len() > MEMBERSHIPS_MAX {
        return malformed("more than 1,000 memberships");
    }
    // The newest of each account, in the order of accounts.
    let mut newest: BTreeMap<i64, Membership> = BTreeMap::new();
    for membership in request.memberships {
        let possible = membership.network.parse::<Network>().is_ok()
            && membership.person_id >= 0
            && (1..=i64::MAX.cast_unsigned()).contains(&membership.revision);
        if !possible {
            return malformed("a membership that cannot be");
        }
        let is_newer = newest
            .get(&membership.account_id)
            .is_none_or(|other| other.revision < membership.revision);
        if is_newer {
            newest.insert(membership.account_id, membership);
        }
    }
    let memberships: Vec<_> = newest.into_values().collect();
    apply::memberships(&rpc.db, &memberships).await?;
    rpc.evidence_grew();
    Ok(ApplyMembershipsResponse {})
}
