//! Every implementation passes the suite.

use journal::memory::Memory;
use journal::seal::Sealer;
use journal::{Access, Options, RollingUp, Sqlite};
use tempfile::TempDir;

fn sqlite(options: Options) -> (Sqlite, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let sealer = Sealer::new([7; 32]);
    let journal = Sqlite::open_with(folder.path(), Access::Gateway, sealer, options).expect("a journal");
    (journal, folder)
}

/// Without a pause, when so many events have gathered; legs are packed with what waits of them.
fn rolling_up(at: i64) -> Options {
    Options { rolling_up: RollingUp::at_once(at), ..Options::default() }
}

/// The same, but legs are packed only when nothing of them waits.
fn rolling_up_settled(at: i64) -> Options {
    let rolling_up = RollingUp { waits: i64::MAX, ..RollingUp::at_once(at) };
    Options { rolling_up, ..Options::default() }
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
mod on_sqlite_that_rolls_up_at_once {
    use super::*;

    journal::conformance!(sqlite(rolling_up(1)));
}

mod on_sqlite_that_rolls_up_a_little_later {
    use super::*;

    journal::conformance!(sqlite(rolling_up(40)));
}

mod on_sqlite_that_packs_what_is_settled {
    use super::*;

    journal::conformance!(sqlite(rolling_up_settled(1)));
}

/// All of it is looked through, and in rows.
mod on_sqlite_that_never_rolls_up {
    use super::*;

    journal::conformance!(sqlite(Options { rolling_up: RollingUp::never(), ..Options::default() }));
}
