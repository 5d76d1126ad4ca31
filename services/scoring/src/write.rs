//! Writes scores, of a rescore and of a pass alike.

use std::collections::HashSet;

use sqlx::PgConnection;

use crate::{
    error::Error,
    store::{
        self,
        person_state::Standing,
        score::{Made, NewScore, StoredScore},
    },
};

/// Writes these scores, unless there is one of a later revision; what was scored on a day before or by another
/// model goes into the history. Returns the scores as they were written, in any order.
///
/// Nothing is written of who is no member. Whoever calls this holds the lock that changes of states wait for
/// ([`store::standing::share_lock`]), so that nobody stops being one before the transaction ends.
///
/// `revision`: of all of them; `None` gives each its own.
pub(crate) async fn scores(
    db: &mut PgConnection,
    made: &Made<'_>,
    revision: Option<i64>,
    scores: &[NewScore],
) -> Result<Vec<StoredScore>, Error> {
    let store = Error::store;
    let people: Vec<i64> = scores.iter().map(|score| score.person).collect();
    let standings = store::person_state::find(&mut *db, &people).await;
    let standings = standings.map_err(store("look who is a member"))?;
    let shown =
        |person: &i64| !matches!(standings.get(person), Some(Standing::Gone | Standing::Moved(_)));
    let scores: Vec<NewScore> =
        scores.iter().filter(|score| shown(&score.person)).copied().collect();
    let mut written = all(db, made, revision, &scores).await?;
    for score in &mut written {
        if let Some(Standing::Member(withheld)) = standings.get(&score.person) {
            score.withheld = *withheld;
        }
    }
    Ok(written)
}

async fn all(
    db: &mut PgConnection,
    made: &Made<'_>,
    revision: Option<i64>,
    scores: &[NewScore],
) -> Result<Vec<StoredScore>, Error> {
    let store = Error::store;
    let mut written = store::score::renew_today(&mut *db, made, revision, scores)
        .await
        .map_err(store("write scores"))?;
    if written.len() == scores.len() {
        return Ok(written);
    }
    let done: HashSet<i64> = written.iter().map(|score| score.person).collect();
    let rest: Vec<NewScore> =
        scores.iter().filter(|score| !done.contains(&score.person)).copied().collect();
    let people: Vec<i64> = rest.iter().map(|score| score.person).collect();
    store::history::close(&mut *db, &people, made).await.map_err(store("write history"))?;
    let first = store::score::renew(db, made, revision, &rest).await;
    written.extend(first.map_err(store("write scores"))?);
    Ok(written)
}
