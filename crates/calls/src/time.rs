//! A moment by a PBX's clock.

use std::fmt;
use std::num::NonZeroU64;
use std::ops::{Add, Sub};
use std::time::Duration;

/// Microseconds since 1970-01-01T00:00:00Z by the clock of a PBX. Never compared with our own clock.
///
/// Kept with its sign turned, so that no moment is zero and `Option<PbxTime>` takes no more room: a tracker of
/// 100,000 live legs keeps millions of them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PbxTime(NonZeroU64);

/// The bit of the sign; turned, moments before the epoch are less than those after it.
const SIGN: u64 = 1 << 63;

impl PbxTime {
    /// From microseconds since the epoch. The first moment there is says no more than the second.
    pub const fn from_micros(micros: i64) -> Self {
        match NonZeroU64::new(micros.cast_unsigned() ^ SIGN) {
            Some(turned) => Self(turned),
            None => Self(NonZeroU64::MIN),
        }
    }

    /// From whole seconds since the epoch.
    pub const fn from_secs(secs: i64) -> Self {
        Self::from_micros(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        (self.0.get() ^ SIGN).cast_signed()
    }

    /// How long after `earlier`; zero if it was not after.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.as_micros().saturating_sub(earlier.as_micros());
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

impl Default for PbxTime {
    fn default() -> Self {
        Self::from_micros(0)
    }
}

impl Add<Duration> for PbxTime {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self::from_micros(self.as_micros().saturating_add(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl Sub<Duration> for PbxTime {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self::from_micros(self.as_micros().saturating_sub(i64::try_from(rhs.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl fmt::Debug for PbxTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.as_micros();
        write!(f, "{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_order_and_come_out_as_they_went_in() {
        let micros = [i64::MIN + 1, -1_000_001, -1, 0, 1, 1_795_343_903_000_000, i64::MAX];
        let moments = micros.map(PbxTime::from_micros);
        assert!(moments.is_sorted());
        assert_eq!(moments.map(PbxTime::as_micros), micros);
        assert_eq!(PbxTime::from_micros(i64::MIN), moments[0]);
        assert_eq!(format!("{:?} {:?}", moments[1], PbxTime::default()), "-2.999999 0.000000");
        assert_eq!(moments[6].since(moments[0]), Duration::from_micros(u64::try_from(i64::MAX).unwrap()));
    }

    #[test]
    fn that_there_is_no_moment_takes_no_room() {
        assert_eq!(size_of::<Option<PbxTime>>(), size_of::<i64>());
    }
}
