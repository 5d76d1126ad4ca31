//! One file of a dump, read into the index or into signals.

use std::sync::Arc;

use klout_model::{NativeId, RowReason};
use klout_proto::{
    convert::timestamp,
    signal::v1::{Account, Interaction, Post, Signal, signal::Content},
};
use time::OffsetDateTime;

use super::{
    Pass, Table, html,
    index::{Index, KnownPost},
    row::{attributes, id, optional_id, tags, time},
    rows::Rows,
};
use crate::{Entry, Found, Kept, Position, ReadError, SignalReader};

/// Where all of it happened.
const NETWORK: &str = "stackexchange";

/// Tags of one post, as many as a signal may have; links too.
const TAGS_MAX: usize = 32;

/// In bytes, of the text of one post, as much as a signal may have. A longer one is cut.
const TEXT_LENGTH_MAX: usize = 64 * 1024;

/// Kinds of posts and votes, by their numbers in a dump.
const QUESTION: &str = "1";
const ANSWER: &str = "2";
const ACCEPTED: &str = "1";
const UP_VOTE: &str = "2";

pub(super) struct DumpReader {
    rows: Rows,
    table: Table,
    pass: Pass,
    meaning: Meaning,
    /// The second signal of a row that is two.
    further: Option<Entry>,
}

/// What rows mean, given everything that is known.
struct Meaning {
    site: String,
    index: Arc<Index>,
}

/// Why a row is no signal.
enum Left {
    Rejected(RowReason),
    Unreadable(ReadError),
}

// === impl DumpReader ===

impl DumpReader {
    /// # Errors
    ///
    /// When the root element is not the one of `table`.
    pub(super) fn new(
        rows: Rows,
        table: Table,
        pass: Pass,
        site: &str,
        index: Arc<Index>,
    ) -> Result<Self, ReadError> {
        if rows.root() != table.root() {
            let (root, expected) = (rows.root(), table.root());
            let problem = format!("holds {root}, and not {expected}; are two files swapped?");
            return Err(ReadError::Dump { name: rows.name().to_owned(), problem });
        }
        let meaning = Meaning { site: site.to_owned(), index };
        Ok(Self { rows, table, pass, meaning, further: None })
    }

    /// Posts are read a second time, and then it is told which rows are wrong and where the file is cut
    /// off, after all that comes before is in.
    fn is_told_later(&self) -> bool {
        self.table == Table::Posts && self.pass == Pass::Index
    }
}

impl SignalReader for DumpReader {
    fn name(&self) -> &str {
        self.rows.name()
    }

    fn position(&self) -> Position {
        self.rows.position()
    }

    fn next_entry(&mut self) -> Result<Option<Entry>, ReadError> {
        if let Some(further) = self.further.take() {
            return Ok(Some(further));
        }
        let is_told_later = self.is_told_later();
        let row = match self.rows.next_row() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(None),
            Err(error) if is_told_later && error.is_cut() => return Ok(None),
            Err(error) => return Err(error),
        };
        let line = row.number;
        let found =
            row.text.map_err(Left::Rejected).and_then(|text| match (self.table, self.pass) {
                (Table::Users, _) => self.meaning.note_user(text),
                (Table::Posts, Pass::Index) => self.meaning.note_post(text),
                (Table::Posts, Pass::Signals) => self.meaning.post(text),
                (Table::Comments, _) => self.meaning.comment(text),
                (Table::Votes, _) => self.meaning.vote(text),
            });
        let entry = |found| Entry { line, found, kept: Kept::Signal };
        match found {
            Ok(signals) => {
                let mut signals =
                    signals.into_iter().flatten().map(|it| entry(Found::Signal(Box::new(it))));
                let first = signals.next();
                self.further = signals.next();
                let nothing = match self.pass {
                    Pass::Index => Found::Noted,
                    Pass::Signals => Found::NoReaction,
                };
                Ok(Some(first.unwrap_or_else(|| entry(nothing))))
            }
            Err(Left::Rejected(_)) if is_told_later => Ok(Some(entry(Found::Noted))),
            Err(Left::Rejected(reason)) => {
                let kept = Kept::Row(row.bytes.to_vec());
                Ok(Some(Entry { line, found: Found::rejected(reason), kept }))
            }
            Err(Left::Unreadable(error)) => Err(error),
        }
    }
}

// === impl Meaning ===

/// At most two: what was published, and whom that was a reaction to.
type Signals = [Option<Signal>; 2];

const NOTHING: Signals = [None, None];

impl Meaning {
    fn note_user(&self, row: &str) -> Result<Signals, Left> {
        let [user, name] = attributes(row, ["Id", "DisplayName"])?;
        let Some(user) = optional_id(user.as_deref())? else { return Ok(NOTHING) };
        // A name that no account may have is none, rather than a reason to refuse what its bearer did.
        let name = name.filter(|name| name.parse::<NativeId>().is_ok());
        if let Some(name) = name {
            self.index.note_user(user, &name)?;
        }
        Ok(NOTHING)
    }

    fn note_post(&self, row: &str) -> Result<Signals, Left> {
        let [post, owner, question, tags] =
            attributes(row, ["Id", "OwnerUserId", "ParentId", "Tags"])?;
        let known = KnownPost {
            owner: optional_id(owner.as_deref())?,
            question: optional_id(question.as_deref())?,
        };
        self.index.note_post(id(post.as_deref())?, known, tags.as_deref())?;
        Ok(NOTHING)
    }

