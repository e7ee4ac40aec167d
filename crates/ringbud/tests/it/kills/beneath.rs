//! What the store stands on where it is no file: one PostgreSQL, or three that Patroni looks after.

use journal::conformance::engine::Engine;
use journal::postgres::Target;
use journal::settings::Secret;

use super::patroni::Patroni;

pub(super) enum Beneath {
    Engine(Engine),
    Patroni(Patroni),
}

/// What is done to the server that takes writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Strike {
    /// It is killed: started again where it was, or another is promoted by who looks after it.
    Server,
    /// It and who looks after it are killed together, as where a machine is gone.
    Machine,
    /// Another is made the one that takes writes, in order.
    SwitchedOver,
}

impl Beneath {
    /// An empty database.
    pub(super) fn database(&self, name: &str) {
        match self {
            Self::Engine(engine) => engine.database(name),
            Self::Patroni(cluster) => cluster.says(&format!("CREATE DATABASE {name} OWNER ringbud")),
        }
    }

    /// The way to it, as it is written into a configuration.
    pub(super) fn url(&self, database: &str) -> String {
        match self {
            Self::Engine(engine) => engine.url(database),
            Self::Patroni(cluster) => cluster.url(database),
        }
    }

    pub(super) fn target(&self, database: &str) -> Target {
        Target::new(&Secret::new(self.url(database)), None).unwrap()
    }

    /// Whether others have what is committed.
    pub(super) const fn is_replicated(&self) -> bool {
        matches!(self, Self::Patroni(_))
    }

    /// Strikes, and comes back when writes are taken again.
    pub(super) fn strike(&mut self, how: Strike) {
        match self {
            Self::Engine(engine) => {
                engine.servers[0].kill();
                engine.servers[0].run();
            }
            Self::Patroni(cluster) => cluster.strike(how),
        }
    }
}
