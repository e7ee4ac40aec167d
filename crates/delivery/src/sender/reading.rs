//! Reads what a web service is to be told next, once something of it was not at hand: whoever works off what has gathered waits
//! for the journal once, and not with each request.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use journal::{EventSeq, JournalError, Kept};

use super::Shared;
use super::ahead::IN_ALL;
use super::core::{Core, FRESH_MAX};
use crate::schedule::{SlotId, WebhookKey};

/// Bodies that may be at hand by that, some 600 bytes each: of a call there are several, and some wait for those before them.
const READ_MAX: usize = 4 * IN_ALL;
/// So many web services' are read at the same time: others want something of the journal, too.
pub(super) const TOGETHER: usize = 1;
/// Bodies asked for at once.
const ASKED: usize = 256;
/// Before it is tried again where the journal cannot be read.
const PAUSE: Duration = Duration::from_secs(1);

impl Core {
    /// The next of a web service that are not at hand, as many as there is room for. If few are left of it, or it is left alone,
    /// that is the end of reading ahead.
    fn not_at_hand(&mut self, webhook: WebhookKey) -> Vec<SlotId> {
        if self.schedule.is_left_alone(webhook) {
            self.ahead.ends(webhook);
            return Vec::new();
        }
        let (many, integration) = (self.ahead.at_once(), self.routes.hook_of(webhook).integration);
        let (mut left, mut missing) = (0, Vec::new());
        for of_a_call in self.schedule.next_of(webhook, many) {
            left += 1;
            missing.extend(of_a_call.into_iter().filter(|slot| !self.is_fresh(slot.seq(), integration)));
        }
        if missing.is_empty() && left < many {
            self.ahead.ends(webhook);
            return missing;
        }
        missing.truncate((FRESH_MAX + READ_MAX).saturating_sub(self.many_fresh()));
        self.ahead.reads(webhook, if missing.is_empty() { many } else { left }, !missing.is_empty());
        missing
    }

    /// They were read, or could not be: then each is read when it is started.
    fn were_read(
        &mut self,
        webhook: WebhookKey,
        slots: &[SlotId],
        found: Result<&BTreeMap<EventSeq, Arc<Kept>>, JournalError>,
    ) {
        let found = match found {
            Ok(found) if !self.schedule.is_left_alone(webhook) => found,
            Ok(_) | Err(_) => {
                self.ahead.ends(webhook);
                return;
            }
        };
        let integration = self.routes.hook_of(webhook).integration;
        for slot in slots {
            if let Some(kept) = found.get(&EventSeq(slot.seq()))
                && self.schedule.is_to_be_tried_first(webhook, *slot)
            {
                self.is_at_hand(slot.seq(), integration, kept.clone(), FRESH_MAX + READ_MAX);
            }
        }
        self.ahead.has_read(webhook);
    }
}

/// Reads the next of a web service.
pub(super) async fn read(shared: Arc<Shared>, webhook: WebhookKey) {
    let Ok(turn) = shared.reads_ahead.acquire().await else { return };
    let slots = shared.lock().not_at_hand(webhook);
    if slots.is_empty() {
        return;
    }
    let found = find(&shared, &slots).await;
    drop(turn);
    if found.is_err() {
        tokio::time::sleep(PAUSE).await;
    }
    shared.lock().were_read(webhook, &slots, found.as_ref().map_err(Clone::clone));
}

