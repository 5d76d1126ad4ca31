//! Where in the ranking a page begins. Pure.

use std::{cmp::Reverse, fmt};

use klout_chassis::{PageMalformed, page};
use klout_proto::{profile::v1::ListedPerson, score::v1::Score};

/// Divides what scoring says from what we add.
const DIVIDER: char = '~';

/// Where a piece of scoring's ranking begins, and after whom of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Place {
    /// Scoring's own. Empty: the beginning.
    token: String,
    after: Option<Rank>,
}

/// Orders people: best first, then by their ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    /// The bits of a score, which is not negative and is ordered as they are.
    score: Reverse<u64>,
    person: i64,
}

// === impl Place ===

impl Place {
    /// Of a token that [`Display`](fmt::Display) made.
    pub(super) fn parse(token: &str) -> Result<Self, PageMalformed> {
        let Some((token, after)) = token.split_once(DIVIDER) else {
            return Ok(Self::at(token.to_owned()));
        };
        let after = after.split_once('.').and_then(|(score, person)| {
            let score = Reverse(u64::from_str_radix(score, 16).ok()?);
            Some(Rank { score, person: person.parse().ok()? })
        });
        let after = Some(after.ok_or_else(page::not_ours)?);
        Ok(Self { token: token.to_owned(), after })
    }

    pub(super) const fn at(token: String) -> Self {
        Self { token, after: None }
    }

    /// The place behind somebody in the piece that begins here.
    pub(super) fn after(&self, last: &Score) -> Self {
        Self { token: self.token.clone(), after: Some(Rank::of(last)) }
    }

    pub(super) fn token(&self) -> &str {
        &self.token
    }

    /// Those of the piece that begins here who are not passed yet.
    pub(super) fn rest_of(&self, ranked: Vec<Score>) -> Vec<Score> {
        let mut ranked = ranked;
        ranked.retain(|it| self.after.is_none_or(|after| Rank::of(it) > after));
        ranked
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.token)?;
        match self.after {
            Some(Rank { score: Reverse(score), person }) => {
                write!(f, "{DIVIDER}{score:x}.{person}")
            }
            None => Ok(()),
        }
    }
}

// === impl Rank ===

impl Rank {
    fn of(score: &Score) -> Self {
        let bits = score.score.filter(|score| *score > 0.0).unwrap_or_default().to_bits();
        Self { score: Reverse(bits), person: score.person.parse().unwrap_or(i64::MAX) }
    }
}

pub(super) fn rank_of(person: &ListedPerson) -> Option<Rank> {
    person.score.as_ref().map(Rank::of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(person: i64, score: f64) -> Score {
        Score { person: person.to_string(), score: Some(score), ..Score::default() }
    }

    #[test]
    fn a_page_goes_on_behind_the_last_one_also_among_equals() {
        let ranked = vec![
            score(9, 70.5),
            score(2, 60.25),
            score(10, 60.25),
            score(11, 60.25),
            score(1, 1.0),
        ];
        let begin = Place::at("4f.7".to_owned());
        assert_eq!(begin.rest_of(ranked.clone()), ranked);
        for (index, last) in ranked.iter().enumerate() {
            let token = begin.after(last).to_string();
            let place = Place::parse(&token).expect("ours");
            assert_eq!(place.token(), "4f.7");
            assert_eq!(place.rest_of(ranked.clone()), ranked[index + 1..]);
        }
        assert_eq!(Place::parse("4f.7").expect("ours"), begin);
        assert_eq!(Place::parse("").expect("the beginning"), Place::default());
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for token in ["~", "x~1", "x~1.a", "x~g.1", "~1.2~3"] {
            assert!(Place::parse(token).is_err(), "{token}");
        }
    }
}
