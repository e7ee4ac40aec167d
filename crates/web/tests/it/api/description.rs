use crate::rig::Rig;

const KEPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

/// `RINGBUD_WRITE=1 cargo test -p web` writes it anew.
#[test]
fn the_description_in_docs_is_that_of_the_code() {
    let mut now = web::api::openapi().to_pretty_json().unwrap();
    now.push('\n');
    if std::env::var_os("RINGBUD_WRITE").is_some() {
        std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs")).unwrap();
        std::fs::write(KEPT, &now).unwrap();
    }
    let kept = std::fs::read_to_string(KEPT).unwrap();
    assert!(
        kept == now,
        "docs/openapi.json is not what the code says: run RINGBUD_WRITE=1 cargo test -p web"
    );
}

#[tokio::test]
async fn the_description_is_served() {
    let rig = Rig::new().await;
    let served = rig.get("", "/api/v1/openapi.json").await.json();
    assert!(served["paths"]["/api/v1/accounts/{account}/integration"]["put"].is_object());
}
