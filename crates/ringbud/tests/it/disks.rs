//! Disks that are full or take nothing: the state is clear, nothing is lost that was kept, and it goes on by
//! itself when the disk does. On real file systems of their own, which only root can make.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calls::{Note, PbxName};
use demo::receiver::Received;
use http::StatusCode;
use journal::faults::{CommitPoint, Faults};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Append, EventSeq, Filter, Grant, Kept, Options, Pending, Sqlite};
use ringbud::gateway::{Blocked, Counts, EventSink, EventWriter, Heard, MAX_MOMENTS};
use tokio::sync::mpsc;

use crate::bed::{Bed, Gateway, Signal, kinds, patiently};
use crate::disk::Disk;
use crate::kills::old_leg;

/// Whether the gateway says that it does its work, and its figure for the journal.
async fn state(gateway: &Gateway) -> (u16, String, bool) {
    let (status, reasons) = gateway.api("GET", "/readyz", "", "").await;
    let (_, metrics) = gateway.api("GET", "/metrics", "", "").await;
    let unwritable = metrics.lines().find_map(|line| line.strip_prefix("ringbud_journal_unwritable "));
    (status, reasons, unwritable.expect("the figure").parse::<f64>().expect("a number") > 0.0)
}

/// A gateway that has kept a call's three events, none of which the receiver takes.
async fn keeps_what_is_refused(bed: &mut Bed) -> Gateway {
    bed.integrate("POST").await;
    bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    let mut gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    bed.request().await;
    keeps(&mut gateway, 3).await;
    gateway
}

#[tokio::test]
async fn while_the_disk_is_full_nothing_is_told_and_when_there_is_room_everything_is() {
    let mut bed = Bed::new().await;
    let Some(disk) = Disk::over(&bed.data()) else { return };
    bed.integrate("POST").await;
    let mut gateway = bed.serve().await;
    disk.fill();
    bed.play(&["inbound-answered"], 50.0).await;
    let said = gateway.says("events cannot be kept").await;
    assert_eq!(said["level"], "ERROR");
    assert!(said.to_string().contains("full"), "{said}");
    let (status, reasons, unwritable) = state(&gateway).await;
    assert_eq!((status, unwritable), (503, true), "{reasons}");
    assert!(reasons.contains("the journal cannot be written"), "{reasons}");
    assert!(bed.receiver.try_next().is_none(), "something was told that is not kept");
    disk.make_room();
    assert_eq!(kinds(&bed.requests(3).await), ["Incoming", "Answered", "Ended"]);
    gateway.says("the journal can be written again").await;
    let (status, reasons, unwritable) = state(&gateway).await;
    assert_eq!((status, unwritable), (200, false), "{reasons}");
    gateway.stop().await;
    assert!(bed.receiver.try_next().is_none(), "told once");
}

#[tokio::test]
async fn outcomes_wait_for_a_full_disk_and_nothing_is_told_twice_for_it() {
    let mut bed = Bed::new().await;
    let Some(disk) = Disk::over(&bed.data()) else { return };
    bed.integrate("POST").await;
    bed.receiver.behave(StatusCode::OK, Duration::from_millis(500));
    let mut gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    // It is kept and asked for; the answer comes when the disk is full already.
    let first = bed.request().await;
    disk.fill();
    gateway.says("outcomes of deliveries wait in memory").await;
    let (status, reasons, unwritable) = state(&gateway).await;
    assert_eq!((status, unwritable), (503, true), "{reasons}");
    disk.make_room();
    let mut told = vec![first];
    told.extend(bed.requests(2).await);
    assert_eq!(kinds(&told), ["Incoming", "Answered", "Ended"]);
    gateway.stop().await;
    assert!(bed.receiver.try_next().is_none(), "told once");
}

#[tokio::test]
async fn killed_on_a_full_disk_what_was_kept_is_told_when_there_is_room() {
    let mut bed = Bed::new().await;
    let Some(disk) = Disk::over(&bed.data()) else { return };
    let gateway = keeps_what_is_refused(&mut bed).await;
    disk.fill();
    gateway.kill().await;
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    let gateway = bed.serve().await;
    disk.make_room();
    assert_eq!(kinds(&taken(&mut bed, 3).await), ["Incoming", "Answered", "Ended"]);
    gateway.stop().await;
}

#[tokio::test]
async fn stopped_while_the_disk_is_full_it_counts_and_says_what_it_could_not_keep() {
    let bed = Bed::new().await;
    let Some(disk) = Disk::over(&bed.data()) else { return };
    bed.integrate("POST").await;
    let mut gateway = bed.serve().await;
    disk.fill();
    bed.play(&["inbound-answered"], 50.0).await;
    gateway.says("events cannot be kept").await;
    gateway.signal(Signal::TERM);
    let said = gateway.says("the journal could not be written to the end").await;
    // The call's last event may not have been read any more.
    assert!(said["level"] == "ERROR" && matches!(said["events"].as_u64(), Some(2..=3)), "{said}");
    assert_eq!(gateway.ends().await, Some(0));
}

