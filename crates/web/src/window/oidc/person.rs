//! A user as people are shown them, and what a session of theirs is opened with.

use admin::kept::settings::User;

/// What people are shown.
pub(in super::super) fn shown<'a>(key: &'a str, user: &'a User) -> &'a str {
    user.vouched.as_ref().map_or(key, |vouched| &vouched.name)
}

/// What a session is opened with and ends with: another password, or being removed and coming anew.
pub(in super::super) fn opened_with(user: &User) -> String {
    match &user.vouched {
        None => user.password_hash.clone(),
        Some(vouched) => format!("since {}", vouched.came_at.0),
    }
}
