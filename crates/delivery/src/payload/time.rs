//! A moment of a PBX's clock, written as the account wants to read it.

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
        // Years before the first are nobody's.
        let year = date.year().unsigned_abs();
        two(&mut out, year / 100);
        two(&mut out, year % 100);
        let parts = [
            ('-', date.month()),
            ('-', date.day()),
            (between, time.hour()),
            (':', time.minute()),
            (':', time.second()),
        ];
        for (before, part) in parts {
            out.push(before);
            two(&mut out, part.unsigned_abs().into());
        }
        if with_offset {
            let minutes = offset.seconds() / 60;
            out.push(if minutes < 0 { '-' } else { '+' });
            let minutes = u16::try_from(minutes.unsigned_abs()).unwrap_or(0);
            two(&mut out, minutes / 60);
            out.push(':');
            two(&mut out, minutes % 60);
        }
        out
    }
}

/// Two digits.
fn two(out: &mut String, number: u16) {
    let digit = |number: u16| char::from(b'0' + (number % 10) as u8);
    out.push(digit(number / 10));
    out.push(digit(number));
}
