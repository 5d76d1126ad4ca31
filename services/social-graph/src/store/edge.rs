//! `social_graph.edge`: who reacts to whom.

use std::collections::BTreeMap;

use sqlx::PgExecutor;
use tracing::instrument;

use crate::batch::EdgeKey;

/// Adds counts to edges. Rows are written in the order of the key, so that no two writers wait for
/// one another in a circle.
#[instrument(name = "db.edge.add", skip_all, fields(edges.len = edges.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    edges: &BTreeMap<EdgeKey, i64>,
) -> Result<(), sqlx::Error> {
    if edges.is_empty() {
        return Ok(());
    }
    let subjects: Vec<_> = edges.keys().map(|edge| edge.subject).collect();
    let actors: Vec<_> = edges.keys().map(|edge| edge.actor).collect();
    let days: Vec<_> = edges.keys().map(|edge| edge.day).collect();
    let counts: Vec<_> = edges.values().copied().collect();
    sqlx::query!(
        r#"
        insert into social_graph.edge as edge (subject_account_id, actor_account_id, day, count)
        select * from unnest($1::bigint[], $2::bigint[], $3::integer[], $4::bigint[])
        on conflict on constraint edge_pkey do update
        set count = greatest(
            least(edge.count + excluded.count, 1000000000000000000), -1000000000000000000
        )
        "#,
        &subjects,
        &actors,
        &days,
        &counts,
    )
    .execute(db)
    .await?;
    Ok(())
}