async fn find(shared: &Shared, slots: &[SlotId]) -> Result<BTreeMap<EventSeq, Arc<Kept>>, JournalError> {
    let mut seqs: Vec<_> = slots.iter().map(|slot| EventSeq(slot.seq())).collect();
    seqs.sort_unstable();
    seqs.dedup();
    let mut all = BTreeMap::new();
    for seqs in seqs.chunks(ASKED) {
        let found = shared.journal.bodies(seqs.to_vec()).await?;
        all.extend(found.into_iter().map(|kept| (kept.seq, kept)));
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use calls::{AccountId, CallId, Direction, Event, EventKind, LegId, PbxName, PbxTime, Phone, What};
    use journal::memory::Memory;
    use journal::settings::{Account, Integration, IntegrationId, Setting, SettingKey};
    use journal::{Append, Appended, Grant, Journal, Pending, SettingsCache, WallTime};

    use super::super::core::Work;
    use super::super::{Sender, SenderOptions};
    use super::*;
    use crate::connect::ConnectorOptions;
    use crate::guard::Guard;
    use crate::schedule::{Input, Limits};

    fn event(kind: EventKind, call: u32) -> Event {
        let (pbx, nobody) = (PbxName::new("pbx1"), Arc::<str>::from(""));
        let phone = Phone { account: AccountId::new("1001"), number: "101".into(), employee: None };
        Event {
            leg: LegId::of(&pbx, &format!("{call}.1")),
            call: CallId::new(format!("pbx1-{call}")),
            sequence: 1,
            phone: Arc::new(phone),
            direction: Direction::Incoming,
            at: PbxTime::from_micros(1),
            begun_at: PbxTime::from_micros(1),
            waiting_since: None,
            counterpart: None,
            a_number: nobody.clone(),
            b_number: nobody.clone(),
            dialed_number: nobody.clone(),
            queue: nobody,
            assumed: false,
            what: if kind == EventKind::Incoming { What::Incoming } else { What::Answered },
        }
    }

    /// A sender of calls of two events each that wait and are not at hand; and the places of these.
    struct Behind {
        sender: Sender,
        integration: IntegrationId,
        seqs: Vec<EventSeq>,
        pending: Vec<Pending>,
    }

    impl Behind {
        /// So many requests may be out at the same time.
        async fn that_sends(url: &str, total: u32) -> Self {
            let journal: Arc<dyn Journal> = Arc::new(Memory::new());
            let book = Arc::new(SettingsCache::load(journal.clone()).await.expect("settings"));
            let account = AccountId::new("1001");
            let named = Setting::Account(Account::named(""));
            book.put(SettingKey::Account(account.clone()), Some(named), None).await.expect("account");
            let (incoming_url, answered_url) = (Some(url.to_owned()), Some(url.to_owned()));
            let settings = Integration { incoming_url, answered_url, ..Integration::default() };
            let (integration, _) = book.put_integration(&account, settings, None).await.expect("integration");
            let guard = Guard::new(vec!["127.0.0.0/8".parse().expect("a network")]);
            let options = SenderOptions {
                connector: ConnectorOptions { guard, ..ConnectorOptions::default() },
                limits: Limits { total, ..Limits::default() },
                ..SenderOptions::default()
            };
            let sender = Sender::start(journal.clone(), book, options);
            let events = (0..50)
                .flat_map(|call| [EventKind::Incoming, EventKind::Answered].map(|kind| event(kind, call)));
            let moment = Append {
                grant: Grant::ALONE,
                pbx: PbxName::new("pbx1"),
                events: events.map(|event| (event, vec![integration])).collect(),
                notes: Vec::new(),
                heard_at: PbxTime::from_secs(0),
                received_at: WallTime(1),
                age: Duration::ZERO,
            };
            let appended = journal.append(&[moment]).await.expect("kept");
            let pending = appended.into_iter().flatten().flat_map(|appended| match appended {
                Appended::Stored(_, pending) => pending,
                other => panic!("{other:?}"),
            });
            let pending: Vec<Pending> = pending.collect();
            let seqs = pending.iter().map(|pending| pending.id.event).collect();
            Self { sender, integration, seqs, pending }
        }

        fn offer(&mut self) {
            let pending = std::mem::take(&mut self.pending);
            self.sender.shared.offer(pending.into_iter().map(|pending| (pending, None)).collect());
        }

        fn hook(&self) -> WebhookKey {
            let shared = &self.sender.shared;
            let mut core = shared.lock();
            let Core { routes, schedule, .. } = &mut *core;
            let (_, hook) = routes.dispose(&shared.book, schedule, self.integration, EventKind::Incoming);
            hook.expect("it is told")
        }
    }

    #[tokio::test]
    async fn what_comes_next_is_read_with_what_follows_in_its_call() {
        let mut behind = Behind::that_sends("http://127.0.0.1:9/", 0).await;
        behind.offer();
        let hook = behind.hook();
        let Behind { sender, integration, seqs, .. } = &behind;
        let (journal, integration) = (sender.shared.journal.clone(), *integration);
        let slots = {
            let mut core = sender.shared.lock();
            assert!(core.ahead.started(hook, true));
            core.not_at_hand(hook)
        };
        assert_eq!(slots.iter().map(|slot| EventSeq(slot.seq())).collect::<Vec<_>>(), *seqs);
        let found = journal.bodies(seqs.clone()).await.expect("bodies");
        let mut found: BTreeMap<_, _> = found.into_iter().map(|kept| (kept.seq, kept)).collect();
        let gone = seqs[6];
        found.remove(&gone);
        let mut core = sender.shared.lock();
        core.were_read(hook, &slots, Ok(&found));
        assert!(seqs.iter().all(|seq| core.is_fresh(seq.0, integration) == (*seq != gone)));
        let slots = core.not_at_hand(hook);
        assert_eq!(slots.iter().map(|slot| slot.seq()).collect::<Vec<_>>(), [gone.0]);
        core.were_read(hook, &slots, Err(JournalError::Closed));
        assert!(core.ahead.started(hook, true), "it begins anew with the next that is started");
        // What was settled meanwhile, or is another's, is not kept.
        let other = WebhookKey(hook.0 + 1);
        assert!(!core.schedule.is_to_be_tried_first(other, slots[0]));
        let mut work = Work::default();
        core.handle(Input::Cancel { slot: slots[0] }, &mut work);
        assert!(!core.schedule.is_to_be_tried_first(hook, slots[0]));
    }

    /// By the first that is started, of a web service that has no room for more. What follows it is read when it is settled.
    #[tokio::test]
    async fn the_first_that_is_not_at_hand_has_the_next_read() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        let url = format!("http://{}/", silent.local_addr().expect("an address"));
        let mut behind = Behind::that_sends(&url, 1).await;
        behind.offer();
        let Behind { sender, integration, seqs, .. } = &behind;
        let at_hand = || {
            let core = sender.shared.lock();
            seqs.iter().filter(|seq| core.is_fresh(seq.0, *integration)).count()
        };
        let other_calls = async {
            while at_hand() + 2 < seqs.len() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), other_calls).await.expect("they are read");
    }
}
