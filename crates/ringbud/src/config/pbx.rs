//! `[[pbx]]`: the PBXs and how to reach them.

use std::path::PathBuf;

use calls::PbxName;
use journal::settings::Secret;
use pbx::{Kind, Product};

use super::section::{Found, Section};
use super::{PhoneRule, Ready, SecretSource, Takes, secret};

/// No name of a PBX is longer than this: it is part of every leg's id.
const MAX_NAME_BYTES: usize = 32;

/// A PBX and how to reach it.
#[derive(Clone, Debug)]
pub struct Pbx {
    /// Its name; part of every leg's id.
    pub name: PbxName,
    /// Its kind.
    pub kind: Kind,
    /// What it is sold or installed as: where people are sent to look is by it.
    pub product: Product,
    /// Host and port.
    pub address: String,
    /// Whether the link is encrypted.
    pub tls: bool,
    /// Whether the secret may be sent in clear where the other end knows no challenge.
    pub plain_login: bool,
    /// The authorities to trust besides the public ones, as PEM.
    pub tls_ca: Option<PathBuf>,
    /// The name its certificate is for, where that is not the host of `address`.
    pub tls_name: Option<String>,
    /// Whom to log in as.
    pub username: String,
    /// With what secret.
    pub secret: SecretSource,
    /// Which endpoints are phones; none: those that can be one by their name are phones of account `1`.
    pub phones: Vec<PhoneRule>,
}

impl Pbx {
    /// Whether a link that was made for one does for the other as well. Where it stands in the file is left out, and
    /// so is the secret: what it is counts, not where it is from.
    pub fn is_followed_as(&self, other: &Self) -> bool {
        let told = |pbx: &Self| {
            let Self {
                name,
                kind,
                product,
                address,
                tls,
                plain_login,
                tls_ca,
                tls_name,
                username,
                secret: _,
                phones,
            } = pbx;
            let rule = |rule: &PhoneRule| format!("{:?} {:?} {:?}", rule.takes, rule.account, rule.employee);
            let phones: Vec<String> = phones.iter().map(rule).collect();
            format!(
                "{name} {kind:?} {product:?} {address} {tls} {plain_login} {tls_ca:?} {tls_name:?} {username} {phones:?}"
            )
        };
        told(self) == told(other)
    }
}

pub(super) fn read_all(root: &Section<'_>) -> Vec<Pbx> {
    let mut names: Vec<Found<String>> = Vec::new();
    let mut addresses: Vec<Found<String>> = Vec::new();
    root.sections("pbx").iter().filter_map(|section| read(section, &mut names, &mut addresses)).collect()
}

fn read(
    section: &Section<'_>,
    names: &mut Vec<Found<String>>,
    addresses: &mut Vec<Found<String>>,
) -> Option<Pbx> {
    let name = section.parsed("name", "a name of letters, digits and underscores such as \"pbx1\"", |text| {
        let fine = !text.is_empty()
            && text.len() <= MAX_NAME_BYTES
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if fine { Ok(text.to_owned()) } else { Err("") }
    });
    let kinds = Kind::ALL.map(|kind| format!("\"{}\"", kind.word())).join(" or ");
    let kind = section
        .parsed("kind", &kinds, |text| Kind::ALL.into_iter().find(|kind| kind.word() == text).ok_or(""));
    let kind = kind.map_or(Kind::Asterisk, |found| found.value);
    let address = section.parsed(
        "address",
        &format!("a host and a port such as \"127.0.0.1:{}\"", kind.usual_ports().0),
        super::addresses::host_and_port,
    );
    let phones: Vec<PhoneRule> =
        section.sections("phones").iter().filter_map(super::phones::read_rule).collect();
    let product = product(section, kind).or_else(|| phones.iter().find_map(ready_product));
    let product = product.unwrap_or(Product::of_kind(kind));
    let username = section.text("username");
    let secret = secret::optional(section, "secret");
    let pbx = Pbx {
        name: PbxName::new(name.as_ref().map_or("pbx", |found| &found.value)),
        kind,
        product,
        address: address.as_ref().map(|found| found.value.clone()).unwrap_or_default(),
        tls: section.flag("tls").unwrap_or(false),
        plain_login: section.flag("plain_login").unwrap_or(false),
        tls_ca: section.path("tls_ca"),
        tls_name: section.text("tls_name").map(|found| found.value),
        username: username.map(|found| found.value).unwrap_or_default(),
        secret: secret.clone().unwrap_or_else(|| SecretSource::Given(Secret::new(""))),
        phones,
    };
    section.missing("name", "a name for this PBX such as name = \"pbx1\"");
    section.missing(
        "address",
        &format!(
            "where {} listens, such as address = \"127.0.0.1:{}\"",
            kind.protocol(),
            kind.usual_ports().0
        ),
    );
    if kind.needs_username() {
        section.missing("username", &format!("the user of its {}", product.login_place()));
    }
    if secret.is_none() && section.text("secret_file").is_none() && section.text("secret_env").is_none() {
        section.missing("secret", "the secret of that user, or secret_file or secret_env");
    }
    once(section, name, names, "name");
    once(section, address, addresses, "address");
    section.finish();
    Some(pbx)
}

/// What it says it is: one of its kind.
fn product(section: &Section<'_>, kind: Kind) -> Option<Product> {
    let of_kind = || Product::ALL.into_iter().filter(|product| product.kind() == kind);
    let words = of_kind().map(|product| format!("\"{}\"", product.word())).collect::<Vec<_>>().join(", ");
    let word = |text: &str| of_kind().find(|product| product.word() == text).ok_or("");
    section.parsed("product", &format!("one of {words}"), word).map(|found| found.value)
}

/// What ready rules for its phones show it to be.
fn ready_product(rule: &PhoneRule) -> Option<Product> {
    match rule.takes {
        Takes::Ready(Ready::FreePbx) => Some(Product::FreePbx),
        Takes::Ready(Ready::Wazo) => Some(Product::Wazo),
        _ => None,
    }
}

/// Complains about what stands in two PBXs.
fn once(section: &Section<'_>, found: Option<Found<String>>, seen: &mut Vec<Found<String>>, what: &str) {
    let Some(found) = found else { return };
    if let Some(earlier) = seen.iter().find(|earlier| earlier.value == found.value) {
        let message = format!(
            "there is a PBX with the {what} \"{}\" on line {} already; expected each PBX once",
            found.value, earlier.place.line
        );
        section.complain(found.place.clone(), message);
    }
    seen.push(found);
}
