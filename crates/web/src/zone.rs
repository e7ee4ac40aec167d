//! Time zones: an account's own, and when its day began.

use admin::kept::AccountSettings;
use calls::PbxTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::clock;

/// Zone of what belongs to no account, and of an account that has not chosen one.
pub(crate) const ZONE: &str = "Europe/Copenhagen";

/// A zone that was checked when it was set.
pub(crate) fn named(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// An account's zone.
pub(crate) fn of(account: &AccountSettings) -> TimeZone {
    named(account.integration().map_or(ZONE, |(_, integration, _)| integration.time_zone.as_str()))
}

/// When the day began that it is for an account.
pub(crate) fn today(account: &AccountSettings) -> PbxTime {
    let now = Timestamp::from_microsecond(clock::now().0).unwrap_or_default().to_zoned(of(account));
    let begun: Zoned = now.start_of_day().unwrap_or(now);
    PbxTime::from_micros(begun.timestamp().as_microsecond())
}
