//! Where what happens is kept: in the data folder, or on PostgreSQL.

use std::path::PathBuf;
use std::time::Duration;

use super::SecretSource;
use super::secret;
use super::section::Section;

/// A failover takes some seconds, that of a machine that hangs half a minute. A pop-up that comes behind it is worth
/// nothing.
const DELIVER_THROUGH: Duration = Duration::from_secs(120);
/// Some two million events.
const SPOOL_MEGABYTES: u32 = 1_024;

/// A store on PostgreSQL.
#[derive(Clone, Debug)]
pub struct OnPostgres {
    /// How it is reached: a connection string, which may have a password in it.
    pub url: SecretSource,
    /// The certificates of the authorities it is believed by; those of the system, if there is none.
    pub ca_file: Option<PathBuf>,
    /// What this gateway is called, by whom another one finds it in use.
    pub name: Option<String>,
    /// Also where commits wait for no standby.
    pub allow_unreplicated: bool,
    /// Whether a start waits while another gateway has the store.
    pub stand_by: bool,
    /// Whether several gateways share it, each with the PBXs whose parts it takes.
    pub share_pbxs: bool,
    /// How many gateways listen to each PBX where they are shared: its owner, and one that has at hand what it says.
    pub readers: u32,
    /// How long deliveries go on while PostgreSQL is away.
    pub deliver_through: Duration,
    /// How much may be kept on this machine meanwhile.
    pub spool_megabytes: u32,
}

/// `[journal]`; without it the store is in the data folder.
pub(super) fn read(root: &Section<'_>, secret_key: Option<&SecretSource>) -> Option<OnPostgres> {
    let section = root.section("journal")?;
    let url = secret::optional(&section, "url");
    let read = url.map(|url| OnPostgres {
        url,
        ca_file: section.path("ca_file"),
        name: section.text("name").map(|found| found.value),
        allow_unreplicated: section.flag("allow_unreplicated").unwrap_or(false),
        stand_by: section.flag("stand_by").unwrap_or(false),
        share_pbxs: section.flag("share_pbxs").unwrap_or(false),
        readers: section.number("readers", 1..=2).unwrap_or(2),
        deliver_through: section
            .number("deliver_through_secs", 0..=3_600)
            .map_or(DELIVER_THROUGH, |secs| Duration::from_secs(secs.into())),
        spool_megabytes: section.number("spool_megabytes", 1..=1_000_000).unwrap_or(SPOOL_MEGABYTES),
    });
    match &read {
        None => section.missing(
            "url",
            "a connection string, such as url = \"postgres://ringbud@db1,db2/ringbud?sslmode=require\"; without [journal] the store is in data_dir",
        ),
        Some(on) if on.share_pbxs && on.stand_by => section.complain(
            section.here(),
            "expected share_pbxs or stand_by, not both: several gateways share the store and each has PBXs of its own, or one has it and the others wait"
                .to_owned(),
        ),
        Some(_) if secret_key.is_none() && section.for_work() => section.complain(
            section.here(),
            "expected secret_key_file beside a store on PostgreSQL: a key made in data_dir would be lost with this machine, and the store not".to_owned(),
        ),
        Some(_) => {}
    }
    section.finish();
    read
}
