//! `gateway.lookup_part`, `lookup_upload` and `lookup_chunk`: the rows of files.

use sqlx::{PgConnection, PgExecutor};
use tracing::instrument;

/// A part that came whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) part: i32,
    pub(crate) upload_id: i64,
    pub(crate) hash: Vec<u8>,
    pub(crate) bytes: i64,
    pub(crate) rows: i64,
}

/// Some rows of a part.
#[derive(Clone, Debug)]
pub(crate) struct Chunk {
    pub(crate) part: i32,
    pub(crate) upload_id: i64,
    pub(crate) chunk: i32,
    /// How many rows of the part are before it.
    pub(crate) first_row: i64,
    pub(crate) rows: i32,
    pub(crate) content: Vec<u8>,
}

#[instrument(name = "db.lookup_part.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    job: i64,
    part: i32,
) -> Result<Option<Part>, sqlx::Error> {
    sqlx::query_as!(
        Part,
        r#"
        select part, upload_id, hash, bytes, rows
        from gateway.lookup_part where job_id = $1 and part = $2
        "#,
        job,
        part,
    )
    .fetch_optional(db)
    .await
}

#[instrument(name = "db.lookup_part.list", skip_all)]
pub(crate) async fn list(db: impl PgExecutor<'_>, job: i64) -> Result<Vec<Part>, sqlx::Error> {
    sqlx::query_as!(
        Part,
        r#"
        select part, upload_id, hash, bytes, rows
        from gateway.lookup_part where job_id = $1
        order by part
        "#,
        job,
    )
    .fetch_all(db)
    .await
}

