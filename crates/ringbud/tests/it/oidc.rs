//! The whole program with an OpenID provider in its configuration.

use oidc::stage::{CLIENT_ID, Stage};

use crate::bed::{Bed, own_address};

fn with_provider(bed: &Bed, issuer: &str, allow: &str) -> String {
    let secret = bed.config().with_file_name("oidc.secret");
    std::fs::write(&secret, format!("{}\n", oidc::stage::CLIENT_SECRET)).unwrap();
    let http = "[http]\npublic_url = \"https://calls.example.com\"\n";
    format!(
        "{}[oidc]\nissuer = \"{issuer}\"\nclient_id = \"{CLIENT_ID}\"\nclient_secret_file = \"oidc.secret\"\n\
         label = \"Nordlys\"\nallow = [{allow}]\n[[oidc.roles]]\nvalue = \"ringbud-operator\"\nrole = \"operator\"\n",
        bed.sound().replace("[http]\n", http)
    )
}

#[tokio::test]
async fn check_asks_the_provider_and_says_what_it_has_to_know() {
    let (bed, stage) = (Bed::new().await, Stage::start("127.0.0.1:0").await.unwrap());
    let issuer = stage.issuer();
    let text = with_provider(&bed, &issuer, "\"127.0.0.1\"");
    // Allowed for the provider alone.
    bed.write(&text.replace("allow = [\"127.0.0.0/8\"]", "allow = []"));
    let said = String::from_utf8(bed.run(&["check"]).await.stdout).unwrap();
    assert!(
        said.contains(&format!("ok    {issuer} answers: people can log in with \"Nordlys\"\n")),
        "{said}"
    );
    let back = "ok    {issuer} has to know https://calls.example.com/login/oidc/back as redirect URI\n";
    assert!(said.contains(&back.replace("{issuer}", &issuer)), "{said}");
}

#[tokio::test]
async fn a_provider_at_an_address_of_ones_own_that_is_not_allowed_is_told() {
    let (bed, stage) = (Bed::new().await, Stage::start("127.0.0.1:0").await.unwrap());
    let text = with_provider(&bed, &stage.issuer(), "");
    bed.write(&text.replace("allow = [\"127.0.0.0/8\"]", "allow = []"));
    let done = bed.run(&["check"]).await;
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(
        said.contains(&format!("fail  {}: the OpenID provider cannot be reached", stage.issuer())),
        "{said}"
    );
    assert!(said.contains("a loopback address"), "{said}");
    assert_eq!(stage.asked(), Vec::<String>::new());
}

#[tokio::test]
async fn a_running_gateway_sends_a_browser_to_the_provider() {
    let (bed, stage) = (Bed::new().await, Stage::start("127.0.0.1:0").await.unwrap());
    let free = own_address();
    let text = with_provider(&bed, &stage.issuer(), "\"127.0.0.1\"");
    let text = text.replace("https://calls.example.com", &format!("http://{free}"));
    bed.write(&text.replace("127.0.0.1:0", &free.to_string()));
    let gateway = bed.serve().await;
    let sent = get(&gateway.address, "/login/oidc").await;
    assert!(sent.starts_with("HTTP/1.1 303"), "{sent}");
    let there = sent.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    assert!(there.starts_with(&format!("{}/authorize?", stage.issuer())), "{there}");
    let back = format!("redirect_uri=http%3A%2F%2F127.0.0.1%3A{}%2Flogin%2Foidc%2Fback", free.port());
    assert!(there.contains(&back), "{there}");
    let home = get(&gateway.address, "/login").await;
    assert!(home.contains("Nordlys"), "the button is there");
    gateway.stop().await;
}

#[tokio::test]
async fn a_ca_or_a_secret_that_is_not_there_stops_the_start() {
    let bed = Bed::new().await;
    let text = with_provider(&bed, "https://login.example.com", "");
    for (from, to, words) in [
        (
            "client_secret_file = \"oidc.secret\"",
            "client_secret_env = \"RINGBUD_TEST_NOT_SET\"",
            "RINGBUD_TEST_NOT_SET is not set",
        ),
        ("label =", "ca = \"nowhere.pem\"\nlabel =", "nowhere.pem cannot be read"),
        ("label =", "ca = \"oidc.secret\"\nlabel =", "[oidc] ca: there is no certificate in it"),
    ] {
        bed.write(&text.replace(from, to));
        let done = bed.run(&["serve"]).await;
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{said}");
        assert!(said.contains(words) && said.contains("ringbud.toml:"), "{said}");
    }
}

async fn get(address: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
