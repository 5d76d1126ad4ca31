//! Wikipedia: how much an article about a person is linked.
//!
//! An account is an article, known by its wiki and the number of its page, which stays when the page is renamed. What is
//! told are three counters: how many articles link to it, over redirects too; how many articles it links to; and how far
//! its rank is above that of the mean page around it ([`page_rank`]). Nobody acts: who edits is not who is influenced.
//!
//! Nobody can prove to be whom an article is about. Anybody may write into it, a link or a sentence, so that it names a
//! page of somebody's shows only that somebody wrote that: an operator says whose it is.

mod answers;
mod handle;
mod neighbourhood;
mod page_rank;
mod work;

use std::collections::BTreeMap;

use klout_proto::{
    convert::timestamp,
    signal::v1::{Account as WireAccount, Counter, Signal, signal::Content},
};
use url::Url;

use self::{
    answers::Page,
    handle::{Handle, host_of},
    neighbourhood::Neighbourhood,
    work::{Inlinks, Links, Outlinks, Place, Work},
};
use crate::{
    Account, Answer, Ask, Capabilities, Description, Listing, Method, Network, Recorded, Server,
    State, Step, Task, Terms, Then, Trouble, Visit, Whose,
};

/// The network.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wikipedia;

static DESCRIPTION: Description = Description {
    network: NETWORK,
    display_name: "Wikipedia",
    state: State::Live,
    capabilities: Capabilities {
        resolve: Whose::Any,
        audience: Whose::None,
        posts: Whose::None,
        reaction_counts: Whose::None,
        reactors: Whose::None,
        mentions: Whose::Any,
        stream: Whose::None,
        archive: Whose::None,
    },
    methods: &[Method::Operator],
    terms: Terms {
        retention: None,
        feeds_perks: true,
        blends: true,
        forgets: false,
        summary: "Texts are under CC BY-SA; counts of links are nobody's. Who asks says who they are, one request after \
                  the other, and waits when the wiki is behind.",
        url: "https://www.mediawiki.org/wiki/API:Etiquette",
    },
    gives: "Of an article about a person: how many articles link to it, redirects followed, up to 10,000; how many it \
            links to; and its local PageRank, from at most 200 of those and 200 that link to them. Not who edits or reads it.",
    source: "The action API of the article's wiki, which everybody may ask.",
};

const NETWORK: &str = "wikipedia";

/// Where articles live; talk and the like is elsewhere.
const ARTICLES: i64 = 0;

/// How many seconds behind the wiki's databases may be; else it says to wait, as its etiquette asks for.
const LAG_SECONDS_MAX: &str = "5";

// === impl Wikipedia ===

