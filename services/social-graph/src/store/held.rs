//! What this service holds of people, table by table: how it is told, and how it is deleted.
//!
//! A table that has anything of people is a line in [`ALL`], and with that is in what people are told that is held of
//! them and goes with them. Statements get the ids of the person, and of those who became them, as `$1`, ids of their
//! accounts as `$2`, and the day up to which each account was theirs as `$3`.

use std::collections::BTreeMap;

use futures::{Stream, TryStreamExt as _, stream};
use klout_proto::graph::v1::DescribePersonResponse;
use sqlx::{PgExecutor, PgPool, Postgres, Transaction};
use tracing::instrument;

/// Rows deleted in one statement, so that none holds others up for long.
const ROWS_MAX: i64 = 10_000;

/// One kind of thing that is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Held {
    /// As callers are told.
    pub(crate) name: &'static str,
    /// Declares a cursor `held` over JSON objects.
    describe: &'static str,
    /// Deletes up to `$4` of them. What may become somebody else's meanwhile says whose it is outside the inner
    /// select too, which is not looked at again once its row was waited for.
    delete: &'static str,
}

/// Everything, in the order in which it is deleted: the person last, by whom it is found again after a crash.
pub(crate) const ALL: &[Held] = &[
    Held {
        name: "consent",
        describe: r#"
            declare held cursor for select json_build_object('number', number::text, 'createTime', create_time, 'about', about,
                'decision', decision, 'caller', caller, 'note', note)::text
            from social_graph.consent_entry where person_id = any($1) order by number
        "#,
        delete: r#"
            delete from social_graph.consent_entry where (person_id, number) in (
                select person_id, number from social_graph.consent_entry
                where person_id = any($1) limit $4
            )
        "#,
    },
    Held {
        name: "lookup",
        describe: r#"
            declare held cursor for select json_build_object('day', date '1970-01-01' + day,
                'caller', caller, 'purpose', purpose, 'what', what, 'count', count::text,
                'firstTime', first_time, 'lastTime', last_time)::text
            from social_graph.looked where person_id = any($1) order by day, first_time
        "#,
        delete: r#"
            delete from social_graph.lookup where (person_id, day, caller, purpose, what) in (
                select person_id, day, caller, purpose, what from social_graph.lookup
                where person_id = any($1) limit $4
            )
        "#,
    },
    Held {
        name: "plus_k_untold",
        describe: r#"
            declare held cursor for select json_build_object('topic', outbox.topic,
                'giveTime', outbox.give_time, 'takenBack', outbox.taken_back)::text
            from social_graph.plus_k_outbox as outbox join social_graph.plus_k using (plus_k_id)
            where giver_id = any($1) or receiver_id = any($1) order by plus_k_id
        "#,
        // Before the +K, by which it is found.
        delete: r#"
            delete from social_graph.plus_k_outbox where plus_k_id in (
                select plus_k_id from social_graph.plus_k_outbox join social_graph.plus_k using (plus_k_id)
                where giver_id = any($1) or receiver_id = any($1) limit $4
            )
        "#,
    },
    Held {
        name: "plus_k",
        describe: r#"
            declare held cursor for select json_build_object('giver', giver_id::text, 'receiver', receiver_id::text,
                'topic', topic, 'giveTime', give_time, 'takeBackTime', take_back_time,
                'thankTime', thank_time, 'thanks', thanks, 'thanksPublic', thanks_public)::text
            from social_graph.plus_k where giver_id = any($1) or receiver_id = any($1) order by give_time, plus_k_id
        "#,
        delete: r#"
            delete from social_graph.plus_k where (giver_id, plus_k_id) in (
                select giver_id, plus_k_id from social_graph.plus_k
                where giver_id = any($1) or receiver_id = any($1) limit $4
            )
        "#,
    },
    Held {
        name: "block",
        describe: r#"
            declare held cursor for select json_build_object('person', person_id::text, 'blocked', blocked_id::text,
                'blockTime', block_time)::text
            from social_graph.block where person_id = any($1) order by block_time
        "#,
        delete: r#"
            delete from social_graph.block where (person_id, blocked_id) in (
                select person_id, blocked_id from social_graph.block
                where person_id = any($1) or blocked_id = any($1) limit $4
            )
        "#,
    },
    Held {
        name: "topic_proposal",
        describe: r#"
            declare held cursor for select json_build_object('person', person_id::text, 'proposer', proposer_id::text,
                'topic', topic, 'createTime', create_time)::text
            from social_graph.topic_proposal where person_id = any($1) or proposer_id = any($1) order by create_time
        "#,
        delete: r#"
            delete from social_graph.topic_proposal where (person_id, proposal_id) in (
                select person_id, proposal_id from social_graph.topic_proposal
                where person_id = any($1) or proposer_id = any($1) limit $4
            )
        "#,
    },
    Held {
        name: "plus_k_suggestion",
        describe: r#"
            declare held cursor for select json_build_object('person', person_id::text, 'receiver', receiver_id::text,
                'day', date '1970-01-01' + day)::text
            from social_graph.plus_k_suggestion where person_id = any($1) or receiver_id = any($1) order by day
        "#,
        delete: r#"
            delete from social_graph.plus_k_suggestion where (person_id, receiver_id) in (
                select person_id, receiver_id from social_graph.plus_k_suggestion
                where person_id = any($1) or receiver_id = any($1) limit $4
            )
        "#,
    },
    Held {
        name: "tie",
        describe: r#"
            declare held cursor for select json_build_object('subject', subject_account_id::text, 'actor', actor_account_id::text,
                'strength', strength, 'reactions', reactions::text, 'lastDay', date '1970-01-01' + last_day)::text
            from social_graph.tie
            where subject_account_id = any($2) or actor_account_id = any($2)
        "#,
        // With an account with which somebody joined again its ties went; those since are of later days.
        delete: r#"
            delete from social_graph.tie where (subject_account_id, actor_account_id) in (
                select subject_account_id, actor_account_id
                from unnest($2::bigint[], $3::integer[]) as gone (account_id, through_day)
                join social_graph.tie
                    on gone.account_id = subject_account_id or gone.account_id = actor_account_id
                where last_day <= coalesce(through_day, last_day)
                limit $4
            )
        "#,
    },
    Held {
        name: "handle",
        describe: r#"
            declare held cursor for select json_build_object('network', network, 'nativeId', native_id,
                'handle', handle_use.handle, 'sinceTime', since_time, 'untilTime', until_time)::text
            from social_graph.handle_use
            join social_graph.account using (account_id)
            where person_id = any($1) order by since_time
        "#,
        delete: r#"
            delete from social_graph.handle_use where (account_id, since_time, handle) in (
                select account_id, since_time, handle_use.handle from social_graph.handle_use
                join social_graph.account using (account_id)
                where person_id = any($1) limit $4
            )
        "#,
    },
    Held {
        name: "contact",
        // The contact itself is not known here.
        describe: r#"
            declare held cursor for select json_build_object('kind', kind, 'addTime', add_time,
                'hash', encode(contact_hash, 'hex'))::text
            from social_graph.contact where person_id = any($1) order by add_time
        "#,
        delete: r#"
            delete from social_graph.contact where contact_hash in (
                select contact_hash from social_graph.contact where person_id = any($1) limit $4
            ) and person_id = any($1)
        "#,
    },
    Held {
        name: "dispute",
        // Who the other one is is theirs to tell.
        describe: r#"
            declare held cursor for select json_build_object('network', network, 'nativeId', native_id,
                'claimed', claimant_person_id = any($1), 'proof', proof, 'createTime', create_time,
                'settled', settled_for is not null)::text
            from social_graph.dispute
            where owner_person_id = any($1) or claimant_person_id = any($1) order by dispute_id
        "#,
        delete: r#"
            delete from social_graph.dispute where dispute_id in (
                select dispute_id from social_graph.dispute
                where owner_person_id = any($1) or claimant_person_id = any($1) limit $4
            ) and (owner_person_id = any($1) or claimant_person_id = any($1))
        "#,
    },
    Held {
        name: "account",
        describe: r#"
            declare held cursor for select json_build_object('network', network, 'nativeId', native_id, 'handle', handle,
                'handleTime', handle_time, 'linkTime', link_time, 'proof', proof, 'account', account_id::text)::text
            from social_graph.account where person_id = any($1) order by network, native_id
        "#,
        delete: r#"
            delete from social_graph.account where account_id in (
                select account_id from social_graph.account where person_id = any($1) limit $4
            ) and person_id = any($1)
        "#,
    },
    Held {
        name: "person",
        describe: r#"
            declare held cursor for select json_build_object('person', person_id::text, 'createTime', create_time, 'country', country,
                'city', city, 'displayName', display_name, 'languages', languages, 'timeZone', time_zone,
                'ageBand', age_band, 'state', state, 'withheldPurposes', withheld_purposes,
                'withheldNetworks', withheld_networks, 'mergedInto', merged_into::text)::text
            from social_graph.person where person_id = any($1) order by person_id
        "#,
        delete: r#"
            delete from social_graph.person where person_id in (
                select person_id from social_graph.person
                -- Whoever became the person before the person.
                where person_id = any($1) order by merged_into nulls last limit $4
            )
        "#,
    },
];

