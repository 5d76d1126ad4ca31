//! Whether what perks count of a campaign is what its grants say.

use sqlx::PgPool;

/// What does not add up of stock, budgets, codes and decisions, over all campaigns; nothing if all is well.
///
/// # Errors
///
/// When Postgres does not answer.
pub async fn flaws_of_books(db: &PgPool) -> Result<Vec<String>, sqlx::Error> {
    let statements = [
        (
            "what a campaign counts and what its grants say",
            "select campaign_id::text from perks.campaign
             left join (
                 select campaign_id, count(*) filter (where state = 'RESERVED') as reserved,
                     count(*) filter (where state = 'CONFIRMED') as confirmed,
                     coalesce(sum(minor_units) filter (where state in ('RESERVED', 'CONFIRMED')), 0) as worth
                 from perks.grant group by campaign_id
             ) as given using (campaign_id)
             where (campaign.reserved, campaign.confirmed, campaign.given_minor_units)
                 <> (coalesce(given.reserved, 0), coalesce(given.confirmed, 0), coalesce(given.worth, 0))",
        ),
        (
            "what a budget counts and what grants say",
            "with said as (
                 select campaign_id, kind, key, count(*) as taken
                 from perks.grant
                 cross join lateral (
                     values ('PERSON', person_id::text), ('PROPERTY', nullif(property, '')), ('DAY', day::text)
                 ) as counted (kind, key)
                 where state in ('RESERVED', 'CONFIRMED') and key is not null
                 group by campaign_id, kind, key
             )
             select concat_ws(' ', campaign_id, kind, key, said.taken, budget.taken)
             from said full join perks.budget using (campaign_id, kind, key)
             where coalesce(said.taken, 0) <> coalesce(budget.taken, 0)",
        ),
        (
            "who has a code and what their grant says",
            "select concat_ws(' ', campaign_id, code.code, grant_id)
             from perks.code left join perks.grant using (campaign_id, grant_id)
             where grant_id is not null and code.code is distinct from \"grant\".code",
        ),
        (
            "a reservation that was decided and one that is there",
            "select concat_ws(' ', campaign_id, grant_id, decision.outcome)
             from perks.decision full join perks.grant using (campaign_id, grant_id)
             where (decision.outcome = 'RESERVED') is distinct from (\"grant\".state is not null)
                 or (grant_id is not null and decision.decision_id is null)",
        ),
        (
            "two that something can have one of alone",
            "select concat_ws(' ', campaign_id, unique_key, count(*)) from perks.grant
             where state in ('RESERVED', 'CONFIRMED') group by campaign_id, unique_key having count(*) > 1",
        ),
        (
            "a grant that ended and when",
            "select concat_ws(' ', campaign_id, grant_id, state) from perks.grant
             where (end_time is null) <> (state in ('RESERVED', 'CONFIRMED'))
                 or (confirm_time is null) <> (state not in ('CONFIRMED', 'REVERSED'))",
        ),
    ];
    let mut flaws = Vec::new();
    for (what, statement) in statements {
        let found: Vec<String> = sqlx::query_scalar(statement).fetch_all(db).await?;
        flaws.extend(found.into_iter().map(|it| format!("{what}: {it}")));
    }
    Ok(flaws)
}
