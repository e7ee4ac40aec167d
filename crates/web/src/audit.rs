//! Who changed what, in the window or by the API: a bounded list, kept with the settings.

use journal::settings::{Secret, Setting, SettingKey};
use journal::{SettingsBook, WallTime};
use tokio::sync::Mutex;

use crate::clock;

/// Where it is kept.
const KEY: &str = "audit";
/// So many entries are kept, the newest.
pub(crate) const MAX_ENTRIES: usize = 500;
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
pub(crate) async fn note(book: &SettingsBook, who: &str, what: &'static str, account: &str, detail: &str) {
    tracing::info!(who, what, account, detail, "done");
    let _turn = TURN.lock().await;
    let mut entries = read(book);
    let at = clock::now();
    entries.insert(
        0,
        Entry { at, who: who.into(), what: what.into(), account: account.into(), detail: detail.into() },
    );
    entries.truncate(MAX_ENTRIES);
    let text: String = entries.iter().map(line).collect();
    let setting = Setting::System(Secret::new(text));
    if let Err(error) = book.put(SettingKey::System(KEY.to_owned()), Some(setting), None).await {
        tracing::warn!(%error, "the audit log could not be written");
    }
}

/// The newest first.
pub(crate) fn read(book: &SettingsBook) -> Vec<Entry> {
    let Some((text, _)) = book.system(KEY) else { return Vec::new() };
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