impl Network for Wikipedia {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn server(&self, handle: &str) -> Result<Option<String>, &'static str> {
        Handle::parse(handle).map(|handle| Some(handle.host))
    }

    fn resolve(&self, visit: &Visit) -> Result<Ask, Trouble> {
        let handle = visit.account.handle.as_deref().unwrap_or_default();
        let handle = Handle::parse(handle).map_err(|_| Trouble::AccountGone)?;
        let title = ("titles", handle.title);
        let what = [("redirects", "1"), ("prop", "pageprops"), ("ppprop", "disambiguation")];
        Ok(asked(visit, [title].into_iter().chain(what.map(owned))))
    }

    fn resolved(&self, visit: &Visit, answer: &Answer<'_>) -> Result<Account, Trouble> {
        let query = answers::query(answer, visit.now)?.query.unwrap_or_default();
        // A part of an article that is about somebody else, or about a family.
        if query.redirects.iter().any(|it| it.tofragment.is_some()) {
            return Err(Trouble::AccountGone);
        }
        let [page] = query.pages.as_slice() else { return Err(Trouble::AccountGone) };
        // A page that tells people of one name apart is about none of them.
        let several = page.pageprops.as_ref().is_some_and(|it| it.contains_key("disambiguation"));
        let number = page.pageid.filter(|_| page.is_article() && !several);
        let number = number.ok_or(Trouble::AccountGone)?;
        let native_id = format!("{}/{number}", host_of(&visit.public));
        Ok(Account { native_id, handle: Some(Handle::of(&visit.public, &page.title)) })
    }

    fn begin(&self, _visit: &Visit) -> Vec<Then> {
        vec![Then::always(Work::Page.task())]
    }

    fn ask(&self, visit: &Visit, task: &Task) -> Result<Ask, Trouble> {
        let page = number_of(&visit.account)?;
        Ok(asked(visit, Work::of(task)?.parameters(page)))
    }

    fn read(&self, visit: &Visit, task: &Task, answer: &Answer<'_>) -> Result<Step, Trouble> {
        let page = number_of(&visit.account)?;
        let work = Work::of(task)?;
        let envelope = match answers::query(answer, visit.now) {
            // The wiki does not know where we were: what we asked for may have been changed since.
            Err(Trouble::Malformed { .. }) if answers::lost_its_place(answer) => {
                return work.afresh().map(next);
            }
            envelope => envelope?,
        };
        let on = envelope.further(work.place())?;
        let query = envelope.query.unwrap_or_default();
        Ok(match work {
            Work::Page => {
                let article = query.pages.into_iter().next();
                let there = article.filter(|it| !it.missing && !it.invalid);
                looked_at(visit, &there.ok_or(Trouble::AccountGone)?)
            }
            Work::Nothing { list } => {
                let still = query.pages.first().is_none_or(|it| !it.is_article());
                Step { listing: still.then(|| whole(&list)), ..Step::default() }
            }
            Work::Inlinks(mut inlinks) => {
                inlinks.take(page, query.backlinks);
                match on.filter(|_| !inlinks.full()) {
                    Some(at) => next(Work::Inlinks(Inlinks { at, ..inlinks })),
                    None => linked(visit, page, inlinks),
                }
            }
            Work::Outlinks(mut outlinks) => {
                outlinks.take(page, &query.pages);
                match on.filter(|_| !outlinks.full()) {
                    Some(at) => next(Work::Outlinks(Outlinks { at, ..outlinks })),
                    None => told(visit, PAGE_OUTLINKS, f64::from(outlinks.count())),
                }
            }
            Work::Further { mut around, batch } => {
                around.take_further(&query.pages);
                next(match around.linkers_after(batch) {
                    true => Work::Further { around, batch: batch + 1 },
                    false => Work::Links(Links::new(around, 0)),
                })
            }
            Work::Links(mut links) => {
                links.around.take_links(&query.pages);
                read_on(visit, links, on)
            }
        })
    }

    fn recorded(&self, url: &Url) -> Option<Recorded> {
        if !url.path().ends_with("/api.php") {
            return None;
        }
        let asked: BTreeMap<_, _> = url.query_pairs().collect();
        let get = |name| asked.get(name).map(AsRef::as_ref);
        let page = get("pageids").is_some();
        let work = match (get("list"), get("generator"), get("prop")) {
            (Some("backlinks"), _, _) => Work::Inlinks(Inlinks::default()),
            (None, Some("links"), _) if page => Work::Outlinks(Outlinks::default()),
            (None, None, Some("info")) if page => Work::Page,
            (None, None, _) if get("titles").is_some() => return Some(Recorded::Account),
            _ => return None,
        };
        Some(Recorded::Task(work.task()))
    }
}

const PAGE_INLINKS: &str = "page_inlinks";
const PAGE_OUTLINKS: &str = "page_outlinks";
const PAGE_RANK: &str = "page_rank";

/// Parts of one batch of pages and their links: pages whose links are in later ones are left out.
const PARTS_MAX: u32 = 40;

/// What follows when a part of the links of some pages was read.
fn read_on(visit: &Visit, reading: Links, on: Option<Place>) -> Step {
    let Links { mut around, batch, parts, restarts, at: _ } = reading;
    match on {
        Some(at) if parts + 1 < PARTS_MAX && !around.full() => {
            return next(Work::Links(Links { around, batch, parts: parts + 1, at, restarts }));
        }
        Some(at) => around.read_until(batch, work::page_of(&at)),
        None => around.read_whole(batch),
    }
    match around.pages_after(batch) {
        true => next(Work::Links(Links { restarts, ..Links::new(around, batch + 1) })),
        false => told(visit, PAGE_RANK, around.rank()),
    }
}

