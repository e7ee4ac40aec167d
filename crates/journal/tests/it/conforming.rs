//! Every implementation passes the suite.

use journal::memory::Memory;
use journal::seal::Sealer;
use journal::{Access, Sqlite};
use tempfile::TempDir;

fn sqlite() -> (Sqlite, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
    (journal, folder)
}

mod memory {
    use super::*;

    journal::conformance!((Memory::new(), ()));
}

mod on_sqlite {
    use super::*;

    journal::conformance!(sqlite());
}
