//! What is still to be asked of a wiki.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    answers::{Backlink, Link, Page},
    neighbourhood::Neighbourhood,
};
use crate::{Task, TaskBroken, Trouble};

/// Where an answer went on, by the wiki's own names: said to it again, all of it.
pub(super) type Place = BTreeMap<String, String>;

/// Articles that link to one: more are not counted. Their logarithm is what counts, and each is kept from request to
/// request, as redirects name many twice.
const INLINKS_MAX: usize = 10_000;

/// Articles that one links to: no article has half as many.
const OUTLINKS_MAX: usize = 10_000;

/// Redirects to an article whose names are kept.
const NAMES_MAX: usize = 50;

/// Articles that link to one and are looked at further.
const LINKERS_MAX: usize = 200;

/// In bytes, as MediaWiki has it. What is longer is no title.
const TITLE_LENGTH_MAX: usize = 255;

/// How often a list is begun again because the wiki does not know where we were.
const RESTARTS_MAX: u8 = 2;

/// One thing to ask, and what has been told of it.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Work {
    /// What the article is like.
    Page,
    /// Whether it still is none, so that what a list held is not so any more.
    Nothing { list: String },
    /// Who links to it.
    Inlinks(Inlinks),
    /// Whom it links to.
    Outlinks(Outlinks),
    /// Who links to those who link to it.
    Further { around: Neighbourhood, batch: usize },
    /// Whom all of these link to.
    Links(Links),
}

/// Articles that link to one.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Inlinks {
    #[serde(default)]
    pub(super) at: Place,
    #[serde(default)]
    pub(super) restarts: u8,
    pub(super) ids: BTreeSet<u64>,
    /// What the article is called, and by which redirects.
    pub(super) names: BTreeSet<String>,
    /// The first of those that link, each once.
    pub(super) linkers: Vec<(u64, String)>,
}

/// Articles that one links to.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub(super) struct Outlinks {
    #[serde(default)]
    pub(super) at: Place,
    #[serde(default)]
    pub(super) restarts: u8,
    pub(super) ids: BTreeSet<u64>,
}

/// Links of a batch of pages.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Links {
    pub(super) around: Neighbourhood,
    pub(super) batch: usize,
    /// How many parts of this batch were read.
    pub(super) parts: u32,
    #[serde(default)]
    pub(super) at: Place,
    #[serde(default)]
    pub(super) restarts: u8,
}

// === impl Work ===

impl Work {
    pub(super) fn of(task: &Task) -> Result<Self, TaskBroken> {
        task.read()
    }

    pub(super) fn task(&self) -> Task {
        Task::of(self)
    }

    /// Begins to look around an article.
    pub(super) fn around(around: Neighbourhood) -> Self {
        match around.has_linkers() {
            true => Self::Further { around, batch: 0 },
            false => Self::Links(Links::new(around, 0)),
        }
    }

    /// Where it goes on.
    pub(super) fn place(&self) -> Option<&Place> {
        match self {
            Self::Page | Self::Nothing { .. } | Self::Further { .. } => None,
            Self::Inlinks(Inlinks { at, .. })
            | Self::Outlinks(Outlinks { at, .. })
            | Self::Links(Links { at, .. }) => Some(at),
        }
    }

    /// The same from its beginning.
    ///
    /// # Errors
    ///
    /// When that has been tried.
    pub(super) fn afresh(self) -> Result<Self, Trouble> {
        let again = |restarts: u8| {
            (restarts < RESTARTS_MAX).then_some(restarts + 1).ok_or_else(|| Trouble::Malformed {
                what: "where the wiki's answer goes on",
                problem: "the wiki does not know it".to_owned(),
            })
        };
        Ok(match self {
            Self::Inlinks(it) => {
                let restarts = again(it.restarts)?;
                // The names stay: they are right, and they are few.
                Self::Inlinks(Inlinks { restarts, names: it.names, ..Inlinks::default() })
            }
            Self::Outlinks(it) => {
                Self::Outlinks(Outlinks { restarts: again(it.restarts)?, ..Outlinks::default() })
            }
            Self::Links(mut it) => {
                it.around.forget(it.batch);
                let restarts = again(it.restarts)?;
                Self::Links(Links { restarts, ..Links::new(it.around, it.batch) })
            }
            // They go on nowhere.
            Self::Page | Self::Nothing { .. } | Self::Further { .. } => {
                return again(RESTARTS_MAX).map(|_| Self::Page);
            }
        })
    }

