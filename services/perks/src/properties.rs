//! Places with a desk.
//!
//! A desk asks for its property with each guest, so what was read is kept in memory; and as no guest is to wait for a
//! store that is slow, what was read long ago is better than nothing.

use std::{collections::HashSet, sync::Arc, time::Duration};

use iso_currency::Currency;
use jiff::tz::TimeZone;
use klout_chassis::Clock;
use quick_cache::sync::Cache;
use sqlx::PgPool;
use tokio::time::{Instant, timeout};

use crate::{
    error::Error,
    store::{
        self,
        property::{Category, Property},
    },
};

/// Properties in memory: more than one operator has.
const CACHED_MAX: usize = 10_000;

/// For how long a property is not read again.
const CACHED_TIME: Duration = Duration::from_secs(1);

/// Categories of a property.
pub(crate) const CATEGORIES_MAX: usize = 100;

/// Bytes of the name of a property, and of a category.
const NAME_BYTES_MAX: usize = 64;

/// Characters of what guests read.
const DISPLAY_NAME_MAX: usize = 200;

/// Bytes of a city, as of people's.
const CITY_BYTES_MAX: usize = 128;

/// Clones share what was read.
#[derive(Clone, Debug)]
pub(crate) struct Properties {
    db: PgPool,
    clock: Clock,
    read: Arc<Cache<String, Read>>,
}

/// A property, and when it was read.
#[derive(Clone, Debug)]
struct Read {
    property: Arc<Property>,
    when: Instant,
}

// === impl Properties ===

impl Properties {
    pub(crate) fn new(db: PgPool, clock: Clock) -> Self {
        Self { db, clock, read: Arc::new(Cache::new(CACHED_MAX)) }
    }

    /// The property of that name, as it was a second ago at most.
    pub(crate) async fn get(&self, property: &str) -> Result<Arc<Property>, Error> {
        if let Some(read) = self.read.get(property).filter(|it| it.when.elapsed() < CACHED_TIME) {
            return Ok(read.property);
        }
        let found = store::property::find(&self.db, property).await;
        match found.map_err(Error::store("read a property"))? {
            Some(found) => Ok(self.keep(found)),
            None => {
                self.read.remove(property);
                Err(Error::PropertyUnknown { property: property.to_owned() })
            }
        }
    }

    /// The same for whoever cannot wait for long: when it cannot be read in time, as it was whenever it was read last.
    pub(crate) async fn get_within(
        &self,
        property: &str,
        patience: Duration,
    ) -> Result<Arc<Property>, Error> {
        let before = self.read.get(property).map(|it| it.property);
        match (timeout(patience, self.get(property)).await, before) {
            (Ok(Ok(found)), _) => Ok(found),
            (Ok(Err(Error::Store { .. })) | Err(_), Some(before)) => Ok(before),
            (Ok(Err(error)), _) => Err(error),
            (Err(_), None) => {
                Err(Error::Store { action: "read a property", source: sqlx::Error::PoolTimedOut })
            }
        }
    }

    /// A page of them by name, after one.
    pub(crate) async fn list(&self, after: &str, limit: i64) -> Result<Vec<Property>, Error> {
        let found = store::property::list(&self.db, None, after, limit).await;
        found.map_err(Error::store("list properties"))
    }

    /// Makes one. The same again is the one that there is.
    pub(crate) async fn create(&self, mut new: Property) -> Result<Arc<Property>, Error> {
        check(&mut new)?;
        new.create_time = self.clock.now();
        let mut transaction =
            self.db.begin().await.map_err(Error::store("begin to make a property"))?;
        let added = store::property::add(&mut transaction, &new).await;
        if added.map_err(Error::store("make a property"))? {
            store::property::replace_categories(&mut transaction, &new)
                .await
                .map_err(Error::store("make a property's categories"))?;
        }
        transaction.commit().await.map_err(Error::store("make a property"))?;
        self.read.remove(&new.property);
        let kept = self.get(&new.property).await?;
        new.create_time = kept.create_time;
        if *kept == new { Ok(kept) } else { Err(Error::PropertyExists { property: new.property }) }
    }

    /// Changes all of one but its name and whether it is a sandbox.
    pub(crate) async fn update(&self, mut new: Property) -> Result<Arc<Property>, Error> {
        check(&mut new)?;
        let mut transaction =
            self.db.begin().await.map_err(Error::store("begin to change a property"))?;
        let changed = store::property::change(&mut transaction, &new).await;
        if !changed.map_err(Error::store("change a property"))? {
            return Err(Error::PropertyUnknown { property: new.property });
        }
        store::property::replace_categories(&mut transaction, &new)
            .await
            .map_err(Error::store("change a property's categories"))?;
        transaction.commit().await.map_err(Error::store("change a property"))?;
        self.read.remove(&new.property);
        self.get(&new.property).await
    }

    fn keep(&self, property: Property) -> Arc<Property> {
        let property = Arc::new(property);
        let read = Read { property: Arc::clone(&property), when: Instant::now() };
        self.read.insert(property.property.clone(), read);
        property
    }
}

// === impl Property ===

impl Property {
    /// Where a category stands, from the plainest, 0; `None`: the property does not have it.
    pub(crate) fn place(&self, category: &str) -> Option<usize> {
        self.categories.iter().position(|it| it.category == category)
    }

