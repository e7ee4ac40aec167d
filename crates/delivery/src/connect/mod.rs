//! Getting through to a destination: resolve, let the guard judge every address, connect to exactly those
//! that pass, speak TLS. What is said then is left to `exchange`.

mod answer;
mod by_hyper;
mod dial;
mod exchange;
mod fetch;
mod http1;
mod link;
mod pool;
mod proxy;
mod resolve;
mod tls;

pub use answer::{ANSWER_DISCARDED_MAX, ANSWER_KEPT_MAX, Lost, RESPONSE_TIMEOUT};
pub use dial::CONNECT_TIMEOUT;
pub use dial::{CertificateFault, ConnectError, Connector, ConnectorOptions};
pub use fetch::{FetchError, FetchOptions, Fetcher};
pub use pool::{IDLE_FOR, IDLE_PER_DESTINATION, IDLE_TOTAL};
pub use resolve::{Resolve, Resolving, SystemResolver};
pub use tls::BadCa;

const _: () = assert!(
    CONNECT_TIMEOUT.as_secs() + RESPONSE_TIMEOUT.as_secs() <= crate::policy::LONGEST_REQUEST.as_secs(),
    "who waits for what another has under way waits for so long"
);

pub(crate) use answer::Answered;
pub(crate) use link::Link;
pub(crate) use pool::{Failed, Pool, Pools};
pub(crate) use tls::{CA_PEM_MAX, Trust};