    /// What is asked about a page.
    pub(super) fn parameters(&self, page: u64) -> Vec<(String, String)> {
        let page = page.to_string();
        let named = |it: &[(&str, &str)]| -> Vec<(String, String)> {
            it.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let mut asked = match self {
            Self::Page | Self::Nothing { .. } => named(&[("pageids", &page), ("prop", "info")]),
            Self::Inlinks(_) => named(&[
                ("list", "backlinks"),
                ("blpageid", &page),
                ("blnamespace", "0"),
                ("blredirect", "1"),
                ("bllimit", "max"),
            ]),
            Self::Outlinks(_) => named(&[
                ("generator", "links"),
                ("pageids", &page),
                ("gplnamespace", "0"),
                ("gpllimit", "max"),
                ("redirects", "1"),
            ]),
            Self::Further { around, batch } => named(&[
                ("prop", "linkshere"),
                ("pageids", &around.linkers_of(*batch)),
                ("lhprop", "pageid|title"),
                ("lhnamespace", "0"),
                ("lhshow", "!redirect"),
                ("lhlimit", "max"),
            ]),
            Self::Links(Links { around, batch, .. }) => named(&[
                ("prop", "links"),
                ("pageids", &around.pages_of(*batch)),
                ("plnamespace", "0"),
                ("pllimit", "max"),
            ]),
        };
        let place = self.place().into_iter().flatten();
        asked.extend(place.map(|(name, value)| (name.clone(), value.clone())));
        asked
    }
}

/// The page whose links an answer goes on with: all before it were read whole.
pub(super) fn page_of(place: &Place) -> Option<u64> {
    place.get("plcontinue")?.split('|').next()?.parse().ok()
}

// === impl Inlinks ===

impl Inlinks {
    pub(super) fn new(title: &str) -> Self {
        let names = [title].into_iter().filter(|it| is_title(it)).map(str::to_owned).collect();
        Self { names, ..Self::default() }
    }

    /// Adds those of one answer, each once. A redirect is none, but those who link to it are.
    pub(super) fn take(&mut self, page: u64, backlinks: Vec<Backlink>) {
        for backlink in backlinks {
            if backlink.redirect {
                if self.names.len() < NAMES_MAX && is_title(&backlink.page.title) {
                    self.names.insert(backlink.page.title);
                }
            } else {
                self.add(page, backlink.page);
            }
            for over in backlink.redirlinks.into_iter().filter(|it| !it.redirect) {
                self.add(page, over.page);
            }
        }
    }

    fn add(&mut self, page: u64, link: Link) {
        let number = link.pageid.filter(|it| *it != page && link.ns == super::ARTICLES);
        let (Some(number), false) = (number, self.full()) else { return };
        let new = self.ids.insert(number);
        if new && self.linkers.len() < LINKERS_MAX && is_title(&link.title) {
            self.linkers.push((number, link.title));
        }
    }

    pub(super) fn full(&self) -> bool {
        self.ids.len() >= INLINKS_MAX
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.ids.len()).unwrap_or(u32::MAX)
    }
}

// === impl Links ===

impl Links {
    /// None of a batch yet.
    pub(super) fn new(around: Neighbourhood, batch: usize) -> Self {
        Self { around, batch, parts: 0, at: Place::new(), restarts: 0 }
    }
}

// === impl Outlinks ===

impl Outlinks {
    /// Adds those of one answer that there are.
    pub(super) fn take(&mut self, page: u64, pages: &[Page]) {
        let there = pages.iter().filter(|it| it.is_article());
        for number in there.filter_map(|it| it.pageid).filter(|it| *it != page) {
            if !self.full() {
                self.ids.insert(number);
            }
        }
    }

    pub(super) fn full(&self) -> bool {
        self.ids.len() >= OUTLINKS_MAX
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.ids.len()).unwrap_or(u32::MAX)
    }
}

/// Whether it is a title that is kept.
pub(super) fn is_title(text: &str) -> bool {
    (1..=TITLE_LENGTH_MAX).contains(&text.len())
}
