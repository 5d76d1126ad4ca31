//! `topics.person_topic`: what people have to do with topics.

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

use super::person::Person;

/// What words are joined with for the statement, which takes no lists of lists.
const SEPARATOR: &str = "\u{1f}";

/// What a person has to do with a topic, on one network or, where that is empty, on all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct PersonTopic {
    pub(crate) topic: i64,
    pub(crate) network: String,
    pub(crate) written: f64,
    pub(crate) reacted: f64,
    pub(crate) said: f64,
    pub(crate) influencers: f64,
    pub(crate) strength: f64,
    pub(crate) score: f64,
    /// Without what influencers are known for; `None`: then it would not be shown.
    pub(crate) base_score: Option<f64>,
    pub(crate) people: i32,
    pub(crate) posts: i32,
    pub(crate) direct: bool,
    pub(crate) mostly: i64,
    pub(crate) shown: bool,
    /// What says so, the strongest first.
    pub(crate) words: Vec<String>,
}

/// The same as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) topic: i64,
    pub(crate) written: f64,
    pub(crate) reacted: f64,
    pub(crate) said: f64,
    pub(crate) influencers: f64,
    pub(crate) strength: f64,
    pub(crate) score: f64,
    pub(crate) people: i32,
    pub(crate) posts: i32,
    pub(crate) shown: bool,
    pub(crate) rank: Option<i64>,
    pub(crate) percentile: Option<f64>,
    pub(crate) words: Vec<String>,
    pub(crate) compute_time: OffsetDateTime,
}

/// What tells whether a row changed.
#[derive(Clone, Debug)]
pub(crate) struct Before {
    pub(crate) topic: i64,
    pub(crate) network: String,
    pub(crate) score: f64,
    pub(crate) shown: bool,
}

/// What is there of a person.
#[instrument(name = "db.person_topic.before", skip_all)]
pub(crate) async fn before(
    db: impl PgExecutor<'_>,
    person: i64,
) -> Result<Vec<Before>, sqlx::Error> {
    sqlx::query_as!(
        Before,
        "select topic_id as topic, network, score, shown from topics.person_topic where person_id = $1",
        person,
    )
    .fetch_all(db)
    .await
}

