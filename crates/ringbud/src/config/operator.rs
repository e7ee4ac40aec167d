//! `[operator]`: whom Ringbud tells what happens to itself.

use std::time::Duration;

use delivery::guard::WebhookUrl;

use super::section::Section;
use super::{SecretSource, secret};

/// How long a link is down before the operator is told, where nothing else is said.
const LINK_DOWN: Duration = Duration::from_secs(60);

/// The operator's web service.
#[derive(Clone, Debug)]
pub struct Operator {
    /// Its address.
    pub url: WebhookUrl,
    /// What signs; without it nothing is signed.
    pub secret: Option<SecretSource>,
    /// How long a link is down before it is told.
    pub link_down: Duration,
}

pub(super) fn read(root: &Section<'_>) -> Option<Operator> {
    let section = root.section("operator")?;
    let url =
        section.parsed("url", "an address such as \"https://ops.example.com/ringbud\"", WebhookUrl::parse);
    if url.is_none() {
        section.missing(
            "url",
            "the address of the web service that is told, such as url = \"https://ops.example.com/ringbud\"",
        );
    }
    let secret = secret::optional(&section, "secret");
    let link_down = section.number("link_down_secs", 1..=86_400);
    section.finish();
    let link_down = link_down.map_or(LINK_DOWN, |secs| Duration::from_secs(secs.into()));
    url.map(|url| Operator { url: url.value, secret, link_down })
}
