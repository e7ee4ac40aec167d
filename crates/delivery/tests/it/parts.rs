//! Senders that share a store: what they take, lose and hand over.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use calls::{Event, EventKind, LegId, PbxName, PbxTime};
use delivery::connect::{Resolve, Resolving};
use delivery::policy::LONGEST_REQUEST;
use delivery::sender::{Sender, SenderOptions, Wanted};
use journal::memory::Memory;
use journal::{
    Accepted, Append, Appended, DeliveryId, DeliveryState, Epoch, Facts, Filter, Given, Grant, Journal, Kept,
    SettingsCache, Wish, facts,
};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::support::event;
use crate::support::gateway::{Gateway, everything_to, now, options, url};
use crate::support::receiver::{Receiver, raw, read_request, status};

const PATIENCE: Duration = Duration::from_secs(20);

fn pbx() -> PbxName {
    PbxName::new("pbx1")
}

/// One gateway with the settings, and another on the same store.
struct Two {
    one: Gateway,
    other: Arc<dyn Journal>,
    others: Sender,
}

impl Two {
    async fn new(to: &str) -> Self {
        Self::with(to, options()).await
    }

    async fn with(to: &str, of_one: SenderOptions) -> Self {
        let memory = Memory::new();
        let other: Arc<dyn Journal> = Arc::new(memory.beside("other"));
        let one = Gateway::with(Arc::new(memory), everything_to(to), of_one).await;
        let book = Arc::new(SettingsCache::load(other.clone()).await.expect("settings"));
        let others = Sender::start(other.clone(), book, options());
        Self { one, other, others }
    }

    /// The first has the part.
    async fn holding(to: &str) -> (Self, Grant) {
        let two = Self::new(to).await;
        let grant = take(&*two.one.journal, None).await;
        two.one.sender.take(grant, Duration::ZERO).await.expect("loaded");
        (two, grant)
    }

    /// The part is given back in order, and the other's.
    async fn goes_to_the_other(&self, grant: Grant) -> Grant {
        self.one.journal.release(grant, Given::InOrder).await.expect("given back");
        take(&*self.other, Some(grant.epoch())).await
    }

    /// Keeps an event under a grant of the first one's, and offers it.
    async fn tell(&self, grant: Grant, event: Event) -> DeliveryId {
        let received_at = now();
        let append = Append {
            grant,
            pbx: pbx(),
            events: vec![(event.clone(), vec![self.one.integration])],
            notes: Vec::new(),
            heard_at: PbxTime::from_secs(0),
            received_at,
            age: Duration::ZERO,
        };
        let mut answers = self.one.journal.append(&[append]).await.expect("kept");
        let Some(Appended::Stored(seq, waiting)) = answers.remove(0).pop() else { panic!("not new") };
        let (id, kept) = (waiting[0].id, Arc::new(Kept { seq, received_at, pbx: pbx(), event }));
        self.one.sender.offer(waiting.into_iter().map(|pending| (pending, kept.clone())).collect());
        id
    }

    async fn states(&self) -> Vec<DeliveryState> {
        let found = self.other.deliveries(Filter::default()).await.expect("deliveries");
        found.into_iter().map(|record| record.state).collect()
    }

    async fn nothing_is_out(&self) {
        let quiet = async {
            while self.one.sender.status().in_flight > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, quiet).await.expect("it has ended");
    }

    async fn all_delivered(&self) {
        let delivered = async {
            while !self.states().await.iter().all(|state| *state == DeliveryState::Delivered) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, delivered).await.expect("all of them, in time");
    }
}

async fn take(journal: &dyn Journal, seen: Option<Epoch>) -> Grant {
    journal.take(pbx(), seen, Duration::ZERO).await.expect("an answer").expect("nobody was quicker").grant
}

fn of_call(call: &str) -> Event {
    let leg = LegId::of(&pbx(), &format!("{call}.1"));
    Event { leg, ..event(EventKind::Ended, call) }
}

/// A receiver that says when a request has come, and answers when it may.
async fn gated() -> (std::net::SocketAddr, mpsc::UnboundedReceiver<()>, Arc<Semaphore>) {
    gated_and_refusing(0).await
}

/// The same, which refuses so many before it takes any.
async fn gated_and_refusing(
    many: u32,
) -> (std::net::SocketAddr, mpsc::UnboundedReceiver<()>, Arc<Semaphore>) {
    let (came, comes) = mpsc::unbounded_channel();
    let may = Arc::new(Semaphore::new(0));
    let gate = may.clone();
    let answers = Arc::new(AtomicU32::new(0));
    let address = raw(move |mut stream| {
        let (came, gate, answers) = (came.clone(), gate.clone(), answers.clone());
        async move {
            while read_request(&mut stream, 0).await.is_some() {
                let _ = came.send(());
                gate.acquire().await.expect("open").forget();
                let refuses = answers.fetch_add(1, Ordering::SeqCst) < many;
                let _ = stream.write_all(status(if refuses { 503 } else { 200 }).as_bytes()).await;
            }
        }
    })
    .await;
    (address, comes, may)
}

