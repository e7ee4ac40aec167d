//! Secrets at rest: sealed with a key that is not in the store.

use std::fmt;
use std::io::{self, Read, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::rand_core::RngCore;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

use crate::settings::Secret;

const NONCE_BYTES: usize = 24;

/// Seals secrets with XChaCha20-Poly1305, each to its place, so that one cannot be moved to another.
#[derive(Clone)]
pub struct Sealer(XChaCha20Poly1305);

/// It was sealed with another key, for another place, or it is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret was sealed with another key, or is damaged")]
pub struct NotOurs;

impl Sealer {
    /// With this key.
    pub fn new(key: [u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&key.into()))
    }

    /// With the key in a file; where there is no file, one is made that only its owner can read.
    ///
    /// # Errors
    /// The system's, or that the file does not hold exactly 32 bytes.
    pub fn from_key_file(path: &Path) -> io::Result<Self> {
        match std::fs::File::open(path) {
            Ok(file) => Self::from_file(path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make_key_file(path),
            Err(error) => Err(error),
        }
    }

    fn from_file(path: &Path, file: std::fs::File) -> io::Result<Self> {
        let mut key = Vec::with_capacity(33);
        file.take(33).read_to_end(&mut key)?;
        let key: [u8; 32] = key.try_into().map_err(|_| {
            let place = path.display();
            io::Error::new(io::ErrorKind::InvalidData, format!("{place} does not hold a key of 32 bytes"))
        })?;
        Ok(Self::new(key))
    }

    /// Written beside and linked into place, so that of two processes one wins and both use its key.
    fn make_key_file(path: &Path) -> io::Result<Self> {
        let mut key = [0; 32];
        OsRng.fill_bytes(&mut key);
        let beside = path.with_extension(format!("new-{}", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside)?;
        file.write_all(&key)?;
        file.sync_all()?;
        let linked = std::fs::hard_link(&beside, path);
        std::fs::remove_file(&beside)?;
        match linked {
            Ok(()) => Ok(Self::new(key)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Self::from_file(path, std::fs::File::open(path)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Seals a secret to a place.
    pub fn seal(&self, place: &str, secret: &Secret) -> String {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: place.as_bytes() };
        let sealed =
            self.0.encrypt(&nonce, payload).expect("a secret is far shorter than the cipher's limit");
        STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed to this place.
    ///
    /// # Errors
    /// [`NotOurs`].
    pub fn open(&self, place: &str, sealed: &str) -> Result<Secret, NotOurs> {
        let bytes = STANDARD_NO_PAD.decode(sealed).map_err(|_| NotOurs)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES).ok_or(NotOurs)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let opened = self.0.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| NotOurs)?;
        String::from_utf8(opened).map(Secret::new).map_err(|_| NotOurs)
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealer(…)")
    }
}
