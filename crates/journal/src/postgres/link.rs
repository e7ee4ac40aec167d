//! One connection. A task of its own drives it and notes what the engine warns of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::poll_fn;
use tasks::Part;
use tokio::task::JoinHandle;
use tokio_postgres::error::Severity;
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::errors::{Fault, words};
use super::lease::{CHANNEL, Wakes};
use super::target::Target;

type Stream = <MakeRustlsConnect as tokio_postgres::tls::MakeTlsConnect<Socket>>::Stream;

/// For whoever writes. Plans are pinned: a plan made while a table was nearly empty must not outlive that. Where rows of a
/// table are found for a group, the key is `= ANY (ARRAY[…])`: with a plain `=` the engine may read the whole table along
/// its key and look at the group for each row, and does as long as it takes the table for empty.
/// Whose machine is gone in the middle of a group does not keep the next gateway waiting: groups are sent whole.
pub(super) const WRITER: &str = "SET search_path = ringbud; SET idle_in_transaction_session_timeout = '2s';
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
    SET plan_cache_mode = force_generic_plan";
/// For whoever reads: no report may hold back what clears up behind the writers.
const READER: &str = "SET search_path = ringbud; SET idle_in_transaction_session_timeout = '10s';
    SET statement_timeout = '30s'";
/// For what is done once: the start, forgetting. Whose process is gone does not keep the next gateway waiting, on
/// systems that can look after it.
const UPKEEP: &str = "SET search_path = ringbud; SET idle_in_transaction_session_timeout = '10s';
    DO $$ BEGIN PERFORM set_config('client_connection_check_interval', '500ms', false);
    EXCEPTION WHEN OTHERS THEN NULL; END $$";

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Writing,
    Reading,
    Upkeep,
}

/// A connection.
pub(super) struct Link {
    pub(super) client: Client,
    warned: Arc<AtomicBool>,
    driver: JoinHandle<()>,
}

impl Link {
    /// Makes one.
    pub(super) async fn make(target: &Target, for_what: Use) -> Result<Self, Fault> {
        let (client, warned, driver) = connect(target, for_what).await.map_err(|error| {
            // Nothing was asked of it yet.
            Fault::Undone(format!("it cannot be connected to: {}", words(&error)))
        })?;
        Ok(Self { client, warned, driver })
    }

    /// Whether the engine has warned of something since this was asked last.
    pub(super) fn warned(&self) -> bool {
        self.warned.swap(false, Ordering::AcqRel)
    }

    /// Ends it at once, whatever it waits for.
    pub(super) fn cut(self) {
        self.driver.abort();
    }
}

/// A client, and the task that drives it, for who keeps several.
pub(super) async fn connect(
    target: &Target,
    for_what: Use,
) -> Result<(Client, Arc<AtomicBool>, JoinHandle<()>), tokio_postgres::Error> {
    let (client, connection) = target.config.connect(target.tls.clone()).await?;
    let warned = Arc::new(AtomicBool::new(false));
    let driver =
        tasks::spawn(Part::JournalConnection, drive(connection, warned.clone(), target.wakes.clone()));
    let settings = match for_what {
        Use::Writing => WRITER,
        Use::Reading => READER,
        Use::Upkeep => UPKEEP,
    };
    client.batch_execute(settings).await?;
    if target.wakes.is_some() {
        client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
    }
    warned.store(false, Ordering::Release);
    Ok((client, warned, driver))
}

async fn drive(mut connection: Connection<Socket, Stream>, warned: Arc<AtomicBool>, wakes: Option<Wakes>) {
    while let Some(message) = poll_fn(|cx| connection.poll_message(cx)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) => {
                if notice.parsed_severity() == Some(Severity::Warning) {
                    tracing::warn!(said = notice.message(), "PostgreSQL warns");
                    warned.store(true, Ordering::Release);
                }
            }
            Ok(AsyncMessage::Notification(_)) => {
                if let Some(wakes) = &wakes {
                    wakes.send_modify(|times| *times += 1);
                }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(error = words(&error), "a connection to PostgreSQL has ended");
                return;
            }
        }
    }
}
