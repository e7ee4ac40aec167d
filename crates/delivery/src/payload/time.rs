//! A moment of a PBX's clock, written as the account wants to read it.

use std::fmt::Write as _;

use calls::PbxTime;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use journal::settings::{Integration, TimeFormat};

/// The time zone of an account is not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no time zone {name:?}: use a name of the IANA list, such as Europe/Copenhagen")]
pub struct UnknownZone {
    /// What was given.
    pub name: String,
}

/// A format and a zone.
#[derive(Clone, Debug)]
pub struct Clockface {
    format: TimeFormat,
    zone: TimeZone,
}

impl Clockface {
    /// The integration's. A zone that is not known any more (it was when it was entered) reads as UTC.
    pub fn of(integration: &Integration) -> Self {
        let zone = Self::zone(&integration.time_zone).unwrap_or(TimeZone::UTC);
        Self { format: integration.time_format, zone }
    }

    /// Looks a zone up, for checks as one types.
    pub fn zone(name: &str) -> Result<TimeZone, UnknownZone> {
        TimeZone::get(name).map_err(|_| UnknownZone { name: name.to_owned() })
    }

    /// Writes a moment, in whole units rounded down.
    pub fn write(&self, at: PbxTime) -> String {
        let secs = at.as_micros().div_euclid(1_000_000);
        match self.format {
            TimeFormat::UnixSeconds => secs.to_string(),
            TimeFormat::UnixMilliseconds => at.as_micros().div_euclid(1_000).to_string(),
            TimeFormat::Iso => self.civil(secs, 'T', true),
            TimeFormat::Local => self.civil(secs, ' ', false),
        }
    }

    fn civil(&self, secs: i64, between: char, with_offset: bool) -> String {
        let timestamp = Timestamp::from_second(secs).unwrap_or(Timestamp::UNIX_EPOCH);
        let offset = self.zone.to_offset(timestamp);
        let at = offset.to_datetime(timestamp);
        let mut out = String::with_capacity(25);
        let (date, time) = (at.date(), at.time());
        let _ = write!(
            out,
            "{:04}-{:02}-{:02}{between}{:02}:{:02}:{:02}",
            date.year(),
            date.month(),
            date.day(),
            time.hour(),
            time.minute(),
            time.second()
        );
        if with_offset {
            let minutes = offset.seconds() / 60;
            let sign = if minutes < 0 { '-' } else { '+' };
            let _ = write!(out, "{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
        }
        out
    }
}
