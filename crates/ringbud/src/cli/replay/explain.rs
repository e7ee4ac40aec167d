//! Which messages of a recording led to an event.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;

use calls::{Event, EventKind, LegId, PbxName};
use pbx::Evidence;

/// So many messages are remembered for each channel; older ones are not told.
const MAX_MESSAGES: usize = 64;
/// So many channels are remembered; beyond that the oldest ids go first.
const MAX_CHANNELS: usize = 100_000;

/// Remembers what was said about each channel.
pub(super) struct Explainer {
    pbx: PbxName,
    file: String,
    line: u64,
    /// Lines read of all files, for their order.
    read: u64,
    last: Option<Said>,
    channels: BTreeMap<Box<str>, VecDeque<Said>>,
    /// When the last event of each open leg was explained.
    told: BTreeMap<LegId, u64>,
}

#[derive(Clone, PartialEq, Eq)]
struct Said {
    order: u64,
    words: String,
}

impl Explainer {
    pub(super) fn new(pbx: PbxName) -> Self {
        Self {
            pbx,
            file: String::new(),
            line: 0,
            read: 0,
            last: None,
            channels: BTreeMap::new(),
            told: BTreeMap::new(),
        }
    }

    pub(super) fn begin_file(&mut self, path: &Path) {
        self.file = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        self.line = 0;
    }

    /// One more line was read.
    pub(super) fn line(&mut self) {
        self.line += 1;
        self.read += 1;
    }

    /// A message that ends on this line meant something.
    pub(super) fn saw(&mut self, message: &dyn Evidence) {
        let first = self.line.saturating_sub(message.lines() as u64);
        let words = format!("{}:{first}: {}", self.file, message.summary());
        if self.last.as_ref().is_some_and(|last| last.words == words) {
            return;
        }
        let said = Said { order: self.read, words };
        for id in message.channels() {
            let about = self.channels.entry(id.into()).or_default();
            if about.back() != Some(&said) {
                about.push_back(said.clone());
            }
            if about.len() > MAX_MESSAGES {
                about.pop_front();
            }
        }
        while self.channels.len() > MAX_CHANNELS {
            self.channels.pop_first();
        }
        self.last = Some(said);
    }

    /// The messages about the leg and its counterpart since the leg's last event, and the last one read.
    pub(super) fn explain(&mut self, event: &Event) -> Vec<String> {
        let mut all: Vec<Said> = self.last.iter().cloned().collect();
        let counterpart = event.counterpart.as_ref().and_then(|leg| self.channel(leg)).map(str::to_owned);
        if let Some(about) =
            self.channel(&event.leg).map(str::to_owned).and_then(|id| self.channels.get_mut(&*id))
        {
            all.extend(std::mem::take(about));
        }
        if let Some(about) = counterpart.and_then(|id| self.channels.get(&*id)) {
            let told = self.told.get(&event.leg).copied().unwrap_or(0);
            all.extend(about.iter().filter(|said| said.order > told).cloned());
        }
        match event.kind() {
            EventKind::Ended => self.told.remove(&event.leg),
            EventKind::Incoming | EventKind::Answered | EventKind::Outgoing => {
                self.told.insert(event.leg.clone(), self.read)
            }
        };
        all.sort_by(|one, two| one.order.cmp(&two.order).then_with(|| one.words.cmp(&two.words)));
        all.dedup();
        all.into_iter().map(|said| said.words).collect()
    }

    fn channel<'a>(&self, leg: &'a LegId) -> Option<&'a str> {
        leg.as_str().strip_prefix(self.pbx.as_str())?.strip_prefix('-')
    }
}
