//! What a person is told about a configuration that is not right. The whole text is the contract.

use std::path::Path;

use pbx::Product;

use super::{Config, ConfigError, Purpose};

const SOUND: &str = r#"
data_dir = "data"
[http]
listen = "127.0.0.1:8080"
[[pbx]]
name = "pbx1"
kind = "asterisk"
address = "127.0.0.1:5038"
username = "ringbud"
secret = "s3cret"
[[pbx.phones]]
endpoint = 'PJSIP/(?<account>\d+)-(?<phone>\d+)'
[outgoing]
allow = ["10.0.0.0/8", "192.168.1.7"]
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(Path::new("/etc/ringbud/ringbud.toml"), text, Purpose::Work)
}

fn complaint(text: &str) -> String {
    parse(text).expect_err("this configuration should be refused").to_string()
}

#[test]
fn a_sound_configuration_is_taken_as_it_is() {
    let config = parse(SOUND).unwrap();
    assert_eq!(config.data_dir.as_deref(), Some(Path::new("/etc/ringbud/data")));
    assert_eq!(config.http.listen, "127.0.0.1:8080");
    assert_eq!(config.pbxs.len(), 1);
    assert_eq!(config.pbxs[0].name.as_str(), "pbx1");
    assert_eq!(config.pbxs[0].phones.len(), 1);
    assert_eq!(config.outgoing.allow[1].to_string(), "192.168.1.7/32");
}

#[test]
fn what_a_pbx_is_sold_as_is_said_or_shown_by_ready_rules_and_is_of_its_kind() {
    let of = |text: &str| parse(text).map(|config| config.pbxs[0].product);
    let rules = "endpoint = 'PJSIP/(?<account>\\d+)-(?<phone>\\d+)'";
    assert_eq!(of(SOUND).unwrap(), Product::Asterisk);
    let freepbx = SOUND.replace(rules, "rules = \"freepbx\"\naccount = \"1\"");
    assert_eq!(of(&freepbx).unwrap(), Product::FreePbx);
    for product in Product::ALL.into_iter().filter(|product| product.kind() == pbx::Kind::Asterisk) {
        let said = SOUND.replace("username", &format!("product = \"{}\"\nusername", product.word()));
        assert_eq!(of(&said).unwrap(), product);
    }
    let other = complaint(&SOUND.replace("username", "product = \"fusionpbx\"\nusername"));
    assert!(
        other.contains("product") && other.contains("expected one of \"asterisk\", \"freepbx\""),
        "{other}"
    );
}

