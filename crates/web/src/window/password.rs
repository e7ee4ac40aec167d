//! Passwords: argon2id, a few at a time, and never on the threads that serve.

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

/// Shortest password taken.
pub(crate) const MIN_CHARS: usize = 10;
/// Longest password taken.
const MAX_CHARS: usize = 200;
/// Memory, passes and lanes as OWASP recommends for argon2id.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// So many are computed at once.
const AT_ONCE: usize = 2;

/// Computes passwords.
pub(crate) struct Passwords {
    turn: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self { turn: Semaphore::new(AT_ONCE) }
    }
}

impl Passwords {
    /// What is kept of a password.
    pub(crate) async fn hash(&self, password: String) -> Option<String> {
        self.compute(move || hash(&password)).await.flatten()
    }

    /// Whether a password is right. Takes as long where there is nothing to compare with.
    pub(crate) async fn verify(&self, password: String, kept: String) -> bool {
        // Asked before anything is compared: the time of the answer tells nothing of who is known.
        if password.len() > MAX_CHARS * 4 {
            return false;
        }
        self.compute(move || match PasswordHash::new(&kept) {
            Ok(kept) => argon().verify_password(password.as_bytes(), &kept).is_ok(),
            Err(_) => {
                let _ = hash(&password);
                false
            }
        })
        .await
        .unwrap_or(false)
    }

    async fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let _turn = self.turn.acquire().await.ok()?;
        tasks::blocking(tasks::Part::PasswordHash, work).await.ok()
    }
}

/// Whether a password may be chosen.
pub(crate) fn fits(password: &str) -> bool {
    (MIN_CHARS..=MAX_CHARS).contains(&password.chars().count())
}

fn argon() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).unwrap_or_default();
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> Option<String> {
    let salt = SaltString::generate(&mut OsRng);
    Some(argon().hash_password(password.as_bytes(), &salt).ok()?.to_string())
}
