//! `key`: the key that secrets are sealed with.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use journal::Sqlite;

use super::say::say;
use super::{ConfigArg, EXIT_DONE, Failure};
use crate::config::Purpose;
use crate::key::{self, Key};
use crate::store::Store;

/// The key that the secrets in the store are sealed with: name it, or take another.
#[derive(Args, Debug)]
pub struct KeyArgs {
    #[command(flatten)]
    config: ConfigArg,
    #[command(subcommand)]
    what: KeyDo,
}

#[derive(Debug, Subcommand)]
enum KeyDo {
    /// Print the key's id, which backups name too; it tells nothing of the key.
    Id,
    /// Take another key and seal every secret with it. Stop ringbud before; killed at any moment, the store is
    /// usable. Backups made before need the key they were made with, which is in them unless the configuration
    /// named it.
    Rotate {
        /// Where the configuration names the key: seal with the text in this file, which the configuration has to
        /// name afterwards.
        #[arg(long, value_name = "FILE")]
        to: Option<PathBuf>,
    },
}

impl KeyArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let config = self.config.load(Purpose::Work)?;
        Store::is_in_folder(&config, "its key is the text in secret_key_file, and cannot be changed yet")?;
        let missing = || Failure::new(format!("{}: data_dir is missing", config.file.display()));
        let folder = config.data_dir.as_deref().ok_or_else(missing)?;
        if !Store::is_in(folder) {
            return Err(Failure::new(format!("there is no store in {}", folder.display())));
        }
        let configured = Key::configured(&config)?;
        if configured.is_none() {
            key::finish_rotation(folder)?;
        }
        match (self.what, configured) {
            (KeyDo::Id, Some(key)) => say!("{}", key.id())?,
            (KeyDo::Id, None) => say!("{}", Key::in_file(&key::file_in(folder))?.id())?,
            (KeyDo::Rotate { to: None }, None) => {
                let fresh = Key::fresh()?;
                let sealed = key::rotate(folder, &fresh)?;
                told(sealed, &fresh);
            }
            (KeyDo::Rotate { to: Some(_) }, None) => {
                return Err(Failure::new(
                    "the key is in the data folder and a new one is made there: leave --to out, which is for a key that \
                     the configuration names",
                ));
            }
            (KeyDo::Rotate { to: None }, Some(_)) => {
                return Err(Failure::new(format!(
                    "{} names the key with secret_key: write a new one into a file and name it with --to",
                    config.file.display()
                )));
            }
            (KeyDo::Rotate { to: Some(file) }, Some(old)) => {
                let fresh = Key::of_text_in(&file)
                    .map_err(|error| Failure::new(format!("the key in {}: {error}", file.display())))?;
                let sealed = Sqlite::hold(folder)?.seal_anew(&old.sealer(), &fresh.sealer())?;
                told(sealed, &fresh);
                eprintln!("ringbud: name {} with secret_key_file before the next start", file.display());
            }
        }
        Ok(EXIT_DONE)
    }
}

fn told(sealed: usize, fresh: &Key) {
    eprintln!("ringbud: {sealed} settings are sealed anew; the key is {} now. Make a backup.", fresh.id());
}
