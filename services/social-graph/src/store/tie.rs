//! `social_graph.tie`: who reacts to whom, and how much.

use std::{cmp::Ordering, collections::BTreeMap};

use klout_model::{PersonId, Purpose};
use sqlx::PgExecutor;
use tracing::instrument;

use crate::batch::{TieChange, TieKey};

/// Which end of a tie is one's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Others react to it.
    Subject,
    /// It reacts to others.
    Actor,
}

/// Where a tie stands among those of some accounts, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) strength: f64,
    pub(crate) other: i64,
    pub(crate) own: i64,
}

/// A tie, seen from one of its ends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tie {
    pub(crate) own: i64,
    pub(crate) other: i64,
    pub(crate) strength: f64,
    pub(crate) reactions: i64,
    pub(crate) last_day: i32,
    /// Who owns the other account, if it is somebody who may be listed.
    pub(crate) person: Option<i64>,
}

/// Ties of some accounts after a place, the strongest first: every one, up to the last that is here.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    pub(crate) ties: Vec<Tie>,
    /// How many were read to know which are the strongest.
    pub(crate) read: i64,
    /// Whether there are ties after the last.
    pub(crate) more: bool,
}

/// How much one window may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) ties: i64,
    /// Of all accounts together, but of each account one.
    pub(crate) read: i64,
}

/// Who may be listed.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Ties without a reaction since are over.
    pub(crate) first_day: i32,
    /// Only people who did not withhold themselves from this purpose.
    pub(crate) purpose: Option<Purpose>,
}

/// A tie that was looked for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Between {
    pub(crate) own: i64,
    pub(crate) other: i64,
    pub(crate) strength: f64,
    pub(crate) last_day: i32,
}

// === impl End ===

impl End {
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Subject => Self::Actor,
            Self::Actor => Self::Subject,
        }
    }
}

// === impl Place ===

impl Place {
    /// The strongest is the greatest, as the indexes have it.
    pub(crate) fn cmp(&self, other: &Self) -> Ordering {
        let by_strength = self.strength.total_cmp(&other.strength);
        by_strength.then((self.other, self.own).cmp(&(other.other, other.own)))
    }
}

// === impl Limit ===

impl Limit {
    /// How many ties may be read of each of so many accounts.
    fn of_each(self, accounts: usize) -> i64 {
        let accounts = i64::try_from(accounts).unwrap_or(i64::MAX).max(1);
        (self.read / accounts).clamp(1, self.ties.max(1))
    }
}

// === impl Tie ===

impl Tie {
    pub(crate) const fn place(&self) -> Place {
        Place { strength: self.strength, other: self.other, own: self.own }
    }
}

// === impl Window ===

impl Window {
    /// Who owns the other ends, as often as they are.
    pub(crate) fn people(&self) -> impl Iterator<Item = PersonId> {
        self.ties.iter().filter_map(|it| it.person.and_then(PersonId::new))
    }
}

// === impl Between ===

impl Between {
    pub(crate) const fn place(&self) -> Place {
        Place { strength: self.strength, other: self.other, own: self.own }
    }
}

