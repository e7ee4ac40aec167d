//! Who sits at the machine, by the system's own account of it: what stands in the audit log for the command line.

use std::os::unix::fs::MetadataExt as _;

/// Where the system has its users.
const USERS: &str = "/etc/passwd";

/// Whether that is root.
pub(crate) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|of| of.uid() == 0)
}

/// The name of the user that runs this; who became root by `sudo` is called as they were before. One that the
/// system's file does not list goes by number.
pub(crate) fn name() -> String {
    let Ok(uid) = std::fs::metadata("/proc/self").map(|of| of.uid()) else { return "unknown".to_owned() };
    let users = std::fs::read_to_string(USERS).unwrap_or_default();
    let before = std::env::var("SUDO_USER").ok().filter(|_| uid == 0);
    plain(&before.or_else(|| named(&users, uid)).unwrap_or_else(|| format!("uid{uid}")))
}

/// The name of a number in the system's file.
fn named(users: &str, uid: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    })
}

/// Without what means something where the name is used.
fn plain(name: &str) -> String {
    name.chars().map(|c| if c.is_alphanumeric() || "._-@".contains(c) { c } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_called_as_the_system_calls_them() {
        let users = "root:x:0:0:root:/root:/bin/bash\nolga:x:1000:1000::/home/olga:/bin/sh\nbroken\n";
        assert_eq!(named(users, 1000).as_deref(), Some("olga"));
        assert_eq!(named(users, 7), None);
        assert_eq!(plain("a:b c"), "a_b_c");
    }
}
