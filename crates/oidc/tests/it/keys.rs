//! Keys that change.

use oidc::stage::{Algorithm, Signing};
use oidc::{FRESH_SECS, KEYS_EVERY_SECS};

use crate::bed::{Bed, later};

#[tokio::test]
async fn a_key_nobody_has_seen_is_asked_for_once() {
    let bed = Bed::new().await;
    bed.log_in().await.unwrap();
    bed.stage.rotate(Algorithm::Es256, "second");
    bed.stage.asked();
    bed.log_in().await.unwrap();
    assert_eq!(bed.stage.asked(), ["token", "keys"]);
    bed.log_in().await.unwrap();
    assert_eq!(bed.stage.asked(), ["token"], "it is known now");
}

#[tokio::test]
async fn a_key_that_changed_and_kept_its_id_is_asked_for_too() {
    let bed = Bed::new().await;
    bed.log_in().await.unwrap();
    bed.stage.rotate(Algorithm::Es256, "first");
    bed.log_in().await.unwrap();
}

#[tokio::test]
async fn keys_that_are_nobodys_do_not_make_us_ask_all_the_time() {
    let bed = Bed::new().await;
    bed.log_in().await.unwrap();
    bed.stage.play(|script| script.signing = Signing::ByNobodys);
    bed.stage.asked();
    for number in 0..5 {
        bed.log_in_at(number, later(0)).await.unwrap_err();
    }
    let asked = bed.stage.asked();
    assert_eq!(asked.iter().filter(|what| *what == "keys").count(), 1, "{asked:?}");
    bed.log_in_at(9, later(KEYS_EVERY_SECS)).await.unwrap_err();
    assert!(bed.stage.asked().contains(&"keys".to_owned()), "after a while it is asked again");
}

#[tokio::test]
async fn the_provider_is_asked_anew_after_a_while() {
    let bed = Bed::new().await;
    bed.provider.look(later(-FRESH_SECS)).await.unwrap();
    bed.provider.look(later(-2)).await.unwrap();
    assert_eq!(bed.stage.asked(), ["discovery", "keys"]);
    bed.log_in().await.unwrap();
    assert_eq!(bed.stage.asked(), ["discovery", "keys", "token"]);
}
