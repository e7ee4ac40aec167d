//! `init`: the first configuration, tried before it is written.
//!
//! What is asked and how; what the answers make is [`crate::setup`]'s, what the PBX shows [`crate::look`]'s.

mod ask;
mod write;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use admin::kept::settings::Secret;
use clap::Args;
use pbx::setup::{Naming, Product};

use self::ask::Person;
use self::write::Readers;
use super::check::print;
use super::say::say;
use super::{ConfigArg, EXIT_DONE, EXIT_FAILED, EXIT_USAGE, Failure, runtime};
use crate::config::{Config, Purpose};
use crate::directory::Rules;
use crate::look::{Look, Survey, look};
use crate::setup::{Answers, Draft, address, better, naming, new_secret, word_of};

/// Make the first configuration, or add a PBX to the one there is.
///
/// Asks which PBX it is, where, and how its phones are named, unless options say so; tells what to put into the PBX and
/// where; logs in there, lists the endpoints it sees and whose phone each would be; and only then writes: the
/// configuration, the secret in a file of its own, the data folder, each for its owner (as root for the service's group)
/// alone. Nothing that is there is overwritten. Not on a terminal it asks nothing: --pbx and --secret-file have to be
/// given, and --add where there is a configuration.
#[derive(Args, Debug)]
pub struct InitArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Which PBX: asterisk, freepbx, freeswitch, fusionpbx, issabel, wazo, mikopbx, grandstream, yeastar.
    #[arg(long, value_name = "PBX", value_parser = product)]
    pbx: Option<Product>,
    /// Where it listens; by default this machine, on the usual port.
    #[arg(long, value_name = "HOST[:PORT]")]
    address: Option<String>,
    /// The link is encrypted: that port speaks TLS.
    #[arg(long)]
    tls: bool,
    /// Authorities to trust besides the public ones (PEM).
    #[arg(long, value_name = "FILE", requires = "tls")]
    tls_ca: Option<PathBuf>,
    /// The name its certificate is for, where that is not the host's.
    #[arg(long, value_name = "NAME", requires = "tls")]
    tls_name: Option<String>,
    /// Whom to log in as; by default ringbud, on a FreeSWITCH nobody.
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// A file with the secret, or - for standard input.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// How the phones are named: number, freepbx, wazo, ws-suffix, domain, or an expression with the group phone.
    #[arg(long, value_name = "NAMING")]
    phones: Option<String>,
    /// A phone whose endpoint's name says nothing, such as an analogue one: DAHDI/1=204. Can be given again.
    #[arg(long = "phone", value_name = "ENDPOINT=NUMBER", value_parser = named)]
    named: Vec<(String, String)>,
    /// The account whose phones they are; by default 1, on a FreeSWITCH the domain.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// What the PBX is called in the configuration; by default pbx1, fs1 or the next that is free.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The folder of the store; by default /var/lib/ringbud for root, else data beside the configuration.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<String>,
    /// Add the PBX to the configuration that is there.
    #[arg(long)]
    add: bool,
    /// Only tell what to put into the PBX, and with which secret; nothing is tried or written.
    #[arg(long)]
    show: bool,
}

fn product(word: &str) -> Result<Product, String> {
    Product::of_word(word).ok_or_else(|| format!("it is one of {}", words().join(", ")))
}

fn words() -> [&'static str; Product::ALL.len()] {
    Product::ALL.map(Product::word)
}

fn named(pair: &str) -> Result<(String, String), String> {
    match pair.split_once('=') {
        Some((endpoint, phone)) if !endpoint.is_empty() && !phone.is_empty() => {
            Ok((endpoint.to_owned(), phone.to_owned()))
        }
        _ => Err("such as DAHDI/1=204".to_owned()),
    }
}

