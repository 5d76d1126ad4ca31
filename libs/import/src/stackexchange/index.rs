//! What comments and votes need to know of posts and users: on disk, so that memory does not grow with
//! the dump.
//!
//! A record of eight bytes for each id, at eight times the id. Ids that do not exist take no room, as
//! the files are sparse. The files are temporary and have no name: nothing is left when this process
//! ends, however it ends.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::ReadError;

/// The longest text that is kept, in bytes: names and tags are far shorter.
const TEXT_LENGTH_MAX: usize = u16::MAX as usize;

/// What is known of a dump.
#[derive(Debug)]
pub(super) struct Index {
    posts: Records,
    /// The tags of questions, as they stand there.
    tags: Texts,
    /// The names of users.
    names: Texts,
}

/// A post, as others speak of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct KnownPost {
    pub(super) owner: Option<u32>,
    /// The question, of an answer.
    pub(super) question: Option<u32>,
}

/// A number for each id.
#[derive(Debug)]
struct Records(File);

/// A text for each id.
#[derive(Debug)]
struct Texts {
    /// Where a text begins, times 2¹⁶, and its length; 0 is none.
    places: Records,
    texts: File,
    end: AtomicU64,
}

// === impl Index ===

impl Index {
    pub(super) fn new() -> Result<Self, ReadError> {
        let new = || Ok(Self { posts: Records::new()?, tags: Texts::new()?, names: Texts::new()? });
        new().map_err(failed)
    }

    pub(super) fn note_user(&self, user: u32, name: &str) -> Result<(), ReadError> {
        self.names.set(user, name).map_err(failed)
    }

    pub(super) fn note_post(
        &self,
        id: u32,
        post: KnownPost,
        tags: Option<&str>,
    ) -> Result<(), ReadError> {
        let [owner, question] = [post.owner, post.question].map(|it| u64::from(it.unwrap_or(0)));
        self.posts.set(id, owner << 32 | question).map_err(failed)?;
        tags.map_or(Ok(()), |tags| self.tags.set(id, tags)).map_err(failed)
    }

    /// What is known of a post: nothing, if it is not there.
    pub(super) fn post(&self, id: u32) -> Result<KnownPost, ReadError> {
        let record = self.posts.get(id).map_err(failed)?;
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).ok().filter(|it| *it > 0);
        Ok(KnownPost { owner: half(record >> 32), question: half(record) })
    }

    pub(super) fn tags(&self, question: u32) -> Result<Option<String>, ReadError> {
        self.tags.get(question).map_err(failed)
    }

    pub(super) fn name(&self, user: u32) -> Result<Option<String>, ReadError> {
        self.names.get(user).map_err(failed)
    }
}

fn failed(source: io::Error) -> ReadError {
    ReadError::Index { folder: std::env::temp_dir().display().to_string(), source }
}

// === impl Records ===

impl Records {
    fn new() -> io::Result<Self> {
        tempfile::tempfile().map(Self)
    }

    fn set(&self, id: u32, record: u64) -> io::Result<()> {
        self.0.write_all_at(&record.to_le_bytes(), u64::from(id) * 8)
    }

    /// 0 when none was set.
    fn get(&self, id: u32) -> io::Result<u64> {
        let mut record = [0; 8];
        match self.0.read_exact_at(&mut record, u64::from(id) * 8) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(0),
            read => read.map(|()| u64::from_le_bytes(record)),
        }
    }
}

// === impl Texts ===

impl Texts {
    fn new() -> io::Result<Self> {
        let (places, texts) = (Records::new()?, tempfile::tempfile()?);
        Ok(Self { places, texts, end: AtomicU64::new(0) })
    }

    fn set(&self, id: u32, text: &str) -> io::Result<()> {
        if text.is_empty() || text.len() > TEXT_LENGTH_MAX {
            return Ok(());
        }
        let length = text.len() as u64;
        let start = self.end.fetch_add(length, Ordering::Relaxed);
        self.texts.write_all_at(text.as_bytes(), start)?;
        self.places.set(id, start << 16 | length)
    }

    fn get(&self, id: u32) -> io::Result<Option<String>> {
        let place = self.places.get(id)?;
        if place == 0 {
            return Ok(None);
        }
        let length = usize::try_from(place & TEXT_LENGTH_MAX as u64).unwrap_or(0);
        let mut text = vec![0; length];
        self.texts.read_exact_at(&mut text, place >> 16)?;
        String::from_utf8(text).map(Some).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, os::unix::fs::MetadataExt as _};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_largest_id_takes_no_more_room_than_the_smallest() {
        let index = Index::new().expect("a folder");
        let post = KnownPost { owner: Some(u32::MAX), question: None };
        index.note_post(u32::MAX, post, None).expect("written");
        assert_eq!(index.post(u32::MAX).expect("read"), post);
        assert_eq!(index.post(7).expect("read"), KnownPost::default());
        let metadata = index.posts.0.metadata().expect("a file");
        assert!(metadata.blocks() * 512 <= 1 << 16, "{} blocks", metadata.blocks());
    }

    proptest! {
        #[test]
        fn it_knows_what_a_map_would_know(
            users in prop::collection::vec((1..40_u32, "\\PC{0,12}"), 0..40),
        ) {
            let index = Index::new().expect("a folder");
            let mut map = BTreeMap::new();
            for (user, name) in &users {
                index.note_user(*user, name).expect("written");
                if !name.is_empty() {
                    map.insert(*user, name.clone());
                }
            }
            for user in 0..50 {
                prop_assert_eq!(index.name(user).expect("read"), map.get(&user).cloned());
            }
        }
    }
}
