//! The one check of a URL, whoever types it and wherever.

use super::address::Guard;
use super::url::{UrlProblem, WebhookUrl};
use crate::payload::Parameter;

impl Guard {
    /// The one check of a URL as somebody types it, in whatever way: its form, the names of its placeholders, and
    /// its address where it is one. Where a name leads is judged when it is connected to.
    ///
    /// # Errors
    /// With what is wrong.
    pub fn check_url(&self, text: &str) -> Result<WebhookUrl, UrlProblem> {
        let url = WebhookUrl::parse(text)?;
        check_placeholders(text)?;
        if let Ok(address) = url.origin().host.parse() {
            self.check(address).map_err(UrlProblem::Address)?;
        }
        Ok(url)
    }
}

/// `{Parameter}` must be the name of one. A brace that is not closed is a brace.
fn check_placeholders(text: &str) -> Result<(), UrlProblem> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { return Ok(()) };
        if Parameter::named(name).is_none() {
            return Err(UrlProblem::Placeholder(format!("{{{name}}}")));
        }
        rest = after;
    }
    Ok(())
}
