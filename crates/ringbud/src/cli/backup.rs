//! `backup`, `restore`: the store and its key as one file, and back into a bare folder.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use journal::Sqlite;
use tempfile::{NamedTempFile, TempDir};

use super::say::say;
use super::{ConfigArg, EXIT_DONE, Failure};
use crate::backup::{BackupError, Header};
use crate::clock;
use crate::config::{Config, Purpose};
use crate::key::{self, Key};
use crate::store::Store;

/// No passphrase is longer than this.
const MAX_PASSPHRASE_BYTES: usize = 4_096;

/// What is done where the store is no file.
const INSTEAD: &str = "it is backed up and restored as any database (pg_dump, pgBackRest), and the key in secret_key_file apart from it";

/// Copy the store of a gateway that may be running into one file, with the key of its secrets.
///
/// A backup holds personal data (numbers, names, what was told of every call) and, unless the configuration names the
/// key, what opens its secrets: keep it as you keep the store, or encrypt it with a passphrase. The configuration is
/// not in it. `ringbud restore` is the way back.
#[derive(Args, Debug)]
pub struct BackupArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The file to write; none that is there is overwritten.
    #[arg(id = "backup", value_name = "FILE")]
    file: PathBuf,
    /// Encrypt it with the passphrase in this file (its first line).
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Put a backup into the data folder of the configuration, where no store is yet.
///
/// What was waiting to be delivered when the backup was made is delivered after the next start, also what was
/// delivered since: receivers know it by its webhook-id.
#[derive(Args, Debug)]
pub struct RestoreArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The backup.
    #[arg(id = "backup", value_name = "FILE")]
    file: PathBuf,
    /// The passphrase it was encrypted with is in this file (its first line).
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Only say what the backup is, and which key it needs; nothing is restored, and no configuration is read.
    #[arg(long)]
    look: bool,
}

fn data_folder(config: &Config) -> Result<&Path, Failure> {
    let missing = || Failure::new(format!("{}: data_dir is missing", config.file.display()));
    config.data_dir.as_deref().ok_or_else(missing)
}

fn passphrase(file: Option<&Path>) -> Result<Option<String>, Failure> {
    let Some(file) = file else { return Ok(None) };
    let named =
        |why: &dyn std::fmt::Display| Failure::new(format!("the passphrase in {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| named(&error))?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        return Err(named(&"expected it in the first line, which is empty"));
    }
    if line.len() > MAX_PASSPHRASE_BYTES {
        return Err(named(&"it is too long"));
    }
    Ok(Some(line.to_owned()))
}

/// The folder a file is, or will be, in.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

impl BackupArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let config = self.config.load(Purpose::Work)?;
        Store::is_in_folder(&config, INSTEAD)?;
        let folder = data_folder(&config)?;
        if !Store::is_in(folder) {
            return Err(Failure::new(format!(
                "there is no store in {}: nothing to back up",
                folder.display()
            )));
        }
        let named = |why: &dyn std::fmt::Display| Failure::new(format!("{}: {why}", self.file.display()));
        if self.file.exists() {
            return Err(named(
                &"there is such a file already, and it is not overwritten: choose another name",
            ));
        }
        let passphrase = passphrase(self.passphrase_file.as_deref())?;
        let (key, has_key) = match Key::configured(&config)? {
            Some(key) => (key, false),
            None => {
                key::finish_rotation(folder)?;
                (Key::in_file(&key::file_in(folder))?, true)
            }
        };
        let beside = folder_of(&self.file);
        let mut copy = NamedTempFile::new_in(beside).map_err(|error| named(&error))?;
        let format = Sqlite::copy(folder, copy.path())?;
        // Also when the key was changed in the midst of it: what is told below is true.
        Sqlite::look_at(copy.path(), &key.sealer())?;
        let header = Header::new(format, web::wire::moment(clock::wall()), key.id(), has_key);
        let write = || -> Result<NamedTempFile, BackupError> {
            let made = NamedTempFile::new_in(beside)?;
            let mut content = header.write(BufWriter::new(made), passphrase.as_deref())?;
            if has_key {
                content.write_all(key.bytes())?;
            }
            io::copy(copy.as_file_mut(), &mut content)?;
            let made = content.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
            made.as_file().sync_all()?;
            Ok(made)
        };
        let made = write().map_err(|error| named(&error))?;
        let file = made.persist_noclobber(&self.file).map_err(|error| named(&error.error))?;
        key::sync_folder(beside)?;
        let bytes = file.metadata()?.len();
        eprintln!(
            "ringbud: {} bytes in {}: the store (format {format}){}{}",
            bytes,
            self.file.display(),
            if has_key {
                " and its key"
            } else {
                "; its key is the one the configuration names: keep it elsewhere"
            },
            if passphrase.is_some() {
                ", encrypted"
            } else {
                ". It is not encrypted, and holds personal data"
            },
        );
        Ok(EXIT_DONE)
    }
}

