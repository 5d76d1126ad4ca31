//! A way to a store that can be disturbed.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// Bytes that are passed on at once.
const CHUNK: usize = 16 * 1024;

/// Stands between a service and a store, and passes everything on as long as nobody disturbs it.
#[derive(Debug)]
pub struct Proxy {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    connections: Arc<AtomicU64>,
    server: JoinHandle<()>,
}

/// Where the store really is.
#[derive(Clone, Debug)]
pub(crate) enum Upstream {
    Unix(PathBuf),
    Tcp(String),
}

/// What happens to what passes.
#[derive(Clone, Copy, Debug)]
enum Weather {
    Fair,
    /// Everything takes so long, each way.
    Slow(Duration),
    /// Connections of a number up to this one stay open, and nothing passes any more.
    Stuck {
        up_to: u64,
    },
    /// Connections end, and new ones end at once.
    Cut,
}

// === impl Proxy ===

impl Proxy {
    pub(crate) async fn start(upstream: Upstream) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let (weather, seen) = watch::channel(Weather::Fair);
        let connections = Arc::new(AtomicU64::new(0));
        let numbers = Arc::clone(&connections);
        #[expect(clippy::disallowed_methods, reason = "ended when the proxy is dropped")]
        let server = tokio::spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((downstream, _)) = listener.accept().await {
                let number = numbers.fetch_add(1, Ordering::SeqCst) + 1;
                open.spawn(pass(downstream, upstream.clone(), number, seen.clone()));
            }
        });
        Self { address, weather, connections, server }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// All is well again, but for connections that were cut.
    pub fn clear_up(&self) {
        self.weather.send_replace(Weather::Fair);
    }

    /// From now on everything takes so long, each way.
    pub fn slow_down(&self, delay: Duration) {
        self.weather.send_replace(Weather::Slow(delay));
    }

    /// Nothing passes any more, through old connections or new ones, and none ends: as when a machine
    /// loses its power.
    pub fn hang(&self) {
        self.weather.send_replace(Weather::Stuck { up_to: u64::MAX });
    }

    /// The same for the connections there are; new ones pass: the machine is back, and has forgotten them.
    pub fn forget_connections(&self) {
        let up_to = self.connections.load(Ordering::SeqCst);
        self.weather.send_replace(Weather::Stuck { up_to });
    }

    /// All connections end, and new ones are turned away.
    pub fn cut(&self) {
        self.weather.send_replace(Weather::Cut);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// One connection, until either end or the weather ends it.
async fn pass(
    downstream: TcpStream,
    upstream: Upstream,
    number: u64,
    mut weather: watch::Receiver<Weather>,
) {
    let mut seen = weather.clone();
    let cut = async move {
        // An error means that the proxy is gone.
        let _ = seen.wait_for(|it| matches!(it, Weather::Cut)).await;
    };
    let passing = async {
        // A store that is stuck does not say hello either.
        if !passable(&mut weather, number).await {
            return;
        }
        match upstream {
            Upstream::Unix(path) => {
                if let Ok(upstream) = UnixStream::connect(path).await {
                    both_ways(downstream, upstream, number, weather).await;
                }
            }
            Upstream::Tcp(address) => {
                if let Ok(upstream) = TcpStream::connect(address).await {
                    both_ways(downstream, upstream, number, weather).await;
                }
            }
        }
    };
    tokio::select! {
        () = cut => {}
        () = passing => {}
    }
}

async fn both_ways(
    downstream: TcpStream,
    upstream: impl AsyncRead + AsyncWrite,
    number: u64,
    weather: watch::Receiver<Weather>,
) {
    let (down_read, down_write) = downstream.into_split();
    let (up_read, up_write) = tokio::io::split(upstream);
    tokio::select! {
        () = one_way(down_read, up_write, number, weather.clone()) => {}
        () = one_way(up_read, down_write, number, weather) => {}
    }
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    number: u64,
    mut weather: watch::Receiver<Weather>,
) {
    let mut chunk = vec![0; CHUNK];
    loop {
        let Ok(length) = from.read(&mut chunk).await else { return };
        if length == 0 || !passable(&mut weather, number).await {
            return;
        }
        let delay = match *weather.borrow() {
            Weather::Slow(delay) => delay,
            Weather::Fair | Weather::Stuck { .. } | Weather::Cut => Duration::ZERO,
        };
        tokio::time::sleep(delay).await;
        if to.write_all(&chunk[..length]).await.is_err() {
            return;
        }
    }
}

/// Waits until something may pass; `false` when the proxy is gone.
async fn passable(weather: &mut watch::Receiver<Weather>, number: u64) -> bool {
    let stuck = |it: &Weather| matches!(it, Weather::Stuck { up_to } if number <= *up_to);
    weather.wait_for(|it| !stuck(it)).await.is_ok()
}
