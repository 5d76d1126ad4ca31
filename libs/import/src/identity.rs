//! Which row is which, when the file does not say.

use rustc_hash::FxHashMap;

use crate::Row;

/// The encoding of rows below. Another encoding gets another number, and every row without an id of its
/// own is another signal then.
const VERSION: u8 = 1;

/// Gives every row of one file an identity that it has again when the file is imported again: what
/// it says, and how many equal rows came before it.
///
/// Holds 24 to 48 bytes for each distinct row without an id of its own.
#[derive(Debug, Default)]
pub struct RowIdentities {
    seen: FxHashMap<[u8; 16], u32>,
}

// === impl RowIdentities ===

impl RowIdentities {
    /// The identity of the next row: the `id` that it has, or one made of its parsed values, so that
    /// the order of rows and columns and the writing of a number do not matter.
    #[must_use]
    pub fn identify(&mut self, row: &Row) -> String {
        if let Some(id) = row.id() {
            return id.to_owned();
        }
        let hash = *hash(row).as_bytes();
        let hash: [u8; 16] = hash[..16].try_into().expect("sixteen of thirty-two bytes");
        let ordinal = self.seen.entry(hash).or_default();
        *ordinal += 1;
        format!("row:{:032x}:{ordinal}", u128::from_be_bytes(hash))
    }
}

/// The hash of what a row says. Durable: whether a row was imported before is told by it.
///
/// Hashed are [`VERSION`], a letter for the format, and all values in a fixed order, each after its
/// length as eight bytes, little-endian: the time as Unix nanoseconds and numbers as little-endian bytes, all
/// else as UTF-8. A value that is missing is empty, as nothing that is there can be. An interaction with a label has a
/// letter of its own, so that one without is what it was before there were labels.
fn hash(row: &Row) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[VERSION]);
    let mut write = |format: u8, values: &[&[u8]]| {
        hasher.update(&[format]);
        for value in values {
            hasher.update(&(value.len() as u64).to_le_bytes());
            hasher.update(value);
        }
    };
    let time = row.time().map(|time| time.unix_timestamp_nanos().to_le_bytes());
    let time = time.as_ref().map_or(&[] as &[u8], |bytes| bytes);
    let network = row.network().as_str().as_bytes();
    let subject = row.subject().as_str().as_bytes();
    match row {
        Row::Interaction(row) => {
            let actor = row.actor.as_ref().map_or("", |it| it.as_str()).as_bytes();
            let (kind, count) = (row.kind.as_str().as_bytes(), row.count.get().to_le_bytes());
            let post = or_empty(&row.post);
            match &row.label {
                Some(label) => {
                    let label = label.as_bytes();
                    write(b'l', &[time, network, actor, subject, kind, &count, post, label]);
                }
                None => write(b'i', &[time, network, actor, subject, kind, &count, post]),
            }
        }
        Row::Counter(row) => {
            let counter = row.counter.as_str().as_bytes();
            // Equal values have equal bits.
            let value = row.value.get().to_bits().to_le_bytes();
            write(b'c', &[time, network, subject, counter, &value, or_empty(&row.post)]);
        }
        Row::Post(row) => {
            write(b'p', &[time, network, subject, row.post.as_bytes(), or_empty(&row.text)]);
        }
        Row::Registered(_) => write(b'r', &[network, subject]),
    }
    hasher.finalize()
}

fn or_empty(text: &Option<String>) -> &[u8] {
    text.as_deref().unwrap_or_default().as_bytes()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::{CsvReader, Input};

    /// The identities of the rows of a file.
    fn identities(text: &str) -> Vec<String> {
        let input = Input::from_reader("a.csv".to_owned(), Cursor::new(text.to_owned()), None);
        let mut reader = CsvReader::new(input.expect("readable")).expect("a header");
        let mut identities = RowIdentities::default();
        let mut found = Vec::new();
        while let Some(record) = reader.next_record().expect("readable") {
            found.push(identities.identify(&record.row.expect("a good row")));
        }
        found
    }

    #[test]
    fn the_identity_of_a_row_is_the_same_for_ever() {
        let files = [
            (
                "time,network,actor,subject,kind,count,post\n\
                 2018-05-01T00:00:00.5Z,bluesky,bob,ann,like,3,p\n",
                "row:47e1ff43ba563fa041ce13aaff8fbae7:1",
            ),
            (
                "time,network,actor,subject,kind,count,label\n\
                 2018-05-01T00:00:00.5Z,bluesky,bob,ann,list,1,photography people\n",
                "row:247da8a1e5f8fe91c35e0006664e719f:1",
            ),
            (
                "time,network,account,counter,value\n\
                 2018-05-01T00:00:00Z,bluesky,ann,follower_count,12.5\n",
                "row:318f3cf3de8b3d999fe2b754400f45a2:1",
            ),
            (
                "time,network,account,post,text\n2018-05-01T00:00:00Z,bluesky,ann,p,hello\n",
                "row:cb0ed62c37fdcf27fa67bbdbaa48d1e6:1",
            ),
        ];
        for (text, identity) in files {
            assert_eq!(identities(text), [identity]);
        }
    }

    #[test]
    fn rows_that_say_the_same_in_other_words_are_equal() {
        let found = identities(
            "time,network,account,counter,value\n\
             2018-05-01T00:00:00Z,bluesky,ann,follower_count,12.5\n\
             2018-05-01T02:00:00.000+02:00,bluesky,ann,follower_count,1.25e1\n",
        );
        let (first, second) = (found[0].strip_suffix(":1"), found[1].strip_suffix(":2"));
        assert!(first.is_some() && first == second, "{found:?}");
    }

    #[test]
    fn a_label_that_is_empty_is_none() {
        let header = "time,network,actor,subject,kind,count";
        let row = "2018-05-01T00:00:00Z,bluesky,bob,ann,list,1";
        let found = |text: String| identities(&text);
        assert_eq!(
            found(format!("{header}\n{row}\n")),
            found(format!("{header},label\n{row}, \n"))
        );
    }

    #[test]
    fn rows_that_say_something_else_are_different() {
        let time = "2018-05-01T00:00:00Z";
        let found = identities(&format!(
            "time,network,account,post,text\n{time},n,ab,c,d\n{time},n,a,bc,d\n{time},n,a,bcd,\n\
             2018-05-01T00:00:00.000000001Z,n,a,bcd,\n"
        ));
        assert!(found.iter().all(|it| it.ends_with(":1")), "{found:?}");
    }
}
