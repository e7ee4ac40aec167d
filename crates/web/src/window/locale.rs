//! Numbers, dates, durations and telephone numbers as the reader writes them, in the account's zone.

use admin::kept::WallTime;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::messages::Language;

/// A language and a time zone.
#[derive(Clone, Debug)]
pub(crate) struct Locale {
    pub(crate) language: Language,
    pub(crate) zone: TimeZone,
}

impl Locale {
    /// `22.11.2026 09.53.00` or `22 Nov 2026 09:53:00`.
    pub(crate) fn moment(&self, micros: i64) -> String {
        self.written(micros, "%d.%m.%Y kl. %H.%M.%S", "%-d %b %Y %H:%M:%S")
    }

    /// `22.11. 09.53` or `22 Nov 09:53`.
    pub(crate) fn short(&self, micros: i64) -> String {
        self.written(micros, "%-d.%-m. %H.%M", "%-d %b %H:%M")
    }

    /// `09.53.00` or `09:53:00`.
    pub(crate) fn clock(&self, micros: i64) -> String {
        self.written(micros, "%H.%M.%S", "%H:%M:%S")
    }

    /// `kl. 09.53` or `09:53` of the day of `now`; another day is named.
    pub(crate) fn lately(&self, micros: i64, now: i64) -> String {
        if self.date(micros) == self.date(now) {
            self.written(micros, "kl. %H.%M", "%H:%M")
        } else {
            self.written(micros, "%-d.%-m. kl. %H.%M", "%-d %b %H:%M")
        }
    }

    /// `09.53.07` of the day of `now`; another day is named: `22.11. 09.53.07`.
    pub(crate) fn second(&self, micros: i64, now: i64) -> String {
        if self.date(micros) == self.date(now) {
            self.clock(micros)
        } else {
            self.written(micros, "%-d.%-m. %H.%M.%S", "%-d %b %H:%M:%S")
        }
    }

    /// `2026-11-22`: the day it is in, for fields and for comparing.
    pub(crate) fn date(&self, micros: i64) -> String {
        self.written(micros, "%Y-%m-%d", "%Y-%m-%d")
    }

    /// `22.11.` or `22 Nov`: the day it is in, for a picture.
    pub(crate) fn day_of(&self, micros: i64) -> String {
        self.written(micros, "%-d.%-m.", "%-d %b")
    }

    /// `22.11.` or `22 Nov`: a day of a picture.
    pub(crate) fn day(&self, date: Date) -> String {
        let pattern = match self.language {
            Language::Danish => "%-d.%-m.",
            Language::English => "%-d %b",
        };
        date.strftime(pattern).to_string()
    }

    /// `22.11.2026` or `22/11/2026`: a date as a field shows it, and as it was typed where it is none.
    pub(crate) fn typed_date(&self, text: &str) -> String {
        let Some(date) = self.read_date(text) else { return text.to_owned() };
        let pattern = match self.language {
            Language::Danish => "%d.%m.%Y",
            Language::English => "%d/%m/%Y",
        };
        date.strftime(pattern).to_string()
    }

    /// A date as people type it, day first, or as machines do.
    pub(crate) fn read_date(&self, text: &str) -> Option<Date> {
        if let Ok(date) = text.parse() {
            return Some(date);
        }
        let mut parts = text.split(['.', '/', '-', ' ']).filter(|part| !part.is_empty());
        let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let year: i16 = year.parse().ok()?;
        let year = if year < 100 { year + 2_000 } else { year };
        Date::new(year, month.parse().ok()?, day.parse().ok()?).ok()
    }

    /// Whether something stands there that is no date.
    pub(crate) fn is_no_date(&self, text: &str) -> bool {
        !text.is_empty() && self.read_date(text).is_none()
    }

    /// RFC 3339, for machines and `datetime`.
    pub(crate) fn iso(&self, micros: i64) -> String {
        self.written(micros, "%Y-%m-%dT%H:%M:%S%:z", "%Y-%m-%dT%H:%M:%S%:z")
    }

    /// By our own clock.
    pub(crate) fn wall(&self, at: WallTime) -> String {
        self.moment(at.0)
    }

