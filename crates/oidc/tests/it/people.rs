//! Who comes back, and from where.

use calls::AccountId;
use journal::settings::Scope;
use oidc::stage::{Algorithm, SUBJECT};
use oidc::{ATTEMPT_LIFE_SECS, Back, Refusal};
use serde_json::json;

use crate::bed::{BROWSER, Bed, REDIRECT, chances, later, now};

#[tokio::test]
async fn who_the_provider_vouches_for_is_known_by_issuer_and_subject() {
    let bed = Bed::new().await;
    let person = bed.log_in().await.unwrap();
    assert_eq!((person.issuer, &*person.subject), (bed.stage.issuer(), SUBJECT));
    assert_eq!(person.name, "Mette Holm");
    assert_eq!(person.scope, Some(Scope::Account(AccountId::new("1"))));
    assert_eq!(bed.stage.asked(), ["discovery", "keys", "token"]);
}

#[tokio::test]
async fn rsa_keys_are_understood_as_well() {
    let bed = Bed::new().await;
    bed.stage.rotate(Algorithm::Rs256, "rsa");
    assert_eq!(bed.log_in().await.unwrap().subject, SUBJECT);
}

#[tokio::test]
async fn the_browser_is_sent_with_everything_a_provider_needs_and_no_secret() {
    let bed = Bed::new().await;
    let url = bed.provider.begin(BROWSER, "/", chances(1), now()).await.unwrap();
    assert!(url.as_str().starts_with(&format!("{}/authorize?", bed.stage.issuer())));
    let of = |name: &str| {
        let found: Vec<_> =
            url.query_pairs().filter(|(key, _)| key == name).map(|(_, value)| value).collect();
        assert_eq!(found.len(), 1, "{name}");
        found[0].clone().into_owned()
    };
    assert_eq!((&*of("response_type"), &*of("client_id")), ("code", "ringbud"));
    assert_eq!((&*of("redirect_uri"), &*of("scope")), (REDIRECT, "openid profile"));
    assert_eq!(of("code_challenge_method"), "S256");
    assert_eq!((of("state"), of("nonce")), (chances(1).state, chances(1).nonce));
    assert!(!url.as_str().contains(&chances(1).verifier), "the verifier stays here");
}

#[tokio::test]
async fn what_nobody_mapped_gives_a_person_without_a_role() {
    let bed = Bed::new().await;
    for roles in [json!(["something-else"]), json!(null)] {
        bed.stage.play(|script| script.claims = json!({ "roles": roles }));
        let person = bed.log_in().await.unwrap();
        assert_eq!((person.scope, &*person.subject), (None, SUBJECT));
    }
}

#[tokio::test]
async fn a_role_is_read_anew_at_every_login() {
    let bed = Bed::new().await;
    let one = AccountId::new("1");
    for (role, scope) in [
        ("ringbud-operator", Some(Scope::Everything)),
        ("ringbud-reader", Some(Scope::ReadAccount(one))),
        ("none", None),
    ] {
        bed.stage.play(|script| script.claims = json!({ "roles": role }));
        assert_eq!(bed.log_in().await.unwrap().scope, scope);
    }
}

#[tokio::test]
async fn a_state_that_is_unknown_anothers_late_or_used_is_refused() {
    let bed = Bed::new().await;
    let begin = async |number| {
        let url = bed.provider.begin(BROWSER, "/", chances(number), now()).await.unwrap();
        bed.stage.approve(url.as_str()).1
    };
    let stale = |state: &str, browser: &str, at| {
        let taken = bed.provider.take(state, browser, at);
        assert_eq!(taken.err(), Some(Refusal::Stale), "{state} {browser}");
    };
    stale("unknown", BROWSER, now());
    stale("", BROWSER, now());
    stale(&begin(1).await, "another browser", now());
    stale(&begin(2).await, "", now());
    stale(&begin(3).await, BROWSER, later(ATTEMPT_LIFE_SECS));
    let state = begin(4).await;
    assert!(bed.provider.take(&state, BROWSER, now()).is_ok());
    stale(&state, BROWSER, now());
}

#[tokio::test]
async fn a_code_of_another_login_is_refused_by_its_verifier() {
    let bed = Bed::new().await;
    let mut backs = Vec::new();
    for number in [1, 2] {
        let url = bed.provider.begin(BROWSER, "/", chances(number), now()).await.unwrap();
        backs.push(bed.stage.approve(url.as_str()));
    }
    let attempt = bed.provider.take(&backs[0].1, BROWSER, now()).unwrap();
    let code = backs[1].0.clone();
    let refusal = bed.provider.redeem(attempt, Back { code, ..Back::default() }, now()).await.unwrap_err();
    assert_eq!(refusal, Refusal::Denied("invalid_grant".into()));
}

#[tokio::test]
async fn who_comes_back_with_an_error_without_a_code_or_from_elsewhere_is_not_logged_in() {
    let bed = Bed::new().await;
    for (number, back, words) in [
        (1, Back { error: "access_denied".into(), ..Back::default() }, "refused: access_denied"),
        (2, Back::default(), "neither a code nor an error"),
        (
            3,
            Back { code: "c".into(), issuer: "https://evil.example".into(), ..Back::default() },
            "another provider",
        ),
        (4, Back { code: "made up".into(), ..Back::default() }, "refused: invalid_grant"),
    ] {
        let url = bed.provider.begin(BROWSER, "/", chances(number), now()).await.unwrap();
        let (_, state) = bed.stage.approve(url.as_str());
        let attempt = bed.provider.take(&state, BROWSER, now()).unwrap();
        let refusal = bed.provider.redeem(attempt, back, now()).await.unwrap_err().to_string();
        assert!(refusal.contains(words), "{refusal}");
    }
    let error = "x".repeat(5_000);
    let url = bed.provider.begin(BROWSER, "/", chances(5), now()).await.unwrap();
    let attempt = bed.provider.take(&bed.stage.approve(url.as_str()).1, BROWSER, now()).unwrap();
    let refusal = bed.provider.redeem(attempt, Back { error, ..Back::default() }, now()).await.unwrap_err();
    assert!(refusal.to_string().len() < 400, "what goes into the log is bounded");
}

#[tokio::test]
async fn where_one_logs_out_of_the_provider_is_known_once_it_was_asked() {
    let bed = Bed::new().await;
    assert_eq!(bed.provider.logout_url(), None);
    bed.provider.look(now()).await.unwrap();
    let url = bed.provider.logout_url().unwrap();
    assert!(url.as_str().starts_with(&format!("{}/logout?", bed.stage.issuer())), "{url}");
    assert!(url.query_pairs().any(|(key, value)| key == "client_id" && value == "ringbud"));
    assert!(url.query_pairs().any(|(key, value)| {
        key == "post_logout_redirect_uri" && value == "https://calls.example.com/ringbud/login"
    }));
}
