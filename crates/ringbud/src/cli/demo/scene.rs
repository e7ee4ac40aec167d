//! What is set up for the demo: the configuration, and the accounts of the cast.

use std::net::Ipv4Addr;
use std::path::Path;

use admin::kept::settings::Method;
use admin::{AccountWish, Actor, EmployeeWish, Expect, IntegrationWish, PhoneWish, TokenWish};
use delivery::guard::Guard;
use demo::cast::ACCOUNTS;
use demo::receiver::Receiver;
use demo::show::{Own, Stage};
use ipnet::{IpNet, Ipv4Net};
use pbx::setup::{self, Block, Naming};
use pbx::{Kind, Product};

use super::Players;
use crate::cli::Failure;
use crate::config::{Config, Purpose};
use crate::serve::Running;

/// Where the API listens if that is free.
const USUAL: &str = "127.0.0.1:8080";

/// The configuration: as anyone would write it.
pub(super) fn config(listen: &Option<String>, folder: &Path, pbx: &Players) -> Result<Config, Failure> {
    let listen = match listen {
        Some(listen) => listen.clone(),
        None if std::net::TcpListener::bind(USUAL).is_ok() => USUAL.to_owned(),
        None => "127.0.0.1:0".to_owned(),
    };
    let mut text = format!(
        r#"
data_dir = "data"
[http]
listen = "{listen}"
[outgoing]
allow = ["127.0.0.0/8"]
"#
    );
    if let Some(asterisk) = &pbx.asterisk {
        text.push_str(&format!(
            r#"
[[pbx]]
name = "demo"
kind = "asterisk"
address = "{}"
username = "ringbud"
secret = "ringbud"
[[pbx.phones]]
endpoint = 'PJSIP/(?<account>\d+)-(?<phone>\d+)'
"#,
            asterisk.address()
        ));
    }
    if let Some(freeswitch) = &pbx.freeswitch {
        text.push_str(&format!(
            r#"
[[pbx]]
name = "demo_fs"
kind = "freeswitch"
address = "{}"
secret = "ClueCon"
[[pbx.phones]]
endpoint = '(?<phone>\d+)@(?<account>\d+)\.lab\.test'
"#,
            freeswitch.address()
        ));
    }
    Ok(Config::parse(&folder.join("ringbud.toml"), &text, Purpose::Work)?)
}

/// Sets accounts, employees, phones and integrations up: one account by POST, the next by GET.
pub(super) async fn set(running: &Running, pbx: &Players, receiver: &Receiver) -> Result<Stage, Failure> {
    let loopback = IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::LOCALHOST, 8));
    let admin = running.store.admin(Guard::new(vec![loopback]));
    let actor = Actor::machine("demo");
    for (index, account) in ACCOUNTS.iter().enumerate() {
        let named = AccountWish { name: Some(account.name.to_owned()), ..AccountWish::default() };
        admin.set_account(&actor, account.id, named, Expect::Any).await?;
        for employee in account.employees {
            let person = EmployeeWish { name: Some(employee.name.to_owned()) };
            admin.set_employee(&actor, account.id, employee.number, person, Expect::Any).await?;
            let phone = PhoneWish::default();
            admin.set_phone(&actor, account.id, employee.number, phone, Expect::Any).await?;
        }
        let url = |event: &str| Some(receiver.url(&format!("/{event}")));
        let integration = IntegrationWish {
            method: Some(if index % 2 == 0 { Method::Post } else { Method::Get }),
            incoming_url: url("incoming"),
            answered_url: url("answered"),
            outgoing_url: url("outgoing"),
            ended_url: url("ended"),
            ..IntegrationWish::default()
        };
        admin.set_integration(&actor, account.id, integration, Expect::Any, "").await?;
    }
    let wish = TokenWish { name: "demo".to_owned(), ..TokenWish::default() };
    let text = admin.make_token(&actor, &wish).await?.text;
    let http = format!("http://{}", running.address);
    // Who can reach the window can be this machine's people only, or has to be the one who reads the terminal.
    let path = match (running.address.ip().is_loopback(), ACCOUNTS.first()) {
        (true, Some(account)) => Some(web::look_path(&admin, &calls::AccountId::new(account.id)).await?),
        _ => web::first_run_path(&admin).await?,
    };
    let login = path.map(|path| format!("{http}{path}"));
    let program = std::env::args().next().unwrap_or_else(|| "ringbud".to_owned());
    Ok(Stage {
        program,
        http,
        login,
        token: Some(text),
        receiver: receiver.url("/"),
        pbx: addresses(pbx),
        own: pbx.kinds().into_iter().map(own).collect(),
        accounts: ACCOUNTS.iter().map(|account| (account.id.to_owned(), account.name.to_owned())).collect(),
    })
}

/// How a PBX of one's own of this kind is connected: what `init` would say.
fn own(kind: Kind) -> Own {
    let product = Product::of_kind(kind);
    let username = if kind.needs_username() { "ringbud" } else { "" };
    let entry = setup::entry(product, username, "choose-a-long-one", Ipv4Addr::LOCALHOST.into());
    let block = Block {
        name: "pbx1".to_owned(),
        product,
        address: format!("127.0.0.1:{}", product.usual_port()),
        tls: false,
        tls_ca: None,
        tls_name: None,
        username: username.to_owned(),
        secret_file: "pbx1.secret".to_owned(),
        account: String::new(),
        // Phones are found by what is usual.
        naming: Naming::Domain,
        named: Vec::new(),
    };
    Own {
        name: product.name().to_owned(),
        files: [
            (product.login_place().to_owned(), entry.text),
            ("ringbud.toml, with the secret in pbx1.secret beside it".to_owned(), block.text()),
        ],
    }
}

/// Where the PBXs listen, as the show says it.
fn addresses(pbx: &Players) -> String {
    let asterisk = pbx.asterisk.as_ref().map(|pbx| (pbx.address(), "AMI"));
    let freeswitch = pbx.freeswitch.as_ref().map(|switch| (switch.address(), "event socket"));
    match (asterisk, freeswitch) {
        (Some((address, _)), None) | (None, Some((address, _))) => address.to_string(),
        (one, two) => {
            let all = [one, two].into_iter().flatten();
            all.map(|(address, what)| format!("{address} ({what})")).collect::<Vec<_>>().join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_steps_name_the_files_of_the_pbx_that_plays() {
        for kind in Kind::ALL {
            let own = own(kind);
            let place = Product::of_kind(kind).login_place();
            assert_eq!(own.files[0].0, place);
            assert!(own.files[1].1.contains(kind.word()), "{own:?}");
            let others = Kind::ALL.into_iter().filter(|other| *other != kind);
            for other in others.map(Product::of_kind) {
                assert!(!format!("{own:?}").contains(other.login_place()), "{own:?}");
            }
        }
    }
}
