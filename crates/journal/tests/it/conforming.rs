//! Every implementation passes the suite.

use journal::memory::Memory;
use journal::seal::Sealer;
use journal::{Access, Logging, Options, RollingUp, Sqlite};
use tempfile::TempDir;

fn sqlite(options: Options) -> (Sqlite, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let sealer = Sealer::new([7; 32]);
    let journal = Sqlite::open_with(folder.path(), Access::Gateway, sealer, options).expect("a journal");
    (journal, folder)
}

/// Without a pause, when so many events have gathered; legs are packed with what waits of them.
fn rolling_up(at: i64) -> Options {
    Options { rolling_up: RollingUp::at_once(at), logging: Logging::never(), ..Options::default() }
}

/// What is new goes into the log; how much of it is in the tables already does not matter.
fn logging(logging: Logging) -> Options {
    Options { logging, rolling_up: RollingUp::at_once(1), ..Options::default() }
}

/// The same, but legs are packed only when nothing of them waits.
fn rolling_up_settled(at: i64) -> Options {
    let rolling_up = RollingUp { waits: i64::MAX, ..RollingUp::at_once(at) };
    Options { rolling_up, logging: Logging::never(), ..Options::default() }
}

mod memory {
    use super::*;

    journal::conformance!((Memory::new(), ()));
}

mod memory_of_two_gateways {
    use super::*;

    journal::conformance!(of two, {
        let one = Memory::new();
        let other = one.beside("other");
        (one, other)
    });
}

mod on_sqlite {
    use super::*;

    journal::conformance!(sqlite(Options::default()));
}

mod on_sqlite_that_folds_after_every_commit {
    use super::*;

    journal::conformance!(sqlite(logging(Logging::folded_at_once())));
}

mod on_sqlite_that_folds_for_who_asks {
    use super::*;

    journal::conformance!(sqlite(logging(Logging::default())));
}

/// Legs are carried out of the log before they have ended.
mod on_sqlite_with_a_log_of_three_rows {
    use super::*;

    journal::conformance!(sqlite(logging(Logging { rows: 3, ..Logging::default() })));
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

    journal::conformance!(sqlite(Options {
        rolling_up: RollingUp::never(),
        logging: Logging::never(),
        ..Options::default()
    }));
}
