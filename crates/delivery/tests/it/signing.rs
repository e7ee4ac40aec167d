//! Standard Webhooks, against the specification's own example.

use delivery::signing::{BadSecret, Key, NotVerified, sign, verify};

// From the specification's test suite.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
const AT: &str = "1614265330";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn key() -> Key {
    Key::parse(SECRET).expect("a key")
}

#[test]
fn the_specifications_example_has_the_specifications_signature() {
    assert_eq!(sign(&[key()], ID, AT, BODY), SIGNATURE);
    verify(&[key()], ID, AT, SIGNATURE, BODY, 1_614_265_330).expect("verified");
}

#[test]
fn any_of_several_signatures_is_enough() {
    let several = format!("v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc= v2,x {SIGNATURE}");
    verify(&[key()], ID, AT, &several, BODY, 1_614_265_330).expect("verified");
}

#[test]
fn a_changed_request_is_not_verified() {
    let no =
        |id, at, body| verify(&[key()], id, at, SIGNATURE, body, 1_614_265_330).expect_err("not verified");
    assert_eq!(no("msg_other", AT, BODY), NotVerified::NoMatch);
    assert_eq!(no(ID, "1614265331", BODY), NotVerified::NoMatch);
    assert_eq!(no(ID, AT, b"{}"), NotVerified::NoMatch);
    assert_eq!(no(ID, "soon", BODY), NotVerified::BadTimestamp);
}

#[test]
fn an_old_request_is_not_verified() {
    for now in [1_614_265_330 - 301, 1_614_265_330 + 301] {
        let end = verify(&[key()], ID, AT, SIGNATURE, BODY, now);
        assert_eq!(end, Err(NotVerified::TooFarFromNow));
    }
}

#[test]
fn a_secret_is_checked_before_it_is_used() {
    assert_eq!(Key::parse("whsec_%%%").expect_err("bad"), BadSecret::NotBase64);
    assert_eq!(Key::parse("whsec_c2hvcnQ=").expect_err("bad"), BadSecret::Length(5));
    assert!(Key::parse(&delivery::signing::secret_of(&[7; 32])).is_ok());
    assert!(!format!("{:?}", key()).contains("MfKQ"));
}