/// Removes what a person does not have to do with any more.
#[instrument(name = "db.person_topic.remove", skip_all)]
pub(crate) async fn remove(
    db: impl PgExecutor<'_>,
    person: i64,
    gone: &[(i64, String)],
) -> Result<(), sqlx::Error> {
    let topics: Vec<i64> = gone.iter().map(|it| it.0).collect();
    let networks: Vec<&str> = gone.iter().map(|it| it.1.as_str()).collect();
    sqlx::query!(
        r#"
        delete from topics.person_topic as topic
        using unnest($2::bigint[], $3::text[]) as gone (topic_id, network)
        where topic.person_id = $1 and topic.topic_id = gone.topic_id
            and topic.network = gone.network
        "#,
        person,
        &topics,
        &networks as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes what a person has to do with topics. Ranks stay until they are told again.
#[instrument(name = "db.person_topic.write", skip_all, fields(topics.len = topics.len()))]
pub(crate) async fn write(
    db: &mut PgConnection,
    person: &Person,
    topics: &[PersonTopic],
    time: OffsetDateTime,
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = topics.iter().map(|it| it.topic).collect();
    let networks: Vec<_> = topics.iter().map(|it| it.network.as_str()).collect();
    let written: Vec<_> = topics.iter().map(|it| it.written).collect();
    let reacted: Vec<_> = topics.iter().map(|it| it.reacted).collect();
    let said: Vec<_> = topics.iter().map(|it| it.said).collect();
    let influencers: Vec<_> = topics.iter().map(|it| it.influencers).collect();
    let strengths: Vec<_> = topics.iter().map(|it| it.strength).collect();
    let scores: Vec<_> = topics.iter().map(|it| it.score).collect();
    let base_scores: Vec<_> = topics.iter().map(|it| it.base_score).collect();
    let people: Vec<_> = topics.iter().map(|it| it.people).collect();
    let posts: Vec<_> = topics.iter().map(|it| it.posts).collect();
    let direct: Vec<_> = topics.iter().map(|it| it.direct).collect();
    let mostly: Vec<_> = topics.iter().map(|it| it.mostly).collect();
    let shown: Vec<_> = topics.iter().map(|it| it.shown).collect();
    let words: Vec<_> = topics.iter().map(|it| it.words.join(SEPARATOR)).collect();
    sqlx::query!(
        r#"
        insert into topics.person_topic as topic
            (person_id, topic_id, network, written, reacted, said, influencers, strength, score,
             base_score, people, posts, direct, mostly, shown, country, city,
             compute_time, words)
        select $1, topic_id, network, written, reacted, said, influencers, strength, score,
            base_score, people, posts, direct, mostly, shown, $16, $17,
            $18, string_to_array(words, $20)
        from unnest(
            $2::bigint[], $3::text[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
            $8::float8[], $9::float8[], $10::float8[], $11::integer[], $12::integer[],
            $13::boolean[], $14::bigint[], $15::boolean[], $19::text[]
        ) as new (
            topic_id, network, written, reacted, said, influencers, strength, score, base_score,
            people, posts, direct, mostly, shown, words
        )
        on conflict on constraint person_topic_pkey do update
        set written = excluded.written, reacted = excluded.reacted, said = excluded.said,
            influencers = excluded.influencers, strength = excluded.strength,
            score = excluded.score, base_score = excluded.base_score, people = excluded.people,
            posts = excluded.posts, direct = excluded.direct, mostly = excluded.mostly,
            shown = excluded.shown, country = excluded.country,
            city = excluded.city, compute_time = excluded.compute_time, words = excluded.words,
            rank = case when excluded.shown then topic.rank end,
            percentile = case when excluded.shown then topic.percentile end
        "#,
        person.person,
        &ids,
        &networks as &[&str],
        &written,
        &reacted,
        &said,
        &influencers,
        &strengths,
        &scores,
        &base_scores as &[Option<f64>],
        &people,
        &posts,
        &direct,
        &mostly,
        &shown,
        person.country,
        person.city.to_lowercase(),
        time,
        &words,
        SEPARATOR,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Writes where these people live, as experts are looked for.
#[instrument(name = "db.person_topic.renew_places", skip_all, fields(people.len = people.len()))]
pub(crate) async fn renew_places(
    db: impl PgExecutor<'_>,
    people: &[Person],
) -> Result<(), sqlx::Error> {
    let ids: Vec<_> = people.iter().map(|it| it.person).collect();
    let countries: Vec<_> = people.iter().map(|it| it.country.as_str()).collect();
    let cities: Vec<_> = people.iter().map(|it| it.city.to_lowercase()).collect();
    sqlx::query!(
        r#"
        update topics.person_topic as topic
        set country = person.country, city = person.city
        from unnest($1::bigint[], $2::text[], $3::text[]) as person (person_id, country, city)
        where topic.person_id = person.person_id
            and (topic.country, topic.city) <> (person.country, person.city)
        "#,
        &ids,
        &countries as &[&str],
        &cities,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Removes everything of those of these people who own no account any more. Returns what it was about.
#[instrument(name = "db.person_topic.drop_of_leavers", skip_all)]
pub(crate) async fn drop_of_leavers(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        delete from topics.person_topic
        where person_id = any($1) and not exists (
            select from topics.account where account.person_id = person_topic.person_id
        )
        returning topic_id
        "#,
        people,
    )
    .fetch_all(db)
    .await
}

/// Removes what a person has to do with these topics. Returns those in which others stand elsewhere then.
#[instrument(name = "db.person_topic.veto", skip_all, fields(topics.len = topics.len()))]
pub(crate) async fn veto(
    db: impl PgExecutor<'_>,
    person: i64,
    topics: &[i64],
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with gone as (
            delete from topics.person_topic
            where person_id = $1 and topic_id = any($2)
            returning topic_id, network, shown
        )
        select topic_id from gone where network = '' and shown
        "#,
        person,
        topics,
    )
    .fetch_all(db)
    .await
}

/// What a person has to do with all topics together on all networks, at most `max`, the strongest shown first.
#[instrument(name = "db.person_topic.of_person", skip_all)]
pub(crate) async fn of_person(
    db: impl PgExecutor<'_>,
    person: i64,
    max: i64,
) -> Result<Vec<Kept>, sqlx::Error> {
    sqlx::query_as!(
        Kept,
        r#"
        select topic_id as topic, written, reacted, said, influencers, strength, score,
            people, posts, shown, rank, percentile, words, compute_time
        from topics.person_topic
        where person_id = $1 and network = ''
        order by shown desc, score desc, topic_id
        limit $2
        "#,
        person,
        max,
    )
    .fetch_all(db)
    .await
}

/// What these people are shown for, of each at most `max`, the strongest first: person and topic.
#[instrument(name = "db.person_topic.shown_of_people", skip_all, fields(people.len = people.len()))]
pub(crate) async fn shown_of_people(
    db: impl PgExecutor<'_>,
    people: &[i64],
    max: i64,
) -> Result<Vec<(i64, i64)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select person_id as "person_id!", topic_id
        from unnest($1::bigint[]) as asked (person_id)
        cross join lateral (
            select topic_id, score
            from topics.person_topic
            where person_topic.person_id = asked.person_id and network = '' and shown
            order by score desc, topic_id
            limit $2
        ) as topic
        order by person_id, score desc, topic_id
        "#,
        people,
        max,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.person_id, it.topic_id)).collect())
}

/// Who of these people is shown for a topic.
#[instrument(name = "db.person_topic.who_has", skip_all, fields(people.len = people.len()))]
pub(crate) async fn who_has(
    db: impl PgExecutor<'_>,
    people: &[i64],
    topic: i64,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select person_id
        from topics.person_topic
        where person_id = any($1) and topic_id = $2 and network = '' and shown
        "#,
        people,
        topic,
    )
    .fetch_all(db)
    .await
}

