//! `[http]`: where people and programs reach Ringbud.

use std::path::PathBuf;

use ipnet::IpNet;

use super::addresses::{host_and_port, networks};
use super::section::Section;

/// A certificate and its key.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// PEM of the certificate chain.
    pub certificate: PathBuf,
    /// PEM of the private key.
    pub key: PathBuf,
}

/// The HTTP server.
#[derive(Clone, Debug)]
pub struct Http {
    /// Host and port.
    pub listen: String,
    /// What people type into a browser, where a proxy makes it differ from `listen`.
    pub public_url: Option<String>,
    /// The sub-path behind a proxy, as `/ringbud`; empty for none.
    pub path: String,
    /// TLS without a proxy.
    pub tls: Option<TlsFiles>,
    /// Proxies that are believed when they say for whom they ask.
    pub trusted_proxies: Vec<IpNet>,
    /// Whether `/metrics` needs an operator's token.
    pub metrics_need_token: bool,
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".to_owned(),
            public_url: None,
            path: String::new(),
            tls: None,
            trusted_proxies: Vec::new(),
            metrics_need_token: false,
        }
    }
}

pub(super) fn read(root: &Section<'_>) -> Http {
    let Some(section) = root.section("http") else { return Http::default() };
    let listen = section.parsed("listen", "an address and a port such as \"127.0.0.1:8080\"", host_and_port);
    let public_url =
        section.parsed("public_url", "an address such as \"https://calls.example.com\"", |text| {
            let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
            match rest {
                Some(rest) if !rest.is_empty() && !rest.contains(char::is_whitespace) => {
                    Ok(text.trim_end_matches('/').to_owned())
                }
                _ => Err(""),
            }
        });
    let path = section.parsed("path", "a path such as \"/ringbud\"", |text| {
        let trimmed = text.trim_end_matches('/');
        let fine = trimmed.is_empty()
            || trimmed.starts_with('/')
                && trimmed.chars().all(|c| c.is_ascii_alphanumeric() || "/-_.~".contains(c));
        if fine { Ok(trimmed.to_owned()) } else { Err("") }
    });
    let tls = match (section.path("tls_cert"), section.path("tls_key")) {
        (Some(certificate), Some(key)) => Some(TlsFiles { certificate, key }),
        (None, None) => None,
        (Some(_), None) => {
            section.missing("tls_key", "the file of the key that belongs to tls_cert");
            None
        }
        (None, Some(_)) => {
            section.missing("tls_cert", "the file of the certificate that belongs to tls_key");
            None
        }
    };
    let trusted_proxies = networks(&section, "trusted_proxies");
    let metrics_need_token = section.parsed("metrics", "\"open\" or \"token\"", |text| match text {
        "open" => Ok(false),
        "token" => Ok(true),
        _ => Err(""),
    });
    section.finish();
    Http {
        listen: listen.map_or_else(|| Http::default().listen, |found| found.value),
        public_url: public_url.map(|found| found.value),
        path: path.map(|found| found.value).unwrap_or_default(),
        tls,
        trusted_proxies,
        metrics_need_token: metrics_need_token.is_some_and(|found| found.value),
    }
}

impl Http {
    /// What people open in a browser, as far as the configuration tells: the public address, or where it listens;
    /// of a machine that listens on all its addresses its name.
    pub fn for_people(&self) -> String {
        if let Some(public) = &self.public_url {
            return public.clone();
        }
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let everywhere = ["0.0.0.0:", "[::]:"].into_iter().find_map(|all| self.listen.strip_prefix(all));
        let host = everywhere.map(|port| {
            let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
            format!("{}:{port}", Some(name.trim()).filter(|name| !name.is_empty()).unwrap_or("localhost"))
        });
        format!("{scheme}://{}{}", host.as_ref().unwrap_or(&self.listen), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_an_address_that_opens_somewhere() {
        let of = |listen: &str| Http { listen: listen.to_owned(), ..Http::default() }.for_people();
        assert_eq!(of("127.0.0.1:8080"), "http://127.0.0.1:8080");
        for everywhere in ["0.0.0.0:8080", "[::]:8080"] {
            let told = of(everywhere);
            assert!(told.ends_with(":8080") && !told.contains("0.0.0.0") && !told.contains("::"), "{told}");
        }
        let public = Http { public_url: Some("https://calls.example.com/x".into()), ..Http::default() };
        assert_eq!(public.for_people(), "https://calls.example.com/x");
    }
}
