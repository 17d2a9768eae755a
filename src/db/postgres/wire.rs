//! The driver's client, and the small runtime that drives it on the thread that waits.
//!
//! The driver is written for a runtime; each connection has one of its own, on no thread of its
//! own. Nothing but this file knows of it. Every wait for the server has a bound, because a
//! server that hangs says nothing at all.

use std::future::Future;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use rustls::ClientConfig;
use tokio::runtime::Builder;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::task::yield_now;
use tokio::time::timeout;
use tokio_postgres::Client;
use tokio_postgres::Connection;
use tokio_postgres::Error;
use tokio_postgres::NoTls;
use tokio_postgres::Socket;
use tokio_postgres::tls::TlsStream;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::refusal::Why;
use super::server::MARK;
use super::server::Server;

/// How long a server is waited for that has nothing more to say: for the reason why it closed
/// the connection, and for its end.
const LAST_WORDS: Duration = Duration::from_millis(100);

/// An open connection.
pub(super) struct Wire {
    // Dropped first: the connection ends itself when its client is gone.
    client: Client,
    driven: Driven,
}

/// What moves the bytes of a connection, whenever its thread waits for it.
struct Driven {
    runtime: Runtime,
    /// Ends with the connection, and tells why; absent when it has.
    connection: Option<JoinHandle<Result<(), Error>>>,
}

/// Why there is no answer.
pub(super) enum Unanswered {
    /// The driver or the server said so.
    Error(Error),
    /// There was none in time.
    Silence,
}

impl Wire {
    /// Connects to a server and logs in.
    pub(super) fn open(server: &Server, tls: Option<&ClientConfig>) -> Result<Self, Why> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(Why::Runtime)?;
        let connect = async {
            match tls {
                Some(tls) => {
                    let tls = MakeRustlsConnect::new(tls.clone());
                    let (client, connection) = server.config.connect(tls).await?;
                    Ok(drive(client, connection))
                }
                None => {
                    let (client, connection) = server.config.connect(NoTls).await?;
                    Ok(drive(client, connection))
                }
            }
        };
        // A timer can only be set inside the runtime.
        let connected = runtime.block_on(async { timeout(server.patience, connect).await });
        let (client, told, connection) = match connected {
            Ok(connected) => connected.map_err(Why::Error)?,
            Err(_) => return Err(Why::Silence(server.patience.as_secs())),
        };
        let wire = Self {
            client,
            driven: Driven {
                runtime,
                connection: Some(connection),
            },
        };
        match told {
            Told {
                encoding: Some(encoding),
                ..
            } if encoding != "UTF8" => Err(Why::Encoding(encoding)),
            Told {
                marked_setting: Some(value),
                ..
            } if value != MARK.1 => Err(Why::Pooler),
            _ => Ok(wire),
        }
    }

    /// Waits for an answer, at most as long as is said.
    pub(super) fn wait<T>(
        &mut self,
        longest: Option<Duration>,
        ask: impl AsyncFnOnce(&Client) -> Result<T, Error>,
    ) -> Result<T, Unanswered> {
        let asked = self.driven.runtime.block_on(async {
            let answer = ask(&self.client);
            match longest {
                Some(longest) => timeout(longest, answer).await,
                None => Ok(answer.await),
            }
        });
        match asked {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) if error.is_closed() => {
                let error = self.driven.last_words().unwrap_or(error);
                Err(Unanswered::Error(error))
            }
            Ok(Err(error)) => Err(Unanswered::Error(error)),
            Err(_) => Err(Unanswered::Silence),
        }
    }

    /// Sends what needs no answer. If it fails, the next answer tells.
    pub(super) fn send<T>(&self, tell: impl AsyncFnOnce(&Client) -> Result<T, Error>) {
        self.driven.runtime.block_on(async {
            let mut told = pin!(tell(&self.client));
            // Once, so that it is on its way, and once the connection's turn to write it.
            poll_fn(|context| Poll::Ready(told.as_mut().poll(context).is_ready())).await;
            yield_now().await;
        });
    }

    /// Gives the connection up: it will end without a word, and without waiting for answers.
    pub(super) fn give_up(&mut self) {
        self.driven.connection = None;
    }

    /// Whether the connection is known to have ended.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }
}

/// What a server tells of itself at the begin of a session.
struct Told {
    encoding: Option<String>,
    /// The value of the setting [`MARK`].
    marked_setting: Option<String>,
}

/// Has the runtime move the bytes; answers what the server has told as well.
fn drive<S>(
    client: Client,
    connection: Connection<Socket, S>,
) -> (Client, Told, JoinHandle<Result<(), Error>>)
where
    S: TlsStream + Unpin + Send + 'static,
{
    let parameter = |name| connection.parameter(name).map(str::to_owned);
    let told = Told {
        encoding: parameter("server_encoding"),
        marked_setting: parameter(MARK.0),
    };
    (client, told, tokio::spawn(connection))
}

impl Driven {
    /// The reason why the connection ended, once.
    fn last_words(&mut self) -> Option<Error> {
        let connection = self.connection.take()?;
        let ended = self
            .runtime
            .block_on(async { timeout(LAST_WORDS, connection).await });
        ended.ok()?.ok()?.err()
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.last_words();
    }
}
