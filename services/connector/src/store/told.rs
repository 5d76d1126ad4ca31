//! All that the log and the tables of connections hold, read as only a test does.

use klout_proto::signal::v1::SignalBatch;
use prost::Message as _;
use sqlx::PgPool;

/// Every batch of the log.
pub(crate) async fn batches(db: &PgPool) -> Vec<SignalBatch> {
    let payloads: Vec<Vec<u8>> = sqlx::query_scalar("select payload from connector.batch")
        .fetch_all(db)
        .await
        .expect("the log is read");
    payloads.iter().map(|it| SignalBatch::decode(it.as_slice()).expect("a batch")).collect()
}

/// How many rows of these tables are about an account.
pub(crate) async fn rows_about(db: &PgPool, account: i64) -> i64 {
    let count = "select (select count(*) from connector.connection where account_id = $1)
            + (select count(*) from connector.task where account_id = $1)
            + (select count(*) from connector.listed where account_id = $1)
            + (select count(*) from connector.seen where account_id = $1)
            + (select count(*) from connector.validator where account_id = $1)
            + (select count(*) from connector.credential where account_id = $1)";
    sqlx::query_scalar(count).bind(account).fetch_one(db).await.expect("counted")
}

/// Makes the server that is asked the one of the account, to which its access goes.
pub(crate) async fn is_its_own_server(db: &PgPool, account: i64) {
    let own = "update connector.connection set own_url = public_url where account_id = $1";
    sqlx::query(own).bind(account).execute(db).await.expect("noted");
}

/// Gives an account access that nobody can open.
pub(crate) async fn give_access(db: &PgPool, account: i64) {
    let access = "insert into connector.credential (account_id, sealed, key_id) values ($1, '\\x00', 'a key')";
    sqlx::query(access).bind(account).execute(db).await.expect("given");
}
