//! Who influences a person and whom they influence, as their profile shows it.

use std::{collections::HashMap, time::Duration};

use klout_chassis::within;
use klout_proto::graph::v1::{
    BatchGetPeopleRequest, Influence, ListInfluenceesRequest, ListInfluencersRequest,
};
use tonic::Status;
use tracing::debug;

use super::{
    Peers,
    names::{self, Name},
    text,
};

/// People of each list on a profile.
const SIZE: i32 = 10;

/// A page is not worth a longer wait for these lists, and is good without.
const TIME_MAX: Duration = Duration::from_secs(1);

/// Both lists.
#[derive(Debug)]
pub(super) struct Circle {
    pub(super) lists: [List; 2],
}

/// One of them.
#[derive(Debug, PartialEq)]
pub(super) struct List {
    pub(super) title: &'static str,
    /// What there is to say when it is empty.
    pub(super) nobody: &'static str,
    /// The strongest first.
    pub(super) rows: Vec<Row>,
}

/// Somebody.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) person: String,
    pub(super) handle: String,
    /// Where and about what, in words.
    pub(super) about: String,
    /// Of the strongest, in hundredths.
    pub(super) length: String,
    pub(super) strength: String,
}

/// `None` when it is not told in time.
pub(super) async fn circle(peers: &Peers, person: &str) -> Option<Circle> {
    let found = within(TIME_MAX, find(peers, person)).await;
    found.and_then(|found| found).map_or_else(
        |status| {
            debug!(%status, "a profile is shown without who influences whom");
            None
        },
        Some,
    )
}

async fn find(peers: &Peers, person: &str) -> Result<Circle, Status> {
    let (mut of, mut by) = (peers.people.clone(), peers.people.clone());
    let influencers = of.list_influencers(ListInfluencersRequest {
        person: person.to_owned(),
        page_size: SIZE,
        ..Default::default()
    });
    let influencees = by.list_influencees(ListInfluenceesRequest {
        person: person.to_owned(),
        page_size: SIZE,
        ..Default::default()
    });
    let (influencers, influencees) = futures::try_join!(influencers, influencees)?;
    let influencers = influencers.into_inner().influencers;
    let influencees = influencees.into_inner().influencees;
    let names = {
        let listed = influencers.iter().chain(&influencees);
        names_of(peers, listed.map(|it| it.person.clone()).collect()).await?
    };
    let list = |title, nobody, listed| List { title, nobody, rows: rows(listed, &names) };
    Ok(Circle {
        lists: [
            list(
                "Influenced by",
                "Nobody yet: that takes reactions to other members in the last 90 days.",
                influencers,
            ),
            list(
                "Influences",
                "Nobody yet: that takes reactions of other members in the last 90 days.",
                influencees,
            ),
        ],
    })
}

/// What people are called; whoever left has no name.
pub(super) async fn names_of(
    peers: &Peers,
    mut people: Vec<String>,
) -> Result<HashMap<String, Name>, Status> {
    people.sort_unstable();
    people.dedup();
    if people.is_empty() {
        return Ok(HashMap::new());
    }
    let request = BatchGetPeopleRequest { people };
    let answered = peers.people.clone().batch_get_people(request).await?.into_inner();
    let named = answered.people.into_iter();
    let named = named.filter_map(|it| {
        let name = names::names(&it).into_iter().next()?;
        Some((it.person, name))
    });
    Ok(named.collect())
}

/// Who left since they were listed has no name and is left out.
fn rows(listed: Vec<Influence>, names: &HashMap<String, Name>) -> Vec<Row> {
    let most = listed.iter().map(|it| it.strength).fold(0.0, f64::max);
    let row = |it: Influence| {
        let name = names.get(&it.person)?;
        Some(Row {
            handle: name.handle.clone(),
            about: about(&it),
            length: format!("{:.1}", if most > 0.0 { it.strength / most * 100.0 } else { 0.0 }),
            strength: text::tenths(it.strength),
            person: it.person,
        })
    };
    listed.into_iter().filter_map(row).collect()
}

/// `both ways, on bluesky and github, about rust`.
fn about(it: &Influence) -> String {
    let both = (it.direction == "MUTUAL").then(|| "both ways".to_owned());
    let on = (!it.networks.is_empty())
        .then(|| format!("on {}", text::list(it.networks.iter().cloned())));
    let about =
        (!it.topics.is_empty()).then(|| format!("about {}", text::list(it.topics.iter().cloned())));
    both.into_iter().chain(on).chain(about).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn influence(person: &str, strength: f64, direction: &str) -> Influence {
        Influence {
            person: person.to_owned(),
            strength,
            direction: direction.to_owned(),
            networks: vec!["bluesky".to_owned(), "github".to_owned()],
            ..Influence::default()
        }
    }

    #[test]
    fn bars_are_parts_of_the_strongest_and_who_left_is_left_out() {
        let name = |handle: &str| Name { handle: handle.to_owned(), network: String::new() };
        let names = HashMap::from([("1".to_owned(), name("ann")), ("3".to_owned(), name("cid"))]);
        let listed = vec![
            influence("1", 8.04, "MUTUAL"),
            influence("2", 5.0, "INFLUENCER"),
            influence("3", 2.01, "INFLUENCER"),
        ];
        let rows = rows(listed, &names);
        let told: Vec<_> =
            rows.iter().map(|it| (it.handle.as_str(), &it.length[..], &it.strength[..])).collect();
        assert_eq!(told, [("ann", "100.0", "8.0"), ("cid", "25.0", "2.0")]);
    }

    #[test]
    fn what_is_between_people_is_said_in_words() {
        let mut it = influence("1", 1.0, "MUTUAL");
        assert_eq!(about(&it), "both ways, on bluesky and github");
        it.direction = "INFLUENCEE".to_owned();
        it.topics = vec!["rust".to_owned()];
        assert_eq!(about(&it), "on bluesky and github, about rust");
    }
}
