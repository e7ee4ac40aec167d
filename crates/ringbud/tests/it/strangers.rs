//! Strangers who take connections and do nothing with them: everybody else is answered.

use std::net::{Ipv4Addr, SocketAddr};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use crate::bed::{Bed, Gateway, patiently};

/// More than there are places.
const MANY: u16 = 1_300;
/// From one address each, where they come from many.
const EACH: u16 = 100;
/// A head that never ends.
const SLOW: &str = "GET /login HTTP/1.1\r\nHost: x\r\nX-Slow:";
/// A body that never comes.
const STUCK: &str =
    "POST /login HTTP/1.1\r\nHost: x\r\nSec-Fetch-Site: same-origin\r\nContent-Length: 99\r\n\r\nname=";

/// Connections from an address of this machine's own.
async fn connect(gateway: &Gateway, from: Ipv4Addr, says: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(from.into(), 0)).unwrap();
    let mut stream =
        patiently("a connection", socket.connect(gateway.address.parse().unwrap())).await.unwrap();
    // It may have been closed already.
    let _ = stream.write_all(says.as_bytes()).await;
    stream
}

async fn flood(
    gateway: &Gateway,
    from: impl Fn(u16) -> u8,
    says: impl Fn(u16) -> &'static str,
) -> Vec<TcpStream> {
    let mut all = Vec::new();
    for n in 0..MANY {
        all.push(connect(gateway, Ipv4Addr::new(127, 0, 0, from(n)), says(n)).await);
    }
    all
}

/// Who is known is answered, and health checks are.
async fn the_known_are_answered(gateway: &Gateway, token: &str, cookie: &str) {
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(gateway.api("GET", path, "", "").await.0, 200, "{path}");
    }
    assert_eq!(gateway.api("GET", "/api/v1/accounts", token, "").await.0, 200);
    assert_eq!(gateway.page("/operator/accounts", cookie).await.0, 200);
}

async fn figure(gateway: &Gateway, name: &str) -> u64 {
    let (_, figures) = gateway.api("GET", "/metrics", "", "").await;
    let line = figures.lines().find(|line| line.starts_with(name)).unwrap_or_else(|| panic!("no {name}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn who_takes_all_connections_and_keeps_silent_keeps_nobody_out() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
    let bed = Bed::new().await;
    let token = bed.ask(&["token", "create", "--name", "tests"]).await.trim().to_owned();
    let mut gateway = bed.serve().await;
    let cookie = gateway.log_in().await;
    let silent = |n: u16| if n.is_multiple_of(2) { "" } else { SLOW };

    // All from one address, which is ours too.
    let one = flood(&gateway, |_| 1, silent).await;
    the_known_are_answered(&gateway, &token, &cookie).await;
    assert_eq!(gateway.page("/login", "").await.0, 200);
    assert!(figure(&gateway, "ringbud_http_closed_total{why=\"peer\"}").await >= u64::from(MANY) - 1_024 / 8);
    assert!(figure(&gateway, "ringbud_http_connections{who=\"strangers\"}").await <= 1_024 / 8);

    // From many.
    let many = flood(&gateway, |n| u8::try_from(2 + n / EACH).unwrap(), silent).await;
    the_known_are_answered(&gateway, &token, &cookie).await;
    assert_eq!(gateway.page("/login", "").await.0, 200);
    assert!(figure(&gateway, "ringbud_http_closed_total{why=\"full\"}").await > 0);
    assert!(figure(&gateway, "ringbud_http_full_total").await > 0);
    drop((one, many));

    // From many, each in the midst of a request: strangers are kept out, and nobody else.
    let mut busy = flood(&gateway, |n| u8::try_from(2 + n / EACH).unwrap(), |_| STUCK).await;
    let mut answer = String::new();
    let read = busy.last_mut().unwrap().read_to_string(&mut answer);
    patiently("an answer to the last of them", read).await.unwrap();
    assert!(answer.ends_with("there is no room for more strangers\n"), "{answer}");
    the_known_are_answered(&gateway, &token, &cookie).await;
    drop(busy);
    gateway.stop().await;
}
