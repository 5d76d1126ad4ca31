//! JSON Lines of `klout.signal.v1.Signal`: whatever a signal can say, in canonical protobuf JSON.

use klout_model::RowReason;
use klout_proto::{json, signal::v1::Signal};

use crate::{Found, lines::Line};

pub(crate) fn read(line: Line<'_>) -> Found {
    if line.too_long {
        return Found::rejected(RowReason::RowMalformed);
    }
    match json::from_slice::<Signal>(line.bytes) {
        Ok(signal) => Found::Signal(Box::new(signal)),
        Err(error) => {
            Found::Rejected { reason: RowReason::RowMalformed, detail: Some(error.to_string()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use klout_proto::signal::v1::{Account, Interaction, Post, signal::Content};
    use proptest::prelude::*;

    use super::*;
    use crate::{EachLine, Input, SignalReader as _};

    fn read_all(bytes: Vec<u8>) -> Vec<(u64, Found)> {
        let input = Input::from_reader("test".to_owned(), Cursor::new(bytes), None);
        let mut reader = EachLine::of_signals(input.expect("readable")).expect("readable");
        let mut found = Vec::new();
        while let Some(entry) = reader.next_entry().expect("readable") {
            found.push((entry.line, entry.found));
        }
        found
    }

    fn is_malformed(found: &Found) -> bool {
        matches!(found, Found::Rejected { reason: RowReason::RowMalformed, .. })
    }

    #[test]
    fn a_signal_is_read_as_it_is_printed() {
        let account = |name: &str| Account {
            native_id: name.to_owned(),
            handle: Some(format!("{name} \u{1f600}")),
        };
        let signals = [
            Content::Interaction(Interaction {
                actor: Some(account("bob")),
                subject: Some(account("ann")),
                kind: "like".to_owned(),
                count: None,
                post: Some("p\n1".to_owned()),
                label: None,
            }),
            Content::Post(Post {
                account: Some(account("ann")),
                post: "p".to_owned(),
                text: Some("\"quoted\"".to_owned()),
                links: vec!["https://example.org".to_owned()],
                tags: vec!["a".to_owned(), "b".to_owned()],
            }),
        ]
        .map(|content| Signal {
            network: "bluesky".to_owned(),
            signal_id: "1".to_owned(),
            time: Some(klout_proto::convert::timestamp(time::OffsetDateTime::UNIX_EPOCH)),
            content: Some(content),
        });
        let text: Vec<_> = signals.iter().map(|it| json::to_value(it).to_string()).collect();
        let found = read_all(format!("{}\r\n\r\n{}", text[0], text[1]).into_bytes());
        let expected = [(1, signals[0].clone()), (3, signals[1].clone())];
        assert_eq!(found, expected.map(|(line, it)| (line, Found::Signal(Box::new(it)))));
    }

    #[test]
    fn what_is_no_signal_says_why_and_stops_nothing() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        let nested = r#"{"network":"#.to_owned() + &"{\"a\":".repeat(50_000);
        let lines = [
            "not json",
            r#"{"network":"x""#,
            r#"{"colour":"red"}"#,
            r#"{"network":1}"#,
            r#"{"time":"yesterday"}"#,
            r#"{"network":"a"} {"network":"b"}"#,
            r#"{"interaction":{},"post":{}}"#,
            &deep,
            &nested,
        ];
        let found = read_all(lines.join("\n").into_bytes());
        assert_eq!(found.len(), lines.len());
        for ((_, found), line) in found.iter().zip(lines) {
            assert!(is_malformed(found), "{line:.80}: {found:?}");
        }
        let Found::Rejected { detail: Some(detail), .. } = &found[2].1 else { panic!("a detail") };
        assert!(detail.contains("colour"), "{detail}");
    }

    #[test]
    fn another_encoding_is_a_line_left_out() {
        let found = read_all(b"{\"network\":\"caf\xe9\"}\n{}".to_vec());
        assert!(is_malformed(&found[0].1) && found[1].1 == Found::Signal(Box::default()));
    }

    proptest! {
        #[test]
        fn whatever_a_signal_says_survives_being_written_and_read(
            network in ".{0,9}", signal_id in ".{0,9}", native_id in ".{0,9}",
            handle in prop::option::of(".{0,9}"), count in any::<Option<u32>>(),
            seconds in 0..253_402_300_799_i64, nanos in 0..1_000_000_000_i32,
        ) {
            let subject = Some(Account { native_id, handle });
            let kind = "like".to_owned();
            let interaction = Interaction { actor: None, subject, kind, count, post: None, label: None };
            let time = time::OffsetDateTime::from_unix_timestamp(seconds).expect("a year of four digits");
            let mut time = klout_proto::convert::timestamp(time);
            time.nanos = nanos;
            let content = Some(Content::Interaction(interaction));
            let signal = Signal { network, signal_id, time: Some(time), content };
            let found = read_all(json::to_value(&signal).to_string().into_bytes());
            prop_assert_eq!(found, [(1, Found::Signal(Box::new(signal)))]);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            if !bytes.starts_with(&[0x1f, 0x8b])
                && !bytes.starts_with(b"\xff\xfe")
                && !bytes.starts_with(b"\xfe\xff")
            {
                read_all(bytes);
            }
        }
    }
}
