//! The one check of a web service's URL: its form, its placeholders, and its address where it names one.

use delivery::guard::{Guard, Refused, UrlProblem, WebhookUrl};

use crate::{Code, Refusal};

/// Checks a URL as far as can be told without asking DNS; `field` is what it is called.
pub fn webhook_url(field: &str, text: &str, guard: &Guard) -> Result<WebhookUrl, Refusal> {
    guard.check_url(text).map_err(|problem| form(field, problem))
}

fn form(field: &str, problem: UrlProblem) -> Refusal {
    let of = |code| Refusal::of(code, field);
    match problem {
        UrlProblem::Blank => of(Code::UrlBlank),
        UrlProblem::TooLong(bytes) => {
            of(Code::UrlLong).with("bytes", bytes).with("most", delivery::guard::URL_MAX)
        }
        UrlProblem::Scheme => of(Code::UrlScheme),
        UrlProblem::NoHost => of(Code::UrlHost),
        UrlProblem::Credentials => of(Code::UrlCredentials),
        UrlProblem::PortZero => of(Code::UrlPort),
        UrlProblem::PlaceholderInHost => of(Code::UrlPlaceholder),
        UrlProblem::Placeholder(name) => of(Code::UrlParameter).with("name", name),
        UrlProblem::Address(refused) => address_refused(field, refused),
        UrlProblem::Form(why) => of(Code::UrlForm).with("why", why),
    }
}

fn address_refused(field: &str, Refused { address, why }: Refused) -> Refusal {
    let refusal = Refusal::of(Code::AddressRefused, field).with("address", address);
    refusal.named("range", why.name(), why.english(), why.danish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn form_placeholders_and_address_are_judged_in_one_place() {
        let guard = Guard::default();
        for (url, code) in [
            ("ftp://crm.example/", Code::UrlScheme),
            ("https://", Code::UrlHost),
            ("https://u:p@crm.example/", Code::UrlCredentials),
            ("https://crm.example/a b", Code::UrlBlank),
            ("https://crm.example:0/", Code::UrlPort),
            ("https://{ANumber}.example/", Code::UrlPlaceholder),
            ("https://crm.example/{Wrong}", Code::UrlParameter),
            ("http://10.0.0.1/", Code::AddressRefused),
            ("http://[::1]/", Code::AddressRefused),
        ] {
            assert_eq!(
                webhook_url("ended_url", url, &guard).map_err(|refusal| refusal.code),
                Err(code),
                "{url}"
            );
        }
        assert!(webhook_url("ended_url", "https://crm.example/{ANumber}", &guard).is_ok());
    }
}
