//! Reads many rows at once, as Postgres' binary `COPY` sends them.

use bytes::{Buf as _, Bytes, BytesMut};
use futures::TryStreamExt as _;
use sqlx::PgConnection;

/// What a binary copy begins with.
const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0";

/// The fields of one row, in order; `None` is null.
pub type CopiedRow = Vec<Option<Bytes>>;

/// Hands every row of `copy … to stdout (format binary)` to `take`, a few times as fast as rows of a query come.
/// Nothing is kept here but a row that has not come whole.
///
/// # Errors
///
/// When the statement fails, what comes is no binary copy, or `take` refuses a row.
pub async fn copy_out(
    db: &mut PgConnection,
    statement: &str,
    mut take: impl FnMut(&mut CopiedRow) -> Result<(), sqlx::Error> + Send,
) -> Result<(), sqlx::Error> {
    let mut parts = db.copy_out_raw(statement).await?;
    let mut copy = Copy::default();
    while let Some(part) = parts.try_next().await? {
        copy.push(part);
        while copy.next_row()? {
            take(&mut copy.row)?;
        }
    }
    if copy.ended { Ok(()) } else { Err(broken("a copy broke off")) }
}

/// A copy that is being read.
#[derive(Debug, Default)]
struct Copy {
    rest: Bytes,
    begun: bool,
    ended: bool,
    row: CopiedRow,
}

// === impl Copy ===

impl Copy {
    fn push(&mut self, part: Bytes) {
        if self.rest.is_empty() {
            self.rest = part;
        } else {
            let mut joined = BytesMut::with_capacity(self.rest.len() + part.len());
            joined.extend_from_slice(&self.rest);
            joined.extend_from_slice(&part);
            self.rest = joined.freeze();
        }
    }

    /// Reads the next row if all of it has come.
    fn next_row(&mut self) -> Result<bool, sqlx::Error> {
        if self.ended {
            return Ok(false);
        }
        let mut rest = self.rest.clone();
        if !self.begun {
            // Signature, flags, and an extension with its length.
            if rest.len() < SIGNATURE.len() + 8 {
                return Ok(false);
            }
            if !rest.starts_with(SIGNATURE) {
                return Err(broken("not a binary copy"));
            }
            rest.advance(SIGNATURE.len() + 4);
            let extension = usize::try_from(rest.get_u32()).unwrap_or(usize::MAX);
            if rest.len() < extension {
                return Ok(false);
            }
            rest.advance(extension);
            self.begun = true;
            self.rest = rest.clone();
        }
        if rest.len() < 2 {
            return Ok(false);
        }
        let Ok(fields) = u16::try_from(rest.get_i16()) else {
            self.ended = true;
            return Ok(false);
        };
        self.row.clear();
        for _ in 0..fields {
            if rest.len() < 4 {
                return Ok(false);
            }
            let Ok(length) = usize::try_from(rest.get_i32()) else {
                self.row.push(None);
                continue;
            };
            if rest.len() < length {
                return Ok(false);
            }
            self.row.push(Some(rest.split_to(length)));
        }
        self.rest = rest;
        Ok(true)
    }
}

fn broken(problem: &'static str) -> sqlx::Error {
    sqlx::Error::Protocol(problem.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copied() -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 2, 9, 9]);
        bytes.extend([0, 2, 0, 0, 0, 3, 1, 2, 3, 255, 255, 255, 255]);
        bytes.extend([0, 1, 0, 0, 0, 0]);
        bytes.extend([255, 255]);
        bytes
    }

    #[test]
    fn rows_are_the_same_however_the_bytes_are_cut() {
        for length in 1..=copied().len() {
            let (mut copy, mut rows) = (Copy::default(), Vec::new());
            for part in copied().chunks(length) {
                copy.push(Bytes::copy_from_slice(part));
                while copy.next_row().expect("a copy") {
                    rows.push(copy.row.clone());
                }
            }
            let first = vec![Some(Bytes::from_static(&[1, 2, 3])), None];
            assert_eq!(rows, [first, vec![Some(Bytes::new())]]);
            assert!(copy.ended, "cut every {length} bytes");
        }
    }

    #[test]
    fn what_is_no_copy_is_refused() {
        let mut copy = Copy::default();
        copy.push(Bytes::from_static(&[7; 40]));
        assert!(copy.next_row().is_err());
    }
}
