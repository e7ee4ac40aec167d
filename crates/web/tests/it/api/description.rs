use crate::rig::Rig;

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

fn is_in_docs(name: &str, what: &impl serde::Serialize) {
    let file = format!("{DOCS}/{name}");
    let now = serde_json::to_string_pretty(what).unwrap() + "\n";
    if std::env::var_os("RINGBUD_WRITE").is_some() {
        std::fs::write(&file, &now).unwrap();
    }
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(kept == now, "docs/{name} is not what the code says: run RINGBUD_WRITE=1 cargo test -p web");
}

/// `RINGBUD_WRITE=1 cargo test -p web` writes them anew.
#[test]
fn the_descriptions_in_docs_are_those_of_the_code() {
    is_in_docs("openapi.json", &web::api::openapi());
    is_in_docs("asyncapi.json", &web::api::asyncapi());
    is_in_docs("events.schema.json", &delivery::payload::schema::json_schema());
}

#[tokio::test]
async fn the_description_is_served() {
    let rig = Rig::new().await;
    let served = rig.get("", "/api/v1/openapi.json").await.json();
    assert!(served["paths"]["/api/v1/accounts/{account}/integration"]["put"].is_object());
    assert_eq!(served["openapi"], "3.1.0", "the first that has webhooks");
    let told = &served["webhooks"]["Incoming"]["post"]["requestBody"]["content"];
    assert!(told["application/json"]["schema"]["properties"]["ANumber"].is_object(), "{told}");
    assert_eq!(rig.get("", "/api/v1/asyncapi.json").await.json()["asyncapi"], "3.0.0");
    let schema = rig.get("", "/api/v1/events.schema.json").await;
    assert_eq!(schema.headers["content-type"], "application/schema+json");
    assert!(schema.json()["$defs"]["Ended"].is_object());
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
