//! What is to be put into the PBX, and where.

use std::net::IpAddr;

use super::Product;
use crate::Kind;

/// What is to be put into the PBX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub place: String,
    /// What.
    pub text: String,
    /// What makes the PBX heed it; empty where saving does.
    pub then: &'static str,
    /// What to know besides; empty where there is nothing.
    pub note: String,
}

/// What is to be put into a PBX so that it lets in this user with this secret, seen from its side as coming from
/// `from`.
pub fn entry(product: Product, username: &str, secret: &str, from: IpAddr) -> Entry {
    match product.kind() {
        Kind::Asterisk => manager(product, username, secret, from),
        Kind::FreeSwitch => event_socket(product, secret, from),
    }
}

/// What a user of the manager interface has to be allowed: to be told, and to ask; nothing that changes anything.
const READ: &str = "system,call,agent";
const WRITE: &str = "system,reporting";

fn manager(product: Product, username: &str, secret: &str, from: IpAddr) -> Entry {
    let permit = match from {
        IpAddr::V4(from) => format!("{from}/255.255.255.255"),
        IpAddr::V6(from) => format!("{from}/128"),
    };
    let deny = if from.is_ipv4() { "0.0.0.0/0.0.0.0" } else { "::/0" };
    let section = format!(
        "[{username}]\nsecret = {secret}\ndeny = {deny}\npermit = {permit}\nread = {READ}\nwrite = {WRITE}\n"
    );
    let fields = format!(
        "user name   {username}\nsecret      {secret}\npermit      {permit}\nread        {READ}\nwrite       {WRITE}\n"
    );
    let place = product.login_place();
    let (place, text, then) = match product {
        Product::FreePbx | Product::Issabel => (
            format!(
                "/etc/asterisk/{place} (not manager.conf, which Apply Config writes anew), or Settings, Asterisk Manager Users"
            ),
            section,
            RELOAD,
        ),
        Product::Wazo => (format!("a file of its own, /etc/asterisk/{place}"), section, RELOAD),
        Product::MikoPbx | Product::Grandstream | Product::Yeastar => (place.to_owned(), fields, ""),
        _ => (format!("/etc/asterisk/{place}"), section, RELOAD),
    };
    let mut note = String::new();
    if product == Product::Asterisk {
        note.push_str("Under [general], enabled = yes has to stand there. ");
    }
    if !from.is_loopback() {
        note.push_str(match product {
            Product::FreePbx | Product::Issabel => {
                "The manager interface has to listen on other addresses than 127.0.0.1 (bindaddr under [general]: Settings, Advanced Settings), and the firewall has to let Ringbud in."
            }
            _ => {
                "The manager interface has to listen on other addresses than 127.0.0.1 (bindaddr under [general])."
            }
        });
    }
    Entry { place, text, then, note: note.trim_end().to_owned() }
}

const RELOAD: &str = "asterisk -rx \"manager reload\"";

fn event_socket(product: Product, secret: &str, from: IpAddr) -> Entry {
    let is_here = from.is_loopback();
    let listen = if is_here { "127.0.0.1" } else { "0.0.0.0" };
    let acl = if is_here { "loopback.auto" } else { "ringbud" };
    let mut text = format!(
        "<param name=\"listen-ip\" value=\"{listen}\"/>\n<param name=\"listen-port\" value=\"{}\"/>\n<param name=\"password\" value=\"{}\"/>\n<param name=\"apply-inbound-acl\" value=\"{acl}\"/>\n",
        product.usual_port(),
        escaped(secret)
    );
    let mut note = String::new();
    if !is_here {
        let bits = if from.is_ipv4() { 32 } else { 128 };
        text.push_str(&format!(
            "\nand in acl.conf.xml beside it, under <network-lists>:\n\n<list name=\"ringbud\" default=\"deny\">\n  <node type=\"allow\" cidr=\"127.0.0.0/8\"/>\n  <node type=\"allow\" cidr=\"{from}/{bits}\"/>\n</list>\n"
        ));
        note.push_str("The password crosses the network in clear, for FreeSWITCH knows no other way: let it be a private network or a tunnel. ");
    }
    if product == Product::FusionPbx {
        note.push_str("FusionPBX itself logs in there as well: keep the password it has (switch.event_socket.password in /etc/fusionpbx/config.conf) and give that one to Ringbud, or change both.");
    }
    Entry {
        place: format!(
            "/etc/freeswitch/autoload_configs/{}, in the place of the same lines",
            product.login_place()
        ),
        text,
        then: if is_here {
            "fs_cli -x \"reload mod_event_socket\""
        } else {
            "fs_cli -x \"reloadacl\" && fs_cli -x \"reload mod_event_socket\""
        },
        note: note.trim_end().to_owned(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn each_product_has_its_place_and_may_do_no_more_than_is_needed() {
        for product in Product::ALL {
            let entry = entry(product, "ringbud", "s3cret", HERE);
            assert!(entry.text.contains("s3cret"), "{product:?}");
            assert!(entry.place.contains(product.login_place()), "{product:?}");
            match product.kind() {
                Kind::Asterisk => {
                    let rights: Vec<&str> =
                        entry.text.lines().filter(|line| line.contains("system")).collect();
                    assert!(rights[0].ends_with(READ) && rights[1].ends_with(WRITE), "{rights:?}");
                    assert!(entry.text.contains("127.0.0.1/255.255.255.255"), "{}", entry.text);
                }
                Kind::FreeSwitch => {
                    assert!(entry.place.contains("event_socket.conf.xml"));
                    assert!(entry.text.contains("loopback.auto"), "{}", entry.text);
                }
            }
        }
        let place = |product| entry(product, "ringbud", "s", HERE).place;
        assert!(place(Product::FreePbx).contains("manager_custom.conf (not manager.conf"));
        assert!(place(Product::Asterisk).ends_with("manager.conf"));
    }

    #[test]
    fn from_another_machine_the_pbx_has_to_let_that_machine_in() {
        let from: IpAddr = "192.0.2.7".parse().unwrap();
        let asterisk = entry(Product::FreePbx, "ringbud", "s", from);
        assert!(asterisk.text.contains("permit = 192.0.2.7/255.255.255.255"), "{}", asterisk.text);
        assert!(asterisk.note.contains("bindaddr"), "{}", asterisk.note);
        let switch = entry(Product::FreeSwitch, "", "a\"b", from);
        assert!(switch.text.contains("cidr=\"192.0.2.7/32\""), "{}", switch.text);
        assert!(switch.text.contains("value=\"a&quot;b\""), "{}", switch.text);
        assert!(switch.then.contains("reloadacl"));
        let v6 = entry(Product::Asterisk, "ringbud", "s", "2001:db8::7".parse().unwrap());
        assert!(v6.text.contains("deny = ::/0\npermit = 2001:db8::7/128"), "{}", v6.text);
    }
}
