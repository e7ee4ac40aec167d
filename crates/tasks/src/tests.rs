//! What happens to parts that die, without a program around them.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use super::*;

fn counted() -> (Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    (count.clone(), count)
}

#[test]
fn labels_are_unique_and_sentences_go_on_with_died() {
    for part in Part::ALL {
        let same = Part::ALL.iter().filter(|other| other.label() == part.label()).count();
        assert_eq!(same, 1, "{}", part.label());
        assert!(part.says().chars().all(|c| c.is_alphabetic() || c == ' ' || c == '\''), "{}", part.says());
        assert!(part.says().starts_with(char::is_lowercase) || part.says().starts_with("an "));
    }
}

#[tokio::test(start_paused = true)]
async fn what_begins_anew_does_so_a_bounded_number_of_times_and_then_the_process_is_dead() {
    let (begun, count) = counted();
    assert_eq!(dead(), None);
    let (began, lives) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
    let lived = lives.clone();
    let part = spawn_anew(Part::Gauges, move || {
        count.fetch_add(1, Relaxed);
        lived.lock().unwrap().push(began.elapsed());
        async { panic!("again") }
    });
    part.await.unwrap();
    let second_life = lives.lock().unwrap()[1];
    assert!(second_life < Duration::from_secs(2), "it is there again within two seconds: {second_life:?}");
    assert_eq!(begun.load(Relaxed), DEATHS_MAX + 1);
    let dead = dead().unwrap();
    assert_eq!(
        (dead.part, dead.why.as_str()),
        (Part::Gauges, "it died too often to begin anew; see the deaths before in this log")
    );
}

#[tokio::test(start_paused = true)]
async fn deaths_long_ago_do_not_count() {
    let mut lives = Lives::default();
    for _ in 0..3 * DEATHS_MAX {
        assert!(lives.next(Instant::now()).is_some());
        tokio::time::advance(DEATHS_WITHIN / 4).await;
    }
}

#[tokio::test]
async fn what_ends_by_itself_is_over_and_no_death() {
    spawn_anew(Part::DamageCheck, || async {}).await.unwrap();
    spawn_until(Part::HttpServer, || true, async {}).await.unwrap();
    thread_anew(Part::JournalRollup, || {}).unwrap().join().unwrap();
    assert_eq!(dead(), None);
}

#[tokio::test]
async fn an_end_nobody_asked_for_is_a_death() {
    spawn_until(Part::HttpServer, || false, async {}).await.unwrap();
    assert_eq!(dead().unwrap().part, Part::HttpServer);
}

#[tokio::test]
async fn one_piece_of_work_dies_alone_and_who_waits_for_it_is_told() {
    assert!(blocking(Part::PasswordHash, || panic!("no")).await.unwrap_err().is_panic());
    assert!(spawn(Part::TestCall, async { panic!("no") }).await.unwrap_err().is_panic());
    assert!(guarded(Part::DeliveryAttempt, async { panic!("no") }).await.is_err());
    assert_eq!(dead(), None);
}

#[tokio::test]
async fn a_death_says_which_part_and_where() {
    note_panics();
    let _ = spawn(Part::SenderClock, async { panic!("out of time") }).await;
    let dead = dead().unwrap();
    assert!(dead.place.contains("src/tests.rs:"), "{dead}");
    assert!(dead.to_string().starts_with("the sender's clock died at crates/"), "{dead}");
    assert!(dead.to_string().ends_with(": out of time"), "{dead}");
}

/// Dropped by a panic: who lives by it ends before the thread is down.
struct TakenDown(Option<tokio::sync::oneshot::Sender<()>>);

impl Drop for TakenDown {
    fn drop(&mut self) {
        drop(self.0.take());
        std::thread::park_timeout(Duration::from_millis(200));
    }
}

#[tokio::test]
async fn who_ends_because_another_died_is_not_the_one_that_is_told() {
    note_panics();
    let (lives, ends) = tokio::sync::oneshot::channel();
    let thread = thread(Part::JournalWriter, move || {
        let _down = TakenDown(Some(lives));
        panic!("no");
    });
    spawn_until(Part::EventWriter, || false, async { drop(ends.await) }).await.unwrap();
    assert_eq!(dead().unwrap().part, Part::JournalWriter);
    thread.unwrap().join().unwrap();
}

#[test]
fn a_thread_that_waits_can_be_killed_and_begins_anew() {
    let (begun, count) = counted();
    let (send, receive) = std::sync::mpsc::channel::<()>();
    let thread = thread_anew(Part::JournalCheckpoint, move || {
        count.fetch_add(1, Relaxed);
        while super::receive(Part::JournalCheckpoint, &receive).is_ok() {}
    });
    let thread = thread.unwrap();
    let wait_for_life = |life| {
        while begun.load(Relaxed) < life {
            std::thread::yield_now();
        }
    };
    wait_for_life(1);
    kill(Part::JournalCheckpoint);
    wait_for_life(2);
    drop(send);
    thread.join().unwrap();
}
