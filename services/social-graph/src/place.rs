//! Where people say to live.

use crate::error::Error;

/// In bytes, of a city.
const CITY_LENGTH_MAX: usize = 128;

/// A country, and a city in it. Empty: not told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    country: String,
    city: String,
}

/// What is to be another one of a place. `None`: it stays as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Move {
    country: Option<String>,
    city: Option<String>,
}

// === impl Place ===

impl Place {
    /// As the database keeps it.
    pub(crate) const fn kept(country: String, city: String) -> Self {
        Self { country, city }
    }

    pub(crate) fn country(&self) -> &str {
        &self.country
    }

    pub(crate) fn city(&self) -> &str {
        &self.city
    }
}

// === impl Move ===

impl Move {
    /// Takes a code in letters of any case, and a city without space around it.
    pub(crate) fn parse(country: Option<String>, city: Option<String>) -> Result<Self, Error> {
        let country = country.map(|text| text.trim().to_ascii_uppercase());
        let no_code = |code: &String| !code.is_empty() && rust_iso3166::from_alpha2(code).is_none();
        if country.as_ref().is_some_and(no_code) {
            return Err(Error::field("country", "is no ISO 3166-1 alpha-2 code such as DE"));
        }
        let city = city.map(|text| text.trim().to_owned());
        if city.as_ref().is_some_and(|city| city.len() > CITY_LENGTH_MAX) {
            return Err(Error::field("city", "has more than 128 bytes"));
        }
        if city.as_ref().is_some_and(|city| city.chars().any(char::is_control)) {
            return Err(Error::field("city", "has a control character"));
        }
        Ok(Self { country, city })
    }

    /// Whether it leads nowhere else.
    pub(crate) const fn is_nowhere(&self) -> bool {
        self.country.is_none() && self.city.is_none()
    }

    /// Where this leads to from there. Who leaves a country has left its cities.
    pub(crate) fn from(self, before: &Place) -> Result<Place, Error> {
        let country = self.country.unwrap_or_else(|| before.country.clone());
        let city = match self.city {
            Some(city) => city,
            None if country == before.country => before.city.clone(),
            None => String::new(),
        };
        if country.is_empty() && !city.is_empty() {
            return Err(Error::field("city", "is told without a country"));
        }
        Ok(Place { country, city })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(before: &Place, country: Option<&str>, city: Option<&str>) -> Result<Place, Error> {
        Move::parse(country.map(str::to_owned), city.map(str::to_owned))?.from(before)
    }

    fn place(country: &str, city: &str) -> Place {
        Place::kept(country.to_owned(), city.to_owned())
    }

    #[test]
    fn what_is_not_named_stays_as_it_is() {
        let nowhere = Place::default();
        let bremen = place("DE", "Bremen");
        let moved = |before, country, city| moved(before, country, city).expect("a place");
        assert_eq!(moved(&nowhere, Some(" de "), Some(" Bremen ")), bremen);
        assert_eq!(moved(&bremen, None, None), bremen);
        assert_eq!(moved(&bremen, Some("DE"), None), bremen);
        assert_eq!(moved(&bremen, None, Some("Kiel")), place("DE", "Kiel"));
        assert_eq!(moved(&bremen, None, Some("")), place("DE", ""));
        assert_eq!(moved(&bremen, Some("FR"), None), place("FR", ""), "Bremen is not in France");
        assert_eq!(moved(&bremen, Some(""), None), nowhere);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |country: Option<&str>, city: Option<&str>| match moved(
            &Place::default(),
            country,
            city,
        ) {
            Err(Error::FieldInvalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        for country in ["XX", "D", "DEU", "Germany", "D\0", "ß"] {
            assert_eq!(refused(Some(country), None), "country", "{country}");
        }
        let long = "x".repeat(129);
        assert_eq!(refused(Some("DE"), Some(&long)), "city");
        assert_eq!(refused(Some("DE"), Some("a\0b")), "city");
        assert_eq!(refused(None, Some("Bremen")), "city");
        assert_eq!(refused(Some(""), Some("Bremen")), "city");
    }
}