/// Adds to ties. Rows are written in the order of the key, so that no two writers wait for one another in a circle.
#[instrument(name = "db.tie.add", skip_all, fields(ties.len = ties.len()))]
pub(crate) async fn add(
    db: impl PgExecutor<'_>,
    ties: &BTreeMap<TieKey, TieChange>,
) -> Result<(), sqlx::Error> {
    if ties.is_empty() {
        return Ok(());
    }
    let subjects: Vec<_> = ties.keys().map(|tie| tie.subject).collect();
    let actors: Vec<_> = ties.keys().map(|tie| tie.actor).collect();
    let strengths: Vec<_> = ties.values().map(|tie| tie.strength).collect();
    let reactions: Vec<_> = ties.values().map(|tie| tie.reactions).collect();
    let last_days: Vec<_> = ties.values().map(|tie| tie.last_day).collect();
    sqlx::query!(
        r#"
        insert into social_graph.tie as tie
            (subject_account_id, actor_account_id, strength, reactions, last_day)
        select * from unnest($1::bigint[], $2::bigint[], $3::float8[], $4::bigint[], $5::integer[])
        on conflict on constraint tie_pkey do update
        set strength = tie.strength + excluded.strength,
            reactions = greatest(
                least(tie.reactions + excluded.reactions, 1000000000000000000), -1000000000000000000
            ),
            last_day = greatest(tie.last_day, excluded.last_day)
        "#,
        &subjects,
        &actors,
        &strengths,
        &reactions,
        &last_days,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Deletes all ties of these accounts.
#[instrument(name = "db.tie.delete_of", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn delete_of(
    db: impl PgExecutor<'_>,
    accounts: &[i64],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"
        delete from social_graph.tie
        where subject_account_id = any($1) or actor_account_id = any($1)
        "#,
        accounts,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A tie, and how it was found.
struct ReadTie {
    own: i64,
    other: i64,
    strength: f64,
    reactions: i64,
    last_day: i32,
    person: Option<i64>,
    /// Whether some account has more than were read.
    cut: bool,
    /// How many were read.
    read: i64,
}

// === impl ReadTie ===

impl ReadTie {
    fn into_tie(self) -> Tie {
        let Self { own, other, strength, reactions, last_day, person, cut: _, read: _ } = self;
        Tie { own, other, strength, reactions, last_day, person }
    }
}

/// Ties of these accounts after a place, the strongest first, with the owners of the other end. Ties that are over, and
/// those of nobody who may be listed, are there without a person.
///
/// Of each account as many are read as the limit leaves it. What is weaker than the last that was read of an account
/// with more of them may not be next, and is left for the window after.
#[instrument(name = "db.tie.strongest", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn strongest(
    db: impl PgExecutor<'_>,
    end: End,
    accounts: &[i64],
    after: Place,
    limit: Limit,
    listed: &Listed,
) -> Result<Window, sqlx::Error> {
    let Listed { first_day, purpose } = listed;
    let each = limit.of_each(accounts.len());
    let ties = match end {
        End::Subject => {
            sqlx::query_as!(
                ReadTie,
                r#"
                with read as materialized (
                    select tie.*
                    from unnest($1::bigint[]) as mine (account_id)
                    cross join lateral (
                        select subject_account_id as own, actor_account_id as other, strength,
                            reactions, last_day, row_number() over (
                                order by strength desc, actor_account_id desc
                            ) as number
                        from social_graph.tie
                        where subject_account_id = mine.account_id and strength > 0
                            and (strength, actor_account_id, subject_account_id)
                                < ($2::float8, $3::bigint, $4::bigint)
                        order by strength desc, actor_account_id desc
                        limit $5
                    ) as tie
                ), known_until as (
                    -- Of an account that has more than were read, nothing is known after its last one.
                    select strength, other, own
                    from read
                    where number = $5
                    order by strength desc, other desc, own desc
                    limit 1
                ), near as (
                    select read.*, known_until.own is not null as cut
                    from read
                    left join known_until on true
                    where known_until.own is null
                        or (read.strength, read.other, read.own)
                            >= (known_until.strength, known_until.other, known_until.own)
                    order by read.strength desc, read.other desc, read.own desc
                    limit $6
                )
                select near.own as "own!", near.other as "other!", near.strength as "strength!",
                    near.reactions as "reactions!", near.last_day as "last_day!",
                    person.person_id as "person?", near.cut as "cut!",
                    (select count(*) from read) as "read!"
                from near
                left join social_graph.account
                    on account.account_id = near.other
                        and near.reactions > 0 and near.last_day >= $7
                left join social_graph.person
                    on person.person_id = account.person_id and person.state = 'MEMBER'
                        and account.network <> all(person.withheld_networks)
                        and ($8::text is null or $8 <> all(person.withheld_purposes))
                order by near.strength desc, near.other desc, near.own desc
                "#,
                accounts,
                after.strength,
                after.other,
                after.own,
                each,
                limit.ties,
                first_day,
                purpose.map(Purpose::as_str),
            )
            .fetch_all(db)
            .await?
        }
        End::Actor => {
            sqlx::query_as!(
                ReadTie,
                r#"
                with read as materialized (
                    select tie.*
                    from unnest($1::bigint[]) as mine (account_id)
                    cross join lateral (
                        select actor_account_id as own, subject_account_id as other, strength,
                            reactions, last_day, row_number() over (
                                order by strength desc, subject_account_id desc
                            ) as number
                        from social_graph.tie
                        where actor_account_id = mine.account_id and strength > 0
                            and (strength, subject_account_id, actor_account_id)
                                < ($2::float8, $3::bigint, $4::bigint)
                        order by strength desc, subject_account_id desc
                        limit $5
                    ) as tie
                ), known_until as (
                    -- Of an account that has more than were read, nothing is known after its last one.
                    select strength, other, own
                    from read
                    where number = $5
                    order by strength desc, other desc, own desc
                    limit 1
                ), near as (
                    select read.*, known_until.own is not null as cut
                    from read
                    left join known_until on true
                    where known_until.own is null
                        or (read.strength, read.other, read.own)
                            >= (known_until.strength, known_until.other, known_until.own)
                    order by read.strength desc, read.other desc, read.own desc
                    limit $6
                )
                select near.own as "own!", near.other as "other!", near.strength as "strength!",
                    near.reactions as "reactions!", near.last_day as "last_day!",
                    person.person_id as "person?", near.cut as "cut!",
                    (select count(*) from read) as "read!"
                from near
                left join social_graph.account
                    on account.account_id = near.other
                        and near.reactions > 0 and near.last_day >= $7
                left join social_graph.person
                    on person.person_id = account.person_id and person.state = 'MEMBER'
                        and account.network <> all(person.withheld_networks)
                        and ($8::text is null or $8 <> all(person.withheld_purposes))
                order by near.strength desc, near.other desc, near.own desc
                "#,
                accounts,
                after.strength,
                after.other,
                after.own,
                each,
                limit.ties,
                first_day,
                purpose.map(Purpose::as_str),
            )
            .fetch_all(db)
            .await?
        }
    };
    let (read, cut) = ties.first().map_or((0, false), |it| (it.read, it.cut));
    let more = cut || i64::try_from(ties.len()).is_ok_and(|it| it < read);
    Ok(Window { ties: ties.into_iter().map(ReadTie::into_tie).collect(), read, more })
}

/// The accounts of these people that may be told of, and whose each is.
#[instrument(name = "db.tie.accounts_of", skip_all, fields(people.len = people.len()))]
pub(crate) async fn accounts_of(
    db: impl PgExecutor<'_>,
    people: &[i64],
) -> Result<Vec<(i64, PersonId)>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select account.account_id, person.person_id
        from social_graph.account
        join social_graph.person using (person_id)
        where account.person_id = any($1) and account.network <> all(person.withheld_networks)
        "#,
        people,
    )
    .fetch_all(db)
    .await?;
    let whose = rows.into_iter().map(|row| (row.account_id, PersonId::new(row.person_id)));
    Ok(whose.filter_map(|(account, person)| Some((account, person?))).collect())
}