#[test]
fn a_secret_is_never_printed() {
    let config = parse(SOUND).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn a_replay_needs_no_addresses_and_no_data_folder() {
    let text = "[[pbx]]\nname = \"pbx1\"\n";
    assert!(parse(text).is_err());
    assert!(Config::parse(Path::new("ringbud.toml"), text, Purpose::Replay).is_ok());
}

#[test]
fn an_unknown_key_is_named_with_the_one_that_was_meant() {
    let text = SOUND
        .replace("listen =", "lisen =")
        .replace("username =", "user_name =")
        .replace("[outgoing]", "[going_out]");
    insta::assert_snapshot!(complaint(&text), @r"
    /etc/ringbud/ringbud.toml:4: [http] lisen: is not a known key; did you mean listen?
    /etc/ringbud/ringbud.toml:5: [[pbx]] username: is missing; expected the user of its manager.conf
    /etc/ringbud/ringbud.toml:9: [[pbx]] user_name: is not a known key; did you mean username?
    /etc/ringbud/ringbud.toml:13: going_out: is not a known key; known here: data_dir, secret_key, secret_key_file, secret_key_env, http, journal, pbx, outgoing, operator, mail, oidc, log, keep
    ");
}

#[test]
fn a_wrong_type_says_what_was_found_and_expected() {
    let text = SOUND
        .replace("\"127.0.0.1:8080\"", "8080")
        .replace("username = \"ringbud\"", "username = [\"a\"]\ntls = \"yes\"")
        .replace("[\"10.0.0.0/8\", \"192.168.1.7\"]", "\"10.0.0.0/8\"");
    insta::assert_snapshot!(complaint(&text), @r#"
    /etc/ringbud/ringbud.toml:4: [http] listen: expected a text in quotes, found the number 8080
    /etc/ringbud/ringbud.toml:9: [[pbx]] username: expected a text in quotes, found a list
    /etc/ringbud/ringbud.toml:10: [[pbx]] tls: expected true or false, found the text "yes"
    /etc/ringbud/ringbud.toml:15: [outgoing] allow: expected a list of texts ["…"], found the text "10.0.0.0/8"
    "#);
}

#[test]
fn an_impossible_value_says_what_is_possible() {
    let text = SOUND
        .replace("127.0.0.1:8080", "localhost")
        .replace("name = \"pbx1\"", "name = \"pbx-1\"")
        .replace("asterisk", "3cx")
        .replace("127.0.0.1:5038", "::1:5038")
        .replace("192.168.1.7", "192.168.1.777")
        + "connect_timeout_secs = 0\n[keep]\ndays = -1\nmegabytes = \"10 GB\"\nattempts = 0\naudit_days = 40000\n[log]\nformat = \"xml\"\nlevel = \"a=b=c\"\n";
    insta::assert_snapshot!(complaint(&text), @r#"
    /etc/ringbud/ringbud.toml:4: [http] listen: expected an address and a port such as "127.0.0.1:8080", found "localhost" (the port is missing)
    /etc/ringbud/ringbud.toml:6: [[pbx]] name: expected a name of letters, digits and underscores such as "pbx1", found "pbx-1"
    /etc/ringbud/ringbud.toml:7: [[pbx]] kind: expected "asterisk" or "freeswitch", found "3cx"
    /etc/ringbud/ringbud.toml:8: [[pbx]] address: expected a host and a port such as "127.0.0.1:5038", found "::1:5038" (an IPv6 address stands in brackets)
    /etc/ringbud/ringbud.toml:14: [outgoing] allow: expected a network such as "10.0.0.0/8" or an address, found "192.168.1.777"
    /etc/ringbud/ringbud.toml:15: [outgoing] connect_timeout_secs: expected a whole number from 1 to 60, found 0
    /etc/ringbud/ringbud.toml:17: [keep] days: expected a whole number from 0 to 36500, found -1
    /etc/ringbud/ringbud.toml:18: [keep] megabytes: expected a whole number from 0 to 1000000000, found the text "10 GB"
    /etc/ringbud/ringbud.toml:19: [keep] attempts: expected true, false or "failed", found the number 0
    /etc/ringbud/ringbud.toml:20: [keep] audit_days: expected a whole number from 0 to 36500, found 40000
    /etc/ringbud/ringbud.toml:22: [log] format: expected "human" or "json", found "xml"
    /etc/ringbud/ringbud.toml:23: [log] level: expected error, warn, info, debug or trace, found "a=b=c" (error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5)
    "#);
}

#[test]
fn a_pbx_is_there_only_once() {
    let second = SOUND[SOUND.find("[[pbx]]").unwrap()..SOUND.find("[outgoing]").unwrap()].to_owned();
    insta::assert_snapshot!(complaint(&(SOUND.to_owned() + &second)), @r#"
    /etc/ringbud/ringbud.toml:16: [[pbx]] name: there is a PBX with the name "pbx1" on line 6 already; expected each PBX once
    /etc/ringbud/ringbud.toml:18: [[pbx]] address: there is a PBX with the address "127.0.0.1:5038" on line 8 already; expected each PBX once
    "#);
}

#[test]
fn a_phone_rule_names_phone_and_account() {
    let rule = |rule: &str| complaint(&SOUND.replace(r"PJSIP/(?<account>\d+)-(?<phone>\d+)", rule));
    insta::assert_snapshot!(rule("PJSIP/(?<phone"), @r#"/etc/ringbud/ringbud.toml:12: [[pbx.phones]] endpoint: expected a regular expression, found "PJSIP/(?<phone" (invalid capture group character)"#);
    insta::assert_snapshot!(rule(r"PJSIP/(?<account>\d+)-\d+"), @r#"/etc/ringbud/ringbud.toml:12: [[pbx.phones]] endpoint: the group phone is missing; expected (?<phone>…) around the phone's local number, or phone = "…" beside a name"#);
    insta::assert_snapshot!(rule(r"PJSIP/(?<phone>\d+)"), @r#"/etc/ringbud/ringbud.toml:12: [[pbx.phones]] endpoint: the account is missing; expected a group (?<account>…), or account = "…" beside it"#);
    insta::assert_snapshot!(rule(r"PJSIP/(?<konto>\d+)-(?<phone>\d+)"), @r#"
    /etc/ringbud/ringbud.toml:12: [[pbx.phones]] endpoint: the group "konto" means nothing here; expected the groups account, phone and employee
    /etc/ringbud/ringbud.toml:12: [[pbx.phones]] endpoint: the account is missing; expected a group (?<account>…), or account = "…" beside it
    "#);
}

#[test]
fn a_rule_without_the_account_group_takes_the_fixed_account() {
    let text =
        SOUND.replace(r"'PJSIP/(?<account>\d+)-(?<phone>\d+)'", "'SIP/(?<phone>\\d+)'\naccount = \"7\"");
    assert_eq!(parse(&text).unwrap().pbxs[0].phones[0].account.as_deref(), Some("7"));
}

#[test]
fn a_phone_rule_is_one_of_four() {
    let rule =
        |rule: &str| complaint(&SOUND.replace(r"endpoint = 'PJSIP/(?<account>\d+)-(?<phone>\d+)'", rule));
    for (wrong, said) in [
        ("account = \"1\"", "11: [[pbx.phones]]: endpoint is missing; expected one of endpoint"),
        ("rules = \"freepbx\"\nfile = \"x.csv\"\naccount = \"1\"", "each in a table of its own"),
        (
            "rules = \"3cx\"\naccount = \"1\"",
            "12: [[pbx.phones]] rules: expected \"number\", \"freepbx\", \"wazo\" or \"ws-suffix\", found \"3cx\"",
        ),
        ("rules = \"wazo\"", "12: [[pbx.phones]] rules: the account is missing"),
        ("endpoint = \"SIP/anna\"\nphone = \"101\"", "12: [[pbx.phones]] endpoint: the account is missing"),
        ("endpoint = 'SIP/(?<phone>1)'\nphone = \"101\"\naccount = \"1\"", "compared letter for letter"),
        (
            "endpoint = \"SIP/anna\"\nphone = \"\"\naccount = \"1\"",
            "13: [[pbx.phones]] phone: expected the phone's local number",
        ),
        ("phone = \"101\"\naccount = \"1\"", "endpoint is missing"),
        (
            "file = \"nowhere.csv\"",
            "12: [[pbx.phones]] file: the file /etc/ringbud/nowhere.csv cannot be read",
        ),
    ] {
        let complaint = rule(wrong);
        assert!(complaint.contains(said), "{said}\n{complaint}");
    }
}

#[test]
fn a_secret_is_given_once() {
    insta::assert_snapshot!(complaint(&SOUND.replace("secret = \"s3cret\"", "")), @"/etc/ringbud/ringbud.toml:5: [[pbx]] secret: is missing; expected the secret of that user, or secret_file or secret_env");
    insta::assert_snapshot!(
        complaint(&SOUND.replace("secret = \"s3cret\"", "secret = \"a\"\nsecret_env = \"AMI_SECRET\"")), @"/etc/ringbud/ringbud.toml:11: [[pbx]] secret_env: expected only one of secret, secret_file and secret_env");
}

#[test]
fn a_secret_that_is_not_there_is_named_with_its_line() {
    let text = SOUND.replace("secret = \"s3cret\"", "secret_env = \"RINGBUD_TEST_NO_SUCH_VARIABLE\"");
    let config = parse(&text).unwrap();
    insta::assert_snapshot!(config.pbxs[0].secret.read().unwrap_err(), @"/etc/ringbud/ringbud.toml:10: [[pbx]] secret_env: the environment variable RINGBUD_TEST_NO_SUCH_VARIABLE is not set; set it to the secret before starting ringbud");
    let text = SOUND.replace("secret = \"s3cret\"", "secret_file = \"/nonexistent/secret\"");
    let config = parse(&text).unwrap();
    insta::assert_snapshot!(config.pbxs[0].secret.read().unwrap_err(), @"/etc/ringbud/ringbud.toml:10: [[pbx]] secret_file: the file /nonexistent/secret cannot be read: No such file or directory (os error 2)");
}

#[test]
fn the_operators_web_service_is_checked_where_it_is_configured() {
    let sound = "data_dir = \"data\"\n[operator]\nurl = \"https://ops.example.com/ringbud\"\n";
    assert_eq!(parse(sound).unwrap().operator.unwrap().link_down.as_secs(), 60);
    for (from, to, complaint) in [
        ("https://", "ftp://", "[operator] url"),
        ("url =", "uri =", "did you mean url?"),
        ("url =", "link_down_secs = 0\nurl =", "expected a whole number from 1"),
    ] {
        let said = parse(&sound.replace(from, to)).unwrap_err().to_string();
        assert!(said.contains(complaint), "{said}");
    }
}

const PROVIDER: &str = r#"
data_dir = "data"
[http]
public_url = "https://calls.example.com/ringbud"
path = "/ringbud"
[oidc]
issuer = "https://login.example.com/realms/company"
client_id = "ringbud"
client_secret = "s3cret"
scopes = ["openid", "email"]
label = "Company"
role_claim = "realm_access.roles"
ca = "idp.pem"
allow = ["10.20.0.7"]
[[oidc.roles]]
value = "ringbud.operator"
role = "operator"
[[oidc.roles]]
pattern = 'ringbud-(?<account>\d+)'
role = "read-only"
"#;

#[test]
fn a_provider_to_log_in_through_is_taken_as_it_is_configured() {
    let config = parse(PROVIDER).unwrap();
    assert!(!format!("{config:?}").contains("s3cret"));
    let oidc = config.oidc.unwrap();
    assert_eq!(oidc.issuer.as_str(), "https://login.example.com/realms/company");
    assert_eq!((&*oidc.client_id, &*oidc.label), ("ringbud", "Company"));
    assert_eq!(oidc.scopes, ["email"]);
    assert_eq!(oidc.ca.as_deref(), Some(Path::new("/etc/ringbud/idp.pem")));
    assert_eq!(oidc.allow[0].to_string(), "10.20.0.7/32");
    assert_eq!(oidc.public_url, "https://calls.example.com/ringbud");
    assert_eq!((&*oidc.roles.claim, oidc.roles.rules.len()), ("realm_access.roles", 2));
    let least = PROVIDER.replace("scopes =", "#").replace("label =", "#").replace("role_claim =", "#");
    let oidc = parse(&least.replace("client_secret =", "#")).unwrap().oidc.unwrap();
    assert_eq!((&*oidc.label, &*oidc.roles.claim), ("login.example.com", "roles"));
    assert_eq!((oidc.scopes, oidc.client_secret.is_none()), (vec!["profile".to_owned()], true));
    let none = parse(&PROVIDER.replace("[\"openid\", \"email\"]", "[]")).unwrap().oidc.unwrap();
    assert!(none.scopes.is_empty());
}

#[test]
fn a_provider_that_cannot_be_meant_is_refused_with_its_line() {
    for (from, to, said) in [
        ("https://login", "http://login", "7: [oidc] issuer: expected the provider's issuer such as"),
        (
            "https://login",
            "http://login",
            "(it has to begin with https://; http:// is for a provider on this machine)",
        ),
        ("issuer =", "# issuer =", "6: [oidc] issuer: is missing"),
        ("client_id =", "# client_id =", "6: [oidc] client_id: is missing"),
        (
            "client_id = \"ringbud\"",
            "client_id = \" \"",
            "8: [oidc] client_id: expected the id of the client",
        ),
        (
            "client_secret =",
            "client_secret_env = \"A\"\nclient_secret =",
            "expected only one of client_secret, client_secret_file and client_secret_env",
        ),
        ("label = \"Company\"", "label = \"\"", "11: [oidc] label: expected what people call it"),
        ("\"email\"", "\"e mail\"", "10: [oidc] scopes: expected the name of a scope"),
        ("10.20.0.7", "10.20.0.777", "14: [oidc] allow: expected a network"),
        ("role_claim", "role_clam", "12: [oidc] role_clam: is not a known key; did you mean role_claim?"),
        ("public_url =", "# public_url =", "6: [oidc]: [http] public_url is missing"),
        ("example.com/ringbud\"", "example.com\"", "expected public_url to end with that path"),
        (
            "role = \"read-only\"",
            "role = \"reader\"",
            "20: [[oidc.roles]] role: expected \"operator\", \"account\" or \"read-only\"",
        ),
        ("role = \"read-only\"", "", "18: [[oidc.roles]] role: is missing"),
        ("(?<account>\\d+)", "\\d+", "20: [[oidc.roles]] role: the account is missing"),
        ("(?<account>", "(?<konto>", "the group \"konto\" means nothing here"),
        ("(?<account>\\d+)", "a)|(b", "19: [[oidc.roles]] pattern: expected a regular expression"),
        ("role = \"operator\"", "role = \"operator\"\naccount = \"1\"", "an operator is of no account"),
        (
            "role = \"read-only\"",
            "role = \"read-only\"\naccount = \"1\"",
            "the pattern names the account already",
        ),
        ("value =", "pattern = 'a'\nvalue =", "expected either value = \"…\" or pattern = '…'"),
        ("value = \"ringbud.operator\"", "", "15: [[oidc.roles]]: expected either value"),
        ("[[oidc.roles]]", "[[oidc.rules]]", "did you mean roles?"),
        ("[[oidc.roles]]", "[[oidc.rules]]", "nobody may log in through the provider"),
    ] {
        let text = PROVIDER.replace(from, to);
        assert_ne!(text, PROVIDER, "{from}");
        let complaint = complaint(&text);
        assert!(complaint.contains(said), "{said}\n{complaint}");
    }
}

#[test]
fn what_is_not_toml_is_named_with_its_line() {
    insta::assert_snapshot!(complaint("data_dir = \"x\"\n[http\n"), @"/etc/ringbud/ringbud.toml:2: this is not TOML: unclosed table, expected `]`");
    insta::assert_snapshot!(complaint("data_dir = \"x\"\ndata_dir = \"y\"\n"), @"/etc/ringbud/ringbud.toml:2: this is not TOML: duplicate key");
}

#[test]
fn an_empty_a_missing_and_a_binary_file_are_told_apart() {
    insta::assert_snapshot!(complaint(""), @r#"/etc/ringbud/ringbud.toml: the file is empty; expected at least data_dir = "…", the folder Ringbud keeps its data in, and a [[pbx]]"#);
    insta::assert_snapshot!(complaint("# only words\n\n"), @r#"/etc/ringbud/ringbud.toml: the file is empty; expected at least data_dir = "…", the folder Ringbud keeps its data in, and a [[pbx]]"#);
    let folder = tempfile::tempdir().unwrap();
    let load = |name: &str| {
        let error = Config::load(&folder.path().join(name), Purpose::Work).unwrap_err().to_string();
        error.replace(&folder.path().display().to_string(), "FOLDER")
    };
    std::fs::write(folder.path().join("binary.toml"), b"\x7fELF\0\0").unwrap();
    std::fs::write(folder.path().join("latin1.toml"), b"a = 1\nb = \"\xe6\"\n").unwrap();
    insta::assert_snapshot!(load("missing.toml"), @"FOLDER/missing.toml: there is no such file. Give the path of the configuration with --config FILE");
    insta::assert_snapshot!(load("binary.toml"), @"FOLDER/binary.toml: this is not a text file in UTF-8; expected a configuration in TOML");
    insta::assert_snapshot!(load("latin1.toml"), @"FOLDER/latin1.toml:2: this is not a text file in UTF-8; expected a configuration in TOML");
    insta::assert_snapshot!(load("."), @"FOLDER/.: it cannot be read: it is a folder");
}
