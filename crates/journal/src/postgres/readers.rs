//! A few connections for whoever asks.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use deadpool_postgres::{Connect, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config};

use super::errors::{Fault, words};
use super::link::{Use, connect};
use super::target::Target;

/// So many ask at once.
const CONNECTIONS: usize = 6;
/// How long is waited for one that is free, and for a new one.
const PATIENCE: Duration = Duration::from_secs(10);

/// The connections.
pub(super) struct Readers(Pool);

/// Makes one as every other is made: through the one door of tasks.
struct Door(Target);

type Connected = Result<(Client, JoinHandle<()>), tokio_postgres::Error>;

impl Connect for Door {
    fn connect(&self, _: &Config) -> Pin<Box<dyn Future<Output = Connected> + Send + '_>> {
        Box::pin(async {
            let (client, _, driver) = connect(&self.0, Use::Reading).await?;
            Ok((client, driver))
        })
    }
}

impl Readers {
    pub(super) fn new(target: &Target) -> Result<Self, Fault> {
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = Manager::from_connect(target.config.clone(), Door(target.clone()), recycling);
        let pool = Pool::builder(manager)
            .max_size(CONNECTIONS)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .build();
        pool.map(Self).map_err(|error| Fault::Undone(error.to_string()))
    }

    /// One of them.
    pub(super) async fn one(&self) -> Result<Object, Fault> {
        self.0.get().await.map_err(|error| {
            Fault::Undone(match error {
                PoolError::Backend(error) => format!("it cannot be connected to: {}", words(&error)),
                PoolError::Timeout(_) => "all its connections are in use".to_owned(),
                other => other.to_string(),
            })
        })
    }
}
