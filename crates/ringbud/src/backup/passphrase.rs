//! A passphrase becomes a key: argon2id with a salt of each backup's own, so that guessing is dear.

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use serde_json::{Value, json};

use super::BackupError;

const SALT_BYTES: usize = 16;
/// What precedes the counter in a frame's nonce.
pub(super) const NONCE_BYTES: usize = 19;
/// A second of a small machine: a backup lies about for years.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// No file makes us work harder than this.
const MEMORY_KIB_MAX: u32 = 1024 * 1024;
const PASSES_MAX: u32 = 16;

/// How.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    salt: [u8; SALT_BYTES],
    nonce: [u8; NONCE_BYTES],
    memory_kib: u32,
    passes: u32,
}

impl Recipe {
    pub(super) fn fresh() -> Result<Self, BackupError> {
        let (mut salt, mut nonce) = ([0; SALT_BYTES], [0; NONCE_BYTES]);
        getrandom::fill(&mut salt)
            .and_then(|()| getrandom::fill(&mut nonce))
            .map_err(|_| BackupError::NoRandom)?;
        Ok(Self { salt, nonce, memory_kib: MEMORY_KIB, passes: PASSES })
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "kind": "argon2id, XChaCha20-Poly1305 in frames",
            "salt": hex(&self.salt),
            "nonce": hex(&self.nonce),
            "memory_kib": self.memory_kib,
            "passes": self.passes,
        })
    }

    pub(super) fn read(json: &Value) -> Option<Self> {
        let number = |name: &str, most: u32| {
            json[name].as_u64().and_then(|number| u32::try_from(number).ok()).filter(|number| *number <= most)
        };
        Some(Self {
            salt: unhex(json["salt"].as_str()?)?,
            nonce: unhex(json["nonce"].as_str()?)?,
            memory_kib: number("memory_kib", MEMORY_KIB_MAX)?,
            passes: number("passes", PASSES_MAX)?,
        })
    }

    /// The cipher, and what its nonces begin with.
    pub(super) fn cipher(
        &self,
        passphrase: &str,
    ) -> Result<(XChaCha20Poly1305, [u8; NONCE_BYTES]), BackupError> {
        let bad = |_| BackupError::Header("passphrase");
        let params = Params::new(self.memory_kib, self.passes, 1, None).map_err(bad)?;
        let mut key = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &self.salt, &mut key)
            .map_err(bad)?;
        Ok((XChaCha20Poly1305::new(&key.into()), self.nonce))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let pairs = (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}
