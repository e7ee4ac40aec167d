//! Sums by day of an account's time zone, from sums by day of UTC.
//!
//! A day of Copenhagen is no day of UTC: asked for as it is, it would be added up call by call. So each is a day of UTC
//! with the hours between the two midnights added or taken away, in which few calls are.

use calls::PbxTime;

use crate::day::Day;
use crate::{Actor, Admin, Refusal, clock};

const DAY_MICROS: i64 = 86_400 * 1_000_000;

impl Admin {
    /// What an account's people did between each two of some moments, in order.
    pub async fn days_between(
        &self,
        actor: &Actor,
        account: &str,
        moments: &[PbxTime],
    ) -> Result<Vec<Day>, Refusal> {
        let account = self.reads(actor, account)?;
        let now = clock::now().0;
        let today = now.div_euclid(DAY_MICROS) * DAY_MICROS;
        let sum = async |from: i64, until: i64| -> Result<Day, Refusal> {
            let asked = (account.id.clone(), from, until);
            if let Some(day) = self.days.get(&asked, now) {
                return Ok(day);
            }
            let within = PbxTime::from_micros(from)..PbxTime::from_micros(until);
            let sums = self.journal.sums(account.id.clone(), within).await?;
            let mut day = Day { waits: sums.all_waits(), ..Day::default() };
            sums.people.values().for_each(|tally| day.tally.add(tally));
            if until <= today {
                self.days.put(asked, now, &day);
            }
            Ok(day)
        };
        // What is between a moment and the midnight of UTC next to it: whose it is, and which way.
        let mut beside = Vec::with_capacity(moments.len());
        for moment in moments.iter().map(|moment| moment.as_micros()) {
            let midnight = (moment + DAY_MICROS / 2).div_euclid(DAY_MICROS) * DAY_MICROS;
            let part = sum(moment.min(midnight), moment.max(midnight)).await?;
            beside.push((midnight, part, moment < midnight));
        }
        let mut days = Vec::with_capacity(moments.len().saturating_sub(1));
        for pair in beside.windows(2) {
            let [(from, first, early), (until, last, ends_early)] = pair else { continue };
            let mut day = sum(*from, *until).await?;
            if *early {
                day.add(first)
            } else {
                day.take(first)
            }
            if *ends_early {
                day.take(last)
            } else {
                day.add(last)
            }
            days.push(day);
        }
        Ok(days)
    }
}