#[tokio::test]
async fn a_file_system_that_breaks_under_it_is_told_and_what_was_kept_is_told_when_it_is_mounted_again() {
    let mut bed = Bed::new().await;
    let Some(disk) = Disk::in_an_image(&bed.data()) else { return };
    let mut gateway = keeps_what_is_refused(&mut bed).await;
    disk.breaks();
    bed.play(&["outbound-answered"], 50.0).await;
    gateway.says("events cannot be kept").await;
    let (status, reasons, unwritable) = state(&gateway).await;
    assert_eq!((status, unwritable), (503, true), "{reasons}");
    gateway.kill().await;
    disk.is_mounted_again();
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    let gateway = bed.serve().await;
    assert_eq!(kinds(&taken(&mut bed, 3).await), ["Incoming", "Answered", "Ended"]);
    gateway.stop().await;
}

/// Waits until so many events are kept.
async fn keeps(gateway: &mut Gateway, events: usize) {
    while gateway.said.iter().filter(|line| line["message"] == "event").count() < events {
        gateway.hears().await;
    }
}

/// The next requests that are answered with 200.
async fn taken(bed: &mut Bed, count: usize) -> Vec<Received> {
    let mut taken = Vec::new();
    while taken.len() < count {
        let request = bed.request().await;
        if request.status == StatusCode::OK {
            taken.push(request);
        }
    }
    taken
}

/// Those who are told of what is kept.
#[derive(Default)]
struct Listener(Mutex<Vec<i64>>);

impl EventSink for Listener {
    fn kept(&self, _: &PbxName, events: &[Arc<Kept>], _: Vec<(Pending, Arc<Kept>)>, _: &[Note]) {
        self.0.lock().unwrap().extend(events.iter().map(|kept| kept.seq.0));
    }
}

/// Keeps moments; the places of the events that were told, and whether the journal is said to be unwritable.
async fn keep(journal: &Arc<Sqlite>, moments: impl Iterator<Item = Append>) -> (Vec<i64>, Blocked) {
    let listener = Arc::new(Listener::default());
    let (_stopper, stop) = ringbud::stop::stop();
    let (tell, kept) = mpsc::channel(MAX_MOMENTS);
    let blocked = Blocked::default();
    let newest = journal.events(Filter { limit: 1, ..Filter::default() }).await.unwrap();
    let event_writer = EventWriter {
        grant: Some(Grant::ALONE),
        turns: mpsc::channel(1).1,
        journal: journal.clone(),
        sink: listener.clone(),
        stop,
        blocked: blocked.clone(),
        last_published: newest.first().map_or(EventSeq(0), |kept| kept.seq),
        counts: Counts::of(&PbxName::new("pbx1")),
    };
    let keeping = tokio::spawn(event_writer.run(kept));
    for moment in moments {
        tell.send(Heard { moment, at: tokio::time::Instant::now() }).await.unwrap();
    }
    drop(tell);
    assert_eq!(patiently("everything to be kept", keeping).await.unwrap(), 0);
    let told = listener.0.lock().unwrap().clone();
    (told, blocked)
}

#[tokio::test]
async fn an_answer_of_the_journal_that_got_lost_leads_to_nothing_told_twice() {
    let folder = tempfile::tempdir().unwrap();
    let loses = Arc::new(AtomicBool::new(false));
    let losing = loses.clone();
    let faults = Faults::new(move |point| {
        let lost = point == CommitPoint::After && losing.swap(false, Ordering::SeqCst);
        if lost { Err("the answer got lost".to_owned()) } else { Ok(()) }
    });
    let options = Options { faults, ..Options::default() };
    let journal = Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).unwrap();
    let journal = Arc::new(journal);
    assert_eq!(keep(&journal, [old_leg(1)].into_iter()).await.0, [1, 2]);
    // What the PBX says again after a gap is told again neither by this run nor by the next; what is new is,
    // once, although the journal says of both that it has them already.
    loses.store(true, Ordering::SeqCst);
    let again = [old_leg(1), old_leg(2), old_leg(2)];
    assert_eq!(keep(&journal, again.into_iter()).await.0, [3, 4]);
    assert!(!loses.load(Ordering::SeqCst), "an answer was lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_disk_that_takes_ten_milliseconds_a_commit_a_crowd_is_kept_together_and_in_order() {
    const LEGS: u32 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let faults = Faults::new(|point| {
        if point == CommitPoint::Before {
            #[expect(clippy::disallowed_methods, reason = "this is the slow disk")]
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    });
    let options = Options { faults, ..Options::default() };
    let journal = Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).unwrap();
    let journal = Arc::new(journal);
    let (told, blocked) = keep(&journal, (0..LEGS).map(old_leg)).await;
    assert!(told.iter().copied().eq(1..=i64::from(LEGS) * 2), "all of it, in order: {}", told.len());
    assert!(!blocked.is_blocked(), "slow is not unwritable");
    let commits = journal.commits().done;
    assert!(commits < 300, "{commits} commits for {LEGS} moments");
}

#[tokio::test]
async fn a_read_only_disk_is_told_at_the_start_in_words() {
    let bed = Bed::new().await;
    let Some(disk) = Disk::over(&bed.data()) else { return };
    bed.integrate("POST").await;
    disk.read_only(true);
    // Who supervises it starts it again and again.
    let done = patiently("its end", bed.run(&["serve"])).await;
    let words = String::from_utf8(done.stderr).unwrap().to_lowercase();
    assert!(!done.status.success() && words.contains("read-only"), "{words}");
    disk.read_only(false);
    bed.serve().await.stop().await;
}
