use std::collections::HashSet;

use klout_chassis::{Caller, Seen, to_row};
use klout_proto::graph::v1::{
    BatchIdentifyPeopleRequest, BatchIdentifyPeopleResponse, IdentifiedPerson, IdentifyResult,
    identify_result,
};

use super::{
    GraphRpc, check_count,
    resolve_person::{customer, matched_on},
};
use crate::{error::Error, identify::identify, likelihood::Meant};

pub(super) async fn batch_identify_people(
    rpc: &GraphRpc,
    caller: &Caller,
    request: BatchIdentifyPeopleRequest,
) -> Result<BatchIdentifyPeopleResponse, Error> {
    check_count(request.customers.len())?;
    let clear: HashSet<i32> = request.clear.into_iter().collect();
    let mut usable = Vec::with_capacity(request.customers.len());
    let mut refused = Vec::with_capacity(request.customers.len());
    for (index, request) in (0_i32..).zip(request.customers) {
        match customer(rpc, request) {
            Ok(mut customer) => {
                if clear.contains(&index) {
                    customer.names.were_clear();
                }
                usable.push(customer);
                refused.push(None);
            }
            Err(error) => refused.push(Some(error)),
        }
    }
    let meant = identify(&rpc.db, &rpc.contact_keys, caller, &usable).await?;
    let mut meant = meant.into_iter();
    let results = refused.into_iter().map(|refused| {
        let meant = match refused {
            Some(error) => Err(error),
            None => meant.next().expect("as many as there were usable customers"),
        };
        let result = match meant {
            Ok(meant) => {
                rpc.lookups.note(caller, Seen::Identity, meant.person);
                identify_result::Result::Person(identified(&meant))
            }
            Err(error) => identify_result::Result::Status(to_row(&error.into())),
        };
        IdentifyResult { result: Some(result) }
    });
    Ok(BatchIdentifyPeopleResponse { results: results.collect() })
}

fn identified(meant: &Meant) -> IdentifiedPerson {
    IdentifiedPerson {
        person_id: meant.person.get(),
        likelihood: meant.likelihood,
        matched_on: matched_on(meant),
        by_hashes_alone: meant.by_hashes_alone,
    }
}
