//! `journal`: the store itself, where it is on PostgreSQL or shall be.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ConfigArg, EXIT_DONE, Failure, runtime};
use crate::config::Purpose;
use crate::moving;

/// The store itself: copy it to PostgreSQL, or back.
#[derive(Args, Debug)]
pub struct JournalArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: JournalDo,
}

#[derive(Debug, Subcommand)]
enum JournalDo {
    /// Copy the store of a folder into the PostgreSQL that [journal] names, or the other way. Stop ringbud before, on every
    /// machine.
    ///
    /// Everything is copied: settings, calls, what waits to be delivered, what was tried, the audit log. Both sides are
    /// counted at the end, and where they differ it fails. The numbers of deliveries in the API are others then; the
    /// ids that receivers know are the same. What is copied into has to be empty; a copy that breaks off is begun anew.
    Copy {
        /// The data folder to copy from. When it is done its store has another name, so that nothing goes on with it.
        #[arg(long, value_name = "DIR", conflicts_with = "to", required_unless_present = "to")]
        from: Option<PathBuf>,
        /// The data folder to copy to. The store in PostgreSQL stays; start no gateway on it any more.
        #[arg(long, value_name = "DIR")]
        to: Option<PathBuf>,
        /// With --to, where gateways shared the store: one of them whose disk is lost. What was in its spool is not copied.
        #[arg(long, value_name = "GATEWAY", conflicts_with = "from")]
        without: Vec<String>,
    },
}

impl JournalArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let config = self.config.load(Purpose::Work)?;
        let Some(on) = &config.journal else {
            let file = config.file.display();
            return Err(Failure::new(format!(
                "{file}: [journal] is missing: it names the PostgreSQL to copy to, or from"
            )));
        };
        let JournalDo::Copy { from, to, without } = self.what;
        let runtime = runtime()?;
        let told = match (from, to) {
            (Some(folder), _) => runtime.block_on(moving::into_postgres(&config, on, &folder))?,
            (None, Some(folder)) => runtime.block_on(moving::into_folder(&config, on, &folder, &without))?,
            (None, None) => return Err(Failure::new("expected --from or --to")),
        };
        eprintln!("ringbud: {told}");
        Ok(EXIT_DONE)
    }
}
