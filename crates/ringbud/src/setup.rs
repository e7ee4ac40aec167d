//! The first run: from what was answered to a configuration that was tried before it is written.
//!
//! What the PBXs want is [`pbx::setup`]'s, whether this one lets us in [`crate::look`]'s; who asks, and writing, is left
//! to the surfaces.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs as _, UdpSocket};
use std::path::{Path, PathBuf};

use journal::settings::Secret;
use pbx::setup::{Block, Entry, Naming, Product, entry};

use crate::config::{Config, ConfigError, Pbx, Purpose};
use crate::directory::{Rules, USUAL_ACCOUNT};
use crate::link::KnownEndpoint;
use crate::look::Survey;

/// Names of endpoints that say the account, too.
const ACCOUNT_AND_NUMBER: &str = r"(?:PJSIP|SIP)/(?<account>\d+)-(?<phone>\d{2,6})";

/// What has to be known of a PBX.
#[derive(Clone, Debug)]
pub struct Answers {
    /// Which.
    pub product: Product,
    /// Its name in the configuration.
    pub name: String,
    /// Host and port.
    pub address: String,
    /// Over TLS.
    pub tls: bool,
    /// Which authorities to trust besides the public ones.
    pub tls_ca: Option<PathBuf>,
    /// The name of its certificate.
    pub tls_name: Option<String>,
    /// Whom to log in as.
    pub username: String,
    /// With what secret.
    pub secret: Secret,
    /// Where that will be.
    pub secret_file: PathBuf,
    /// Whose phones they are.
    pub account: Option<String>,
    /// How they are named.
    pub naming: Naming,
    /// Endpoints whose name says nothing.
    pub named: Vec<(String, String)>,
}

/// The configuration that answers make.
#[derive(Debug)]
pub struct Draft {
    /// What is new in it: all of it, or what is added to the one there is.
    pub added: String,
    /// The PBX in it.
    pub pbx: Pbx,
    /// All of it, read.
    pub config: Config,
}

impl Answers {
    /// The configuration for `file`: a new one with this data folder, or the PBX added to what it says already.
    ///
    /// # Errors
    /// When it is none that could be used: what was answered is wrong.
    pub fn draft(&self, file: &Path, before: Option<&str>, data_dir: &str) -> Result<Draft, ConfigError> {
        let block = self.block().text();
        let (added, whole) = match before {
            None => {
                let text = format!("{}{block}", head(data_dir));
                (text.clone(), text)
            }
            Some(before) => {
                let added = format!("{}\n{block}", if before.ends_with('\n') { "" } else { "\n" });
                (added.clone(), format!("{before}{added}"))
            }
        };
        let config = Config::parse(file, &whole, Purpose::Work)?;
        let pbx = config.pbxs.last().cloned();
        let pbx = pbx.ok_or_else(|| ConfigError::Empty { file: file.into() })?;
        Ok(Draft { added, pbx, config })
    }

    /// What is to be put into the PBX.
    pub fn entry(&self) -> Entry {
        entry(self.product, &self.username, self.secret.expose(), seen_from(&self.address))
    }

    fn block(&self) -> Block {
        // Where a domain is an account, an account of one's own takes them all; and where there is a rule, what is
        // usual without any has to be said.
        let naming = match (&self.naming, &self.account) {
            (Naming::Domain, Some(_)) => Naming::Expression(r"(?<phone>[^/@]+)@.+".to_owned()),
            (Naming::Domain, None) if !self.named.is_empty() => {
                Naming::Expression(r"(?<phone>[^/@]+)@(?<account>.+)".to_owned())
            }
            (naming, _) => naming.clone(),
        };
        let text = |path: &PathBuf| path.display().to_string();
        Block {
            name: self.name.clone(),
            product: self.product,
            address: self.address.clone(),
            tls: self.tls,
            tls_ca: self.tls_ca.as_ref().map(text),
            tls_name: self.tls_name.clone(),
            username: self.username.clone(),
            secret_file: text(&self.secret_file),
            account: self.account.clone().unwrap_or_else(|| USUAL_ACCOUNT.to_owned()),
            naming,
            named: self.named.clone(),
        }
    }
}

