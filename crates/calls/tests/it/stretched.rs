//! A recording's time, drawn out: shapes are recorded in the seconds they take, and two readers need longer to get ready
//! and to lose their links a few times. What comes at once stays so; pauses take longer.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex};

/// So long a recording is to last, in microseconds.
const LASTS_US: u64 = 40_000_000;
/// From this on it is a pause.
const PAUSE_US: u64 = 150_000;

static MICROS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b1[78]\d{14}\b").unwrap());
static SECONDS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\b(\d{10})\.(\d+)\b").unwrap());

/// When what was recorded happens.
pub(crate) struct Stretched {
    /// A moment of the recording, and the one it becomes.
    moments: Vec<(u64, u64)>,
    /// The ids of channels that begin with the second they were made in.
    ids: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Stretched {
    /// Of a recording that says something at these moments.
    pub(crate) fn new(mut moments: Vec<u64>) -> Self {
        moments.sort_unstable();
        moments.dedup();
        let steps = || moments.windows(2).map(|pair| pair[1] - pair[0]);
        let pauses: u64 = steps().filter(|step| *step >= PAUSE_US).sum();
        let rest: u64 = steps().filter(|step| *step < PAUSE_US).sum();
        let factor = LASTS_US.saturating_sub(rest).checked_div(pauses).unwrap_or(1).max(1);
        let mut now = moments.first().copied().unwrap_or_default();
        let mut becomes = vec![(now, now)];
        for pair in moments.windows(2) {
            let step = pair[1] - pair[0];
            now += if step >= PAUSE_US { step * factor } else { step };
            becomes.push((pair[1], now));
        }
        Self { moments: becomes, ids: BTreeMap::new() }
    }

    pub(crate) fn at(&self, moment: u64) -> u64 {
        let next = self.moments.partition_point(|(was, _)| *was <= moment);
        let Some((was, is)) = next.checked_sub(1).and_then(|before| self.moments.get(before)) else {
            return moment;
        };
        let at = is + (moment - was);
        self.moments.get(next).map_or(at, |(_, next)| at.min(*next))
    }

    /// A FreeSWITCH's message, with every moment in it as it is now.
    pub(crate) fn micros(&self, message: &[u8]) -> Vec<u8> {
        let now = |found: &Captures<'_>| {
            self.at(std::str::from_utf8(&found[0]).unwrap().parse().unwrap()).to_string().into_bytes()
        };
        MICROS.replace_all(message, now).into_owned()
    }

    /// An Asterisk's message of that moment: with the moment, and channels named after the seconds that are now.
    pub(crate) fn seconds(&mut self, message: &[u8], moment: u64) -> Vec<u8> {
        let at = self.at(moment);
        let now = |found: &Captures<'_>| {
            let text = |part: &[u8]| std::str::from_utf8(part).unwrap().to_owned();
            let (second, rest) = (text(&found[1]).parse::<u64>().unwrap(), text(&found[2]));
            if rest.len() == 6 {
                let at = self.at(second * 1_000_000 + rest.parse::<u64>().unwrap());
                return format!("{}.{:06}", at / 1_000_000, at % 1_000_000).into_bytes();
            }
            // One from before the recording keeps its name.
            let is_made_now = second + 1 >= moment / 1_000_000;
            let second = if is_made_now { at / 1_000_000 } else { second };
            self.ids
                .entry(found[0].to_vec())
                .or_insert_with(|| format!("{second}.{rest}").into_bytes())
                .clone()
        };
        SECONDS.replace_all(message, now).into_owned()
    }
}
