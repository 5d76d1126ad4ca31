//! `klout import topic-ontology`: another ontology, or another edition of one.

use std::path::PathBuf;

use futures::stream;
use klout_proto::{
    json::to_value,
    topic::v1::{
        ImportOntologyRequest, OntologyHeader, OntologyPiece, import_ontology_request::Part,
    },
};

use crate::{
    client::{Missing, Target},
    exit::Failure,
    ontology_files::{default_edition, default_name, files},
    output, printable,
    topic::edition::{in_use, tell_moves},
};

/// In bytes, of a piece of a file: topics takes no more.
const PIECE: usize = 1024 * 1024;

/// Takes an ontology of topics in, and puts it to use.
///
/// People's topics move to it: by id within one ontology, else by Wikidata item, else by slug; what somebody
/// declared or vetoed of a topic that is gone waits for an edition that has it. Posts are read anew in the
/// background. An ontology with a flaw changes nothing: each flaw is named with its file and line. The same
/// edition again changes nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
DIR has Klout's published ontology, as klout/opendata on GitHub has it, plain or gzip, or files of our own
format, which docs/ontology.md describes:
  topicId,topicSlug,topicDisplayName,wikiItemId,freebaseMachineId      topics
  parentTopicId,parentTopicSlug,childTopicId,childTopicSlug            what is part of what
  topicId,language,topicDisplayName                                    names in other languages
Needs the operator's key, which a data directory has.

Examples:
  klout import topic-ontology klout_topic_ontology
  klout import topic-ontology our-topics --name ours --edition 2026-11
  klout topic edition list                          what there is, and how to go back")]
pub(super) struct ImportTopicOntology {
    /// The folder with its files
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What it is called: a-z, 0-9, - and _ [default: klout for Klout's files, else the folder's name]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Which edition it is [default: the date that its files have in their names]
    #[arg(long, value_name = "EDITION")]
    edition: Option<String>,
    /// Prints the response as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: Target,
}

// === impl ImportTopicOntology ===

impl ImportTopicOntology {
    pub(super) fn run(self) -> Result<(), Failure> {
        let Self { folder, name, edition, json, target } = self;
        let files = files(&folder)?;
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        let header = OntologyHeader {
            ontology: name.or_else(|| default_name(&names, &folder)).ok_or_else(|| {
                Failure::Usage("say what the ontology is called: --name".to_owned())
            })?,
            edition: edition.or_else(|| default_edition(&names)).ok_or_else(|| {
                Failure::Usage("no file has a date in its name: say --edition".to_owned())
            })?,
        };
        let parts: Vec<_> = std::iter::once(Part::Header(header)).chain(pieces(files)).collect();
        let response = target.ask(Missing::Make, async |client| {
            let requests = parts.into_iter().map(|part| ImportOntologyRequest { part: Some(part) });
            let imported = client.topic_operator().import_ontology(stream::iter(requests)).await;
            let flags = [("ontology", "--name"), ("edition", "--edition")];
            Ok(imported.map_err(Failure::naming(&flags))?.into_inner())
        })?;
        if json {
            return output::line(&to_value(&response).to_string());
        }
        for notice in &response.notices {
            eprintln!("klout: {}", printable::shortened(notice));
        }
        output::line(&in_use(&response.edition.unwrap_or_default()))?;
        tell_moves(response.kept, response.moved, response.gone);
        Ok(())
    }
}

fn pieces(files: Vec<(String, Vec<u8>)>) -> impl Iterator<Item = Part> {
    files.into_iter().flat_map(|(file, content)| {
        let pieces: Vec<_> = content.chunks(PIECE).map(<[u8]>::to_vec).collect();
        pieces
            .into_iter()
            .map(move |content| Part::Piece(OntologyPiece { file: file.clone(), content }))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn files_go_in_pieces_in_order_and_others_stay() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("b.csv"), vec![b'x'; PIECE + 1]).expect("written");
        fs::write(folder.path().join("a.TOML"), "y").expect("written");
        fs::write(folder.path().join("README.md"), "z").expect("written");
        let files = files(folder.path()).expect("they can be read");
        let sent: Vec<_> = pieces(files)
            .map(|part| match part {
                Part::Piece(piece) => (piece.file, piece.content.len()),
                Part::Header(_) => panic!("it comes first"),
            })
            .collect();
        let named = |name: &str, length| (name.to_owned(), length);
        assert_eq!(sent, [named("a.TOML", 1), named("b.csv", PIECE), named("b.csv", 1)]);
    }
}