impl RestoreArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let named = |error: BackupError| Failure::new(format!("{}: {error}", self.file.display()));
        let file = File::open(&self.file).map_err(|error| named(error.into()))?;
        let mut file = BufReader::new(file);
        let header = Header::read(&mut file).map_err(named)?;
        if self.look {
            return look(&header);
        }
        let config = self.config.load(Purpose::Work)?;
        Store::is_in_folder(&config, INSTEAD)?;
        let folder = data_folder(&config)?;
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::new(format!("the data folder {}: {error}", folder.display())))?;
        if header.format > Sqlite::FORMAT {
            return Err(Failure::new(format!(
                "{}: it was made by ringbud {} and has format {}, this ringbud knows up to {}: restore it with that one, \
                 or a newer one",
                self.file.display(),
                header.version,
                header.format,
                Sqlite::FORMAT
            )));
        }
        let there = |what: &str| {
            Failure::new(format!(
                "there is {what} in {}, and it is not overwritten: stop ringbud and put the folder aside (mv), or name \
                 another with data_dir",
                folder.display()
            ))
        };
        if Store::is_in(folder) {
            return Err(there("a store"));
        }
        let passphrase = passphrase(self.passphrase_file.as_deref())?;
        let configured = Key::configured(&config)?;
        let unpacked = tempfile::Builder::new().prefix("restore-").tempdir_in(folder)?;
        let own = unpack(&header, file, passphrase.as_deref(), &unpacked).map_err(named)?;
        let needs = |which: &str| {
            Failure::new(format!(
                "{}: the secrets in it are sealed with the key {}, {which}",
                self.file.display(),
                header.key_id
            ))
        };
        let key = match (&configured, &own) {
            (Some(key), _) if key.id() == header.key_id => key,
            (None, Some(key)) => key,
            (Some(_), Some(_)) => {
                return Err(needs(
                    "which is in it; the configuration names another with secret_key: leave that out",
                ));
            }
            (Some(_), None) => {
                return Err(needs("and the configuration names another one: name that key with secret_key"));
            }
            (None, None) => {
                return Err(needs(
                    "which the configuration named when it was made: name it again with secret_key",
                ));
            }
        };
        Sqlite::look_at(&store_in(&unpacked), &key.sealer())?;
        if configured.is_none() {
            let file = key::file_in(folder);
            match Key::in_file(&file) {
                Ok(present) if present.id() == key.id() => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => key.write(&file)?,
                Ok(_) | Err(_) => return Err(there("the key of another store (secret.key)")),
            }
        }
        // Not over one that came into being meanwhile.
        std::fs::hard_link(store_in(&unpacked), Store::file_in(folder)).map_err(|error| {
            match error.kind() {
                io::ErrorKind::AlreadyExists => there("a store"),
                _ => Failure::new(format!("the store cannot be put into {}: {error}", folder.display())),
            }
        })?;
        key::sync_folder(folder)?;
        eprintln!(
            "ringbud: the store of {} is in {}: start ringbud serve as the user it runs as",
            header.made_at,
            folder.display()
        );
        Ok(EXIT_DONE)
    }
}

fn look(header: &Header) -> Result<u8, Failure> {
    say!("made at     {}", header.made_at)?;
    say!("by ringbud  {}", header.version)?;
    say!("format      {} (this ringbud knows up to {})", header.format, Sqlite::FORMAT)?;
    say!("encrypted   {}", if header.is_encrypted() { "with a passphrase" } else { "no" })?;
    let place = if header.has_key { "in the backup" } else { "the configuration names it (secret_key)" };
    say!("needs key   {}: {place}", header.key_id)?;
    Ok(EXIT_DONE)
}

fn store_in(folder: &TempDir) -> PathBuf {
    Store::file_in(folder.path())
}

/// Writes the store of a backup into a folder; the key, if it is in it.
fn unpack(
    header: &Header,
    file: BufReader<File>,
    passphrase: Option<&str>,
    into: &TempDir,
) -> Result<Option<Key>, BackupError> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut store = BufWriter::new(options.open(store_in(into))?);
    let mut content = header.open(file, passphrase)?;
    let mut key = Vec::new();
    let key_bytes = if header.has_key { 32 } else { 0 };
    while let Some(piece) = content.piece()? {
        let (of_key, of_store) = piece.split_at(piece.len().min(key_bytes - key.len()));
        key.extend_from_slice(of_key);
        store.write_all(of_store)?;
    }
    store.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    if !header.has_key {
        return Ok(None);
    }
    let key: [u8; 32] = key.try_into().map_err(|_| BackupError::Damaged)?;
    Ok(Some(Key::of(key)))
}
