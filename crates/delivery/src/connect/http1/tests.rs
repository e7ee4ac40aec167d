use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use splitmix::Rng;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::super::super::answer::NoAnswer;
use super::super::super::by_hyper;
use super::*;

const BOUNDS: Bounds = Bounds { limit: Duration::from_secs(5), kept: 64, read: 512 };

/// Status, what was kept of the body, whether all of it came; or what there was instead, without its words.
type Outcome = Result<(u16, Vec<u8>, bool), &'static str>;

fn kind(lost: &Lost) -> &'static str {
    match lost {
        Lost::Closed => "closed",
        Lost::Reset => "reset",
        Lost::Unreadable(_) => "unreadable",
        Lost::Other(_) => "other",
    }
}

/// What is read of some bytes that come in pieces, after which the connection is closed.
fn by_us(bytes: &[u8], mut pieces: impl FnMut() -> usize) -> (Outcome, bool) {
    let mut reading = Reading::new(BOUNDS);
    let (mut came, mut at) = (Vec::new(), 0);
    let (whole, reusable) = loop {
        if at == bytes.len() {
            match reading.closed() {
                Ok(whole) => break (whole, false),
                Err(lost) => return (Err(kind(&lost)), false),
            }
        }
        let end = (at + pieces().max(1)).min(bytes.len());
        came.extend_from_slice(&bytes[at..end]);
        at = end;
        match reading.take(&mut came) {
            Ok(Stand::More) => {}
            Ok(Stand::Enough) => break (false, false),
            Ok(Stand::Whole { reusable }) => break (true, reusable && at == bytes.len()),
            Err(lost) => return (Err(kind(&lost)), false),
        }
    };
    let answered = reading.answered().expect("it has a head");
    (Ok((answered.status, answered.body, whole)), reusable)
}

async fn by_the_library(bytes: &[u8]) -> Outcome {
    let (ours, mut theirs) = tokio::io::duplex(1 << 16);
    let handshake = http1::Builder::new().max_buf_size(ANSWER_HEAD_MAX).handshake(TokioIo::new(ours));
    let (mut sender, connection) = handshake.await.expect("a handshake");
    let driver = tokio::spawn(async move { drop(connection.await) });
    let answer = bytes.to_vec();
    let receiver = tokio::spawn(async move {
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(theirs.read_u8().await.expect("a request"));
        }
        let _ = theirs.write_all(&answer).await;
        let _ = theirs.shutdown().await;
    });
    let request: Request<Full<Bytes>> = Request::get("/").body(Full::default()).expect("a request");
    let end = by_hyper::talk(sender.try_send_request(request), BOUNDS).await;
    drop(sender);
    receiver.await.expect("it wrote");
    driver.abort();
    match end {
        Ok((head, body, whole)) => Ok((head.status.as_u16(), body, whole)),
        Err(NoAnswer::Lost(lost)) => Err(kind(&lost)),
        Err(NoAnswer::NotSent) => Err("not sent"),
        Err(NoAnswer::TimedOut) => Err("timed out"),
    }
}

const ANSWERS: &[&str] = &[
    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    "HTTP/1.1 204 No Content\r\n\r\n",
    "HTTP/1.1 204 No Content\r\ncontent-length: 3\r\n\r\nabc",
    "HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n",
    "HTTP/1.0 200 OK\r\n\r\nuntil the end",
    "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 2\r\n\r\nok",
    "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 500 Oops\r\nconnection: close\r\n\r\nwords",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nbytes",
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nA ; x=y\r\n0123456789\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\nz: \r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nwhatever",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 3, 3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
    "HTTP/1.1 200 OK\r\nContent-Length: +3\r\n\r\nabc",
    "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
    "HTTP/1.1 429 Slow Down\r\nretry-after: 3\r\nkeep-alive: timeout=5, max=100\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    "HTTP/1.1 200\r\ncontent-length: 1\r\n\r\nx",
    "HTTP/1.1 200 OK\ncontent-length: 1\n\nx",
    "HTTP/1.1 200 OK\r\ncontent-length : 1\r\n\r\nx",
    "HTTP/1.1 200 OK\r\nx: a\r\n b\r\ncontent-length: 1\r\n\r\nx",
    "HTTP/2 200\r\n\r\n",
    "HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n",
    "HTTP/1.1 099 Odd\r\ncontent-length: 0\r\n\r\n",
    "\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
    "",
    "\u{16}\u{3}\u{1} what do you want?\r\n\r\n",
];