    fn written(&self, micros: i64, danish: &str, english: &str) -> String {
        let Ok(at) = Timestamp::from_microsecond(micros) else { return String::new() };
        let pattern = match self.language {
            Language::Danish => danish,
            Language::English => english,
        };
        at.to_zoned(self.zone.clone()).strftime(pattern).to_string()
    }

    /// `3:07` or `1:02:03`.
    pub(crate) fn duration(&self, secs: u64) -> String {
        let (hours, minutes, secs) = (secs / 3600, secs / 60 % 60, secs % 60);
        if hours > 0 { format!("{hours}:{minutes:02}:{secs:02}") } else { format!("{minutes}:{secs:02}") }
    }

    /// `1.234` or `1,234`.
    pub(crate) fn number(&self, number: u64) -> String {
        let digits = number.to_string();
        let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push(self.thousands());
            }
            grouped.push(digit);
        }
        grouped
    }

    /// `12,5` or `12.5`.
    pub(crate) fn tenths(&self, number: f64) -> String {
        let text = format!("{number:.1}");
        match self.language {
            Language::Danish => text.replace('.', ","),
            Language::English => text,
        }
    }

    fn thousands(&self) -> char {
        match self.language {
            Language::Danish => '.',
            Language::English => ',',
        }
    }

    /// `+45 70 20 12 34`: Danish numbers in pairs, others as they are.
    pub(crate) fn phone(&self, number: &str) -> String {
        let (country, rest) = match number.strip_prefix("+45").or_else(|| number.strip_prefix("0045")) {
            Some(rest) => ("+45 ", rest),
            None => ("", number),
        };
        let eight = rest.len() == 8 && rest.bytes().all(|byte| byte.is_ascii_digit());
        if !eight {
            return number.to_owned();
        }
        format!("{country}{} {} {} {}", &rest[..2], &rest[2..4], &rest[4..6], &rest[6..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(language: Language) -> Locale {
        Locale { language, zone: TimeZone::get("Europe/Copenhagen").unwrap() }
    }

    #[test]
    fn a_dane_and_an_englishman_write_differently() {
        let (danish, english) = (locale(Language::Danish), locale(Language::English));
        assert_eq!(danish.number(1_234_567), "1.234.567");
        assert_eq!(english.number(1_234_567), "1,234,567");
        assert_eq!(danish.moment(1_795_337_580_000_000), "22.11.2026 kl. 09.53.00");
        assert_eq!(english.moment(1_795_337_580_000_000), "22 Nov 2026 09:53:00");
        assert_eq!(danish.tenths(12.5), "12,5");
    }

    #[test]
    fn dates_are_read_day_first_whatever_stands_between() {
        let (danish, english) = (locale(Language::Danish), locale(Language::English));
        for text in ["2026-11-02", "02.11.2026", "2.11.2026", "2/11/2026", "2-11-26", "2. 11. 2026"] {
            assert_eq!(danish.typed_date(text), "02.11.2026", "{text}");
            assert_eq!(english.typed_date(text), "02/11/2026", "{text}");
        }
        for text in ["31.02.2026", "november", "1.2", "1.2.3.4", "13/13/2026"] {
            assert!(danish.is_no_date(text), "{text}");
            assert_eq!(danish.typed_date(text), text, "what was typed stays");
        }
        assert!(!danish.is_no_date(""));
    }

    #[test]
    fn danish_numbers_are_written_in_pairs() {
        let danish = locale(Language::Danish);
        assert_eq!(danish.phone("+4570201234"), "+45 70 20 12 34");
        assert_eq!(danish.phone("70201234"), "70 20 12 34");
        assert_eq!(danish.phone("101"), "101");
        assert_eq!(danish.phone("+492214567"), "+492214567");
    }

    #[test]
    fn durations_have_no_leading_noughts() {
        let danish = locale(Language::Danish);
        assert_eq!(
            [danish.duration(7), danish.duration(187), danish.duration(3723)],
            ["0:07", "3:07", "1:02:03"]
        );
    }
}
