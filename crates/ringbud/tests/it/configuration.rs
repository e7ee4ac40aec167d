//! A configuration that is not right: a sentence, the line, exit code 3, and nothing touched.

use crate::bed::Bed;

#[tokio::test]
async fn each_fault_is_named_with_its_line_and_nothing_is_touched() {
    let bed = Bed::new().await;
    let cases = [
        (
            "listen = \"127.0.0.1:0\"",
            "listen = 80",
            "[http] listen: expected a text in quotes, found the number 80",
        ),
        ("username = ", "user = ", "[[pbx]] user: is not a known key; did you mean username?"),
        ("name = \"pbx1\"", "name = \"a b\"", "[[pbx]] name: expected a name"),
        ("[outgoing]", "[outgoing", "this is not TOML"),
    ];
    for (right, wrong, words) in cases {
        bed.write(&bed.sound().replace(right, wrong));
        let done = bed.run(&["serve"]).await;
        let said = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(3), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(said.contains("ringbud.toml:"), "{said}");
    }
    for (content, words) in [(&b""[..], "the file is empty"), (b"\x00\x01\xff", "not a text file")] {
        std::fs::write(bed.config(), content).unwrap();
        let done = bed.run(&["serve"]).await;
        assert_eq!(done.status.code(), Some(3));
        assert!(String::from_utf8(done.stderr).unwrap().contains(words));
    }
    assert!(!bed.data().exists());
}

#[tokio::test]
async fn a_secret_that_is_not_there_stops_the_start() {
    let bed = Bed::new().await;
    bed.write(&bed.sound().replace("secret = \"ringbud\"", "secret_env = \"RINGBUD_TEST_NOT_SET\""));
    let done = bed.run(&["serve"]).await;
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8(done.stderr).unwrap().contains("RINGBUD_TEST_NOT_SET is not set"));
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let bed = Bed::new().await;
    let taken = bed.receiver.address().to_string();
    bed.write(&bed.sound().replace("127.0.0.1:0", &taken));
    let done = bed.run(&["serve"]).await;
    assert_eq!(done.status.code(), Some(1));
    assert!(String::from_utf8(done.stderr).unwrap().contains(&taken));
}