#[instrument(name = "db.lookup_part.insert", skip_all)]
pub(crate) async fn insert(
    db: &mut PgConnection,
    job: i64,
    part: &Part,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        insert into gateway.lookup_part (job_id, part, upload_id, hash, bytes, rows)
        values ($1, $2, $3, $4, $5, $6)
        "#,
        job,
        part.part,
        part.upload_id,
        part.hash,
        part.bytes,
        part.rows,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Begins an upload, in place of an earlier one of the same part, and of the oldest when there are more than so many.
/// Whoever holds the job does it.
#[instrument(name = "db.lookup_upload.begin", skip_all)]
pub(crate) async fn begin(
    db: &mut PgConnection,
    job: i64,
    upload: i64,
    part: i32,
    others_max: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with ended as (
            delete from gateway.lookup_upload
            where job_id = $1 and (part = $3 or upload_id in (
                select upload_id from gateway.lookup_upload
                where job_id = $1 order by start_time desc offset $4
            ))
            returning upload_id
        ),
        dropped as (
            delete from gateway.lookup_chunk
            where job_id = $1 and upload_id in (select upload_id from ended)
        )
        insert into gateway.lookup_upload (job_id, upload_id, part, start_time)
        values ($1, $2, $3, now())
        "#,
        job,
        upload,
        part,
        others_max,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends an upload whose chunks are a part's now. Returns whether it was still there.
#[instrument(name = "db.lookup_upload.end", skip_all)]
pub(crate) async fn end(db: &mut PgConnection, job: i64, upload: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "delete from gateway.lookup_upload where job_id = $1 and upload_id = $2",
        job,
        upload,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Deletes an upload that broke off, with its chunks.
#[instrument(name = "db.lookup_upload.drop", skip_all)]
pub(crate) async fn drop_upload(
    db: impl PgExecutor<'_>,
    job: i64,
    upload: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with ended as (
            delete from gateway.lookup_upload where job_id = $1 and upload_id = $2 returning upload_id
        )
        delete from gateway.lookup_chunk
        where job_id = $1 and upload_id in (select upload_id from ended)
        "#,
        job,
        upload,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes uploads that began so many seconds ago, with their chunks: so many at most. Returns how many.
#[instrument(name = "db.lookup_upload.sweep", skip_all)]
pub(crate) async fn sweep(
    db: impl PgExecutor<'_>,
    seconds: f64,
    max: i64,
) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with ended as (
            delete from gateway.lookup_upload
            where (job_id, upload_id) in (
                select job_id, upload_id from gateway.lookup_upload
                where start_time < now() - make_interval(secs => $1) order by start_time limit $2
            )
            returning job_id, upload_id
        ),
        dropped as (
            delete from gateway.lookup_chunk as chunk using ended
            where chunk.job_id = ended.job_id and chunk.upload_id = ended.upload_id
        )
        select count(*) as "count!" from ended
        "#,
        seconds,
        max,
    )
    .fetch_one(db)
    .await
}

/// Writes rows of an upload that goes on. Returns whether it does.
#[instrument(name = "db.lookup_chunk.insert", skip_all)]
pub(crate) async fn insert_chunk(
    db: impl PgExecutor<'_>,
    job: i64,
    upload: i64,
    chunk: &Chunk,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into gateway.lookup_chunk (job_id, upload_id, chunk, first_row, rows, content)
        select $1, $2, $3::integer, $4::bigint, $5::integer, $6::bytea
        from gateway.lookup_upload where job_id = $1 and upload_id = $2
        for key share
        "#,
        job,
        upload,
        chunk.chunk,
        chunk.first_row,
        chunk.rows,
        chunk.content,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The next rows of a job after a chunk of a part, in the order of the file.
#[instrument(name = "db.lookup_chunk.next", skip_all)]
pub(crate) async fn next_chunk(
    db: impl PgExecutor<'_>,
    job: i64,
    part: i32,
    chunk: i32,
) -> Result<Option<Chunk>, sqlx::Error> {
    sqlx::query_as!(
        Chunk,
        r#"
        select part.part, chunk.upload_id, chunk.chunk, chunk.first_row, chunk.rows, chunk.content
        from gateway.lookup_part as part
        join gateway.lookup_chunk as chunk using (job_id, upload_id)
        where part.job_id = $1 and part.part >= $2 and (part.part, chunk.chunk) > ($2, $3)
        order by part.part, chunk.chunk
        limit 1
        "#,
        job,
        part,
        chunk,
    )
    .fetch_optional(db)
    .await
}

/// The first chunk of a part after another one that has rows beyond the first so many of the part.
#[instrument(name = "db.lookup_chunk.after", skip_all)]
pub(crate) async fn chunk_after(
    db: impl PgExecutor<'_>,
    job: i64,
    upload: i64,
    chunk: i32,
    skip: i64,
) -> Result<Option<Chunk>, sqlx::Error> {
    sqlx::query_as!(
        Chunk,
        r#"
        select 0 as "part!", upload_id, chunk, first_row, rows, content
        from gateway.lookup_chunk
        where job_id = $1 and upload_id = $2 and chunk > $3 and first_row + rows > $4
        order by chunk
        limit 1
        "#,
        job,
        upload,
        chunk,
        skip,
    )
    .fetch_optional(db)
    .await
}

/// Puts something else in the place of a chunk's content.
#[instrument(name = "db.lookup_chunk.replace", skip_all)]
pub(crate) async fn replace_chunk(
    db: &mut PgConnection,
    job: i64,
    upload: i64,
    chunk: i32,
    content: &[u8],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        update gateway.lookup_chunk set content = $4
        where job_id = $1 and upload_id = $2 and chunk = $3
        "#,
        job,
        upload,
        chunk,
        content,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes chunks of a job, so many at most. Returns how many.
#[instrument(name = "db.lookup_chunk.delete", skip_all)]
pub(crate) async fn delete_chunks(
    db: impl PgExecutor<'_>,
    job: i64,
    max: i64,
) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        delete from gateway.lookup_chunk
        where job_id = $1 and (upload_id, chunk) in (
            select upload_id, chunk from gateway.lookup_chunk where job_id = $1 limit $2
        )
        "#,
        job,
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Deletes a job, its parts and its uploads, if nothing else is left of it: others may be deleting at the same time.
#[instrument(name = "db.lookup_job.delete", skip_all)]
pub(crate) async fn delete_job(db: impl PgExecutor<'_>, job: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        with parts as (delete from gateway.lookup_part where job_id = $1),
        uploads as (delete from gateway.lookup_upload where job_id = $1)
        delete from gateway.lookup_job
        where job_id = $1
            and not exists (select from gateway.lookup_result where job_id = $1)
            and not exists (select from gateway.lookup_chunk where job_id = $1)
        "#,
        job,
    )
    .execute(db)
    .await?;
    Ok(())
}
