//! The configuration, read anew while everything runs (`SIGHUP`).
//!
//! Everything the new one needs is read and judged first; only then something changes, so one that is wrong changes
//! nothing. What cannot be changed while it runs stays as it was, and is named.

use std::time::Duration;

use ::pbx::Secret;
use calls::PbxName;
use delivery::guard::WebhookUrl;
use journal::{Grant, JournalError};

use super::following::{Followed, stop_following};
use super::{Running, ServeError, mail, operator, secrets, sender_options};
use crate::config::{Config, ConfigError, Log, Oidc, Operator, Pbx, Purpose, SecretSource};
use crate::telemetry;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A secret or a certificate is not to be had.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// The journal does not say where a PBX was left. Everything but that is as it was asked.
    #[error(
        "the PBX {pbx} cannot be followed: {why}. Everything else is taken up; read the configuration again when the journal can be read"
    )]
    Unfollowed {
        /// Which.
        pbx: PbxName,
        /// The journal's words.
        why: JournalError,
    },
}

impl ReloadError {
    /// Whether everything is as it was before.
    pub const fn changed_nothing(&self) -> bool {
        match self {
            Self::Config(_) | Self::Serve(_) => true,
            Self::Unfollowed { .. } => false,
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloaded {
    /// What is otherwise now, in words.
    pub changed: Vec<String>,
    /// What is otherwise in the file and only comes with a restart.
    pub with_a_restart: Vec<&'static str>,
}

impl Running {
    /// Reads the configuration anew, and takes up what can be.
    ///
    /// # Errors
    /// When anything in it is wrong, or a secret or certificate it names cannot be read. Then nothing has changed.
    pub async fn reload(&mut self) -> Result<Reloaded, ReloadError> {
        let new = Config::load(&self.config.file, Purpose::Work)?;
        let pbx_secrets = secrets(&new)?;
        let notifier = operator::notifier(&new)?;
        let alerts = mail::alert_options(&new)?;
        let certificates = match (&self.changeable.certificates, &new.http.tls) {
            (Some(certificates), Some(files)) => Some(certificates.read(files).map_err(ServeError::from)?),
            (None, _) | (_, None) => None,
        };
        let mut done = Reloaded { with_a_restart: with_a_restart(&self.config, &new), ..Reloaded::default() };
        let unfollowed = match &self.shares {
            None => self.follow_as(&new.pbxs, pbx_secrets, &mut done).await,
            Some(shares) => {
                telemetry::begin(&new.pbxs);
                let pbxs = new.pbxs.iter().cloned().zip(pbx_secrets).collect();
                done.changed.extend(shares.follow_as(pbxs));
                Ok(())
            }
        };
        if is_other(&self.config.outgoing, &new.outgoing) {
            done.changed.push("[outgoing]".to_owned());
        }
        if told(&self.config) != told(&new) {
            done.changed.push("[operator]".to_owned());
        }
        if mail::told(&self.config) != mail::told(&new) {
            done.changed.push("[mail]".to_owned());
        }
        // Secrets in files may have changed without a word in the configuration: taken up in any case.
        let options = sender_options(&new, self.changeable.operator.clone(), self.changeable.alerts.clone());
        self.sender.change(options.connector, options.response_timeout, options.limits);
        self.changeable.guard.change(new.outgoing.allow.clone());
        self.changeable.operator.change(notifier);
        self.changeable.alerts.change(alerts);
        self.changeable.link_down.change(&new);
        if self.config.log.level != new.log.level {
            done.changed.push(match telemetry::change_level(&new.log) {
                true => "[log] level".to_owned(),
                false => "[log] level, which RINGBUD_LOG in the environment beats".to_owned(),
            });
        }
        if let (Some(own), Some(read)) = (&self.changeable.certificates, certificates)
            && own.take_up(read)
        {
            done.changed.push("the certificate".to_owned());
        }
        let Config { data_dir, journal, secret_key, http, oidc, keep, .. } = self.config.clone();
        let log = Log { format: self.config.log.format, ..new.log };
        self.config = Config { data_dir, journal, secret_key, http, oidc, keep, log, ..new };
        unfollowed.map(|()| done)
    }

    /// Follows these PBXs and no others; links that need not change are not touched.
    async fn follow_as(
        &mut self,
        pbxs: &[Pbx],
        secrets: Vec<Secret>,
        done: &mut Reloaded,
    ) -> Result<(), ReloadError> {
        let mut before = std::mem::take(&mut *self.following.lock().await);
        let (mut ends, mut begins) = (Vec::new(), Vec::new());
        let mut stays: Vec<Option<Followed>> = Vec::new();
        for (pbx, secret) in pbxs.iter().zip(secrets) {
            let at = before.iter().position(|one| one.pbx.name == pbx.name);
            let old = at.map(|at| before.remove(at));
            match old {
                Some(old) if old.pbx.is_followed_as(pbx) && old.secret == secret => stays.push(Some(old)),
                old => {
                    let how = if old.is_some() { "changed" } else { "added" };
                    done.changed.push(format!("the PBX {}: {how}", pbx.name));
                    ends.extend(old);
                    begins.push((stays.len(), pbx, secret));
                    stays.push(None);
                }
            }
        }
        done.changed.extend(before.iter().map(|gone| format!("the PBX {}: removed", gone.pbx.name)));
        let gone: Vec<_> = before.iter().map(|gone| gone.pbx.name.clone()).collect();
        ends.extend(before);
        stop_following(ends).await;
        gone.iter().for_each(|pbx| self.board.forget(pbx));
        let mut failed = None;
        for (at, pbx, secret) in begins {
            telemetry::begin(std::slice::from_ref(pbx));
            match self.parts.follow(pbx, secret, Grant::ALONE).await {
                Ok(followed) => stays[at] = Some(followed),
                Err(why) => failed = Some(ReloadError::Unfollowed { pbx: pbx.name.clone(), why }),
            }
        }
        self.follows(stays.into_iter().flatten().collect()).await;
        failed.map_or(Ok(()), Err)
    }
}

/// What is otherwise and is only taken up by a start.
fn with_a_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let read = |source: &Option<SecretSource>| source.as_ref().map(|source| source.read().ok());
    let provider = |config: &Config| {
        let secret = config.oidc.as_ref().map(|oidc| read(&oidc.client_secret));
        // Without where it stands in the file.
        let bare = config.oidc.clone().map(|oidc| Oidc { line: 0, client_secret: None, ..oidc });
        (secret, format!("{bare:?}"))
    };
    let http = |config: &Config| {
        let mut http = config.http.clone();
        // Other files are taken up; whether there is TLS at all is not.
        if let (Some(tls), Some(other)) = (&mut http.tls, &old.http.tls) {
            tls.clone_from(other);
        }
        http
    };
    let all = [
        ("data_dir", old.data_dir != new.data_dir),
        ("[journal]", is_other(&old.journal, &new.journal)),
        ("secret_key", read(&old.secret_key) != read(&new.secret_key)),
        ("[http]", is_other(&http(old), &http(new))),
        ("[oidc]", provider(old) != provider(new)),
        ("[keep]", is_other(&old.keep, &new.keep)),
        ("[log] format", old.log.format != new.log.format),
    ];
    all.into_iter().filter(|(_, is_other)| *is_other).map(|(name, _)| name).collect()
}

/// Who is told, signed with what, and after how long.
fn told(config: &Config) -> Option<(WebhookUrl, Option<Secret>, Duration)> {
    let Operator { url, secret, link_down } = config.operator.as_ref()?;
    let secret = secret.as_ref().and_then(|source| source.read().ok()).map(|read| Secret::new(read.expose()));
    Some((url.clone(), secret, *link_down))
}

fn is_other<T: std::fmt::Debug>(old: &T, new: &T) -> bool {
    format!("{old:?}") != format!("{new:?}")
}
