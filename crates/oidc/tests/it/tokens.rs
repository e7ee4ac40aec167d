//! Tokens that are not believed.

use oidc::Refusal;
use oidc::stage::Signing;
use serde_json::{Value, json};

use crate::bed::{Bed, later, now};

async fn distrusted(claims: Value) -> String {
    let bed = Bed::new().await;
    bed.stage.play(|script| script.claims = claims);
    bed.distrust().await
}

fn secs(at: journal::WallTime) -> i64 {
    at.0 / 1_000_000
}

#[tokio::test]
async fn a_nonce_of_another_login_or_none_is_not_believed() {
    for nonce in [json!("another"), json!(null)] {
        let why = distrusted(json!({ "nonce": nonce })).await;
        assert!(why.contains("nonce"), "{why}");
    }
}

#[tokio::test]
async fn a_token_that_has_expired_or_is_of_tomorrow_is_not_believed() {
    for claims in [json!({ "exp": secs(now()) }), json!({ "exp": 0 }), json!({ "iat": secs(later(3_600)) })] {
        let why = distrusted(claims).await;
        assert!(why.contains("xpired") || why.contains("tomorrow"), "{why}");
    }
}

#[tokio::test]
async fn a_token_for_somebody_else_is_not_believed() {
    for claims in [
        json!({ "aud": "another" }),
        json!({ "aud": ["ringbud", "another"] }),
        json!({ "aud": [] }),
        json!({ "azp": "another" }),
    ] {
        let why = distrusted(claims.clone()).await;
        assert!(why.contains("audience"), "{claims}: {why}");
    }
    let bed = Bed::new().await;
    bed.stage.play(|script| script.claims = json!({ "aud": ["ringbud"], "azp": "ringbud" }));
    bed.log_in().await.expect("that one is for us");
}

#[tokio::test]
async fn a_token_of_another_issuer_is_not_believed() {
    let why = distrusted(json!({ "iss": "https://evil.example" })).await;
    assert!(why.contains("issuer"), "{why}");
}

#[tokio::test]
async fn a_token_that_is_not_signed_by_the_provider_is_not_believed() {
    for (signing, words) in [
        (Signing::None, "ignature"),
        (Signing::ByTheSecret, "HS256"),
        (Signing::ByAnother, "EC Signature was wrong"),
        (Signing::ByNobodys, "No matching key"),
        (Signing::Broken, "EC Signature was wrong"),
    ] {
        let bed = Bed::new().await;
        bed.stage.play(|script| script.signing = signing.clone());
        let why = bed.distrust().await;
        assert!(why.contains(words), "{signing:?}: {why}");
    }
}

#[tokio::test]
async fn a_token_without_what_it_needs_is_not_believed() {
    for missing in ["iss", "sub", "aud", "exp", "iat"] {
        distrusted(json!({ missing: null })).await;
    }
    for sub in [json!(""), json!("x".repeat(256)), json!("a\nb"), json!(7)] {
        distrusted(json!({ "sub": sub })).await;
    }
}

#[tokio::test]
async fn an_answer_without_a_token_is_not_believed() {
    let bed = Bed::new().await;
    bed.stage.play(|script| script.without_token = true);
    assert!(bed.distrust().await.contains("no ID token"));
}

#[tokio::test]
async fn no_word_of_a_refusal_has_a_part_of_a_token() {
    let bed = Bed::new().await;
    bed.stage.play(|script| script.claims = json!({ "sub": 7, "name": "a secret name" }));
    let Err(Refusal::Untrusted(why)) = bed.log_in().await else { panic!("it is believed") };
    assert!(!why.contains("eyJ") && !why.contains("secret"), "{why}");
}