    /// What guests call a category.
    pub(crate) fn name_of<'a>(&'a self, category: &'a str) -> &'a str {
        let found = self.categories.iter().find(|it| it.category == category);
        found.map_or(
            category,
            |it| if it.display_name.is_empty() { category } else { &it.display_name },
        )
    }

    /// What guests call the property.
    pub(crate) fn name(&self) -> &str {
        if self.display_name.is_empty() { &self.property } else { &self.display_name }
    }

    /// By what its days are counted.
    pub(crate) fn zone(&self) -> TimeZone {
        TimeZone::get(&self.time_zone).unwrap_or(TimeZone::UTC)
    }
}

/// Whether something can be the name of a property.
pub(crate) fn is_name(text: &str) -> bool {
    let is_name_byte = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_name_byte)
}

/// Checks a property, and writes its codes as others do.
fn check(property: &mut Property) -> Result<(), Error> {
    let invalid = |field: &str, problem: &'static str| {
        Err(Error::field(format!("property.{field}"), problem))
    };
    if !is_name(&property.property) {
        return invalid("property", "is not 1 to 64 of a-z, 0-9 and -");
    }
    if !is_text(&property.display_name) {
        return invalid("display_name", "has more than 200 characters, or one that cannot be read");
    }
    property.country = property.country.trim().to_ascii_uppercase();
    if !property.country.is_empty() && rust_iso3166::from_alpha2(&property.country).is_none() {
        return invalid("country", "is no ISO 3166-1 alpha-2 code such as DE");
    }
    property.city = property.city.trim().to_owned();
    if property.city.len() > CITY_BYTES_MAX || property.city.chars().any(char::is_control) {
        return invalid("city", "is not the name of a city");
    }
    if !property.time_zone.is_empty() && TimeZone::get(&property.time_zone).is_err() {
        return invalid("time_zone", "is no time zone such as America/Los_Angeles");
    }
    property.currency = property.currency.trim().to_ascii_uppercase();
    if !property.currency.is_empty() && Currency::from_code(&property.currency).is_none() {
        return invalid("currency", "is no ISO 4217 code such as EUR");
    }
    if property.categories.len() > CATEGORIES_MAX {
        return invalid("categories", "are more than 100");
    }
    let mut seen = HashSet::new();
    for (index, Category { category, display_name }) in property.categories.iter().enumerate() {
        let field = |name: &str| format!("property.categories[{index}].{name}");
        if !is_category(category) {
            return Err(Error::field(field("category"), "is not 1 to 64 bytes that can be read"));
        }
        if !seen.insert(category) {
            return Err(Error::field(field("category"), "is there twice"));
        }
        if !is_text(display_name) {
            let problem = "has more than 200 characters, or one that cannot be read";
            return Err(Error::field(field("display_name"), problem));
        }
    }
    Ok(())
}

fn is_category(text: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&text.len()) && !text.chars().any(char::is_control)
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= DISPLAY_NAME_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use time::OffsetDateTime;

    use super::*;

    fn property() -> Property {
        let category = |category: &str, display_name: &str| Category {
            category: category.to_owned(),
            display_name: display_name.to_owned(),
        };
        Property {
            property: "palms-las-vegas".to_owned(),
            display_name: "The Palms".to_owned(),
            country: "us".to_owned(),
            city: "Las Vegas".to_owned(),
            time_zone: "America/Los_Angeles".to_owned(),
            currency: "usd".to_owned(),
            is_sandbox: false,
            create_time: OffsetDateTime::UNIX_EPOCH,
            categories: vec![category("KING", "King room"), category("SUITE", "")],
        }
    }

    #[test]
    fn codes_are_written_as_others_write_them() {
        let mut new = property();
        check(&mut new).expect("a property");
        assert_eq!((new.country.as_str(), new.currency.as_str()), ("US", "USD"));
    }

    #[test]
    fn what_cannot_be_is_named() {
        type Spoil = fn(&mut Property);
        let flaws: [(Spoil, &str); 8] = [
            (|it| it.property = "The Palms".to_owned(), "property.property"),
            (|it| it.display_name = "x".repeat(201), "property.display_name"),
            (|it| it.country = "XX".to_owned(), "property.country"),
            (|it| it.city = "a\nb".to_owned(), "property.city"),
            (|it| it.time_zone = "Mars/Olympus".to_owned(), "property.time_zone"),
            (|it| it.currency = "ZZZ".to_owned(), "property.currency"),
            (|it| it.categories[1].category.clear(), "property.categories[1].category"),
            (|it| it.categories[1].category = "KING".to_owned(), "property.categories[1].category"),
        ];
        for (spoil, field) in flaws {
            let mut new = property();
            spoil(&mut new);
            let error = check(&mut new).expect_err(field);
            assert!(error.to_string().starts_with(&format!("`{field}` ")), "{error}");
        }
    }

    #[test]
    fn a_category_has_a_place_and_a_name() {
        let property = property();
        assert_eq!([property.place("SUITE"), property.place("VILLA")], [Some(1), None]);
        assert_eq!([property.name_of("KING"), property.name_of("SUITE")], ["King room", "SUITE"]);
    }
}
