//! An ontology of any bytes: up to three files, divided by a byte that no text has.

#![no_main]

use klout_ontology::{File, Ontology};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let files = bytes.splitn(3, |&byte| byte == 0xff);
    let file = |content: &[u8]| File { name: "fuzz.toml".to_owned(), content: content.to_vec() };
    match Ontology::read("fuzz", "1", files.map(file).collect()) {
        Err(flaws) => assert!(matches!(flaws.len(), 1..=20)),
        Ok((ontology, _)) => {
            let kept = Ontology::parse(&ontology.write()).expect("we wrote it");
            assert_eq!(kept.checksum(), ontology.checksum());
            let moves = Ontology::moves(&ontology, &kept);
            assert!(moves.iter().all(|it| it.to == Some(it.from)));
            assert_eq!(ontology.search("", None).len(), ontology.topics().len());
        }
    }
});
