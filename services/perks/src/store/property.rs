//! `perks.property` and `perks.category`: places with a desk.

use std::collections::BTreeMap;

use sqlx::{PgConnection, PgExecutor};
use time::OffsetDateTime;
use tracing::instrument;

/// A place with a desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) property: String,
    pub(crate) display_name: String,
    pub(crate) country: String,
    pub(crate) city: String,
    pub(crate) time_zone: String,
    pub(crate) currency: String,
    pub(crate) is_sandbox: bool,
    pub(crate) create_time: OffsetDateTime,
    /// From the plainest to the best.
    pub(crate) categories: Vec<Category>,
}

/// A category of rooms or seats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Category {
    pub(crate) category: String,
    pub(crate) display_name: String,
}

/// One of that name; `None`: there is none.
#[instrument(name = "db.property.find", skip_all)]
pub(crate) async fn find(
    db: impl PgExecutor<'_>,
    property: &str,
) -> Result<Option<Property>, sqlx::Error> {
    Ok(list(db, Some(property), "", 1).await?.pop())
}

/// A page of them by name, after one; or the one that is named.
#[instrument(name = "db.property.list", skip_all)]
pub(crate) async fn list(
    db: impl PgExecutor<'_>,
    named: Option<&str>,
    after: &str,
    limit: i64,
) -> Result<Vec<Property>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select property, display_name, country, city, time_zone, currency, is_sandbox, create_time,
            array(
                select category from perks.category as category
                where category.property = property.property order by place
            ) as "categories!",
            array(
                select category.display_name from perks.category as category
                where category.property = property.property order by place
            ) as "category_names!"
        from perks.property as property
        where ($1::text is null or property = $1) and property > $2
        order by property
        limit $3
        "#,
        named,
        after,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|it| {
            let names = it.categories.into_iter().zip(it.category_names);
            Property {
                property: it.property,
                display_name: it.display_name,
                country: it.country,
                city: it.city,
                time_zone: it.time_zone,
                currency: it.currency,
                is_sandbox: it.is_sandbox,
                create_time: it.create_time,
                categories: names
                    .map(|(category, display_name)| Category { category, display_name })
                    .collect(),
            }
        })
        .collect())
}

/// Keeps one, unless there is one of that name. Returns whether it was kept.
#[instrument(name = "db.property.add", skip_all)]
pub(crate) async fn add(db: &mut PgConnection, new: &Property) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        insert into perks.property
            (property, display_name, country, city, time_zone, currency, is_sandbox, create_time)
        values ($1, $2, $3, $4, $5, $6, $7, $8)
        on conflict on constraint property_pkey do nothing
        "#,
        new.property,
        new.display_name,
        new.country,
        new.city,
        new.time_zone,
        new.currency,
        new.is_sandbox,
        new.create_time,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Changes what may change of one, and holds it. Returns whether there is one.
#[instrument(name = "db.property.change", skip_all)]
pub(crate) async fn change(db: &mut PgConnection, new: &Property) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        r#"
        update perks.property
        set display_name = $2, country = $3, city = $4, time_zone = $5, currency = $6
        where property = $1
        "#,
        new.property,
        new.display_name,
        new.country,
        new.city,
        new.time_zone,
        new.currency,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Puts the categories of a property in the place of those that it has.
#[instrument(name = "db.category.replace", skip_all)]
pub(crate) async fn replace_categories(
    db: &mut PgConnection,
    of: &Property,
) -> Result<(), sqlx::Error> {
    // In the order in which whoever reserves holds them, so that nobody waits in a circle.
    sqlx::query!(
        "select place from perks.category where property = $1 order by category for update",
        of.property,
    )
    .fetch_all(&mut *db)
    .await?;
    let ids: Vec<&str> = of.categories.iter().map(|it| it.category.as_str()).collect();
    let names: Vec<&str> = of.categories.iter().map(|it| it.display_name.as_str()).collect();
    sqlx::query!(
        "delete from perks.category where property = $1 and category <> all ($2)",
        of.property,
        &ids as &[&str],
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        r#"
        insert into perks.category (property, category, place, display_name)
        select $1, category, (place - 1)::smallint, display_name
        from unnest($2::text[], $3::text[]) with ordinality as new (category, display_name, place)
        on conflict on constraint category_pkey do update
        set place = excluded.place, display_name = excluded.display_name
        "#,
        of.property,
        &ids as &[&str],
        &names as &[&str],
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Those of these that are there, each with its categories.
#[instrument(name = "db.property.of", skip_all, fields(properties.len = properties.len()))]
pub(crate) async fn of(
    db: impl PgExecutor<'_>,
    properties: &[String],
) -> Result<BTreeMap<String, Vec<String>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        select property, array(
            select category from perks.category as category where category.property = property.property
        ) as "categories!"
        from perks.property as property
        where property = any ($1)
        "#,
        properties,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|it| (it.property, it.categories)).collect())
}
