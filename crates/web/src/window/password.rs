//! Passwords: argon2id, a few at a time, and never on the threads that serve.

use argon2::password_hash::rand_core::OsRng;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use super::visitor::Fields;

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

/// The password that somebody chose and typed twice, or the key of what is wrong with it.
pub(super) fn chosen(fields: &Fields) -> Result<String, &'static str> {
    match fields.raw("password") {
        password if !fits(password) => Err("users.password_help"),
        password if password != fields.raw("again") => Err("users.not_the_same"),
        password => Ok(password.to_owned()),
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

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    /// The time of an answer is that of the one hash that is computed, or of none: what is asked before tells nothing of
    /// who is known.
    #[tokio::test]
    async fn as_much_is_computed_for_a_name_that_is_not_there_as_for_one_that_is() {
        let passwords = Passwords::default();
        let kept = passwords.hash("a short sentence".to_owned()).await.unwrap();
        let long = "x".repeat(MAX_CHARS * 4 + 1);
        // Whoever computes waits for a turn, and nobody has one.
        let turns = passwords.turn.acquire_many(AT_ONCE as u32).await.unwrap();
        for (password, is_computed) in [
            ("", true),
            ("another sentence", true),
            (&long[1..], true),
            (&long, false),
            (&*long.repeat(100), false),
        ] {
            for there in [kept.as_str(), "", "no hash at all"] {
                let answer = passwords.verify(password.to_owned(), there.to_owned()).now_or_never();
                let expected = if is_computed { None } else { Some(false) };
                assert_eq!(answer, expected, "{} characters, {there:?}", password.len());
            }
        }
        drop(turns);
        assert!(passwords.verify("a short sentence".to_owned(), kept.clone()).await);
        // And it is the same hash: what is kept was made as the one that is thrown away.
        let kept = PasswordHash::new(&kept).unwrap();
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        assert_eq!(cost(&Params::try_from(&kept).unwrap()), cost(argon().params()));
    }
}
