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

#[test]
fn every_operation_tells_what_it_may_refuse() {
    let description = serde_json::to_value(web::api::openapi()).unwrap();
    let mut operations = 0;
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(responses) = operation["responses"].as_object() else { continue };
            operations += 1;
            let mut expected = vec!["400", "401", "500", "503"];
            if method != "get" {
                expected.push("403");
            }
            if !operation["requestBody"].is_null() {
                expected.push("413");
            }
            for status in expected {
                assert!(responses.contains_key(status), "{method} {path} does not tell of {status}");
            }
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let problem = &response["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(problem, "#/components/schemas/ErrorEnvelope", "{method} {path} {status}");
            }
        }
    }
    assert!(operations > 25, "{operations}");
    let about = description["info"]["description"].as_str().unwrap();
    for code in admin::Code::ALL {
        assert!(about.contains(&format!("`{}`", code.name())), "{} is not in the table", code.name());
    }
}
