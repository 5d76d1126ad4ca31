use klout_testkit::Stores;

use super::*;
use crate::store::MIGRATOR;

/// Tables that name people or their accounts and are in no entry of [`ALL`], each with why it stays.
const LEFT: [&str; 12] = [
    // Gone by itself once services have heard.
    "membership_outbox",
    "person_state_outbox",
    "released_account",
    // What is still to be deleted.
    "forgetting",
    // What keeps somebody out who was erased, and tells that it was done.
    "erased_account",
    "person_state",
    "receipt",
    // Look-ups are folded into `lookup` first.
    "lookup_batch",
    // Both are of nobody who is erased: what versions before write becomes ties, and the sweep empties it.
    "edge",
    "account_key",
    "used_link",
    "state_number",
];

/// Columns that say whose a row is.
const OWNERS: &str = r#"
    select distinct it.table_name::text
    from information_schema.columns as it
    join information_schema.tables as of_table using (table_schema, table_name)
    where table_schema = 'social_graph' and table_type = 'BASE TABLE' and (
        column_name ~ '(^|_)(person|account)_ids?$'
        or column_name in (
            'giver_id', 'receiver_id', 'proposer_id', 'blocked_id', 'merged_into',
            'giver_native', 'receiver_native'
        )
    )
    order by 1
"#;

#[tokio::test]
async fn every_table_that_names_people_is_told_and_deleted_or_stays_for_a_reason() {
    let db = Stores::fresh().await.db().await;
    MIGRATOR.run(&db).await.expect("the schema is made");
    let tables: Vec<String> = sqlx::query_scalar(OWNERS).fetch_all(&db).await.expect("tables");
    assert!(tables.len() > ALL.len(), "{tables:?}");
    for table in &tables {
        let delete = format!("delete from social_graph.{table} ");
        let held = ALL.iter().any(|held| held.delete.contains(&delete));
        let left = LEFT.contains(&table.as_str());
        assert!(held != left, "{table}: deleted {held}, stays {left}");
    }
}

#[tokio::test]
async fn every_statement_that_tells_or_deletes_is_sound() {
    let db = Stores::fresh().await.db().await;
    MIGRATOR.run(&db).await.expect("the schema is made");
    for told in told() {
        let rows: Vec<_> =
            describe(db.clone(), told, vec![1], vec![1]).try_collect().await.expect(told.0);
        assert!(rows.is_empty(), "{}", told.0);
    }
    for held in ALL {
        let accounts = BTreeMap::from([(1, None), (2, Some(7))]);
        assert_eq!(delete(&db, held, &[1], &accounts).await.expect(held.name), 0);
    }
}
