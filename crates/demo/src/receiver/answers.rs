//! What the receiver answers: one status, or a script of them.

use std::str::FromStr;

use http::StatusCode;

/// Steps a script may have.
const STEPS_MAX: usize = 1000;

/// A script of statuses: `503`, `503,200`, `503*3,200`. The last one goes on for ever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    steps: Vec<StatusCode>,
    at: usize,
}

/// The text is no script.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is no status; write one (503) or several (503*3,200), each from 200 to 599, at most {STEPS_MAX} in all"
)]
pub struct NoScript(String);

impl FromStr for Script {
    type Err = NoScript;

    fn from_str(text: &str) -> Result<Self, NoScript> {
        let wrong = |step: &str| NoScript(step.to_owned());
        let mut steps = Vec::new();
        for step in text.split(',').map(str::trim) {
            let (status, times) = step.split_once('*').unwrap_or((step, "1"));
            let status = status.parse::<u16>().ok().filter(|status| (200..=599).contains(status));
            let status =
                status.and_then(|status| StatusCode::from_u16(status).ok()).ok_or_else(|| wrong(step))?;
            let times = times.parse::<usize>().ok().filter(|times| (1..=STEPS_MAX).contains(times));
            steps.extend(std::iter::repeat_n(status, times.ok_or_else(|| wrong(step))?));
            if steps.len() > STEPS_MAX {
                return Err(wrong(step));
            }
        }
        Ok(Self { steps, at: 0 })
    }
}

impl Script {
    /// What comes next.
    pub(super) fn next(&mut self) -> StatusCode {
        let last = self.steps.len().saturating_sub(1);
        let status = self.steps.get(self.at.min(last)).copied().unwrap_or(StatusCode::OK);
        self.at = (self.at + 1).min(last);
        status
    }
}

impl From<StatusCode> for Script {
    fn from(status: StatusCode) -> Self {
        Self { steps: vec![status], at: 0 }
    }
}