/// All ties between these accounts and those that are not over. Each pair is looked up by its key: without the limit,
/// which changes nothing else, Postgres may go through all ties of an account that has very many.
#[instrument(name = "db.tie.between", skip_all, fields(accounts.len = accounts.len(), others.len = others.len()))]
pub(crate) async fn between(
    db: impl PgExecutor<'_>,
    end: End,
    accounts: &[i64],
    others: &[i64],
    first_day: i32,
) -> Result<Vec<Between>, sqlx::Error> {
    match end {
        End::Subject => {
            sqlx::query_as!(
                Between,
                r#"
                select tie.own, tie.other, tie.strength, tie.last_day
                from unnest($1::bigint[]) as mine (account_id)
                cross join unnest($2::bigint[]) as other (account_id)
                cross join lateral (
                    select subject_account_id as own, actor_account_id as other, strength,
                        reactions, last_day
                    from social_graph.tie
                    where subject_account_id = mine.account_id
                        and actor_account_id = other.account_id
                    limit 1
                ) as tie
                where tie.strength > 0 and tie.reactions > 0 and tie.last_day >= $3
                "#,
                accounts,
                others,
                first_day,
            )
            .fetch_all(db)
            .await
        }
        End::Actor => {
            sqlx::query_as!(
                Between,
                r#"
                select tie.own, tie.other, tie.strength, tie.last_day
                from unnest($1::bigint[]) as mine (account_id)
                cross join unnest($2::bigint[]) as other (account_id)
                cross join lateral (
                    select actor_account_id as own, subject_account_id as other, strength,
                        reactions, last_day
                    from social_graph.tie
                    where subject_account_id = other.account_id
                        and actor_account_id = mine.account_id
                    limit 1
                ) as tie
                where tie.strength > 0 and tie.reactions > 0 and tie.last_day >= $3
                "#,
                accounts,
                others,
                first_day,
            )
            .fetch_all(db)
            .await
        }
    }
}

/// How many people are at the other end of the strongest ties of these accounts, but for the one who owns them.
#[instrument(name = "db.tie.people", skip_all, fields(accounts.len = accounts.len()))]
pub(crate) async fn people(
    db: impl PgExecutor<'_>,
    end: End,
    accounts: &[i64],
    own: PersonId,
    limit: Limit,
    listed: &Listed,
) -> Result<i64, sqlx::Error> {
    let Listed { first_day, purpose } = listed;
    let each = limit.of_each(accounts.len());
    match end {
        End::Subject => {
            sqlx::query_scalar!(
                r#"
                select count(distinct person.person_id) as "count!"
                from unnest($1::bigint[]) as mine (account_id)
                cross join lateral (
                    select actor_account_id as other, reactions, last_day
                    from social_graph.tie
                    where subject_account_id = mine.account_id and strength > 0
                    order by strength desc, actor_account_id desc
                    limit $2
                ) as tie
                join social_graph.account
                    on account.account_id = tie.other
                        and tie.reactions > 0 and tie.last_day >= $3
                join social_graph.person
                    on person.person_id = account.person_id and person.state = 'MEMBER'
                        and account.network <> all(person.withheld_networks)
                        and ($4::text is null or $4 <> all(person.withheld_purposes))
                where person.person_id <> $5
                "#,
                accounts,
                each,
                first_day,
                purpose.map(Purpose::as_str),
                own.get(),
            )
            .fetch_one(db)
            .await
        }
        End::Actor => {
            sqlx::query_scalar!(
                r#"
                select count(distinct person.person_id) as "count!"
                from unnest($1::bigint[]) as mine (account_id)
                cross join lateral (
                    select subject_account_id as other, reactions, last_day
                    from social_graph.tie
                    where actor_account_id = mine.account_id and strength > 0
                    order by strength desc, subject_account_id desc
                    limit $2
                ) as tie
                join social_graph.account
                    on account.account_id = tie.other
                        and tie.reactions > 0 and tie.last_day >= $3
                join social_graph.person
                    on person.person_id = account.person_id and person.state = 'MEMBER'
                        and account.network <> all(person.withheld_networks)
                        and ($4::text is null or $4 <> all(person.withheld_purposes))
                where person.person_id <> $5
                "#,
                accounts,
                each,
                first_day,
                purpose.map(Purpose::as_str),
                own.get(),
            )
            .fetch_one(db)
            .await
        }
    }
}

