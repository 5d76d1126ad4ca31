use klout_ontology::File;
use klout_proto::topic::v1::{
    ImportOntologyRequest, ImportOntologyResponse, OntologyHeader, OntologyPiece,
    import_ontology_request::Part,
};
use tonic::Streaming;

use super::OperatorRpc;
use crate::{editions, error::Error};

/// All files together, as they come.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// Pieces with nothing in them are not counted otherwise.
const FILES_MAX: usize = 1_000;

/// Letters of a name.
const NAME_MAX: usize = 64;

pub(super) async fn import_ontology(
    rpc: &OperatorRpc,
    mut parts: Streaming<ImportOntologyRequest>,
) -> Result<ImportOntologyResponse, Error> {
    let header = match next(&mut parts).await? {
        Some(Part::Header(header)) => header,
        Some(Part::Piece(_)) | None => return invalid("part", "begins with no header"),
    };
    check(&header)?;
    let mut files: Vec<File> = Vec::new();
    let mut bytes = 0;
    while let Some(part) = next(&mut parts).await? {
        let Part::Piece(OntologyPiece { file, content }) = part else {
            return invalid("header", "comes twice");
        };
        bytes += content.len() + file.len();
        if bytes > BYTES_MAX {
            return invalid("content", "is more than 64 MiB");
        }
        if let Some(last) = files.last_mut().filter(|it| it.name == file) {
            last.content.extend_from_slice(&content);
        } else if files.iter().any(|it| it.name == file) {
            return invalid("file", "comes in pieces with others between them");
        } else if files.len() == FILES_MAX {
            return invalid("file", "is one of more than 1,000");
        } else {
            files.push(File { name: file, content });
        }
    }
    let OntologyHeader { ontology, edition } = header;
    let (ontology, notices) = editions::read(ontology, edition, files).await?;
    let (edition, counts) = editions::import(&rpc.db, &rpc.ontologies, &ontology).await?;
    rpc.posts_changed.notify_one();
    let editions::Counts { kept, moved, gone } = counts;
    Ok(ImportOntologyResponse {
        edition: Some(rpc.encode(edition).await?),
        notices: notices.iter().map(ToString::to_string).collect(),
        kept,
        moved,
        gone,
    })
}

async fn next(parts: &mut Streaming<ImportOntologyRequest>) -> Result<Option<Part>, Error> {
    let Some(message) = parts.message().await.map_err(Error::Stream)? else { return Ok(None) };
    message.part.map_or_else(|| invalid("part", "is missing"), |part| Ok(Some(part)))
}

fn check(header: &OntologyHeader) -> Result<(), Error> {
    let is_name = |name: &str, signs: &str| {
        let valid = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || signs.contains(it);
        (1..=NAME_MAX).contains(&name.len()) && name.chars().all(valid)
    };
    if !is_name(&header.ontology, "-_") {
        return invalid("ontology", "is not 1 to 64 of a-z, 0-9, - and _");
    }
    if !is_name(&header.edition, "-._") {
        return invalid("edition", "is not 1 to 64 of a-z, 0-9, -, . and _");
    }
    Ok(())
}

fn invalid<T>(field: &'static str, problem: &'static str) -> Result<T, Error> {
    Err(Error::FieldInvalid { field, problem })
}