/// What is told of somebody and not deleted with them.
const KEPT: &[(&str, &str)] = &[
    (
        "receipt",
        r#"
        declare held cursor for select json_build_object('receipt', receipt_id, 'kind', kind, 'requestTime', request_time,
            'deleteTime', delete_time)::text
        from social_graph.receipt where person_id = any($1) order by request_time
        "#,
    ),
    (
        "state",
        r#"
        declare held cursor for select json_build_object('person', person_id::text, 'number', number::text, 'state', state,
            'withheldPurposes', withheld_purposes)::text
        from social_graph.person_state where person_id = any($1) order by number
        "#,
    ),
];

/// Every kind of thing that is told, with the statement that selects it.
pub(crate) fn told() -> impl Iterator<Item = (&'static str, &'static str)> {
    ALL.iter().map(|held| (held.name, held.describe)).chain(KEPT.iter().copied())
}

/// Tells what there is of one kind, read in portions: somebody may have a million of them.
pub(crate) fn describe(
    db: PgPool,
    (name, statement): (&'static str, &'static str),
    people: Vec<i64>,
    accounts: Vec<i64>,
) -> impl Stream<Item = Result<DescribePersonResponse, sqlx::Error>> {
    let portions =
        stream::try_unfold(None, move |cursor: Option<Transaction<'static, Postgres>>| {
            let (db, people, accounts) = (db.clone(), people.clone(), accounts.clone());
            async move {
                let mut cursor = match cursor {
                    Some(cursor) => cursor,
                    None => {
                        let mut cursor = db.begin().await?;
                        let declared = sqlx::query(statement).bind(people).bind(accounts);
                        declared.execute(&mut *cursor).await?;
                        cursor
                    }
                };
                let rows: Vec<String> =
                    sqlx::query_scalar("fetch 500 from held").fetch_all(&mut *cursor).await?;
                Ok::<_, sqlx::Error>((!rows.is_empty()).then_some((rows, Some(cursor))))
            }
        });
    let rows = portions.map_ok(|rows| stream::iter(rows.into_iter().map(Ok))).try_flatten();
    rows.map_ok(move |json| DescribePersonResponse { name: name.to_owned(), json })
}

/// Deletes what there is of one kind. Returns how many.
#[instrument(name = "db.held.delete", skip_all, fields(held.name = held.name))]
pub(crate) async fn delete(
    db: impl PgExecutor<'_> + Copy,
    held: &Held,
    people: &[i64],
    accounts: &BTreeMap<i64, Option<i32>>,
) -> Result<u64, sqlx::Error> {
    let ids: Vec<_> = accounts.keys().copied().collect();
    let days: Vec<_> = accounts.values().copied().collect();
    let mut count = 0;
    loop {
        let done = sqlx::query(held.delete)
            .bind(people)
            .bind(&ids)
            .bind(&days)
            .bind(ROWS_MAX)
            .execute(db)
            .await?;
        count += done.rows_affected();
        if done.rows_affected() == 0 {
            return Ok(count);
        }
    }
}

#[cfg(test)]
mod tests;
