//! `init`: from a PBX to a configuration that works, with options and with a person at a terminal.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use demo::pbx::{Listed, Pbx, PbxOptions};
use demo::switch::{Switch, SwitchOptions};
use rustix::fs::OFlags;
use tokio::process::Child;
use tokio::sync::mpsc;

use crate::bed::{command, own_address, patiently, ringbud};

const FREEPBX: [Listed; 6] = [
    Listed { name: "PJSIP/201", is_line: false },
    Listed { name: "PJSIP/99201", is_line: false },
    Listed { name: "PJSIP/202", is_line: false },
    Listed { name: "PJSIP/4511201234", is_line: true },
    Listed { name: "DAHDI/1", is_line: false },
    Listed { name: "DAHDI/2", is_line: true },
];

/// A folder, a FreePBX, and its secret in a file.
struct House {
    folder: tempfile::TempDir,
    pbx: Pbx,
}

impl House {
    async fn new() -> Self {
        let options = PbxOptions { endpoints: FREEPBX.to_vec(), ..PbxOptions::default() };
        let house = Self { folder: tempfile::tempdir().unwrap(), pbx: Pbx::start(options).await.unwrap() };
        std::fs::write(house.path("secret"), "ringbud\n").unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn config(&self) -> String {
        self.path("etc/ringbud.toml").display().to_string()
    }

    async fn init(&self, more: &[&str]) -> Output {
        let (config, secret) = (self.config(), self.path("secret").display().to_string());
        let mut words = vec!["init", "--config", &config];
        if !more.contains(&"--secret-file") {
            words.extend(["--secret-file", &secret]);
        }
        words.extend(more);
        ringbud(&words).await
    }

    fn is_untouched(&self) -> bool {
        !self.path("etc").exists() && !self.path("data").exists()
    }
}

fn said(done: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr))
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_freepbx_is_set_up_with_options_alone() {
    let house = House::new().await;
    let address = house.pbx.address().to_string();
    let data = house.path("data").display().to_string();
    let options = ["--pbx", "freepbx", "--address", &address, "--data-dir", &data, "--phone", "DAHDI/1=204"];
    let done = house.init(&options).await;
    let text = said(&done);
    assert_eq!(done.status.code(), Some(0), "{text}");
    for told in [
        "logged in as ringbud",
        "PJSIP/201 is phone 201 of account 1, by the rules \"freepbx\" in line ",
        "PJSIP/99201 is phone 201 of account 1",
        "DAHDI/1 is phone 204 of account 1, by the rule in line ",
        "so they are trunks: DAHDI/2, PJSIP/4511201234",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    assert!(!text.contains("warn  "), "{text}");
    let listed = text.find("PJSIP/201 is").unwrap();
    assert!(listed < text.find("Written: ").unwrap(), "first looked at, then written");
    let secret = house.path("etc/pbx1.secret");
    assert_eq!(std::fs::read_to_string(&secret).unwrap(), "ringbud\n");
    let config = PathBuf::from(house.config());
    assert_eq!(mode(&config) & 0o137, 0, "{:o}", mode(&config));
    assert_eq!(mode(&secret) & 0o137, 0, "{:o}", mode(&secret));
    assert_eq!(mode(&house.path("data")), 0o700);
    assert!(
        !std::fs::read_to_string(&config).unwrap().contains("secret = "),
        "the secret is in its own file"
    );

    // What was written works as it stands.
    let done = ringbud(&["check", "--config", &house.config()]).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    assert!(said(&done).contains("DAHDI/1 is phone 204"), "{}", said(&done));
}

#[tokio::test]
async fn nothing_is_overwritten_and_a_second_pbx_is_added_when_told_so() {
    let house = House::new().await;
    let switch = Switch::start(SwitchOptions::default()).await.unwrap();
    let first = house.pbx.address().to_string();
    assert_eq!(house.init(&["--pbx", "freepbx", "--address", &first]).await.status.code(), Some(0));
    let before = std::fs::read_to_string(house.config()).unwrap();
    let second = switch.address().to_string();
    std::fs::write(house.path("secret"), "ClueCon\n").unwrap();
    let add = ["--pbx", "fusionpbx", "--address", &second];
    let done = house.init(&add).await;
    assert_eq!(done.status.code(), Some(1));
    assert!(said(&done).contains("is there already, with 1 PBX(s): --add adds another"), "{}", said(&done));
    assert_eq!(std::fs::read_to_string(house.config()).unwrap(), before);
    let done = house.init(&[&add[..], &["--add"]].concat()).await;
    let text = said(&done);
    assert_eq!(done.status.code(), Some(0), "{text}");
    assert!(text.contains("101@1001.lab.test is phone 101 of account 1001.lab.test"), "{text}");
    let after = std::fs::read_to_string(house.config()).unwrap();
    assert!(after.starts_with(&before) && after.contains("name = \"fs1\""), "{after}");
    // The same PBX twice is a mistake, and its secret's file stays what it is.
    let done = house.init(&["--pbx", "freepbx", "--address", &first, "--add", "--name", "pbx1"]).await;
    assert_eq!(done.status.code(), Some(1));
    assert!(said(&done).contains("nothing is overwritten"), "{}", said(&done));
    let done = house.init(&["--pbx", "freepbx", "--address", &first, "--add"]).await;
    assert_eq!(done.status.code(), Some(3), "{}", said(&done));
    assert!(said(&done).contains("there is a PBX with the address"), "{}", said(&done));
    assert_eq!(std::fs::read_to_string(house.config()).unwrap(), after);
    assert!(!house.path("etc/pbx2.secret").exists());
}

#[tokio::test]
async fn what_cannot_work_is_said_and_nothing_is_written() {
    let house = House::new().await;
    let address = house.pbx.address().to_string();
    let closed = own_address().to_string();
    let wrong = house.path("wrong").display().to_string();
    std::fs::write(&wrong, "not-it\n").unwrap();
    let here = ["--pbx", "asterisk", "--address", &address];
    for (more, code, words) in [
        ([&here[..], &["--secret-file", &wrong]].concat(), 1, "refused the login of \"ringbud\""),
        (vec!["--pbx", "asterisk", "--address", &closed], 1, "cannot be reached: Connection refused"),
        ([&here[..], &["--tls"]].concat(), 1, "TLS has one of its own, usually 5039"),
        (vec!["--address", &address], 2, "--pbx"),
        (vec!["--pbx", "3cx"], 2, "it is one of asterisk, freepbx"),
        ([&here[..], &["--phones", "PJSIP/("]].concat(), 3, "expected a regular expression"),
        ([&here[..], &["--secret-file", "/nowhere/secret"]].concat(), 1, "/nowhere/secret cannot be read"),
    ] {
        let done = house.init(&more).await;
        let text = said(&done);
        assert_eq!(done.status.code(), Some(code), "{more:?}: {text}");
        assert!(text.contains(words), "{words}: {text}");
        assert!(house.is_untouched(), "{more:?}");
        assert!(!text.contains("panicked"), "{text}");
    }
    // Who is not let in is told what would let them in, and where.
    let freepbx = ["--pbx", "freepbx", "--address", &address, "--secret-file", &wrong];
    let done = house.init(&freepbx).await;
    assert!(said(&done).contains("read = system,call,agent"), "{}", said(&done));
    assert!(said(&done).contains("secret, permit and deny in manager_custom.conf"), "{}", said(&done));
}

#[tokio::test]
async fn what_to_put_into_the_pbx_is_told_without_a_terminal() {
    let house = House::new().await;
    let config = house.config();
    let done = ringbud(&["init", "--config", &config, "--pbx", "freepbx", "--show"]).await;
    let text = said(&done);
    assert_eq!(done.status.code(), Some(0), "{text}");
    assert!(
        text.contains("manager_custom.conf (not manager.conf, which Apply Config writes anew)"),
        "{text}"
    );
    let secret = text.lines().find_map(|line| line.trim().strip_prefix("secret = ")).unwrap();
    assert!(secret.len() >= 32, "one that nobody guesses: {secret}");
    assert!(house.is_untouched());
}

#[tokio::test]
async fn more_phones_by_other_rules_are_told() {
    let house = House::new().await;
    let pbx = Pbx::start(PbxOptions::default()).await.unwrap();
    let address = pbx.address().to_string();
    let done = house.init(&["--pbx", "asterisk", "--address", &address]).await;
    let text = said(&done);
    assert!(text.contains("warn  pbx1: no endpoint is a phone by the rules"), "{text}");
    assert!(text.contains("more would be phones (8) with --phones '(?:PJSIP|SIP)/(?<account>"), "{text}");
}

/// The program at a pseudo-terminal, and who sits there.
struct Terminal {
    child: Child,
    keys: File,
    screen: mpsc::UnboundedReceiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn sit(arguments: &[&str]) -> Self {
        let master =
            rustix::pty::openpt(rustix::pty::OpenptFlags::RDWR | rustix::pty::OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let end = || {
            let mut open = OpenOptions::new();
            open.read(true).write(true);
            std::os::unix::fs::OpenOptionsExt::custom_flags(&mut open, OFlags::NOCTTY.bits().cast_signed());
            Stdio::from(open.open(name.to_str().unwrap()).unwrap())
        };
        let child = command().args(arguments).stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let keys = File::from(master);
        let mut glass = keys.try_clone().unwrap();
        let (sees, screen) = mpsc::unbounded_channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The other end is gone with the program: an error on Linux.
            while let Ok(count @ 1..) = glass.read(&mut buffer) {
                if sees.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { child, keys, screen, shown: String::new() }
    }

    /// Waits until this is on the screen; what stood there until then is forgotten.
    async fn shows(&mut self, words: &str) -> String {
        loop {
            if let Some(at) = self.shown.find(words) {
                let rest = self.shown.split_off(at + words.len());
                return std::mem::replace(&mut self.shown, rest);
            }
            let Some(bytes) = patiently(words, self.screen.recv()).await else {
                panic!("it ended before {words}: {}", self.shown)
            };
            self.shown.push_str(&String::from_utf8_lossy(&bytes).replace("\r\n", "\n"));
        }
    }

    async fn answers(&mut self, question: &str, answer: &str) -> String {
        let shown = self.shows(question).await;
        self.keys.write_all(format!("{answer}\n").as_bytes()).unwrap();
        shown
    }

    async fn ends(mut self) -> (Option<i32>, String) {
        while let Some(bytes) = patiently("the end", self.screen.recv()).await {
            self.shown.push_str(&String::from_utf8_lossy(&bytes).replace("\r\n", "\n"));
        }
        (patiently("the end", self.child.wait()).await.unwrap().code(), self.shown)
    }
}

#[tokio::test]
async fn a_person_is_led_from_the_pbx_to_the_configuration() {
    let house = House::new().await;
    let (config, data) = (house.config(), house.path("data").display().to_string());
    let mut person = Terminal::sit(&["init", "--config", &config, "--data-dir", &data]);
    person.answers("PBX [asterisk]: ", "3cx").await;
    person.shows("it is one of asterisk, freepbx").await;
    person.answers("PBX [asterisk]: ", "freepbx").await;
    person
        .answers("Where the manager interface listens [127.0.0.1:5038]: ", &house.pbx.address().to_string())
        .await;
    person.answers("Name of the user there [ringbud]: ", "").await;
    person.answers("Its secret, if there is one already (Enter makes one): ", "").await;
    let shown = person.answers("Put that into the PBX, then press Enter: ", "").await;
    assert!(shown.contains("manager_custom.conf (not manager.conf"), "{shown}");
    assert!(shown.contains("Then there: asterisk -rx \"manager reload\""), "{shown}");
    // The demo's PBX has another secret, so it refuses.
    let shown = person.answers("Try again, change the answers, or stop [again]: ", "change").await;
    assert!(shown.contains("fail  pbx1: the PBX refused the login of \"ringbud\""), "{shown}");
    person.answers("Where the manager interface listens [", "").await;
    person.answers("Does that port speak TLS [no]: ", "").await;
    person.answers("Name of the user there [ringbud]: ", "").await;
    person.answers("Its secret (Enter keeps the one above): ", "ringbud").await;
    let shown = person
        .answers("DAHDI/1 bears no phone's number. If a phone is on it, its number, else - [-]: ", "204")
        .await;
    assert!(shown.contains("PJSIP/99201 is phone 201 of account 1"), "{shown}");
    assert!(house.is_untouched(), "nothing is written before it was agreed to");
    let shown = person.answers("ringbud.toml [yes]: ", "").await;
    assert!(shown.contains("DAHDI/1 is phone 204 of account 1"), "{shown}");
    let (code, rest) = person.ends().await;
    assert_eq!(code, Some(0), "{rest}");
    let done = ringbud(&["check", "--config", &config]).await;
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));

    // Again: the configuration is there, and stays as it is.
    let before = std::fs::read_to_string(&config).unwrap();
    let mut person = Terminal::sit(&["init", "--config", &config]);
    person.answers("Add a PBX to it [yes]: ", "no").await;
    let (code, rest) = person.ends().await;
    assert_eq!(code, Some(1), "{rest}");
    assert!(rest.contains("stays as it is"), "{rest}");
    assert_eq!(std::fs::read_to_string(&config).unwrap(), before);
}

#[tokio::test]
async fn who_says_no_at_the_end_has_nothing_written() {
    let house = House::new().await;
    let pbx = Pbx::start(PbxOptions::default()).await.unwrap();
    let (config, address) = (house.config(), pbx.address().to_string());
    let mut person =
        Terminal::sit(&["init", "--config", &config, "--pbx", "asterisk", "--address", &address]);
    person.answers("Name of the user there [ringbud]: ", "").await;
    person.answers("Its secret, if there is one already (Enter makes one): ", "ringbud").await;
    let shown = person.answers("8 endpoint(s) would be phones. Use that [yes]: ", "").await;
    assert!(shown.contains("no endpoint is a phone by the rules"), "{shown}");
    let shown = person.answers("ringbud.toml [yes]: ", "no").await;
    assert!(shown.contains("PJSIP/1001-101 is phone 101 of account 1001"), "{shown}");
    let (code, rest) = person.ends().await;
    assert_eq!(code, Some(1), "{rest}");
    assert!(rest.contains("nothing was written"), "{rest}");
    assert!(house.is_untouched());
}
