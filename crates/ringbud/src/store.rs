//! The data folder: the journal in it, and the key its secrets are sealed with.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use admin::Admin;
use delivery::guard::Guard;
use journal::Access;
use journal::seal::Sealer;
use journal::{Journal, JournalError, SettingsCache};

use crate::config::{Config, OnPostgres, Pbx};
use crate::directory::{KnownSettings, Written, not_taken_any_more};
use crate::engine::Engine;
pub use crate::folder::StoreError;
use crate::folder::journal_in;
use crate::key::{self, KEY_FILE, Key};
use crate::stand_by::StandBy;

/// What is kept, and the settings in RAM.
#[derive(Clone)]
pub struct Store {
    /// What is kept.
    pub journal: Arc<dyn Journal>,
    /// The same, as what it stands on.
    pub engine: Engine,
    /// The settings.
    pub cache: Arc<SettingsCache>,
}

impl Store {
    /// Whether there is a store in a folder.
    pub fn is_in(folder: &Path) -> bool {
        Self::file_in(folder).is_file()
    }

    /// Where the store of a folder lies.
    pub fn file_in(folder: &Path) -> PathBuf {
        journal_in(folder)
    }

    /// Opens it for what is set, beside a gateway that may be running.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_beside(config: &Config) -> Result<Self, StoreError> {
        Self::open(config, Access::Settings).await
    }

    /// The same, if there is one in the configuration's folder; one that is not there is not made, and PostgreSQL is not
    /// asked.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_if_there(config: &Config) -> Result<Option<Self>, StoreError> {
        if config.journal.is_some() || !config.data_dir.as_deref().is_some_and(Self::is_in) {
            return Ok(None);
        }
        Self::open_beside(config).await.map(Some)
    }

    /// Opens all of it, if no gateway has it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_alone(config: &Config) -> Result<Option<Self>, StoreError> {
        match Self::open(config, Access::Gateway).await {
            Err(StoreError::Journal(JournalError::InUse { .. })) => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// What the directory asks of its settings.
    pub fn known_settings(&self) -> Arc<dyn KnownSettings> {
        Arc::new(Written::new(self.cache.clone()))
    }

    /// The phones in it that the rules of these PBXs make no more, in a sentence; `None` if there are none.
    pub fn phones_not_taken_any_more(&self, pbxs: &[Pbx]) -> Option<String> {
        not_taken_any_more(pbxs, &self.cache)
    }

    /// The commands and queries of people and programs on it, without a gateway.
    pub fn admin(&self, guard: Guard) -> Admin {
        Admin::aside(self.journal.clone(), self.cache.clone(), guard)
    }

    /// The files in a folder that only its owner should read.
    pub fn files(folder: &Path) -> Vec<PathBuf> {
        [folder.join(KEY_FILE), journal_in(folder)].into_iter().filter(|file| file.is_file()).collect()
    }

    /// Opens the store of a configuration; makes it where there is none.
    ///
    /// # Errors
    /// That it is in use, not accessible, damaged, newer, or sealed with another key.
    pub async fn open(config: &Config, access: Access) -> Result<Self, StoreError> {
        Self::open_for(config, access, None).await
    }

    /// The same as its gateway; where the configuration says so, another one that has it is waited for.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub async fn open_in_turn(config: &Config, stand_by: &StandBy) -> Result<Self, StoreError> {
        let opened = Self::open_for(config, Access::Gateway, Some(stand_by)).await;
        if opened.is_ok() {
            stand_by.is_over();
        }
        opened
    }

    async fn open_for(
        config: &Config,
        access: Access,
        stand_by: Option<&StandBy>,
    ) -> Result<Self, StoreError> {
        let folder =
            config.data_dir.as_deref().ok_or_else(|| StoreError::NoFolder { file: config.file.clone() })?;
        make_folder(folder).map_err(|why| StoreError::NoAccess { folder: folder.into(), why })?;
        if let Some(on) = &config.journal {
            let stand_by = stand_by.filter(|_| on.stand_by);
            return Self::open_postgres(config, on, folder, access, stand_by).await;
        }
        let sealer = match Key::configured(config)? {
            Some(key) => key.sealer(),
            None => {
                key::finish_rotation(folder)?;
                let file = key::file_in(folder);
                Sealer::from_key_file(&file).map_err(|why| StoreError::Key { file, why })?
            }
        };
        make_private_file(&journal_in(folder))
            .and_then(|()| close_to_others(folder))
            .map_err(|why| StoreError::NoAccess { folder: folder.into(), why })?;
        Self::on(Engine::open_file(folder, access, sealer)?).await
    }

    /// The folder is the gateway's own: its lock, and what it is known by.
    async fn open_postgres(
        config: &Config,
        on: &OnPostgres,
        folder: &Path,
        access: Access,
        stand_by: Option<&StandBy>,
    ) -> Result<Self, StoreError> {
        let Some(key) = Key::configured(config)? else {
            return Err(StoreError::NotInFolder("secret_key_file is missing"));
        };
        if Self::is_in(folder) {
            tracing::warn!(folder = %folder.display(), "there is a store in data_dir, and it is not used: [journal] names PostgreSQL");
        }
        close_to_others(folder).map_err(|why| StoreError::NoAccess { folder: folder.into(), why })?;
        Self::on(Engine::open_postgres(on, folder, access, key.sealer(), stand_by).await?).await
    }

    async fn on(engine: Engine) -> Result<Self, StoreError> {
        let journal = engine.journal();
        let cache = Arc::new(SettingsCache::load(journal.clone()).await?);
        Ok(Self { journal, engine, cache })
    }

    /// Refuses what is done with the files of a store where it is on PostgreSQL.
    ///
    /// # Errors
    /// That it is, and what is done instead.
    pub fn is_in_folder(config: &Config, instead: &'static str) -> Result<(), StoreError> {
        if config.journal.is_some() { Err(StoreError::NotInFolder(instead)) } else { Ok(()) }
    }
}

/// SQLite gives the files beside the journal the journal's mode, so it is there with the right one before SQLite makes
/// it.
#[cfg(unix)]
fn make_private_file(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    if !file.exists() {
        std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    }
    Ok(())
}

#[cfg(not(unix))]
fn make_private_file(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Nobody but its owner reads what is kept, whatever the umask was when it was made.
#[cfg(unix)]
fn close_to_others(folder: &Path) -> std::io::Result<()> {
    use std::io::ErrorKind::PermissionDenied;
    use std::os::unix::fs::PermissionsExt as _;
    let close =
        |path: &Path, mode| match std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)) {
            // Somebody else's folder, which its owner has opened to us.
            Err(error) if error.kind() == PermissionDenied => Ok(()),
            done => done,
        };
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let begins = |with: &[u8]| name.as_encoded_bytes().starts_with(with);
        let is_ours = begins(KEY_FILE.as_bytes()) || begins(b"journal") || begins(b"ringbud.");
        if is_ours && entry.file_type()?.is_file() {
            close(&entry.path(), 0o600)?;
        }
    }
    close(folder, 0o700)
}

#[cfg(not(unix))]
fn close_to_others(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// Only its owner may look into a folder that we make.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
