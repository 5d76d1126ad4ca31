//! Who fits. Pure.

use std::collections::BTreeSet;

use klout_model::Network;
use klout_proto::{graph::v1::Person, profile::v1::ListPeopleRequest, score::v1::Score};

use crate::{error::Error, transcode::Unbindable};

/// Which people are asked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filter {
    min_score: Option<f64>,
    max_score: Option<f64>,
    topic: String,
    country: String,
    /// In lower case.
    city: String,
    network: String,
}

// === impl Filter ===

impl Filter {
    pub(super) fn parse(request: ListPeopleRequest) -> Result<Self, Error> {
        let ListPeopleRequest { min_score, max_score, topic, country, city, network, .. } = request;
        for (field, score) in [("min_score", min_score), ("max_score", max_score)] {
            if score.is_some_and(|score| !score.is_finite()) {
                return Err(cannot_be(field, "is not a number"));
            }
        }
        if let (Some(min), Some(max)) = (min_score, max_score)
            && min > max
        {
            return Err(cannot_be("min_score", "is more than `max_score`"));
        }
        let country = country.trim().to_ascii_uppercase();
        let is_code = country.len() == 2 && country.bytes().all(|it| it.is_ascii_uppercase());
        if !country.is_empty() && !is_code {
            return Err(cannot_be("country", "is no ISO 3166-1 alpha-2 code such as DE"));
        }
        if !network.is_empty() && network.parse::<Network>().is_err() {
            return Err(cannot_be("network", "is not the name of a network"));
        }
        let city = city.trim().to_lowercase();
        let topic = topic.trim().to_owned();
        Ok(Self { min_score, max_score, topic, country, city, network })
    }

    pub(super) const fn min_score(&self) -> Option<f64> {
        self.min_score
    }

    pub(super) const fn max_score(&self) -> Option<f64> {
        self.max_score
    }

    pub(super) fn topic(&self) -> Option<&str> {
        Some(self.topic.as_str()).filter(|topic| !topic.is_empty())
    }

    /// Whether a score alone does not tell who fits.
    pub(super) fn asks_others(&self) -> bool {
        self.topic().is_some() || self.asks_who_they_are()
    }

    pub(super) fn asks_who_they_are(&self) -> bool {
        !(self.country.is_empty() && self.city.is_empty() && self.network.is_empty())
    }

    /// Whether somebody fits, but for score and topic.
    pub(super) fn fits(&self, person: &Person) -> bool {
        (self.country.is_empty() || self.country == person.country)
            && (self.city.is_empty() || self.city == person.city.to_lowercase())
            && (self.network.is_empty() || networks(person).any(|it| it == self.network))
    }

    /// Whether it is known, and one that is asked for.
    pub(super) fn has_score(&self, score: &Score) -> bool {
        score.score.filter(|_| score.known()).is_some_and(|score| {
            self.min_score.is_none_or(|min| score >= min)
                && self.max_score.is_none_or(|max| score <= max)
        })
    }
}

/// On which somebody has an account that they do not withhold, each once and sorted.
pub(super) fn networks(person: &Person) -> impl Iterator<Item = &str> {
    let networks = person.accounts.iter().map(|it| it.network.as_str());
    let withheld = |network: &&str| person.withheld_networks.iter().any(|it| it == network);
    let networks: BTreeSet<_> = networks.filter(|network| !withheld(network)).collect();
    networks.into_iter()
}

fn cannot_be(field: &str, problem: &'static str) -> Error {
    Error::Field(Unbindable { field: field.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use klout_proto::graph::v1::LinkedAccount;

    use super::*;

    fn filter(request: ListPeopleRequest) -> Option<Filter> {
        Filter::parse(request).ok()
    }

    fn ann() -> Person {
        let account =
            |network: &str| LinkedAccount { network: network.to_owned(), ..Default::default() };
        Person {
            country: "DE".to_owned(),
            city: "Köln".to_owned(),
            accounts: ["github", "bluesky", "github", "mastodon"].map(account).to_vec(),
            withheld_networks: vec!["mastodon".to_owned()],
            ..Person::default()
        }
    }

    #[test]
    fn places_fit_whatever_their_case_and_networks_unless_they_are_withheld() {
        let fits = |country: &str, city: &str, network: &str| {
            let (country, city, network) =
                (country.to_owned(), city.to_owned(), network.to_owned());
            let request = ListPeopleRequest { country, city, network, ..Default::default() };
            filter(request).expect("a filter").fits(&ann())
        };
        for (country, city, network) in
            [("", "", ""), ("de", "", ""), ("DE", " KÖLN ", "github"), ("", "köln", "bluesky")]
        {
            assert!(fits(country, city, network), "{country} {city} {network}");
        }
        for (country, city, network) in
            [("AT", "", ""), ("DE", "Bonn", ""), ("", "", "mastodon"), ("", "", "tumblr")]
        {
            assert!(!fits(country, city, network), "{country} {city} {network}");
        }
        assert_eq!(networks(&ann()).collect::<Vec<_>>(), ["bluesky", "github"]);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let of =
            |min_score, max_score| ListPeopleRequest { min_score, max_score, ..Default::default() };
        let country =
            |country: &str| ListPeopleRequest { country: country.to_owned(), ..Default::default() };
        let network =
            |network: &str| ListPeopleRequest { network: network.to_owned(), ..Default::default() };
        for bad in [
            of(Some(f64::NAN), None),
            of(None, Some(f64::INFINITY)),
            of(Some(60.0), Some(50.0)),
            country("Germany"),
            country("1a"),
            network("not a network"),
        ] {
            assert!(filter(bad.clone()).is_none(), "{bad:?}");
        }
        assert!(filter(of(Some(50.0), Some(50.0))).is_some());
    }

    #[test]
    fn only_a_known_score_within_the_bounds_fits() {
        let request = ListPeopleRequest {
            min_score: Some(50.0),
            max_score: Some(60.0),
            ..Default::default()
        };
        let filter = filter(request).expect("a filter");
        let score =
            |state: &str, score| Score { state: state.to_owned(), score, ..Default::default() };
        assert!(filter.has_score(&score("KNOWN", Some(50.0))));
        assert!(filter.has_score(&score("KNOWN", Some(60.0))));
        assert!(!filter.has_score(&score("KNOWN", Some(60.1))));
        assert!(!filter.has_score(&score("PENDING", Some(55.0))));
        assert!(!filter.has_score(&score("UNKNOWN", None)));
    }
}