/// What a person has to do with these topics.
#[instrument(name = "db.person_topic.named", skip_all)]
pub(crate) async fn named(
    db: impl PgExecutor<'_>,
    person: i64,
    topics: &[i64],
) -> Result<Vec<Kept>, sqlx::Error> {
    sqlx::query_as!(
        Kept,
        r#"
        select topic_id as topic, written, reacted, said, influencers, strength, score,
            people, posts, shown, rank, percentile, words, compute_time
        from topics.person_topic
        where person_id = $1 and topic_id = any($2) and network = ''
        "#,
        person,
        topics,
    )
    .fetch_all(db)
    .await
}

/// The networks that what a person has to do with these topics is from: topic and network.
#[instrument(name = "db.person_topic.networks", skip_all)]
pub(crate) async fn networks(
    db: impl PgExecutor<'_>,
    person: i64,
    topics: &[i64],
) -> Result<Vec<(i64, String)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select topic_id, network
        from topics.person_topic
        where person_id = $1 and topic_id = any($2) and network <> ''
        order by topic_id, network
        "#,
        person,
        topics,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.topic_id, it.network)).collect())
}

/// What somebody is known for without their own influencers.
#[derive(Clone, Debug)]
pub(crate) struct KnownFor {
    pub(crate) person: i64,
    pub(crate) topic: i64,
    pub(crate) score: f64,
}

