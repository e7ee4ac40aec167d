//! Providers that are not there, or are not what they should be.

use oidc::stage::{Manner, Stage};
use oidc::{ASK_AGAIN_SECS, AT_ONCE, Refusal};
use serde_json::json;

use crate::bed::{Bed, later, now, provider_at};

#[tokio::test]
async fn a_provider_that_is_down_is_told_in_words_left_in_peace_and_asked_again() {
    let bed = Bed::new().await;
    bed.stage.play(|script| script.discovery = Manner::Status(503));
    for _ in 0..3 {
        let refusal = bed.log_in().await.unwrap_err();
        assert!(matches!(&refusal, Refusal::Unreachable(why) if why.contains("503")), "{refusal}");
    }
    assert_eq!(bed.stage.asked(), ["discovery"]);
    bed.stage.play(|script| script.discovery = Manner::Well);
    bed.log_in().await.expect_err("it is left in peace");
    bed.log_in_at(2, later(ASK_AGAIN_SECS)).await.expect("and asked again");
}

#[tokio::test]
async fn a_provider_nobody_listens_at_is_told_in_words() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let refusal = provider_at(&issuer, &["127.0.0.0/8"]).look(now()).await.unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Unreachable(why) if why.contains("cannot be connected to")),
        "{refusal}"
    );
}

#[tokio::test]
async fn a_provider_at_an_address_of_ones_own_is_refused_unless_it_is_allowed() {
    let stage = Stage::start("127.0.0.1:0").await.unwrap();
    let refusal = provider_at(&stage.issuer(), &["10.0.0.0/8"]).look(now()).await.unwrap_err();
    assert!(matches!(&refusal, Refusal::Unreachable(why) if why.contains("loopback")), "{refusal}");
    assert_eq!(stage.asked(), Vec::<String>::new(), "it was not even asked");
    provider_at(&stage.issuer(), &["127.0.0.1/32"]).look(now()).await.unwrap();
}

#[tokio::test]
async fn every_question_goes_past_the_guard_not_only_the_first() {
    // Found by one address that is allowed, it points to another one that is not.
    for endpoint in ["jwks_uri", "token_endpoint"] {
        let bed = Bed::new().await;
        let strict = provider_at(&bed.stage.issuer(), &["127.0.0.1/32"]);
        bed.stage.play(|script| script.metadata = json!({ endpoint: "http://127.0.0.2:1/" }));
        let bed = Bed { provider: strict, ..bed };
        let refusal = bed.log_in().await.unwrap_err();
        assert!(
            matches!(&refusal, Refusal::Unreachable(why) if why.contains("loopback")),
            "{endpoint}: {refusal}"
        );
    }
}

#[tokio::test]
async fn redirects_are_not_followed_anywhere() {
    type Change = fn(&mut oidc::stage::Script, Manner);
    let places: [(&str, Change); 3] = [
        ("discovery", |script, manner| script.discovery = manner),
        ("keys", |script, manner| script.keys = manner),
        ("token", |script, manner| script.token = manner),
    ];
    for (place, change) in places {
        let (bed, elsewhere) = (Bed::new().await, Stage::start("127.0.0.1:0").await.unwrap());
        let to = format!("{}/{place}", elsewhere.issuer());
        bed.stage.play(|script| change(script, Manner::Redirect(to)));
        let refusal = bed.log_in().await.unwrap_err();
        assert!(matches!(refusal, Refusal::Untrusted(_)), "{place}: {refusal}");
        assert_eq!(elsewhere.asked(), Vec::<String>::new(), "{place}");
    }
}

#[tokio::test]
async fn garbage_nonsense_a_gigabyte_and_silence_are_given_up_at_every_question() {
    type Change = fn(&mut oidc::stage::Script, Manner);
    let places: [Change; 3] = [
        |script, manner| script.discovery = manner,
        |script, manner| script.keys = manner,
        |script, manner| script.token = manner,
    ];
    for change in places {
        for (manner, unreachable) in [
            (Manner::Garbage, false),
            (Manner::Nonsense, false),
            (Manner::Endless, true),
            (Manner::Never, true),
        ] {
            let bed = Bed::new().await;
            bed.stage.play(|script| change(script, manner.clone()));
            let refusal = bed.log_in().await.unwrap_err();
            assert_eq!(matches!(refusal, Refusal::Unreachable(_)), unreachable, "{manner:?}: {refusal}");
            assert_eq!(matches!(refusal, Refusal::Untrusted(_)), !unreachable, "{manner:?}: {refusal}");
        }
    }
}

#[tokio::test]
async fn a_provider_that_does_not_answer_holds_up_a_bounded_crowd() {
    let bed = Bed::new().await;
    bed.stage.play(|script| script.token = Manner::Never);
    bed.provider.look(now()).await.unwrap();
    let crowd = (0..).take(AT_ONCE + 1).map(|number| bed.log_in_at(number, now()));
    let busy =
        futures_util::future::join_all(crowd).await.into_iter().filter(|one| *one == Err(Refusal::Busy));
    assert_eq!(busy.count(), 1);
    bed.stage.play(|script| script.token = Manner::Well);
    bed.log_in().await.expect("and then there is room again");
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_is_not_believed() {
    for (change, words) in [
        (json!({ "issuer": "https://evil.example" }), "unexpected issuer"),
        (json!({ "token_endpoint": null }), "no token endpoint"),
        (json!({ "authorization_endpoint": "javascript:alert(1)" }), "not encrypted"),
        (json!({ "end_session_endpoint": "javascript:alert(1)" }), "not encrypted"),
        (json!({ "jwks_uri": null }), "jwks_uri"),
    ] {
        let bed = Bed::new().await;
        bed.stage.play(|script| script.metadata = change.clone());
        let why = bed.distrust().await;
        assert!(why.contains(words), "{change}: {why}");
    }
}
