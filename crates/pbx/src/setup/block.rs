//! A PBX in Ringbud's configuration, as text.

use std::fmt::Write as _;

use super::Product;

/// How the phones of a PBX are named, and so whose each endpoint is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Naming {
    /// By rules that are ready, by their name.
    Ready(&'static str),
    /// A domain is an account, its users are phones (FreeSWITCH).
    Domain,
    /// By an expression for the whole name, with the group `phone`, perhaps `account`.
    Expression(String),
}

/// A `[[pbx]]`.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its name; part of every call's id.
    pub name: String,
    /// What it is.
    pub product: Product,
    /// Host and port.
    pub address: String,
    /// Over TLS.
    pub tls: bool,
    /// Which authorities to trust besides the public ones.
    pub tls_ca: Option<String>,
    /// The name of its certificate, where that is not its host's.
    pub tls_name: Option<String>,
    /// Whom to log in as; empty where there are no names.
    pub username: String,
    /// The file of the secret.
    pub secret_file: String,
    /// Whose phones they are, where their name does not say.
    pub account: String,
    /// How they are named.
    pub naming: Naming,
    /// Endpoints whose name says nothing, each with the number of its phone.
    pub named: Vec<(String, String)>,
}

impl Block {
    /// As it stands in the configuration.
    pub fn text(&self) -> String {
        let mut text = String::from("[[pbx]]\n");
        let mut pair = |key: &str, value: &str| {
            let _ = writeln!(text, "{key} = {}", quoted(value));
        };
        pair("name", &self.name);
        pair("kind", self.product.kind().word());
        if self.product != Product::of_kind(self.product.kind()) {
            pair("product", self.product.word());
        }
        pair("address", &self.address);
        if !self.username.is_empty() {
            pair("username", &self.username);
        }
        pair("secret_file", &self.secret_file);
        for (key, value) in [("tls_ca", &self.tls_ca), ("tls_name", &self.tls_name)] {
            if let Some(value) = value {
                pair(key, value);
            }
        }
        if self.tls {
            text.push_str("tls = true\n");
        }
        // The first rule that takes an endpoint wins: what is named outright comes first.
        for (endpoint, phone) in &self.named {
            let (endpoint, phone, account) = (quoted(endpoint), quoted(phone), quoted(&self.account));
            let _ = write!(
                text,
                "\n[[pbx.phones]]\nendpoint = {endpoint}\nphone = {phone}\naccount = {account}\n"
            );
        }
        let account = quoted(&self.account);
        match &self.naming {
            Naming::Domain => {}
            Naming::Ready(rules) => {
                let _ = write!(text, "\n[[pbx.phones]]\nrules = {}\naccount = {account}\n", quoted(rules));
            }
            Naming::Expression(expression) => {
                let _ = write!(text, "\n[[pbx.phones]]\nendpoint = {}\n", literal(expression));
                if !expression.contains("(?<account>") && !expression.contains("(?P<account>") {
                    let _ = writeln!(text, "account = {account}");
                }
            }
        }
        text
    }
}

/// A string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(c);
            }
            c if c.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// The same without escapes where that can be: expressions are full of backslashes.
fn literal(text: &str) -> String {
    match text.chars().any(|c| c == '\'' || c.is_control()) {
        true => quoted(text),
        false => format!("'{text}'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_toml_whatever_was_answered() {
        assert_eq!(quoted("a\"b\\c\n\u{7f}"), "\"a\\\"b\\\\c\\u000A\\u007F\"");
        assert_eq!(literal(r"PJSIP/(?<phone>\d+)"), r"'PJSIP/(?<phone>\d+)'");
        assert_eq!(literal("it's"), "\"it's\"");
    }

    #[test]
    fn a_freepbx_with_an_analogue_phone_is_two_rules() {
        let block = Block {
            name: "pbx1".to_owned(),
            product: Product::FreePbx,
            address: "127.0.0.1:5038".to_owned(),
            tls: false,
            tls_ca: None,
            tls_name: None,
            username: "ringbud".to_owned(),
            secret_file: "/etc/ringbud/pbx1.secret".to_owned(),
            account: "1".to_owned(),
            naming: Naming::Ready("freepbx"),
            named: vec![("DAHDI/1".to_owned(), "204".to_owned())],
        };
        assert_eq!(
            block.text(),
            r#"[[pbx]]
name = "pbx1"
kind = "asterisk"
product = "freepbx"
address = "127.0.0.1:5038"
username = "ringbud"
secret_file = "/etc/ringbud/pbx1.secret"

[[pbx.phones]]
endpoint = "DAHDI/1"
phone = "204"
account = "1"

[[pbx.phones]]
rules = "freepbx"
account = "1"
"#
        );
    }
}
