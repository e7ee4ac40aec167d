//! A request as a person sees it: for the history, the preview and the terminal.

use std::fmt::Write as _;

use journal::Headers;

use super::{Compiled, Identity, Rendered, WEBHOOK_ID, WEBHOOK_SIGNATURE, WEBHOOK_TIMESTAMP, Wire};

/// About what the id, the time and a signature take as they are kept.
const IDENTITY_ROOM: usize = 256;

impl Rendered {
    /// Method and target, as on the request line.
    pub fn request_line(&self) -> String {
        let mut line = String::with_capacity(self.method.as_str().len() + 1 + self.target.len());
        line.push_str(self.method.as_str());
        line.push(' ');
        line.push_str(&String::from_utf8_lossy(&self.target));
        line
    }
}

impl Compiled {
    /// The headers of a request that was written, as they are kept: secrets blanked.
    pub fn kept_headers(&self, wire: &Wire, identity: &Identity) -> Headers {
        let mut shown = self.shown.copied_with_room(IDENTITY_ROOM);
        shown.push(WEBHOOK_ID.as_str(), wire.part(identity.id.clone()));
        shown.push(WEBHOOK_TIMESTAMP.as_str(), wire.part(identity.timestamp.clone()));
        if let Some(signature) = &identity.signature {
            shown.push(WEBHOOK_SIGNATURE.as_str(), wire.part(signature.clone()));
        }
        shown
    }

    /// The headers of a request as they are kept: secrets blanked.
    pub fn shown_headers(&self, rendered: &Rendered) -> Headers {
        let mut shown = self.shown.copied_with_room(IDENTITY_ROOM);
        for name in [WEBHOOK_ID, WEBHOOK_TIMESTAMP, WEBHOOK_SIGNATURE] {
            if let Some(value) = rendered.headers.get(&name).and_then(|value| value.to_str().ok()) {
                shown.push(name.as_str(), value);
            }
        }
        shown
    }

    /// A command line that makes the same request, secrets blanked, for any POSIX shell.
    pub fn curl(&self, rendered: &Rendered) -> String {
        let mut line = format!("curl -X {}", rendered.method);
        for (name, value) in self.shown_headers(rendered).iter() {
            if name != "host" && name != "user-agent" {
                let _ = write!(line, " -H {}", quoted(&format!("{name}: {value}")));
            }
        }
        if !rendered.body.is_empty() {
            let _ = write!(line, " --data-raw {}", quoted(&String::from_utf8_lossy(&rendered.body)));
        }
        let url = format!("{}{}", self.shown_origin(), String::from_utf8_lossy(&rendered.target));
        let _ = write!(line, " {}", quoted(&url));
        line
    }

    fn shown_origin(&self) -> String {
        let scheme = if self.origin.tls { "https" } else { "http" };
        let host = self.headers.get(http::header::HOST).map_or("", |host| host.to_str().unwrap_or(""));
        format!("{scheme}://{host}")
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
