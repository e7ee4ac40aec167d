//! Names to addresses. A trait, so that a test can be the name server that changes its mind.

use std::future::Future;
use std::io;
use std::net::{IpAddr, ToSocketAddrs as _};
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::Semaphore;

/// Look-ups at once; the system's resolver holds a thread for each, answered or not.
const LOOKUPS: usize = 64;
/// Addresses of a name that are looked at.
const ADDRESSES_MAX: usize = 16;

/// The addresses of a name, on their way.
pub type Resolving<'a> = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send + 'a>>;

/// Finds the addresses of a name.
pub trait Resolve: Send + Sync + 'static {
    /// All of them, best first.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;
}

/// The system's resolver: hosts file, name servers, whatever the machine is set up to ask.
#[derive(Debug)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self { lookups: Arc::new(Semaphore::new(LOOKUPS)) }
    }
}

impl Resolve for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let permit = self.lookups.clone().acquire_owned().await.map_err(io::Error::other)?;
            let name = name.to_owned();
            // A look-up that hangs keeps its permit, whoever has stopped waiting for it.
            let looking_up = tasks::blocking(tasks::Part::NameLookup, move || {
                let found = (&*name, 0).to_socket_addrs();
                drop(permit);
                found.map(|found| found.map(|address| address.ip()).take(ADDRESSES_MAX).collect())
            });
            looking_up.await.map_err(io::Error::other)?
        })
    }
}
