//! A caller of HTTP/1.1 that takes next to no time, so that it is the server that is measured.

use std::{io, net::SocketAddr, sync::Arc};

use axum::body::Bytes;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::Mutex,
};
use tonic::Status;

use super::super::load::Caller;
use crate::exit::Failure;

/// What an answer fits into.
const ANSWER_MAX: usize = 8 * 1024;

/// Asks for one score after the other over one connection, which is kept.
#[derive(Clone)]
pub(super) struct AskRest {
    /// Nobody waits for it: each caller has its own.
    connection: Arc<Mutex<Connection>>,
    people: Arc<[String]>,
    /// What follows the path in each request.
    tail: Arc<str>,
}

struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Box<[u8; ANSWER_MAX]>,
}

/// Some connections.
pub(super) async fn connections(
    address: SocketAddr,
    count: usize,
    key: &str,
    people: &Arc<[String]>,
) -> Result<Vec<AskRest>, Failure> {
    let tail: Arc<str> = format!(
        "/score HTTP/1.1\r\nhost: {address}\r\nx-api-key: {key}\r\naccept: application/json\r\n\r\n"
    )
    .into();
    let mut askers = Vec::new();
    for _ in 0..count {
        let stream = TcpStream::connect(address).await.map_err(|error| Failure::failed(&error))?;
        stream.set_nodelay(true).map_err(|error| Failure::failed(&error))?;
        let connection =
            Connection { stream, request: Vec::new(), answer: Box::new([0; ANSWER_MAX]) };
        askers.push(AskRest {
            connection: Arc::new(Mutex::new(connection)),
            people: Arc::clone(people),
            tail: Arc::clone(&tail),
        });
    }
    Ok(askers)
}

// === impl AskRest ===

impl Caller for AskRest {
    async fn call(&mut self, number: usize) -> Result<(), Status> {
        self.ask(number, |_| ()).await
    }
}

impl AskRest {
    /// The body of the answer to one question.
    pub(super) async fn answer(&mut self, number: usize) -> Result<Bytes, Status> {
        self.ask(number, Bytes::copy_from_slice).await
    }

    async fn ask<T>(&self, number: usize, of: impl FnOnce(&[u8]) -> T) -> Result<T, Status> {
        let person = &self.people[number % self.people.len()];
        let mut connection = self.connection.lock().await;
        let answered = connection.ask(person, &self.tail).await;
        answered.map(of).map_err(|error| Status::unavailable(error.to_string()))
    }
}

// === impl Connection ===

impl Connection {
    async fn ask(&mut self, person: &str, tail: &str) -> io::Result<&[u8]> {
        let Self { stream, request, answer } = self;
        request.clear();
        for part in ["GET /v1/people/", person, tail] {
            request.extend_from_slice(part.as_bytes());
        }
        stream.write_all(request).await?;
        let mut length = 0;
        loop {
            let read = stream.read(&mut answer[length..]).await?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            length += read;
            if let Some(body) = body(&answer[..length])? {
                return Ok(&self.answer[body..length]);
            }
        }
    }
}

/// Where the body of an answer begins, once all of it is there.
fn body(answer: &[u8]) -> io::Result<Option<usize>> {
    let malformed = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&answer[..end]).map_err(|_| malformed("no text"))?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(malformed(head));
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize =
        length.and_then(|it| it.parse().ok()).ok_or_else(|| malformed("no length"))?;
    let start = end + 4;
    Ok((answer.len() >= start + length).then_some(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_there_when_all_of_it_is() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nscore";
        for length in 0..answer.len() {
            assert_eq!(body(&answer[..length]).expect("it may go on"), None);
        }
        assert_eq!(body(answer).expect("an answer"), Some(answer.len() - 5));
        body(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
            .expect_err("refused");
    }
}