impl InitArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let person = Person::there();
        let file = self.config.file.clone();
        let before = match std::fs::read_to_string(&file) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(Failure::new(format!("{} cannot be read: {error}", file.display()))),
        };
        if let Some(before) = before.as_deref().filter(|_| !self.show) {
            // What is wrong with it is told before anything is asked.
            let there = Config::parse(&file, before, Purpose::Work)?;
            self.may_add(&there, person)?;
        }
        let (mut answers, mut is_new) = self.answers(before.as_deref(), person)?;
        if self.show {
            show(&answers)?;
            return Ok(EXIT_DONE);
        }
        let data_dir = self.data_dir();
        if let Some(person) = person.filter(|_| is_new) {
            show(&answers)?;
            person.ask("Put that into the PBX, then press Enter", "")?;
        }
        let (draft, seen) = loop {
            let draft = answers.draft(&file, before.as_deref(), &data_dir)?;
            let seen = runtime()?.block_on(look(&draft.pbx, answers.secret.expose(), None, print));
            seen.said.iter().for_each(print);
            let Some(person) = person else { break (draft, seen) };
            if seen.visit.is_none() {
                if !is_new {
                    show(&answers)?;
                    is_new = true;
                }
                if self.again(&mut answers, person)? {
                    continue;
                }
                break (draft, seen);
            }
            if !self.refine(&mut answers, &draft, &seen, person)? {
                break (draft, seen);
            }
        };
        if seen.visit.is_none() {
            if person.is_none() {
                show(&answers)?;
            }
            eprintln!("ringbud: nothing was written, because the PBX lets nobody in as things are");
            return Ok(EXIT_FAILED);
        }
        if person.is_none() {
            offer(&answers, &seen)?;
        } else if let Some(person) = person
            && !person.agrees(&format!("Write {}", file.display()), true)?
        {
            eprintln!("ringbud: nothing was written");
            return Ok(EXIT_FAILED);
        }
        write(&file, before.is_some(), &answers, &draft)?;
        Ok(EXIT_DONE)
    }

    fn may_add(&self, there: &Config, person: Option<Person>) -> Result<(), Failure> {
        let file = there.file.display();
        let said = format!("{file} is there already, with {} PBX(s)", there.pbxs.len());
        let adds = match person {
            _ if self.add => true,
            Some(person) => person.agrees(&format!("{said}. Add a PBX to it"), true)?,
            None => return Err(Failure::new(format!("{said}: --add adds another; nothing is overwritten"))),
        };
        match adds {
            true => Ok(()),
            false => Err(Failure::new(format!("{file} stays as it is; --config names another file"))),
        }
    }

    /// What was given, and what is asked for the rest; and whether the PBX does not know the secret yet.
    fn answers(&self, before: Option<&str>, person: Option<Person>) -> Result<(Answers, bool), Failure> {
        let product = match (self.pbx, person) {
            (Some(product), _) => product,
            (None, Some(person)) => {
                say!("Which PBX is it? {}", words().join(", "))?;
                person.ask_for("PBX", Product::Asterisk.word(), product)?
            }
            (None, None) => return Err(self.missing()),
        };
        let usual = address(product, "");
        let at = match (&self.address, person.filter(|_| !self.show)) {
            (Some(given), _) => address(product, given),
            (None, Some(person)) => {
                let question = format!("Where {} listens", product.kind().protocol());
                address(product, &person.ask(&question, &usual)?)
            }
            (None, None) => usual,
        };
        let needs_name = product.kind().needs_username();
        let username = match (&self.username, person.filter(|_| needs_name)) {
            (Some(given), _) => given.clone(),
            (None, Some(person)) => person.ask("Name of the user there", "ringbud")?,
            (None, None) => if needs_name { "ringbud" } else { "" }.to_owned(),
        };
        let (secret, is_new) = self.secret(product, person)?;
        let naming = self.phones.as_deref().map_or_else(|| product.usual_naming(), naming);
        let name = self.name.clone().unwrap_or_else(|| free_name(product, before.unwrap_or_default()));
        let folder = self.config.file.parent().unwrap_or(Path::new(""));
        let secret_file = match std::path::absolute(folder.join(format!("{name}.secret"))) {
            Ok(file) => file,
            Err(error) => return Err(Failure::new(format!("{}: {error}", folder.display()))),
        };
        // Never over one that is there: it may be another PBX's.
        if secret_file.exists() && !self.show {
            return Err(Failure::new(format!(
                "{} is there already, and nothing is overwritten: remove it, or name the PBX otherwise with --name",
                secret_file.display()
            )));
        }
        let answers = Answers {
            product,
            name,
            tls: self.tls,
            tls_ca: self.tls_ca.clone(),
            tls_name: self.tls_name.clone(),
            address: at,
            username,
            secret,
            secret_file,
            account: self.account.clone(),
            naming,
            named: self.named.clone(),
        };
        Ok((answers, is_new))
    }

    fn missing(&self) -> Failure {
        let mut missing = Vec::new();
        if self.pbx.is_none() {
            missing.push("--pbx");
        }
        if self.secret_file.is_none() && !self.show {
            missing.push("--secret-file");
        }
        Failure {
            code: EXIT_USAGE,
            why: format!(
                "nothing is asked where there is no terminal, so give {}; ringbud init --pbx PBX --show tells what to put into the PBX, and makes a secret",
                missing.join(" and ")
            ),
        }
    }

    /// The secret, and whether it was made here.
    fn secret(&self, product: Product, person: Option<Person>) -> Result<(Secret, bool), Failure> {
        let made = || {
            new_secret().map_err(|error| Failure::new(format!("the system gives no random bytes: {error}")))
        };
        let given = match (&self.secret_file, person.filter(|_| !self.show)) {
            (Some(file), _) => read_secret(file)?,
            (None, Some(person)) => {
                let question = match product {
                    Product::FusionPbx => "The password of the event socket (Enter makes a new one)",
                    _ => "Its secret, if there is one already (Enter makes one)",
                };
                person.ask(question, "")?
            }
            (None, None) if self.show => String::new(),
            (None, None) => return Err(self.missing()),
        };
        Ok(if given.is_empty() { (made()?, true) } else { (Secret::new(given), false) })
    }

    fn data_dir(&self) -> String {
        let is_root = crate::whoami::is_root();
        self.data_dir.clone().unwrap_or_else(|| if is_root { "/var/lib/ringbud" } else { "data" }.to_owned())
    }

    /// The PBX lets nobody in: whether it is tried again, perhaps with other answers.
    fn again(&self, answers: &mut Answers, person: Person) -> Result<bool, Failure> {
        let what =
            person.ask_for("Try again, change the answers, or stop", "again", |typed| match typed {
                "again" | "change" | "stop" => Ok(typed.to_owned()),
                _ => Err("again, change or stop".to_owned()),
            })?;
        if what == "change" {
            let question = format!("Where {} listens", answers.product.kind().protocol());
            answers.address = address(answers.product, &person.ask(&question, &answers.address)?);
            answers.tls = person.agrees("Does that port speak TLS", answers.tls)?;
            if answers.product.kind().needs_username() {
                answers.username = person.ask("Name of the user there", &answers.username)?;
            }
            let secret = person.ask("Its secret (Enter keeps the one above)", "")?;
            if !secret.is_empty() {
                answers.secret = Secret::new(secret);
            }
        }
        Ok(what != "stop")
    }

    /// What only shows once the endpoints are known. Whether anything is different now.
    fn refine(
        &self,
        answers: &mut Answers,
        draft: &Draft,
        seen: &Look,
        person: Person,
    ) -> Result<bool, Failure> {
        let Some(visit) = &seen.visit else { return Ok(false) };
        if self.phones.is_none()
            && let Some((better, phones)) = better(answers, &visit.endpoints)
            && person.agrees(&offered(&better, phones), true)?
        {
            answers.naming = better;
            return Ok(true);
        }
        let mut is_changed = false;
        let survey = Survey::of(&Rules::of(&draft.pbx), &visit.endpoints);
        for port in survey.ports() {
            if answers.named.iter().any(|(endpoint, _)| endpoint == port) {
                continue;
            }
            let question = format!("{port} bears no phone's number. If a phone is on it, its number, else -");
            let number = person.ask(&question, "-")?;
            if number != "-" {
                answers.named.push((port.to_owned(), number));
                is_changed = true;
            }
        }
        Ok(is_changed)
    }
}

