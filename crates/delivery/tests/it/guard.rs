//! Where a request may go.

use std::net::IpAddr;

use delivery::guard::{Guard, UrlProblem, WebhookUrl, Why};
use ipnet::IpNet;

fn why(address: &str) -> Option<Why> {
    let address: IpAddr = address.parse().expect("an address");
    Guard::default().check(address).err().map(|refused| refused.why)
}

#[test]
fn public_addresses_pass() {
    for address in [
        "93.184.216.34",
        "8.8.8.8",
        "2606:4700::1111",
        "172.32.0.1",
        "100.128.0.1",
        "2a00::1",
        "2001:200::1",
        "2001:4:112::1",
        "3ffe::1",
    ] {
        assert_eq!(why(address), None, "{address}");
    }
}

#[test]
fn everything_that_is_not_public_is_refused() {
    let refused = [
        ("127.0.0.1", Why::Loopback),
        ("127.255.255.254", Why::Loopback),
        ("::1", Why::Loopback),
        ("0.0.0.0", Why::Unspecified),
        ("0.1.2.3", Why::Unspecified),
        ("::", Why::Unspecified),
        ("169.254.169.254", Why::LinkLocal),
        ("fe80::1", Why::LinkLocal),
        ("fd00:ec2::254", Why::Metadata),
        ("100.100.100.200", Why::Metadata),
        ("168.63.129.16", Why::Metadata),
        ("10.0.0.1", Why::Private),
        ("172.16.0.1", Why::Private),
        ("172.31.255.255", Why::Private),
        ("192.168.1.1", Why::Private),
        ("fc00::1", Why::UniqueLocal),
        ("fd12:3456::1", Why::UniqueLocal),
        ("fec0::1", Why::UniqueLocal),
        ("100.64.0.1", Why::SharedNat),
        ("100.127.255.255", Why::SharedNat),
        ("224.0.0.1", Why::Multicast),
        ("ff02::1", Why::Multicast),
        ("255.255.255.255", Why::Broadcast),
        ("240.0.0.1", Why::Reserved),
        ("192.0.2.1", Why::Documentation),
        ("198.51.100.1", Why::Documentation),
        ("203.0.113.1", Why::Documentation),
        ("2001:db8::1", Why::Documentation),
        ("198.18.0.1", Why::Reserved),
        ("192.0.0.8", Why::Reserved),
        ("64:ff9b:1::1", Why::Reserved),
        ("100::1", Why::Reserved),
        // Given out to nobody.
        ("1::1", Why::Reserved),
        ("100:0:0:1::1", Why::Reserved),
        ("1fff:ffff::1", Why::Reserved),
        ("4000::1", Why::Reserved),
        ("5f00::1", Why::Reserved),
        ("e000::1", Why::Reserved),
        // For protocols: one's own router, benchmarks, ORCHID.
        ("2001:1::1", Why::Reserved),
        ("2001:1::3", Why::Reserved),
        ("2001:2::1", Why::Reserved),
        ("2001:10::1", Why::Reserved),
        ("2001:20::1", Why::Reserved),
        ("2001:1ff::1", Why::Reserved),
        // IPv4 in forms nobody routes.
        ("::8.8.8.8", Why::Reserved),
        ("::ffff:0:8.8.8.8", Why::Reserved),
    ];
    for (address, reason) in refused {
        assert_eq!(why(address), Some(reason), "{address}");
    }
}

#[test]
fn an_address_inside_another_is_judged_too() {
    for address in [
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::1",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
        "2606:4700::5efe:7f00:1",
    ] {
        assert_eq!(why(address), Some(Why::Loopback), "{address}");
    }
    assert_eq!(why("64:ff9b::808:808"), None);
    assert_eq!(why("::ffff:8.8.8.8"), None);
}

#[test]
fn what_an_operator_lists_passes_in_every_form() {
    let allow: Vec<IpNet> = vec!["10.1.0.0/16".parse().expect("a network")];
    let guard = Guard::new(allow);
    for address in ["10.1.2.3", "::ffff:10.1.2.3"] {
        assert!(guard.check(address.parse().expect("an address")).is_ok(), "{address}");
    }
    for address in ["10.2.0.1", "::ffff:10.2.0.1", "127.0.0.1"] {
        let refused = guard.check(address.parse().expect("an address")).expect_err("refused");
        assert!(refused.to_string().contains("[outgoing] allow"), "{refused}");
    }
}

fn problem(url: &str) -> UrlProblem {
    WebhookUrl::parse(url).expect_err(url)
}

#[test]
fn a_url_is_checked_as_one_types() {
    assert_eq!(problem(""), UrlProblem::Scheme);
    assert_eq!(problem("crm.example.com/x"), UrlProblem::Scheme);
    assert_eq!(problem("ftp://crm.example.com"), UrlProblem::Scheme);
    assert_eq!(problem("javascript:alert(1)"), UrlProblem::Scheme);
    assert_eq!(problem("http://"), UrlProblem::NoHost);
    assert_eq!(problem("http:///path"), UrlProblem::NoHost);
    assert_eq!(problem("http://:80/"), UrlProblem::NoHost);
    assert_eq!(problem("http://me:pw@host/"), UrlProblem::Credentials);
    assert_eq!(problem("http://@host/"), UrlProblem::Credentials);
    assert_eq!(problem("http://host/a b"), UrlProblem::Blank);
    assert_eq!(problem("http://host/\n"), UrlProblem::Blank);
    assert_eq!(problem("http://host:0/"), UrlProblem::PortZero);
    assert!(matches!(problem("http://host:99999/"), UrlProblem::Form(_)));
    assert_eq!(problem("http://{AccountId}.example.com/"), UrlProblem::PlaceholderInHost);
    assert_eq!(problem(&format!("http://h/{}", "x".repeat(3_000))), UrlProblem::TooLong(3_009));
}

/// By whom it is typed makes no difference: API, form and command line ask this.
#[test]
fn one_check_tells_of_form_placeholders_and_addresses() {
    let guard = Guard::new(vec!["10.1.0.0/16".parse().expect("a network")]);
    let told = |url: &str| guard.check_url(url).map(drop).map_err(|problem| problem.to_string());
    for good in ["https://crm.example/x?n={ANumber}", "http://10.1.2.3/", "https://crm.example/{AccountId}/{"]
    {
        assert_eq!(told(good), Ok(()), "{good}");
    }
    for (bad, why) in [
        ("crm.example/x", "begin with https"),
        ("https://crm.example/{Number}", "{Number} is no parameter"),
        ("http://10.2.0.1/", "a private address"),
        ("http://2130706433/", "127.0.0.1 is a loopback address"),
        ("http://[2001:1::1]/", "a reserved address"),
    ] {
        assert!(told(bad).is_err_and(|told| told.contains(why)), "{bad}");
    }
}

#[test]
fn an_address_in_disguise_is_read_as_the_address_it_is() {
    for url in ["http://2130706433/", "http://0x7f.1/", "http://0177.0.0.1/", "http://127.1/"] {
        assert_eq!(WebhookUrl::parse(url).expect(url).origin().host, "127.0.0.1", "{url}");
    }
    let v6 = WebhookUrl::parse("https://[::ffff:127.0.0.1]:8443/x").expect("a URL");
    assert_eq!(v6.origin().to_string(), "https://[::ffff:127.0.0.1]:8443");
    assert_eq!(v6.host_header(), "[::ffff:7f00:1]:8443");
}