/// What these people are known for without their own influencers: up to `max` topics each that they have
/// evidence of their own for.
#[instrument(name = "db.person_topic.known_for", skip_all, fields(people.len = people.len()))]
pub(crate) async fn known_for(
    db: impl PgExecutor<'_>,
    people: &[i64],
    max: i64,
) -> Result<Vec<KnownFor>, sqlx::Error> {
    sqlx::query_as!(
        KnownFor,
        r#"
        select asked.person_id as "person!", known.topic_id as topic, known.base_score as "score!"
        from unnest($1::bigint[]) as asked (person_id)
        cross join lateral (
            select topic_id, base_score
            from topics.person_topic
            where person_id = asked.person_id and network = '' and direct
                and base_score is not null
            order by base_score desc, topic_id
            limit $2
        ) as known
        order by 1, 2
        "#,
        people,
        max,
    )
    .fetch_all(db)
    .await
}

/// Somebody who is influential on a topic.
#[derive(Clone, Debug)]
pub(crate) struct Expert {
    pub(crate) person: i64,
    pub(crate) strength: f64,
    pub(crate) score: f64,
    pub(crate) people: i32,
    pub(crate) mostly: i64,
    pub(crate) country: String,
    pub(crate) city: String,
}

/// Among whom experts are listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Among<'a> {
    pub(crate) topic: i64,
    /// Empty: all.
    pub(crate) network: &'a str,
    /// Empty: anywhere.
    pub(crate) country: &'a str,
    /// In lower case. Empty: anywhere.
    pub(crate) city: &'a str,
}

/// Up to `max` people who are influential on a topic, the best first, after one of that score.
#[instrument(name = "db.person_topic.experts", skip_all)]
pub(crate) async fn experts(
    db: impl PgExecutor<'_>,
    among: Among<'_>,
    after: (f64, i64),
    max: i64,
) -> Result<Vec<Expert>, sqlx::Error> {
    // A statement for each, so that each has its own index.
    if among.country.is_empty() {
        sqlx::query_as!(
            Expert,
            r#"
            select topic.person_id as person, strength, score, people, mostly,
                coalesce(person.country, '') as "country!", coalesce(person.city, '') as "city!"
            from topics.person_topic as topic
            left join topics.person as person on person.person_id = topic.person_id
            where topic.topic_id = $1 and topic.network = $2 and topic.shown
                and topic.score <= $3
                and (topic.score < $3 or topic.person_id > $4)
            order by topic.score desc, topic.person_id
            limit $5
            "#,
            among.topic,
            among.network,
            after.0,
            after.1,
            max,
        )
        .fetch_all(db)
        .await
    } else if among.city.is_empty() {
        sqlx::query_as!(
            Expert,
            r#"
            select topic.person_id as person, strength, score, people, mostly,
                coalesce(person.country, '') as "country!", coalesce(person.city, '') as "city!"
            from topics.person_topic as topic
            left join topics.person as person on person.person_id = topic.person_id
            where topic.topic_id = $1 and topic.network = $2 and topic.country = $3
                and topic.country <> '' and topic.shown
                and topic.score <= $4
                and (topic.score < $4 or topic.person_id > $5)
            order by topic.score desc, topic.person_id
            limit $6
            "#,
            among.topic,
            among.network,
            among.country,
            after.0,
            after.1,
            max,
        )
        .fetch_all(db)
        .await
    } else {
        sqlx::query_as!(
            Expert,
            r#"
            select topic.person_id as person, strength, score, people, mostly,
                coalesce(person.country, '') as "country!", coalesce(person.city, '') as "city!"
            from topics.person_topic as topic
            left join topics.person as person on person.person_id = topic.person_id
            where topic.topic_id = $1 and topic.network = $2 and topic.country = $3
                and topic.city = $4 and topic.city <> '' and topic.shown
                and topic.score <= $5
                and (topic.score < $5 or topic.person_id > $6)
            order by topic.score desc, topic.person_id
            limit $7
            "#,
            among.topic,
            among.network,
            among.country,
            among.city,
            after.0,
            after.1,
            max,
        )
        .fetch_all(db)
        .await
    }
}