fn offered(naming: &Naming, phones: usize) -> String {
    let how = match naming {
        Naming::Ready(rules) => format!("the rules \"{rules}\""),
        other => format!("the expression {}", word_of(other)),
    };
    format!("By {how} {phones} endpoint(s) would be phones. Use that")
}

/// What a person would be asked, told where there is none.
fn offer(answers: &Answers, seen: &Look) -> Result<(), Failure> {
    let Some(visit) = &seen.visit else { return Ok(()) };
    if let Some((naming, phones)) = better(answers, &visit.endpoints) {
        say!("warn  more would be phones ({phones}) with --phones '{}'", word_of(&naming))?;
    }
    Ok(())
}

fn free_name(product: Product, before: &str) -> String {
    let stem = match product.kind() {
        pbx::Kind::Asterisk => "pbx",
        pbx::Kind::FreeSwitch => "fs",
    };
    let mut names = (1_u32..).map(|number| format!("{stem}{number}"));
    names.find(|name| !before.contains(&format!("\"{name}\""))).unwrap_or_default()
}

fn read_secret(file: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match file == Path::new("-") {
        true => std::io::stdin().read_to_string(&mut text).map(|_| ()),
        false => std::fs::read_to_string(file).map(|read| text = read),
    };
    read.map_err(|error| Failure::new(format!("the secret in {} cannot be read: {error}", file.display())))?;
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() || secret.contains('\n') {
        return Err(Failure::new(format!("{} has to have the secret in it, in one line", file.display())));
    }
    Ok(secret.to_owned())
}

/// What to put into the PBX, and where.
fn show(answers: &Answers) -> Result<(), Failure> {
    let entry = answers.entry();
    say!("\nInto {} of the {}:\n", entry.place, answers.product.name())?;
    for line in entry.text.lines() {
        say!("{}", if line.is_empty() { String::new() } else { format!("    {line}") })?;
    }
    if !entry.then.is_empty() {
        say!("\nThen there: {}", entry.then)?;
    }
    if !entry.note.is_empty() {
        say!("{}", entry.note)?;
    }
    say!("")
}

fn write(file: &Path, is_added: bool, answers: &Answers, draft: &Draft) -> Result<(), Failure> {
    let readers = Readers::here();
    readers.create(&answers.secret_file, &format!("{}\n", answers.secret.expose()))?;
    let written = match is_added {
        true => Readers::add(file, &draft.added),
        false => readers.create(file, &draft.added),
    };
    if let Err(failure) = written {
        let _ = std::fs::remove_file(&answers.secret_file);
        return Err(failure);
    }
    if let Some(folder) = draft.config.data_dir.as_deref().filter(|_| !is_added) {
        readers.data_folder(folder)?;
    }
    say!("\nWritten: {} and {}", file.display(), answers.secret_file.display())?;
    match is_added {
        true => say!("A running Ringbud takes it up: systemctl reload ringbud, or kill -HUP its process"),
        false => say!(
            "Next: ringbud serve --config {0}, or systemctl restart ringbud; it tells where the first operator begins. Then ringbud check --wait 60 --config {0}, and ring any phone",
            file.display()
        ),
    }
}
