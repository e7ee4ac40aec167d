//! Who keeps which pace, and who waits for it.

use std::num::NonZeroU32;

use super::pace::Pace;
use super::timers::Timer;
use super::webhook::Webhook;
use super::{Schedule, WebhookKey};
use crate::policy::Moment;

impl Schedule {
    /// So many requests a second may go to the receiver of an account: all webhooks that name the same one keep the rate
    /// together. Nothing: as many as there are. It is heeded with whatever is taken in next.
    pub fn keep_pace(&mut self, webhook: WebhookKey, account: u32, a_second: Option<NonZeroU32>) {
        let webhook = webhook.0;
        let Some(a_second) = a_second.map(NonZeroU32::get) else {
            self.leave_pace(webhook);
            return self.enqueue(webhook);
        };
        if self.webhooks[webhook as usize].pace != Some(account) {
            self.leave_pace(webhook);
            self.webhooks[webhook as usize].pace = Some(account);
            self.paces.entry(account).or_insert_with(|| Pace::new(a_second)).kept_by += 1;
        }
        let Some(pace) = self.paces.get_mut(&account) else { return };
        if pace.change(a_second) {
            // Those who wait look anew: there may be more room now.
            pace.timer = None;
            self.let_go_on(account);
        }
    }

    /// It keeps none any more.
    pub(super) fn leave_pace(&mut self, webhook: u32) {
        self.wait_for_pace_no_more(webhook);
        let Some(account) = self.webhooks[webhook as usize].pace.take() else { return };
        if let Some(pace) = self.paces.get_mut(&account) {
            pace.kept_by -= 1;
            if pace.kept_by == 0 {
                self.paces.remove(&account);
            }
        }
    }

    pub(super) fn wait_for_pace_no_more(&mut self, webhook: u32) {
        let hook = &mut self.webhooks[webhook as usize];
        if std::mem::take(&mut hook.paced)
            && let Some(pace) = hook.pace.and_then(|account| self.paces.get_mut(&account))
        {
            pace.waiting.retain(|other| *other != webhook);
        }
    }

    /// Lets a webhook wait, if as many requests were started within the last second as may be. What will not be sent in
    /// any case waits for nothing.
    pub(super) fn waits_for_pace(&mut self, now: Moment, webhook: u32) -> bool {
        let hook = &mut self.webhooks[webhook as usize];
        let Some(account) = hook.pace else { return false };
        let Some(pace) = self.paces.get_mut(&account) else { return false };
        let Some(until) = pace.full_until(now) else { return false };
        hook.paced = true;
        pace.waiting.push_back(webhook);
        if pace.timer.is_none() {
            pace.timer = Some(until);
            self.timers.push(until, Timer::Pace(account));
        }
        true
    }

    /// The account's receiver may be asked again: all who wait have their turns, in the order in which they waited.
    pub(super) fn go_on(&mut self, due: Moment, account: u32) {
        let Some(pace) = self.paces.get_mut(&account).filter(|pace| pace.timer == Some(due)) else { return };
        pace.timer = None;
        self.let_go_on(account);
    }

    fn let_go_on(&mut self, account: u32) {
        let Some(pace) = self.paces.get_mut(&account) else { return };
        for webhook in std::mem::take(&mut pace.waiting) {
            self.webhooks[webhook as usize].paced = false;
            self.enqueue(webhook);
        }
    }

    /// When a webhook that waits for its pace has its turn.
    pub(super) fn goes_on_at(&self, hook: &Webhook) -> Option<Moment> {
        let account = hook.pace.filter(|_| hook.paced)?;
        self.paces.get(&account)?.timer
    }
}