fn head(data_dir: &str) -> String {
    let data_dir = data_dir.replace('\\', "\\\\").replace('"', "\\\"");
    format!(
        "# What belongs to this machine. Customers' own (web services, employees, phones) is set in the window, by API or by\n\
         # command.\n\
         data_dir = \"{data_dir}\"\n\n\
         [http]\n\
         # From this machine only. Before others reach it: TLS (tls_cert and tls_key) or a proxy in front (public_url).\n\
         listen = \"127.0.0.1:8080\"\n\n"
    )
}

/// Host and port, as a person types them: without a port it is the usual one.
pub fn address(product: Product, typed: &str) -> String {
    let port = product.usual_port();
    match typed.trim() {
        "" => format!("127.0.0.1:{port}"),
        typed if typed.parse::<std::net::Ipv6Addr>().is_ok() => format!("[{typed}]:{port}"),
        typed if typed.ends_with(']') || !typed.contains(':') => format!("{typed}:{port}"),
        typed => typed.to_owned(),
    }
}

/// A naming by the word for it, or by an expression.
pub fn naming(words: &str) -> Naming {
    match words {
        "domain" => Naming::Domain,
        "number" => Naming::Ready("number"),
        "freepbx" => Naming::Ready("freepbx"),
        "wazo" => Naming::Ready("wazo"),
        "ws-suffix" => Naming::Ready("ws-suffix"),
        expression => Naming::Expression(expression.to_owned()),
    }
}

/// The word of a naming.
pub fn word_of(naming: &Naming) -> &str {
    match naming {
        Naming::Domain => "domain",
        Naming::Ready(rules) => rules,
        Naming::Expression(expression) => expression,
    }
}

/// Another naming by which more of these endpoints would be phones, and how many.
pub fn better(answers: &Answers, endpoints: &BTreeMap<String, KnownEndpoint>) -> Option<(Naming, usize)> {
    let count = |naming: &Naming| {
        let tried = Answers { naming: naming.clone(), named: Vec::new(), ..answers.clone() };
        let draft = tried.draft(Path::new("ringbud.toml"), None, "data").ok()?;
        Some(Survey::of(&Rules::of(&draft.pbx), endpoints).phones.len())
    };
    let now = count(&answers.naming)?;
    let others = ["number", "freepbx", "ws-suffix", "wazo", ACCOUNT_AND_NUMBER].map(naming);
    let others = others.into_iter().filter_map(|naming| count(&naming).map(|phones| (naming, phones)));
    // Of equals the first: `max_by_key` gives the last.
    let best = others.rev().max_by_key(|(_, phones)| *phones);
    best.filter(|(_, phones)| *phones > now && answers.product.kind() == pbx::Kind::Asterisk)
}

