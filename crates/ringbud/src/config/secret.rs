//! Secrets: written in the file, in a file of their own, or in the environment.

use std::path::PathBuf;

use journal::settings::Secret;

use super::section::Section;
use super::{Place, Problem};

/// No secret file is larger than this.
const MAX_SECRET_BYTES: usize = 64 * 1024;

/// Where a secret is.
#[derive(Clone, Debug)]
pub enum SecretSource {
    /// In the configuration itself.
    Given(Secret),
    /// In a file of its own.
    File(PathBuf, Place),
    /// In an environment variable.
    Environment(String, Place),
}

impl SecretSource {
    /// The secret itself.
    ///
    /// # Errors
    /// When its file cannot be read or its variable is not set.
    pub fn read(&self) -> Result<Secret, Problem> {
        match self {
            Self::Given(secret) => Ok(secret.clone()),
            Self::File(path, place) => {
                let problem = |what: String| Problem { place: place.clone(), what };
                let text = std::fs::read_to_string(path).map_err(|error| {
                    problem(format!("the file {} cannot be read: {error}", path.display()))
                })?;
                let secret = text.trim_end_matches(['\r', '\n']);
                if secret.is_empty() {
                    return Err(problem(format!(
                        "the file {} is empty; expected the secret in it",
                        path.display()
                    )));
                }
                if secret.len() > MAX_SECRET_BYTES {
                    return Err(problem(format!("the file {} is too long for a secret", path.display())));
                }
                Ok(Secret::new(secret))
            }
            Self::Environment(name, place) => match std::env::var(name) {
                Ok(secret) if !secret.is_empty() => Ok(Secret::new(secret)),
                Ok(_) => Err(Problem {
                    place: place.clone(),
                    what: format!("the environment variable {name} is empty"),
                }),
                Err(_) => Err(Problem {
                    place: place.clone(),
                    what: format!(
                        "the environment variable {name} is not set; set it to the secret before starting ringbud"
                    ),
                }),
            },
        }
    }
}

/// The secret of this name, or of this name with `_file` or `_env`.
pub(super) fn optional(section: &Section<'_>, name: &'static str) -> Option<SecretSource> {
    let (file_key, env_key) = match name {
        "secret_key" => ("secret_key_file", "secret_key_env"),
        "password" => ("password_file", "password_env"),
        "url" => ("url_file", "url_env"),
        "client_secret" => ("client_secret_file", "client_secret_env"),
        _ => ("secret_file", "secret_env"),
    };
    let given = section.text(name).map(|found| (found.place, SecretSource::Given(Secret::new(found.value))));
    let path = section.path(file_key);
    let file = section.text(file_key).zip(path).map(|(found, path)| {
        let source = SecretSource::File(path, found.place.clone());
        (found.place, source)
    });
    let env = section.text(env_key).map(|found| {
        let source = SecretSource::Environment(found.value, found.place.clone());
        (found.place, source)
    });
    let mut all = [given, file, env].into_iter().flatten();
    let first = all.next();
    if let Some((place, _)) = all.next() {
        section.complain(place, format!("expected only one of {name}, {file_key} and {env_key}"));
    }
    first.map(|(_, source)| source)
}
