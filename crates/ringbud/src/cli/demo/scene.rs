//! What is set up for the demo: the configuration, and the accounts of the cast.

use std::path::Path;

use calls::AccountId;
use demo::cast::ACCOUNTS;
use demo::pbx::Pbx;
use demo::receiver::Receiver;
use demo::show::Stage;
use journal::settings::{
    Account, BodyFormat, Employee, Holder, Integration, Method, Phone, Scope, Setting, SettingKey,
};

use crate::cli::Failure;
use crate::clock;
use crate::config::{Config, Purpose};
use crate::serve::Running;

/// Where the API listens if that is free.
const USUAL: &str = "127.0.0.1:8080";

/// The configuration: as anyone would write it.
pub(super) fn config(listen: &Option<String>, folder: &Path, pbx: &Pbx) -> Result<Config, Failure> {
    let listen = match listen {
        Some(listen) => listen.clone(),
        None if std::net::TcpListener::bind(USUAL).is_ok() => USUAL.to_owned(),
        None => "127.0.0.1:0".to_owned(),
    };
    let text = format!(
        r#"
data_dir = "data"
[http]
listen = "{listen}"
[[pbx]]
name = "demo"
kind = "asterisk"
address = "{}"
username = "ringbud"
secret = "ringbud"
[[pbx.phones]]
endpoint = 'PJSIP/(?<account>\d+)-(?<phone>\d+)'
[outgoing]
allow = ["127.0.0.0/8"]
"#,
        pbx.address()
    );
    Ok(Config::parse(&folder.join("ringbud.toml"), &text, Purpose::Work)?)
}

/// Sets accounts, employees, phones and integrations up: one account by POST, the next by GET.
pub(super) async fn set(running: &Running, pbx: &Pbx, receiver: &Receiver) -> Result<Stage, Failure> {
    let cache = &running.store.cache;
    for (index, account) in ACCOUNTS.iter().enumerate() {
        let id = AccountId::new(account.id);
        let named = Setting::Account(Account::named(account.name.to_owned()));
        cache.put(SettingKey::Account(id.clone()), Some(named), None).await?;
        for employee in account.employees {
            let number = employee.number.to_owned();
            let person = Setting::Employee(Employee { name: employee.name.to_owned() });
            cache.put(SettingKey::Employee(id.clone(), number.clone()), Some(person), None).await?;
            let phone = Setting::Phone(Phone { holder: Holder::SameNumber, name: String::new() });
            cache.put(SettingKey::Phone(id.clone(), number), Some(phone), None).await?;
        }
        let url = |event: &str| Some(receiver.url(&format!("/{event}")));
        let integration = Integration {
            method: if index % 2 == 0 { Method::Post } else { Method::Get },
            body_format: BodyFormat::Form,
            incoming_url: url("incoming"),
            answered_url: url("answered"),
            outgoing_url: url("outgoing"),
            ended_url: url("ended"),
            ..Integration::default()
        };
        cache.put_integration(&id, integration, None).await?;
    }
    let made = web::wire::make_token(Scope::Everything, clock::wall());
    let (text, token) = made.map_err(|refusal| Failure::new(refusal.message))?;
    cache.put(SettingKey::Token("demo".to_owned()), Some(Setting::Token(token)), None).await?;
    let http = format!("http://{}", running.address);
    let login = web::first_run_path(cache).await?.map(|path| format!("{http}{path}"));
    Ok(Stage {
        http,
        login,
        token: Some(text),
        receiver: receiver.url("/"),
        pbx: pbx.address().to_string(),
        accounts: ACCOUNTS.iter().map(|account| (account.id.to_owned(), account.name.to_owned())).collect(),
    })
}
