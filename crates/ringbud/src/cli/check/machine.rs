//! The machine itself: who else can read the secrets, and who can reach the window.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::Report;
use crate::config::{Config, SecretSource};
use crate::store::Store;

pub(super) fn check(config: &Config, report: &Report) {
    for file in secret_files(config) {
        if let Some(who) = readers(&file) {
            report.warn(&format!(
                "{} can be read by {who} of this machine, and a secret is in it: chmod 600, or 640 with the group of the service",
                file.display()
            ));
        }
    }
    let http = &config.http;
    if http.tls.is_none() && http.public_url.is_none() && is_open(&http.listen) {
        report.warn(&format!(
            "[http] listen = \"{}\" can be reached from other machines without TLS: passwords and numbers cross the network readable. Use tls_cert and tls_key, or listen on 127.0.0.1 behind a proxy and set public_url",
            http.listen
        ));
    }
}

/// Every file that has a secret in it.
fn secret_files(config: &Config) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut has_own = false;
    let secrets = config
        .pbxs
        .iter()
        .map(|pbx| &pbx.secret)
        .chain(&config.secret_key)
        .chain(config.journal.as_ref().map(|journal| &journal.url))
        .chain(config.operator.as_ref().and_then(|operator| operator.secret.as_ref()))
        .chain(config.mail.as_ref().and_then(|mail| mail.password.as_ref()))
        .chain(config.oidc.as_ref().and_then(|oidc| oidc.client_secret.as_ref()));
    for secret in secrets {
        match secret {
            SecretSource::File(file, _) => files.push(file.clone()),
            SecretSource::Given(secret) => has_own |= !secret.expose().is_empty(),
            SecretSource::Environment(..) => {}
        }
    }
    if has_own {
        files.push(config.file.clone());
    }
    files.extend(config.http.tls.as_ref().map(|tls| tls.key.clone()));
    files.extend(config.data_dir.as_deref().map(Store::files).unwrap_or_default());
    files.sort();
    files.dedup();
    files
}

/// Who else than owner and group may read a file.
#[cfg(unix)]
fn readers(file: &Path) -> Option<&'static str> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(file).ok()?.permissions().mode();
    match (mode & 0o002 != 0, mode & 0o004 != 0) {
        // Not when nobody else gets into its folder.
        _ if !reachable(file) => None,
        (true, _) => Some("every user, and changed,"),
        (false, true) => Some("every user"),
        (false, false) => None,
    }
}

/// Whether other users get as far as the file's folder.
#[cfg(unix)]
fn reachable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let Ok(file) = file.canonicalize() else { return true };
    let open =
        |folder: &Path| std::fs::metadata(folder).is_ok_and(|meta| meta.permissions().mode() & 0o001 != 0);
    file.ancestors().skip(1).all(open)
}

#[cfg(not(unix))]
fn readers(_file: &Path) -> Option<&'static str> {
    None
}

/// Whether other machines reach what listens there.
fn is_open(listen: &str) -> bool {
    !is_here(listen.rsplit_once(':').map_or(listen, |(host, _)| host).trim_matches(['[', ']']))
}

/// Whether a host is this machine, as seen from itself alone.
pub(super) fn is_here(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host == "localhost",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_listens_on_this_machine_alone_is_not_open() {
        for (listen, open) in [
            ("127.0.0.1:8080", false),
            ("[::1]:8080", false),
            ("localhost:8080", false),
            ("0.0.0.0:8080", true),
            ("[::]:8080", true),
            ("192.0.2.7:80", true),
            ("pbx.example.com:80", true),
        ] {
            assert_eq!(is_open(listen), open, "{listen}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_secret_that_every_user_can_read_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        std::fs::write(&file, "s3cret").unwrap();
        let mode = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        mode(folder.path(), 0o755);
        for (bits, told) in [
            (0o600, None),
            (0o640, None),
            (0o644, Some("every user")),
            (0o666, Some("every user, and changed,")),
        ] {
            mode(&file, bits);
            assert_eq!(readers(&file), told, "{bits:o}");
        }
        mode(&file, 0o644);
        mode(folder.path(), 0o700);
        assert_eq!(readers(&file), None, "nobody else gets there");
    }
}