/// Somebody, and the network of each of their accounts.
pub(crate) type Owner = (PersonId, BTreeMap<i64, String>);

/// Somebody who may be listed, with their accounts. `None`: nobody.
#[instrument(name = "db.tie.own_accounts", skip_all)]
pub(crate) async fn own_accounts(
    db: impl PgExecutor<'_>,
    person: PersonId,
    purpose: Option<Purpose>,
) -> Result<Option<Owner>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select person.person_id, account.account_id as "account_id?", account.network as "network?"
        from social_graph.person as asked
        join social_graph.person
            on person.person_id = coalesce(asked.merged_into, asked.person_id)
        left join social_graph.account
            on account.person_id = person.person_id
                and account.network <> all(person.withheld_networks)
        where asked.person_id = $1 and person.state = 'MEMBER'
            and ($2::text is null or $2 <> all(person.withheld_purposes))
        order by account.account_id
        "#,
        person.get(),
        purpose.map(Purpose::as_str),
    )
    .fetch_all(db)
    .await?;
    let found = rows.first().and_then(|row| PersonId::new(row.person_id));
    let accounts = rows.into_iter().filter_map(|row| row.account_id.zip(row.network)).collect();
    Ok(found.map(|person| (person, accounts)))
}

/// Up to `max` keys after a key, in order: the last of them, if there are so many, and meanwhile what is over or
/// nothing any more is deleted. Returns how many were.
#[instrument(name = "db.tie.sweep", skip_all)]
pub(crate) async fn sweep(
    db: impl PgExecutor<'_>,
    after: TieKey,
    max: i64,
    first_day: i32,
) -> Result<(Option<TieKey>, u64), sqlx::Error> {
    let row = sqlx::query!(
        r#"
        with looked_at as materialized (
            select subject_account_id, actor_account_id,
                last_day < $4 or (reactions = 0 and strength = 0) as over
            from social_graph.tie
            where (subject_account_id, actor_account_id) > ($1, $2)
            order by subject_account_id, actor_account_id
            limit $3
        ), over as materialized (
            select tie.subject_account_id, tie.actor_account_id
            from social_graph.tie
            join looked_at using (subject_account_id, actor_account_id)
            where looked_at.over
                -- What changed since it was looked at is looked at again.
                and (tie.last_day < $4 or (tie.reactions = 0 and tie.strength = 0))
            -- Whoever writes ties waits for us at most, and we for nobody: no two wait in a circle.
            for update of tie skip locked
        ), gone as (
            delete from social_graph.tie
            using over
            where tie.subject_account_id = over.subject_account_id
                and tie.actor_account_id = over.actor_account_id
            returning 1
        ), last as (
            select subject_account_id, actor_account_id
            from looked_at
            order by subject_account_id, actor_account_id
            offset $3 - 1
        )
        select last.subject_account_id as "subject?", last.actor_account_id as "actor?",
            (select count(*) from gone) as "gone!"
        from (select) as one
        left join last on true
        "#,
        after.subject,
        after.actor,
        max,
        first_day,
    )
    .fetch_one(db)
    .await?;
    let last = row.subject.zip(row.actor);
    let last = last.map(|(subject, actor)| TieKey { subject, actor });
    Ok((last, row.gone.cast_unsigned()))
}

/// Empties what processes of the version before wrote. Returns whether there was anything.
#[instrument(name = "db.edge.empty", skip_all)]
pub(crate) async fn empty_edges(db: impl PgExecutor<'_>, max: i64) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "delete from social_graph.edge where ctid = any(array(select ctid from social_graph.edge limit $1))",
        max,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() > 0)
}
