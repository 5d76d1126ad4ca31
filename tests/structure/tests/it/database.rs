//! The schemas, on a real Postgres: migrations, names, and the data that checks queries offline.

use klout_testkit::Stores;
use serde_json::Value;
use sqlx::{Executor as _, PgPool, SqlSafeStr as _, migrate::Migrator};

use crate::sources;

/// Every service that has a schema, by its folder.
static MIGRATORS: [(&str, &Migrator); 6] = [
    ("services/connector", &klout_connector::MIGRATOR),
    ("services/gateway", &klout_gateway::MIGRATOR),
    ("services/perks", &klout_perks::MIGRATOR),
    ("services/scoring", &klout_scoring::MIGRATOR),
    ("services/social-graph", &klout_social_graph::MIGRATOR),
    ("services/topics", &klout_topics::MIGRATOR),
];

#[test]
fn every_service_with_a_schema_is_tested_here() {
    let tested: Vec<_> = MIGRATORS.iter().map(|(folder, _)| *folder).collect();
    let mut services = sources::services();
    services.retain(|folder| sources::exists(&format!("{folder}/sqlx.toml")));
    assert_eq!(tested, services, "complete MIGRATORS");
}

#[tokio::test]
async fn migrating_twice_changes_nothing() {
    let db = Stores::fresh().await.db().await;
    migrate(&db).await;
    let once = schema(&db).await;

    migrate(&db).await;

    assert_eq!(schema(&db).await, once);
}

#[tokio::test]
async fn services_migrate_in_any_order() {
    let forwards = Stores::fresh().await.db().await;
    migrate(&forwards).await;
    let backwards = Stores::fresh().await.db().await;

    for (folder, migrator) in MIGRATORS.iter().rev() {
        migrator.run(&backwards).await.unwrap_or_else(|error| panic!("{folder}: {error}"));
    }

    assert_eq!(schema(&backwards).await, schema(&forwards).await);
}

#[tokio::test]
async fn services_migrate_beside_each_other() {
    let stores = Stores::fresh().await;
    let (one, other) = (stores.db().await, stores.db().await);

    tokio::join!(migrate(&one), migrate(&other));

    let alone = Stores::fresh().await.db().await;
    migrate(&alone).await;
    assert_eq!(schema(&one).await, schema(&alone).await);
}

#[tokio::test]
async fn every_table_has_a_key_and_says_what_a_row_is() {
    let db = Stores::fresh().await.db().await;
    migrate(&db).await;

    let tables: Vec<(String, bool, bool)> = sqlx::query_as(
        "
        select
            format('%s.%s', nspname, relname),
            exists (select from pg_constraint where conrelid = pg_class.oid and contype = 'p'),
            obj_description(pg_class.oid, 'pg_class') is not null
        from pg_class
        join pg_namespace on pg_namespace.oid = relnamespace
        where relkind in ('r', 'p') and relname <> '_sqlx_migrations'
            and nspname !~ '^pg_' and nspname <> 'information_schema'
        ",
    )
    .fetch_all(&db)
    .await
    .expect("the tables");

    assert!(!tables.is_empty(), "there are no tables");
    for (table, has_key, has_comment) in tables {
        assert!(has_key, "{table} has no primary key");
        assert!(has_comment, "{table} has no comment");
        assert!(!table.starts_with("public."), "{table} is in no schema of a service");
    }
}

#[tokio::test]
async fn a_constraint_or_index_is_named_after_its_table() {
    let db = Stores::fresh().await.db().await;
    migrate(&db).await;

    let misnamed: Vec<(String, String)> = sqlx::query_as(
        "
        with named as (
            -- Whether a column may be null is said by the column.
            select conrelid as relation, conname as name from pg_constraint where contype <> 'n'
            union
            select indrelid, relname from pg_index join pg_class on pg_class.oid = indexrelid
        )
        select format('%s.%s', nspname, relname), name
        from named
        join pg_class on pg_class.oid = relation
        join pg_namespace on pg_namespace.oid = relnamespace
        where relname <> '_sqlx_migrations' and not starts_with(name, relname || '_')
            and nspname !~ '^pg_' and nspname <> 'information_schema'
        ",
    )
    .fetch_all(&db)
    .await
    .expect("the constraints");

    assert_eq!(misnamed, [], "are not named after their table");
}

#[tokio::test]
async fn the_data_that_checks_queries_is_current() {
    let db = Stores::fresh().await.db().await;
    migrate(&db).await;

    for query in queries() {
        let Query { path, folder, sql, described } = query;
        let used = sources::rust()
            .filter(|source| source.path.starts_with(&folder))
            .any(|source| source.text.contains(&sql));
        assert!(used, "{path} is of a query that is gone: run `cargo xtask db prepare`");

        // Safe: a constant of a service, as the macro wrote it down.
        let statement = sqlx::AssertSqlSafe(sql).into_sql_str();
        let now = (&db).describe(statement).await.unwrap_or_else(|error| panic!("{path}: {error}"));
        let now = serde_json::to_value(now).expect("what sqlx writes itself");
        assert_eq!(
            promised(now),
            promised(described),
            "{path} is not current: run `cargo xtask db prepare`"
        );
    }
}

/// What a description promises to the code around the query. Where the query itself says by `!` or
/// `?` whether a column may be null, the guess of the plan, which varies, is left out.
fn promised(mut description: Value) -> Value {
    let columns = description["columns"].as_array().expect("columns").clone();
    for (index, column) in columns.iter().enumerate() {
        if column["name"].as_str().expect("a name").ends_with(['!', '?']) {
            description["nullable"][index] = Value::Null;
        }
    }
    description
}

struct Query {
    path: String,
    folder: String,
    sql: String,
    described: Value,
}

fn queries() -> Vec<Query> {
    let mut queries = Vec::new();
    for (folder, _) in MIGRATORS {
        // Not every service has queries.
        let Ok(entries) = std::fs::read_dir(sources::root().join(folder).join(".sqlx")) else {
            continue;
        };
        for entry in entries {
            let name = entry.expect("an entry").file_name().into_string().expect("ASCII");
            let path = format!("{folder}/.sqlx/{name}");
            let data: Value = serde_json::from_str(&sources::read(&path)).expect("JSON");
            let sql = data["query"].as_str().expect("the text of the query").to_owned();
            let described = data["describe"].clone();
            queries.push(Query { path, folder: format!("{folder}/src/"), sql, described });
        }
    }
    assert!(!queries.is_empty(), "no service has checked queries");
    queries
}

async fn migrate(db: &PgPool) {
    for (folder, migrator) in MIGRATORS {
        migrator.run(db).await.unwrap_or_else(|error| panic!("{folder}: {error}"));
    }
}

/// Every column of every table, and every constraint and index, as text.
async fn schema(db: &PgPool) -> Vec<String> {
    sqlx::query_scalar(
        "
        select format('%s.%s.%s %s %s %s', table_schema, table_name, column_name, data_type,
            is_nullable, column_default)
        from information_schema.columns
        where table_schema not in ('pg_catalog', 'information_schema')
        union all
        select format('%s %s', conrelid::regclass, pg_get_constraintdef(oid))
        from pg_constraint
        where connamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
        union all
        select indexdef from pg_indexes
        where schemaname not in ('pg_catalog', 'information_schema')
        union all
        select format('%s.%s', schemaname, sequencename) from pg_sequences
        order by 1
        ",
    )
    .fetch_all(db)
    .await
    .expect("the schema")
}
