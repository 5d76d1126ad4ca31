//! The pages around an article: those that link to it, some that link to those, and how all of them link to each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{answers::Page, page_rank::page_rank, work::is_title};

/// Pages that link to those that link to the article.
const FURTHER_MAX: usize = 200;

/// Pages of one request, as a wiki allows everybody.
const BATCH: usize = 50;

/// Links that are read in all: 500 come with an answer.
const LINKS_MAX: u32 = 40_000;

/// Pages that are kept with their titles and with the links among them. The first is the article.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Neighbourhood {
    /// What links to the article say.
    names: BTreeSet<String>,
    pages: Vec<Around>,
    /// How many of these, after the first, link to it.
    linkers: usize,
    /// How many links were read.
    read: u32,
}

/// A page of it.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Around {
    id: u64,
    title: String,
    /// How many links it has to others.
    #[serde(default, skip_serializing_if = "is_zero")]
    out: u32,
    /// To which of those that are kept.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    to: BTreeSet<u16>,
    /// Whether all of its links were read.
    #[serde(default)]
    whole: bool,
}

fn is_zero(it: &u32) -> bool {
    *it == 0
}

// === impl Neighbourhood ===

impl Neighbourhood {
    pub(super) fn new(page: u64, names: BTreeSet<String>, linkers: Vec<(u64, String)>) -> Self {
        let mut pages = vec![Around { id: page, ..Around::default() }];
        let around = |(id, title)| Around { id, title, ..Around::default() };
        pages.extend(linkers.into_iter().map(around));
        let linkers = pages.len() - 1;
        Self { names, pages, linkers, read: 0 }
    }

    pub(super) fn has_linkers(&self) -> bool {
        self.linkers > 0
    }

    fn linkers(&self) -> &[Around] {
        // A task that somebody else wrote may say anything.
        self.pages.get(1..).unwrap_or_default().get(..self.linkers).unwrap_or_default()
    }

    /// Whether there are linkers after a batch of them.
    pub(super) fn linkers_after(&self, batch: usize) -> bool {
        self.linkers().chunks(BATCH).len() > batch.saturating_add(1)
    }

    /// A batch of those that link to the article.
    pub(super) fn linkers_of(&self, batch: usize) -> String {
        ids(self.linkers().chunks(BATCH).nth(batch).unwrap_or_default())
    }

    /// Whether there are pages after a batch of all.
    pub(super) fn pages_after(&self, batch: usize) -> bool {
        !self.full() && self.pages.chunks(BATCH).len() > batch.saturating_add(1)
    }

    /// A batch of all.
    pub(super) fn pages_of(&self, batch: usize) -> String {
        ids(self.pages.chunks(BATCH).nth(batch).unwrap_or_default())
    }

    fn batch(&mut self, batch: usize) -> &mut [Around] {
        self.pages.chunks_mut(BATCH).nth(batch).unwrap_or_default()
    }

    /// Adds some that link to those that link to the article: of each as many.
    pub(super) fn take_further(&mut self, pages: &[Page]) {
        let share = FURTHER_MAX.div_ceil(self.linkers.max(1));
        let mut known: BTreeSet<u64> = self.pages.iter().map(|it| it.id).collect();
        let max = 1 + self.linkers + FURTHER_MAX;
        for page in pages {
            let fit = page.linkshere.iter().filter(|it| it.ns == super::ARTICLES);
            let fit = fit.filter(|it| is_title(&it.title)).take(share);
            for (id, title) in fit.filter_map(|it| Some((it.pageid?, &it.title))) {
                if self.pages.len() < max && known.insert(id) {
                    self.pages.push(Around { id, title: title.clone(), ..Around::default() });
                }
            }
        }
    }

    /// Adds links of pages that are kept.
    pub(super) fn take_links(&mut self, pages: &[Page]) {
        let at = |it: usize| u16::try_from(it).ok();
        let places: BTreeMap<u64, usize> =
            self.pages.iter().enumerate().map(|(place, it)| (it.id, place)).collect();
        let titles = self.pages.iter().enumerate().skip(1);
        let mut titles: BTreeMap<String, u16> =
            titles.filter_map(|(place, it)| Some((it.title.clone(), at(place)?))).collect();
        titles.extend(self.names.iter().map(|it| (it.clone(), 0)));
        for page in pages {
            let Some(place) = page.pageid.and_then(|it| places.get(&it).copied()) else { continue };
            for link in page.links.iter().filter(|it| it.ns == super::ARTICLES) {
                self.read = self.read.saturating_add(1);
                let from = &mut self.pages[place];
                // To the article itself under another name is one and the same link.
                let further = match titles.get(&link.title) {
                    Some(to) if usize::from(*to) == place => false,
                    Some(to) => from.to.insert(*to),
                    None => true,
                };
                from.out = from.out.saturating_add(u32::from(further));
            }
        }
    }

    /// Whether enough links were read.
    pub(super) fn full(&self) -> bool {
        self.read >= LINKS_MAX
    }

    /// Notes that all links of a batch were read.
    pub(super) fn read_whole(&mut self, batch: usize) {
        for page in self.batch(batch) {
            page.whole = true;
        }
    }

    /// Notes that all links of those pages of a batch were read that come before one.
    pub(super) fn read_until(&mut self, batch: usize, before: Option<u64>) {
        for page in self.batch(batch) {
            page.whole = before.is_some_and(|before| page.id < before);
        }
    }

    /// Forgets the links of a batch.
    pub(super) fn forget(&mut self, batch: usize) {
        for page in self.batch(batch) {
            page.out = 0;
            page.to.clear();
        }
    }

    /// The rank of the article, in multiples of that of the mean page here. Pages whose links are not known are left out.
    pub(super) fn rank(&self) -> f64 {
        // By their numbers, whatever order they were told in.
        let kept = self.pages.iter().enumerate().filter(|(place, it)| *place == 0 || it.whole);
        let mut kept: Vec<(usize, &Around)> = kept.collect();
        kept.sort_by_key(|(_, it)| it.id);
        let places: BTreeMap<usize, u32> =
            (0..).zip(&kept).map(|(now, (before, _))| (*before, now)).collect();
        let whole = |it: &Around| if it.whole { it.out } else { 0 };
        // The last one is all the rest: there is one, also of an article that nothing is around.
        let out: Vec<u32> = kept.iter().map(|(_, it)| whole(it)).chain([0]).collect();
        let links = kept.iter().filter(|(_, it)| it.whole).flat_map(|(before, it)| {
            let to = it.to.iter().filter_map(|to| places.get(&usize::from(*to)));
            to.map(|to| (places[before], *to))
        });
        let article = places.get(&0).and_then(|it| usize::try_from(*it).ok()).unwrap_or_default();
        let ranks = page_rank(&out, &links.collect::<Vec<_>>(), article);
        let count = f64::from(u32::try_from(ranks.len()).unwrap_or(u32::MAX));
        ranks.get(article).copied().unwrap_or_default() * count
    }
}

fn ids(pages: &[Around]) -> String {
    let ids: Vec<String> = pages.iter().map(|it| it.id.to_string()).collect();
    ids.join("|")
}