async fn comes(requests: &mut mpsc::UnboundedReceiver<()>) {
    tokio::time::timeout(PATIENCE, requests.recv()).await.expect("a request, in time").expect("one");
}

#[tokio::test]
async fn whoever_takes_a_part_sends_what_waits_of_it_and_no_other() {
    let mut receiver = Receiver::always(200).await;
    let two = Two::new(&url(receiver.address)).await;
    let grant = take(&*two.one.journal, None).await;
    // Nothing is offered to a sender that has not taken it.
    two.tell(grant, of_call("a")).await;
    assert_eq!(two.one.sender.status().pending, 0);
    let taken = take(&*two.other, Some(grant.epoch())).await;
    assert_eq!(two.others.take(taken, LONGEST_REQUEST).await.expect("loaded"), 1);
    receiver.next().await;
    two.all_delivered().await;
    assert_eq!(two.one.sender.take(grant, Duration::ZERO).await.expect("loaded"), 0, "it is told already");
}

#[tokio::test]
async fn an_answer_to_what_was_asked_before_a_part_was_lost_is_nobodys() {
    let (address, mut requests, may) = gated().await;
    let two = Two::new(&url(address)).await;
    let first = take(&*two.one.journal, None).await;
    two.one.sender.take(first, Duration::ZERO).await.expect("loaded");
    two.tell(first, of_call("a")).await;
    comes(&mut requests).await;
    // It is robbed and has the part again before its request is over: the slots are others by then.
    let theirs = take(&*two.other, Some(first.epoch())).await;
    two.one.sender.lose(first);
    let again = take(&*two.one.journal, Some(theirs.epoch())).await;
    assert_eq!(two.one.sender.take(again, Duration::ZERO).await.expect("loaded"), 1);
    comes(&mut requests).await;
    may.add_permits(2);
    two.all_delivered().await;
    for call in ["b", "c", "d"] {
        two.tell(again, of_call(call)).await;
        comes(&mut requests).await;
        may.add_permits(1);
    }
    two.all_delivered().await;
}

#[tokio::test]
async fn a_part_is_handed_over_when_nothing_of_it_is_out() {
    let (address, mut requests, may) = gated().await;
    let (two, grant) = Two::holding(&url(address)).await;
    two.tell(grant, of_call("a")).await;
    comes(&mut requests).await;
    let came = {
        let handing = two.one.sender.hand_over(grant, PATIENCE);
        tokio::pin!(handing);
        tokio::select! {
            biased;
            came = &mut handing => panic!("its request is out: {came}"),
            () = tokio::task::yield_now() => {}
        }
        may.add_permits(1);
        handing.await
    };
    assert!(came, "its request came to an end");
    let taken = two.goes_to_the_other(grant).await;
    assert_eq!(
        two.others.take(taken, Duration::ZERO).await.expect("loaded"),
        0,
        "what came of it is on disk"
    );
    two.all_delivered().await;
}

#[tokio::test]
async fn a_part_that_is_handed_over_does_not_wait_for_what_waits_in_it() {
    let (address, mut requests, may) = gated().await;
    let (two, grant) = Two::holding(&url(address)).await;
    two.tell(grant, of_call("a")).await;
    two.tell(grant, Event { leg: LegId::of(&pbx(), "a.2"), ..of_call("a") }).await;
    comes(&mut requests).await;
    let (came, ()) = tokio::join!(two.one.sender.hand_over(grant, PATIENCE), async { may.add_permits(1) });
    assert!(came, "the one that was out came to an end");
    assert!(requests.try_recv().is_err(), "the other was not begun");
    let taken = two.goes_to_the_other(grant).await;
    assert_eq!(two.others.take(taken, Duration::ZERO).await.expect("loaded"), 1);
    may.add_permits(1);
    comes(&mut requests).await;
    two.all_delivered().await;
}

/// Longer than it takes until what was refused is tried again.
const TRIED_AGAIN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn what_is_refused_while_its_part_is_handed_over_is_tried_again_by_the_next() {
    let (address, mut requests, may) = gated_and_refusing(1).await;
    let (two, grant) = Two::holding(&url(address)).await;
    for call in ["a", "b"] {
        two.tell(grant, of_call(call)).await;
        comes(&mut requests).await;
    }
    let refused = async {
        may.add_permits(1);
        let more = tokio::time::timeout(TRIED_AGAIN, requests.recv()).await;
        assert!(more.is_err(), "it was tried again while the other was out");
        may.add_permits(1);
    };
    let (came, ()) = tokio::join!(two.one.sender.hand_over(grant, PATIENCE), refused);
    assert!(came, "both came to an end");
    let taken = two.goes_to_the_other(grant).await;
    assert_eq!(two.others.take(taken, Duration::ZERO).await.expect("loaded"), 1);
    may.add_permits(1);
    comes(&mut requests).await;
    two.all_delivered().await;
}