/// The address of this machine that a PBX there sees. Nothing is sent to find that out.
fn seen_from(address: &str) -> IpAddr {
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let ask = || {
        let to = address.to_socket_addrs().ok()?.next()?;
        let any = if to.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect(to).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    ask().unwrap_or(here)
}

/// A secret nobody guesses, of letters and digits that no file has to quote.
///
/// # Errors
/// Where the system gives no random bytes.
pub fn new_secret() -> Result<Secret, getrandom::Error> {
    let key = crate::clock::key()?;
    Ok(Secret::new(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(naming: Naming) -> Answers {
        Answers {
            product: Product::FreePbx,
            name: "pbx1".to_owned(),
            address: "127.0.0.1:5038".to_owned(),
            tls: false,
            tls_ca: None,
            tls_name: None,
            username: "ringbud".to_owned(),
            secret: Secret::new("s"),
            secret_file: "/etc/ringbud/pbx1.secret".into(),
            account: None,
            naming,
            named: Vec::new(),
        }
    }

    fn draft(answers: &Answers) -> Draft {
        answers.draft(Path::new("/etc/ringbud/ringbud.toml"), None, "/var/lib/ringbud").unwrap()
    }

    #[test]
    fn a_naming_that_finds_more_phones_is_offered() {
        let endpoints = |names: &[&str]| {
            names
                .iter()
                .map(|name| ((*name).to_owned(), KnownEndpoint::default()))
                .collect::<BTreeMap<_, _>>()
        };
        let of = |naming: Naming, names: &[&str]| {
            better(&answers(naming), &endpoints(names))
                .map(|(naming, phones)| (word_of(&naming).to_owned(), phones))
        };
        let both = &["PJSIP/1001-101", "PJSIP/2002-201", "PJSIP/trunk"];
        assert_eq!(of(naming("freepbx"), both), Some((ACCOUNT_AND_NUMBER.to_owned(), 2)));
        assert_eq!(of(naming("number"), &["PJSIP/201", "PJSIP/201-WS"]), Some(("ws-suffix".to_owned(), 2)));
        assert_eq!(of(naming("freepbx"), &["PJSIP/201", "PJSIP/99201", "PJSIP/provider"]), None);
    }

    #[test]
    fn an_address_has_its_usual_port_where_none_was_typed() {
        for (typed, address) in [
            ("", "127.0.0.1:5038"),
            ("pbx.example.com", "pbx.example.com:5038"),
            ("192.0.2.7:5039", "192.0.2.7:5039"),
            ("::1", "[::1]:5038"),
            ("[2001:db8::1]:5040", "[2001:db8::1]:5040"),
            ("[2001:db8::1]", "[2001:db8::1]:5038"),
        ] {
            assert_eq!(super::address(Product::Asterisk, typed), address, "{typed}");
        }
        assert_eq!(super::address(Product::Grandstream, "ucm"), "ucm:7777");
        assert_eq!(super::address(Product::FusionPbx, ""), "127.0.0.1:8021");
    }

    #[test]
    fn every_product_gives_a_configuration_that_is_read_as_it_was_answered() {
        for product in Product::ALL {
            for account in [None, Some("1001".to_owned())] {
                let answers = Answers {
                    product,
                    account,
                    named: vec![("DAHDI/1".to_owned(), "204".to_owned())],
                    ..answers(product.usual_naming())
                };
                let draft = draft(&answers);
                assert_eq!((draft.pbx.kind, draft.pbx.product), (product.kind(), product));
                let rules = Rules::of(&draft.pbx);
                let named = rules.find("DAHDI/1", "").unwrap();
                assert_eq!(
                    (&*named.number, named.account.as_str()),
                    ("204", answers.account.as_deref().unwrap_or("1"))
                );
                let phone = match product.kind() {
                    pbx::Kind::Asterisk => rules.find("PJSIP/201", ""),
                    pbx::Kind::FreeSwitch => rules.find("201@firma.example", ""),
                };
                assert_eq!(&*phone.unwrap().number, "201", "{product:?}");
            }
        }
    }

    #[test]
    fn a_pbx_is_added_to_what_stands_there() {
        let before = "# mine\ndata_dir = \"data\"\n[[pbx]]\nname = \"pbx1\"\naddress = \"a:1\"\nkind = \"asterisk\"\nusername = \"u\"\nsecret = \"s\"";
        let file = Path::new("ringbud.toml");
        let same_name = answers(naming("number")).draft(file, Some(before), "x").unwrap_err().to_string();
        assert!(same_name.contains("there is a PBX with the name \"pbx1\""), "{same_name}");
        let second = Answers { name: "pbx2".to_owned(), ..answers(naming("number")) };
        let draft = second.draft(file, Some(before), "x").unwrap();
        assert!(draft.added.starts_with("\n\n[[pbx]]\nname = \"pbx2\""), "{}", draft.added);
        assert_eq!(draft.config.pbxs.len(), 2);
    }
}
