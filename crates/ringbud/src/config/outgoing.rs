//! `[outgoing]`, `[log]` and `[keep]`.

use std::time::Duration;

use delivery::connect::{CONNECT_TIMEOUT, RESPONSE_TIMEOUT};
use delivery::schedule::Limits;
use delivery::sender::KeptAttempts;
use ipnet::IpNet;

use super::addresses::{host_and_port, networks};
use super::section::Section;

/// How web services are called.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// Networks that may be called although they are private or local.
    pub allow: Vec<IpNet>,
    /// Host and port of an HTTP proxy all requests go through, by `CONNECT`.
    pub proxy: Option<String>,
    /// How long a connection may take to come up.
    pub connect_timeout: Duration,
    /// How long an answer may take.
    pub response_timeout: Duration,
    /// Requests at once to one destination.
    pub per_destination: u32,
    /// Requests at once in all.
    pub total: u32,
}

impl Default for Outgoing {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            allow: Vec::new(),
            proxy: None,
            connect_timeout: CONNECT_TIMEOUT,
            response_timeout: RESPONSE_TIMEOUT,
            per_destination: limits.per_destination,
            total: limits.total,
        }
    }
}

pub(super) fn read_outgoing(root: &Section<'_>) -> Outgoing {
    let usual = Outgoing::default();
    let Some(section) = root.section("outgoing") else { return usual };
    let allow = networks(&section, "allow");
    let proxy = section.parsed("proxy", "an HTTP proxy such as \"http://proxy.example.com:3128\"", |text| {
        let rest = text.strip_prefix("http://").map(|rest| rest.trim_end_matches('/')).ok_or("")?;
        host_and_port(rest)
    });
    let seconds = |key, usual: Duration, most| {
        section.number(key, 1..=most).map_or(usual, |secs| Duration::from_secs(u64::from(secs)))
    };
    let outgoing = Outgoing {
        allow,
        proxy: proxy.map(|found| found.value),
        connect_timeout: seconds("connect_timeout_secs", usual.connect_timeout, 60),
        response_timeout: seconds("response_timeout_secs", usual.response_timeout, 300),
        per_destination: section.number("per_destination", 1..=1_000).unwrap_or(usual.per_destination),
        total: section.number("total", 1..=10_000).unwrap_or(usual.total),
    };
    section.finish();
    outgoing
}

/// How the log looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines for people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The program's own log, on standard error.
#[derive(Clone, Debug)]
pub struct Log {
    /// How it looks.
    pub format: LogFormat,
    /// What is told: `error`, `warn`, `info`, `debug`, `trace`, or a list by module.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Human, level: "info".to_owned() }
    }
}

pub(super) fn read_log(root: &Section<'_>) -> Log {
    let usual = Log::default();
    let Some(section) = root.section("log") else { return usual };
    let format = section.parsed("format", "\"human\" or \"json\"", |text| match text {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        _ => Err(""),
    });
    let level = section.parsed("level", "error, warn, info, debug or trace", |text| {
        tracing_subscriber::EnvFilter::try_new(text).map(|_| text.to_owned())
    });
    section.finish();
    Log {
        format: format.map_or(usual.format, |found| found.value),
        level: level.map_or(usual.level, |found| found.value),
    }
}

/// How long what happened is kept.
#[derive(Clone, Debug)]
pub struct Keep {
    /// Events, deliveries and attempts older than so many days are forgotten; `None` keeps them for ever.
    pub days: Option<u32>,
    /// The oldest is forgotten while the journal uses more than so many megabytes (of a million bytes); `None`:
    /// as much as the disk holds.
    pub megabytes: Option<u32>,
    /// Which attempts are kept, with their request and answer.
    pub attempts: KeptAttempts,
    /// What stands in the audit log is forgotten after so many days, but not the newest of what people did;
    /// `None` keeps it for as long as there is room for it.
    pub audit_days: Option<u32>,
}

impl Default for Keep {
    fn default() -> Self {
        Self { days: Some(90), megabytes: None, attempts: KeptAttempts::All, audit_days: Some(90) }
    }
}

pub(super) fn read_keep(root: &Section<'_>) -> Keep {
    let Some(section) = root.section("keep") else { return Keep::default() };
    let usual = Keep::default();
    let days = section.number("days", 0..=36_500);
    let megabytes = section.number("megabytes", 0..=1_000_000_000);
    let of_flag = |all| if all { KeptAttempts::All } else { KeptAttempts::None };
    let attempts = section.flag_or("attempts", of_flag, ("failed", KeptAttempts::Failed));
    let audit_days = section.number("audit_days", 0..=36_500);
    section.finish();
    Keep {
        days: days.map_or(usual.days, |days| (days > 0).then_some(days)),
        megabytes: megabytes.filter(|megabytes| *megabytes > 0),
        attempts: attempts.unwrap_or(usual.attempts),
        audit_days: audit_days.map_or(usual.audit_days, |days| (days > 0).then_some(days)),
    }
}
