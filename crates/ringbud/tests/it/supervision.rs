//! What systemd is told, by a socket that only looks like its own.

use tokio::net::UnixDatagram;

use crate::bed::{Bed, Gateway, Signal, patiently};

pub(crate) struct Systemd(pub(crate) UnixDatagram);

impl Systemd {
    /// The next thing that is told and has this in it.
    pub(crate) async fn hears(&self, what: &str) -> String {
        let mut bytes = [0; 4_096];
        patiently(what, async {
            loop {
                let length = self.0.recv(&mut bytes).await.unwrap();
                let told = std::str::from_utf8(&bytes[..length]).unwrap().to_owned();
                if told.lines().any(|line| line.starts_with(what)) {
                    return told;
                }
            }
        })
        .await
    }
}

#[tokio::test]
async fn systemd_is_told_when_it_is_ready_reloads_stops_and_that_it_gets_on() {
    let bed = Bed::new().await;
    let socket = bed.folder.path().join("notify");
    let systemd = Systemd(UnixDatagram::bind(&socket).unwrap());
    let environment = [("NOTIFY_SOCKET", socket.to_str().unwrap()), ("WATCHDOG_USEC", "400000")];
    let mut gateway = Gateway::start_with(&bed.config(), &environment).await;
    systemd.hears("READY=1").await;
    gateway.says("the PBX is followed").await;
    // Three times, and how it is doing.
    for _ in 0..2 {
        systemd.hears("WATCHDOG=1").await;
    }
    let told = systemd.hears("WATCHDOG=1").await;
    assert!(told.lines().any(|line| line == "STATUS=1 of 1 PBXs followed"), "{told}");
    gateway.signal(Signal::HUP);
    let told = systemd.hears("RELOADING=1").await;
    assert!(told.lines().any(|line| line.starts_with("MONOTONIC_USEC=")), "{told}");
    systemd.hears("READY=1").await;
    gateway.signal(Signal::TERM);
    systemd.hears("STOPPING=1").await;
    assert_eq!(gateway.ends().await, Some(0));
}