/// Nothing is told yet.
fn next(work: Work) -> Step {
    Step { next: Some(work.task()), ..Step::default() }
}

/// What follows when all that link to an article are known.
fn linked(visit: &Visit, page: u64, inlinks: Inlinks) -> Step {
    let count = inlinks.count();
    let work = Work::around(Neighbourhood::new(page, inlinks.names, inlinks.linkers));
    let rank = Then::unless(work.task(), PAGE_RANK, roughly(count).to_string());
    Step { then: vec![rank], ..told(visit, PAGE_INLINKS, f64::from(count)) }
}

/// What follows from what an article is like.
fn looked_at(visit: &Visit, article: &Page) -> Step {
    let account = Account {
        native_id: visit.account.native_id.clone(),
        handle: Some(Handle::of(&visit.public, &article.title)),
    };
    if !article.is_article() {
        // A sign to another article, for now: it tells nothing as long as it is so.
        let nothing = |list: &str| Then::always(Work::Nothing { list: list.to_owned() }.task());
        let then = [PAGE_INLINKS, PAGE_OUTLINKS, PAGE_RANK].map(nothing).to_vec();
        return Step { account: Some(account), then, ..Step::default() };
    }
    let outlinks = Work::Outlinks(Outlinks::default()).task();
    let outlinks = match &article.touched {
        // It is touched whenever what it links to comes or goes.
        Some(touched) => Then::unless(outlinks, PAGE_OUTLINKS, touched),
        None => Then::always(outlinks),
    };
    let inlinks = Then::always(Work::Inlinks(Inlinks::new(&article.title)).task());
    Step { account: Some(account), then: vec![inlinks, outlinks], ..Step::default() }
}

/// A number that is told once a day and whenever it has changed; the one before is taken back.
fn told(visit: &Visit, name: &str, value: f64) -> Step {
    let signal = Signal {
        network: NETWORK.to_owned(),
        signal_id: format!("{name}@{}={value}", visit.now.date()),
        time: Some(timestamp(visit.now)),
        content: Some(Content::Counter(Counter {
            account: Some(WireAccount {
                native_id: visit.account.native_id.clone(),
                handle: visit.account.handle.clone(),
            }),
            name: name.to_owned(),
            value,
            post: None,
        })),
    };
    Step { signals: vec![signal], listing: Some(whole(name)), ..Step::default() }
}

/// A list of one number, all of it.
fn whole(name: &str) -> Listing {
    Listing { name: name.to_owned(), under: None, last: true }
}

/// How many articles link to one, to about a sixteenth: as long as it is the same, its rank is hardly another.
fn roughly(inlinks: u32) -> u32 {
    let mut step = 1;
    while inlinks / step >= 32 {
        step *= 2;
    }
    inlinks / step * step
}

/// The number of the page that an account is.
fn number_of(account: &Account) -> Result<u64, Trouble> {
    let number = account.native_id.rsplit_once('/').and_then(|(_, number)| number.parse().ok());
    number.ok_or_else(|| Trouble::Malformed {
        what: "the id of the account",
        problem: "it does not end with the number of a page".to_owned(),
    })
}

fn owned((name, value): (&'static str, &str)) -> (&'static str, String) {
    (name, value.to_owned())
}

/// A query of the action API.
fn asked(visit: &Visit, parameters: impl IntoIterator<Item = (impl AsRef<str>, String)>) -> Ask {
    let mut url: Url = visit.public.clone();
    url.set_query(None);
    url.set_fragment(None);
    let mut pairs = url.query_pairs_mut();
    pairs
        .append_pair("action", "query")
        .append_pair("format", "json")
        .append_pair("formatversion", "2")
        .append_pair("maxlag", LAG_SECONDS_MAX);
    for (name, value) in parameters {
        pairs.append_pair(name.as_ref(), &value);
    }
    drop(pairs);
    Ask::get(Server::Public, url)
}

#[cfg(test)]
mod tests;