    fn post(&self, row: &str) -> Result<Signals, Left> {
        let [post, post_type, owner, question, created, title, body] = attributes(
            row,
            ["Id", "PostTypeId", "OwnerUserId", "ParentId", "CreationDate", "Title", "Body"],
        )?;
        let id = id(post.as_deref())?;
        let post_type = post_type.ok_or(RowReason::RowMalformed)?;
        if ![QUESTION, ANSWER].contains(&&*post_type) {
            return Ok(NOTHING);
        }
        let Some(owner) = optional_id(owner.as_deref())? else { return Ok(NOTHING) };
        let time = time(created.as_deref())?;
        let question = optional_id(question.as_deref())?.filter(|_| post_type == ANSWER);

        let all_tags = self.index.tags(question.unwrap_or(id))?.unwrap_or_default();
        let (text, links) = post_text(title.as_deref(), body.as_deref());
        let content = Content::Post(Post {
            account: Some(self.account(owner)?),
            post: self.name(id),
            text,
            links,
            tags: tags(&all_tags).take(TAGS_MAX).map(str::to_owned).collect(),
        });
        let published = signal(format!("post/{id}"), time, content);
        let Some(question) = question else { return Ok([Some(published), None]) };
        let asker = self.index.post(question)?.owner;
        let reaction = self.reaction("reply", Some(owner), asker, question)?;
        let reaction = reaction.map(|it| signal(format!("answer/{id}"), time, it));
        Ok([Some(published), reaction])
    }

    fn comment(&self, row: &str) -> Result<Signals, Left> {
        let [comment, post, user, created] =
            attributes(row, ["Id", "PostId", "UserId", "CreationDate"])?;
        let (comment, post) = (id(comment.as_deref())?, id(post.as_deref())?);
        let Some(user) = optional_id(user.as_deref())? else { return Ok(NOTHING) };
        let time = time(created.as_deref())?;
        let owner = self.index.post(post)?.owner;
        let reaction = self.reaction("comment", Some(user), owner, post)?;
        Ok([reaction.map(|it| signal(format!("comment/{comment}"), time, it)), None])
    }

    fn vote(&self, row: &str) -> Result<Signals, Left> {
        let [vote, post, vote_type, created] =
            attributes(row, ["Id", "PostId", "VoteTypeId", "CreationDate"])?;
        let (vote, post) = (id(vote.as_deref())?, id(post.as_deref())?);
        let vote_type = vote_type.ok_or(RowReason::RowMalformed)?;
        let time = time(created.as_deref())?;
        let known = self.index.post(post)?;
        let (name, reaction) = match &*vote_type {
            UP_VOTE => ("vote", self.reaction("like", None, known.owner, post)?),
            ACCEPTED => {
                let Some(question) = known.question else { return Ok(NOTHING) };
                let Some(asker) = self.index.post(question)?.owner else { return Ok(NOTHING) };
                ("accept", self.reaction("accept", Some(asker), known.owner, post)?)
            }
            _ => return Ok(NOTHING),
        };
        Ok([reaction.map(|it| signal(format!("{name}/{vote}"), time, it)), None])
    }

    /// What one did to another. `None`: it was done to nobody, or to oneself.
    fn reaction(
        &self,
        kind: &str,
        actor: Option<u32>,
        subject: Option<u32>,
        post: u32,
    ) -> Result<Option<Content>, ReadError> {
        let Some(subject) = subject.filter(|subject| actor != Some(*subject)) else {
            return Ok(None);
        };
        Ok(Some(Content::Interaction(Interaction {
            actor: actor.map(|actor| self.account(actor)).transpose()?,
            subject: Some(self.account(subject)?),
            kind: kind.to_owned(),
            count: None,
            post: Some(self.name(post)),
            label: None,
        })))
    }

    fn account(&self, user: u32) -> Result<Account, ReadError> {
        Ok(Account { native_id: self.name(user), handle: self.index.name(user)? })
    }

    /// A user or a post, as nobody else of the network is called.
    fn name(&self, id: u32) -> String {
        format!("{}/{id}", self.site)
    }
}

/// What a post of a dump says, its title on a line of its own and then its body without HTML, and what it links to.
#[must_use]
pub fn post_text(title: Option<&str>, body: Option<&str>) -> (Option<String>, Vec<String>) {
    let (body, mut links) = html::read(body.unwrap_or_default());
    links.truncate(TAGS_MAX);
    let title = title.map(str::trim).unwrap_or_default();
    let parts: Vec<&str> = [title, &body].into_iter().filter(|it| !it.is_empty()).collect();
    let mut text = parts.join("\n");
    text.truncate(text.floor_char_boundary(TEXT_LENGTH_MAX));
    (Some(text).filter(|it| !it.is_empty()), links)
}

fn signal(signal_id: String, time: OffsetDateTime, content: Content) -> Signal {
    let (network, time) = (NETWORK.to_owned(), Some(timestamp(time)));
    Signal { network, signal_id, time, content: Some(content) }
}

// === impl Left ===

impl From<RowReason> for Left {
    fn from(reason: RowReason) -> Self {
        Self::Rejected(reason)
    }
}

impl From<ReadError> for Left {
    fn from(error: ReadError) -> Self {
        Self::Unreadable(error)
    }
}
