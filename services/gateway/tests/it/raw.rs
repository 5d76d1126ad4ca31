//! HTTP byte by byte, for what no client would send.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::world::World;

/// How long anything may take: long enough for a loaded machine, as it only ends a failed test.
const PATIENCE: Duration = Duration::from_secs(30);

/// What connections of HTTP/2 begin with, and settings that change nothing.
pub(crate) const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A connection.
pub(crate) struct Raw {
    socket: TcpStream,
    read: Vec<u8>,
}

/// An answer of HTTP/1, as it was sent.
#[derive(Debug)]
pub(crate) struct RawAnswer {
    pub(crate) status: u16,
    /// Without the line of the status, in small letters.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    pub(crate) async fn connect(world: &World) -> Self {
        let address = world.running.http_address.expect("a gateway");
        let socket = TcpStream::connect(address).await.expect("connected");
        Self { socket, read: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.socket.write_all(bytes.as_ref()).await.expect("sent");
    }

    /// Sends `bytes` again and again until the other end has closed the connection.
    pub(crate) async fn flood(&mut self, bytes: &[u8]) {
        let flooding = async {
            while self.socket.write_all(bytes).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, flooding).await.expect("somebody puts an end to it");
    }

    /// Sends `bytes` as far as the other end takes them, and reads meanwhile.
    pub(crate) async fn offer(&mut self, bytes: &[u8]) {
        let (mut reader, mut writer) = self.socket.split();
        let read = &mut self.read;
        let offering = async {
            tokio::select! {
                // Whether all of it was taken is what the caller wants to find out.
                _ = writer.write_all(bytes) => {}
                () = async { while reader.read_buf(read).await.is_ok_and(|length| length > 0) {} } => {}
            }
        };
        timeout(PATIENCE, offering).await.expect("it is taken or refused");
    }

    /// Sends one byte after the other, as slowly as it takes to keep somebody waiting, until the other end has closed
    /// the connection.
    pub(crate) async fn trickle(&mut self, bytes: impl IntoIterator<Item = u8>) {
        let trickling = async {
            for byte in bytes {
                let mut scrap = [0; 64];
                let read = timeout(Duration::from_millis(5), self.socket.read(&mut scrap)).await;
                let closed = matches!(read, Ok(Ok(0) | Err(_)));
                if closed || self.socket.write_all(&[byte]).await.is_err() {
                    return;
                }
            }
            panic!("nobody put an end to it");
        };
        timeout(PATIENCE, trickling).await.expect("somebody puts an end to it");
    }

    /// Reads one answer of HTTP/1.
    pub(crate) async fn answer(&mut self) -> RawAnswer {
        let end = loop {
            if let Some(end) = self.read.windows(4).position(|it| it == b"\r\n\r\n") {
                break end;
            }
            assert!(self.more().await, "closed: {:?}", String::from_utf8_lossy(&self.read));
        };
        let head = String::from_utf8(self.read.drain(..end + 4).collect()).expect("UTF-8");
        let (line, head) = head.split_once("\r\n").expect("a line");
        let status = line.split(' ').nth(1).and_then(|it| it.parse().ok()).expect("a status");
        let head = head.to_lowercase();
        let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
        let length = length.map_or(0, |length| length.parse().expect("a number"));
        while self.read.len() < length {
            assert!(self.more().await, "closed in the middle");
        }
        let body = String::from_utf8(self.read.drain(..length).collect()).expect("UTF-8");
        RawAnswer { status, head, body }
    }

    /// Everything that is sent until the other end closes the connection.
    pub(crate) async fn until_closed(mut self) -> Vec<u8> {
        while self.more().await {}
        self.read
    }

    async fn more(&mut self) -> bool {
        let read = timeout(PATIENCE, self.socket.read_buf(&mut self.read)).await;
        // Who closes with something unread resets the connection.
        read.expect("an answer or an end").is_ok_and(|length| length > 0)
    }
}

/// What is answered to one request on a connection of its own.
pub(crate) async fn ask(world: &World, request: impl AsRef<[u8]>) -> RawAnswer {
    let mut raw = Raw::connect(world).await;
    raw.send(request).await;
    raw.answer().await
}

/// A request without a body.
pub(crate) fn get(target: &str, headers: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

/// A request for scores.
pub(crate) fn post(headers: &str, body: &str) -> String {
    format!("POST /v1/scores:batchLookup HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n{body}")
}
