//! What happens while the journal cannot be written, or answers get lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use calls::EventKind;
use journal::faults::{CommitPoint, Faults};
use journal::memory::Memory;

use crate::support::gateway::{Gateway, delivered, everything_to, options, url};
use crate::support::receiver::Receiver;

#[tokio::test]
async fn outcomes_are_not_forgotten_while_the_journal_cannot_be_written() {
    for at in [CommitPoint::Before, CommitPoint::After] {
        let full = Arc::new(AtomicBool::new(false));
        let is_full = full.clone();
        let faults = Faults::new(move |point| {
            if point == at && is_full.load(Ordering::SeqCst) { Err("disk full".to_owned()) } else { Ok(()) }
        });
        let mut receiver = Receiver::always(200).await;
        let journal = Arc::new(Memory::with(faults, journal::clock::system()));
        let gateway = Gateway::with(journal, everything_to(&url(receiver.address)), options()).await;
        let fresh = gateway.keep(crate::support::event(EventKind::Ended, "a")).await;
        let id = fresh.0.id;
        full.store(true, Ordering::SeqCst);
        gateway.sender.offer(vec![fresh]);
        receiver.next().await;
        let blocked = async {
            while !gateway.sender.status().journal_blocked {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), blocked).await.expect("noticed");
        assert_eq!(gateway.sender.status().pending, 1);
        full.store(false, Ordering::SeqCst);
        gateway.reaches(id, delivered).await;
        assert!(receiver.got.is_empty(), "sent once");
        let settled = async {
            while gateway.sender.status().pending > 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), settled).await.expect("settled");
    }
}

#[tokio::test]
async fn the_next_event_of_a_call_waits_until_the_one_before_is_on_disk() {
    let full = Arc::new(AtomicBool::new(false));
    let is_full = full.clone();
    let faults =
        Faults::new(
            move |_| {
                if is_full.load(Ordering::SeqCst) { Err("disk full".to_owned()) } else { Ok(()) }
            },
        );
    let mut receiver = Receiver::always(200).await;
    let journal = Arc::new(Memory::with(faults, journal::clock::system()));
    let gateway = Gateway::with(journal, everything_to(&url(receiver.address)), options()).await;
    let first = gateway.keep(crate::support::event(EventKind::Incoming, "a")).await;
    let second = gateway.keep(crate::support::event(EventKind::Ended, "a")).await;
    let id = second.0.id;
    full.store(true, Ordering::SeqCst);
    gateway.sender.offer(vec![first, second]);
    assert!(receiver.next().await.body.contains("Calledphone"));
    let blocked = async {
        while !gateway.sender.status().journal_blocked {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), blocked).await.expect("noticed");
    assert!(receiver.got.is_empty());
    full.store(false, Ordering::SeqCst);
    assert!(receiver.next().await.body.contains("Duration"));
    gateway.reaches(id, delivered).await;
}