const TOKENS: &[&str] = &[
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "0",
    "5",
    "ffffffffffffffff",
    "chunked",
    "close",
    "keep-alive",
    "HTTP/1.1 100 Continue\r\n\r\n",
    "content-length: 7\r\n",
    "transfer-encoding: chunked\r\n",
    "0\r\n\r\n",
    "\0",
    "\u{e6}",
    "connection: close\r\n",
    "3\r\nabc\r\n",
    "x: y\r\n",
];

fn spoiled(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = ANSWERS[rng.below(ANSWERS.len())].as_bytes().to_vec();
    for _ in 0..rng.below(4) {
        let at = rng.below(bytes.len() + 1);
        match rng.below(5) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 if at < bytes.len() => bytes[at] = rng.below(256) as u8,
            3 => drop(bytes.splice(at..at, ANSWERS[rng.below(ANSWERS.len())].bytes())),
            _ => drop(bytes.splice(at..at, TOKENS[rng.below(TOKENS.len())].bytes())),
        }
    }
    bytes
}

#[tokio::test]
async fn what_the_library_understands_of_an_answer_is_understood_and_nothing_else() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_128);
    println!("SEED={seed}");
    let mut rng = Rng::new(seed);
    let plain = ANSWERS.iter().map(|answer| answer.as_bytes().to_vec()).collect::<Vec<_>>();
    let cases = std::env::var("CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(4_000);
    let (mut whole, mut refused) = (0, 0);
    for case in 0..cases {
        let bytes = plain.get(case).cloned().unwrap_or_else(|| spoiled(&mut rng));
        let theirs = by_the_library(&bytes).await;
        let (ours, _) = by_us(&bytes, || usize::MAX);
        assert_eq!(ours, theirs, "{:?}", String::from_utf8_lossy(&bytes));
        let (in_pieces, _) = by_us(&bytes, || 1 + rng.below(7));
        assert_eq!(in_pieces, theirs, "in pieces: {:?}", String::from_utf8_lossy(&bytes));
        whole += usize::from(matches!(ours, Ok((.., true))));
        refused += usize::from(ours.is_err());
    }
    assert!(whole > cases / 10 && refused > cases / 10, "{whole} whole, {refused} refused of {cases}");
}

#[test]
fn a_connection_goes_on_only_where_the_answer_says_so_and_nothing_follows_it() {
    let kept = |answer: &str| by_us(answer.as_bytes(), || usize::MAX).1;
    for good in [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
    ] {
        assert!(kept(good), "{good}");
    }
    for bad in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nConnection: x, Close\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nconnection: close\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nuntil it is closed",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ] {
        assert!(!kept(bad), "{bad}");
    }
}

#[test]
fn a_head_and_a_body_have_their_bounds() {
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "x: y\r\n".repeat(ANSWER_HEAD_MAX));
    assert_eq!(by_us(endless.as_bytes(), || 1_000).0, Err("unreadable"));
    let long_line = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(2 * ANSWER_HEAD_MAX));
    assert_eq!(by_us(long_line.as_bytes(), || 1_000).0, Err("unreadable"));
    let long = format!("HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n{}", "z".repeat(9_999));
    let (outcome, reusable) = by_us(long.as_bytes(), || 100);
    assert_eq!((outcome, reusable), (Ok((200, b"z".repeat(64), false)), false));
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(10_000);
    assert_eq!(by_us(hints.as_bytes(), || 5_000).0, Err("closed"), "they take no room");
}
