//! Every implementation passes the suite.

use journal::memory::Memory;
use journal::seal::Sealer;
use journal::{Access, Digesting, Options, Sqlite};
use tempfile::TempDir;

fn sqlite(options: Options) -> (Sqlite, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let sealer = Sealer::new([7; 32]);
    let journal = Sqlite::open_with(folder.path(), Access::Gateway, sealer, options).expect("a journal");
    (journal, folder)
}

/// Without a pause, when so many events have gathered.
fn digesting(at: i64) -> Options {
    let digesting = Digesting { at, pause: std::time::Duration::ZERO };
    Options { digesting, ..Options::default() }
}

mod memory {
    use super::*;

    journal::conformance!((Memory::new(), ()));
}

mod on_sqlite {
    use super::*;

    journal::conformance!(sqlite(Options::default()));
}

/// With nothing left to look through, or with half of it.
mod on_sqlite_that_digests_at_once {
    use super::*;

    journal::conformance!(sqlite(digesting(1)));
}

mod on_sqlite_that_digests_a_little_later {
    use super::*;

    journal::conformance!(sqlite(digesting(40)));
}