#[tokio::test]
async fn what_is_wanted_again_while_its_part_is_handed_over_is_asked_of_the_next() {
    let (address, mut requests, may) = gated().await;
    let (two, grant) = Two::holding(&url(address)).await;
    may.add_permits(1);
    let taken_already = two.tell(grant, of_call("a")).await;
    comes(&mut requests).await;
    two.all_delivered().await;
    two.tell(grant, of_call("b")).await;
    comes(&mut requests).await;
    let wanted = async {
        let wanted = two.one.sender.again(taken_already).await.expect("an answer");
        may.add_permits(1);
        wanted
    };
    let (came, wanted) = tokio::join!(two.one.sender.hand_over(grant, PATIENCE), wanted);
    assert_eq!((came, wanted), (true, Wanted::Asked));
    assert!(requests.try_recv().is_err(), "it was not begun");
    let taken = two.goes_to_the_other(grant).await;
    two.others.take(taken, Duration::ZERO).await.expect("loaded");
    two.others.does_asked(taken, &|_, _, _| {}).await.expect("done");
    may.add_permits(1);
    comes(&mut requests).await;
    two.all_delivered().await;
}

/// Who asks has it nowhere any more when it is answered.
#[tokio::test]
async fn what_another_had_taken_is_on_disk_before_that_is_answered() {
    let mut receiver = Receiver::always(503).await;
    let (two, grant) = Two::holding(&url(receiver.address)).await;
    two.tell(grant, of_call("a")).await;
    receiver.next().await;
    two.nothing_is_out().await;
    let accepted = Accepted { event: of_call("a").id(), integration: two.one.integration, attempt: None };
    let facts = Facts { accepted: vec![accepted], ..Facts::default() };
    let packed = facts::write(&facts, two.other.now().await.expect("it says"));
    two.other.ask(grant.part(), Wish::Facts(packed)).await.expect("asked");
    two.one.sender.does_asked(grant, &|_, _, _| {}).await.expect("done");
    assert_eq!(two.states().await, [DeliveryState::Delivered]);
}

/// A name server that says when it was asked, and answers when it may.
struct Slow {
    asked: mpsc::UnboundedSender<()>,
    may: Arc<Semaphore>,
}

impl Resolve for Slow {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        let _ = self.asked.send(());
        Box::pin(async move {
            self.may.acquire().await.expect("open").forget();
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        })
    }
}

/// A sender with something on its way: its connection is being made, and is there when it may.
async fn dialling(receiver: &Receiver) -> (Two, Grant, mpsc::UnboundedReceiver<()>, Arc<Semaphore>) {
    let (asked, mut asks) = mpsc::unbounded_channel();
    let may = Arc::new(Semaphore::new(0));
    let mut slowly = options();
    slowly.connector.resolver = Arc::new(Slow { asked, may: may.clone() });
    let two = Two::with(&format!("http://receiver.test:{}/hook", receiver.address.port()), slowly).await;
    let grant = take(&*two.one.journal, None).await;
    two.one.sender.take(grant, Duration::ZERO).await.expect("loaded");
    two.tell(grant, of_call("a")).await;
    comes(&mut asks).await;
    (two, grant, asks, may)
}

#[tokio::test]
async fn what_was_lost_while_its_connection_was_made_is_not_sent() {
    let mut receiver = Receiver::always(200).await;
    let (two, grant, _asks, may) = dialling(&receiver).await;
    two.one.sender.lose(grant);
    may.add_permits(1);
    two.nothing_is_out().await;
    assert!(receiver.got.try_recv().is_err(), "it is another's to send");
}

#[tokio::test]
async fn who_may_not_act_any_more_when_a_connection_is_there_sends_nothing_over_it() {
    let mut receiver = Receiver::always(200).await;
    let (two, _, mut asks, may) = dialling(&receiver).await;
    two.one.sender.act_until(Instant::now(), true);
    may.add_permits(1);
    two.nothing_is_out().await;
    assert!(receiver.got.try_recv().is_err(), "another may have it");
    // Trusted again it goes on with it, and that is no second attempt.
    two.one.sender.act_until(Instant::now() + PATIENCE, true);
    comes(&mut asks).await;
    may.add_permits(1);
    receiver.next().await;
    two.all_delivered().await;
    let attempts = two.other.deliveries(Filter::default()).await.expect("deliveries")[0].attempts;
    assert_eq!(attempts, 1);
}
