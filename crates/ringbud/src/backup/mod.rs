//! A backup: the whole store and the key of its secrets in one file, which says what it is before anything of it is
//! read.
//!
//! The file begins with a line that names it and one with the header as JSON. The content follows in frames (`frames`):
//! the key, where the backup has it, then the store as an SQLite file. With a passphrase the frames are sealed with a
//! key made of it (`passphrase`); without one a sum at the end finds damage.

mod frames;
mod passphrase;

use std::io::{self, BufRead, Read, Write};

use serde_json::{Value, json};

pub use frames::{Reader, Writer};
use passphrase::Recipe;

/// The first line.
const NAMED: &str = "ringbud backup 1\n";
/// The header is no longer than this.
const HEADER_BYTES: u64 = 4_096;

/// Why a backup cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// It is something else.
    #[error("it is no backup of ringbud: it does not begin with \"ringbud backup 1\"")]
    NoBackup,
    /// The header makes no sense.
    #[error("its header cannot be read ({0}): it is damaged, or of a newer ringbud")]
    Header(&'static str),
    /// It ends too soon.
    #[error("it is cut off: its end is missing")]
    CutOff,
    /// What is in it is not what was written.
    #[error("it is damaged: what is in it is not what was written")]
    Damaged,
    /// A passphrase is needed.
    #[error("it is encrypted: give the passphrase with --passphrase-file")]
    NeedsPassphrase,
    /// The passphrase does not open it.
    #[error("the passphrase is another one, or the file is damaged at its beginning")]
    WrongPassphrase,
    /// No passphrase was used.
    #[error("it is not encrypted: leave --passphrase-file out")]
    NotEncrypted,
    /// The system has no random bytes.
    #[error("the system gives no random bytes right now")]
    NoRandom,
    /// It cannot be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a backup says of itself, for anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The program that made it.
    pub version: String,
    /// The store's format.
    pub format: u32,
    /// When, as RFC 3339.
    pub made_at: String,
    /// Which key the secrets in it are sealed with.
    pub key_id: String,
    /// Whether that key is in it; else it is the one the configuration named.
    pub has_key: bool,
    /// How the passphrase becomes a key, where there is one.
    recipe: Option<Recipe>,
}

impl Header {
    /// Of a backup that is to be made.
    pub fn new(format: u32, made_at: String, key_id: String, has_key: bool) -> Self {
        Self { version: env!("CARGO_PKG_VERSION").to_owned(), format, made_at, key_id, has_key, recipe: None }
    }

    /// Whether a passphrase is needed to read on.
    pub fn is_encrypted(&self) -> bool {
        self.recipe.is_some()
    }

    fn text(&self) -> String {
        let header = json!({
            "version": self.version,
            "format": self.format,
            "made_at": self.made_at,
            "key_id": self.key_id,
            "has_key": self.has_key,
            "passphrase": self.recipe.as_ref().map(Recipe::json),
        });
        format!("{NAMED}{header}\n")
    }

    /// Reads it; the rest of the file is its content.
    ///
    /// # Errors
    /// That it is no backup, or of another kind than this program knows.
    pub fn read(from: &mut impl BufRead) -> Result<Self, BackupError> {
        let mut named = [0; NAMED.len()];
        match from.read_exact(&mut named) {
            Ok(()) if named == NAMED.as_bytes() => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
            Ok(()) | Err(_) => return Err(BackupError::NoBackup),
        }
        let mut line = String::new();
        let bad = BackupError::Header;
        from.take(HEADER_BYTES).read_line(&mut line).map_err(|_| bad("it is no text"))?;
        if !line.ends_with('\n') {
            return Err(BackupError::CutOff);
        }
        let header: Value = serde_json::from_str(&line).map_err(|_| bad("it is no JSON"))?;
        let text = |name: &'static str| header[name].as_str().map(str::to_owned).ok_or(bad(name));
        let read = Self {
            version: text("version")?,
            format: header["format"]
                .as_u64()
                .and_then(|number| number.try_into().ok())
                .ok_or(bad("format"))?,
            made_at: text("made_at")?,
            key_id: text("key_id")?,
            has_key: header["has_key"].as_bool().ok_or(bad("has_key"))?,
            recipe: match &header["passphrase"] {
                Value::Null => None,
                recipe => Some(Recipe::read(recipe).ok_or(bad("passphrase"))?),
            },
        };
        // What follows is sealed, or summed, with it: byte by byte.
        if read.text() == format!("{NAMED}{line}") { Ok(read) } else { Err(bad("it was changed")) }
    }

    /// Writes it; what is written to the writer then is its content.
    ///
    /// # Errors
    /// That it cannot be written, or there is no chance to seal with.
    pub fn write<W: Write>(mut self, mut to: W, passphrase: Option<&str>) -> Result<Writer<W>, BackupError> {
        self.recipe = passphrase.map(|_| Recipe::fresh()).transpose()?;
        let text = self.text();
        to.write_all(text.as_bytes())?;
        let seal = match (&self.recipe, passphrase) {
            (Some(recipe), Some(passphrase)) => Some(recipe.cipher(passphrase)?),
            _ => None,
        };
        Ok(Writer::new(to, text.as_bytes(), seal))
    }

    /// The content that follows the header.
    ///
    /// # Errors
    /// That a passphrase is missing, or given where none was used.
    pub fn open<R: Read>(&self, from: R, passphrase: Option<&str>) -> Result<Reader<R>, BackupError> {
        let seal = match (&self.recipe, passphrase) {
            (Some(recipe), Some(passphrase)) => Some(recipe.cipher(passphrase)?),
            (None, None) => None,
            (Some(_), None) => return Err(BackupError::NeedsPassphrase),
            (None, Some(_)) => return Err(BackupError::NotEncrypted),
        };
        Ok(Reader::new(from, self.text().as_bytes(), seal))
    }
}
