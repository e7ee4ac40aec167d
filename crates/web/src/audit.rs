//! Who changed what, in the window or by the API: a bounded list, kept with the settings.

use journal::settings::{Secret, Setting, SettingKey};
use journal::{SettingsCache, WallTime};
use tokio::sync::Mutex;

use crate::clock;

/// Where it is kept.
const KEY: &str = "audit";
/// So many entries are kept, the newest; neither what people did nor what came by the API, however much it is,
/// leaves less than half of them to the other.
pub(crate) const MAX_ENTRIES: usize = 500;
/// What a caller's name begins with who came by the API; a token's name follows.
pub(crate) const BY_API: &str = "API ";
/// A part of an entry is cut at so many characters.
const MAX_CHARS: usize = 200;

/// One writer at a time.
static TURN: Mutex<()> = Mutex::const_new(());

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) at: WallTime,
    pub(crate) who: String,
    /// A key of the catalogue.
    pub(crate) what: String,
    /// Empty for none.
    pub(crate) account: String,
    /// Which one.
    pub(crate) detail: String,
}

/// Notes it. A note that cannot be kept is logged: what was done is done.
pub(crate) async fn note(cache: &SettingsCache, who: &str, what: &'static str, account: &str, detail: &str) {
    tracing::info!(who, what, account, detail, "done");
    let _turn = TURN.lock().await;
    let mut entries = read(cache);
    let at = clock::now();
    entries.insert(
        0,
        Entry { at, who: who.into(), what: what.into(), account: account.into(), detail: detail.into() },
    );
    bound(&mut entries);
    let text: String = entries.iter().map(line).collect();
    let setting = Setting::System(Secret::new(text));
    if let Err(error) = cache.put(SettingKey::System(KEY.to_owned()), Some(setting), None).await {
        tracing::warn!(%error, "the audit log could not be written");
    }
}

/// Whether it came by the API. A token's name has no blank or bracket in it, and a person's that begins so has.
fn by_api(entry: &Entry) -> bool {
    entry.who.strip_prefix(BY_API).is_some_and(|token| !token.contains([' ', '[']))
}

/// Forgets the oldest, of the side that has more than its half.
fn bound(entries: &mut Vec<Entry>) {
    while entries.len() > MAX_ENTRIES {
        let api_has_more = entries.iter().filter(|entry| by_api(entry)).count() > MAX_ENTRIES / 2;
        let oldest = entries.iter().rposition(|entry| by_api(entry) == api_has_more);
        entries.remove(oldest.unwrap_or(entries.len() - 1));
    }
}

/// The newest first.
pub(crate) fn read(cache: &SettingsCache) -> Vec<Entry> {
    let Some((text, _)) = cache.system(KEY) else { return Vec::new() };
    text.expose().lines().filter_map(entry).collect()
}

fn line(entry: &Entry) -> String {
    let Entry { at, who, what, account, detail } = entry;
    let plain = |text: &str| {
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_CHARS).collect::<String>()
    };
    format!("{}\t{}\t{what}\t{}\t{}\n", at.0, plain(who), plain(account), plain(detail))
}

fn entry(line: &str) -> Option<Entry> {
    let mut parts = line.splitn(5, '\t').map(str::to_owned);
    Some(Entry {
        at: WallTime(parts.next()?.parse().ok()?),
        who: parts.next()?,
        what: parts.next()?,
        account: parts.next()?,
        detail: parts.next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(done: impl Iterator<Item = &'static str>) -> Vec<(i64, String)> {
        let mut entries = Vec::new();
        for (at, who) in (1..).zip(done) {
            let text = String::new;
            entries.insert(
                0,
                Entry { at: WallTime(at), who: who.into(), what: text(), account: text(), detail: text() },
            );
            bound(&mut entries);
        }
        entries.into_iter().map(|entry| (entry.at.0, entry.who)).collect()
    }

    #[test]
    fn a_flood_by_the_api_leaves_what_people_did_and_the_other_way_round() {
        let of = |kept: &[(i64, String)], who: &str| kept.iter().filter(|(_, one)| one == who).count();
        for (flood, other) in [("API crm", "olga"), ("olga", "API crm")] {
            let done = std::iter::repeat_n(other, 300).chain(std::iter::repeat_n(flood, 5_000));
            let left = kept(done);
            assert_eq!((left.len(), of(&left, other), of(&left, flood)), (500, 250, 250));
            assert!(left.contains(&(300, other.to_owned())) && left.contains(&(5_300, flood.to_owned())));
            assert!(!left.contains(&(50, other.to_owned())), "of each side the oldest go");
            let done = std::iter::repeat_n(other, 20).chain(std::iter::repeat_n(flood, 5_000));
            let left = kept(done);
            assert_eq!((of(&left, other), of(&left, flood)), (20, 480), "what is free is used");
        }
        let person = std::iter::repeat_n("API [oidc:nordlys:7]", 20);
        assert_eq!(of(&kept(person.chain(std::iter::repeat_n("API crm", 600))), "API [oidc:nordlys:7]"), 20);
    }
}
