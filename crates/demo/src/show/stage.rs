//! What runs where, what to open, what to try, and how to connect a PBX of one's own.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::paint::{Paint, Tone};

/// What is running during the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// How this program was called: what is typed next begins with it.
    pub program: String,
    /// The window and the API: `http://127.0.0.1:8080`.
    pub http: String,
    /// A link that logs in to the window, if there is one.
    pub login: Option<String>,
    /// An API token, if one was made.
    pub token: Option<String>,
    /// Where the requests go.
    pub receiver: String,
    /// The addresses of the demo PBXs, each with what it speaks.
    pub pbx: String,
    /// The accounts: id and name.
    pub accounts: Vec<(String, String)>,
    /// How a PBX of one's own is connected: of each kind that plays.
    pub own: Vec<Own>,
}

/// How a PBX of one's own is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Own {
    /// What it is.
    pub name: String,
    /// What to write where.
    pub files: [(String, String); 2],
}

impl Stage {
    /// The header of the show.
    pub fn header(&self, paint: Paint) -> String {
        let mut out = String::new();
        let title = paint.tone(Tone::Strong, "Ringbud demo");
        let _ =
            writeln!(out, "\n  {title}: a PBX that plays recorded calls, the gateway, and a web service\n");
        let window = self.login.as_deref().unwrap_or(&self.http);
        let accounts: Vec<_> = self.accounts.iter().map(|(id, name)| format!("{id} {name}")).collect();
        for (what, place, why) in [
            ("look", window, "the window: open it in a browser, and watch the phones ring"),
            ("receiver", &self.receiver, "takes the requests, as your web service would"),
            ("demo PBX", &self.pbx, "speaks as your PBX would"),
            ("accounts", &accounts.join(", "), ""),
        ] {
            let what = paint.tone(Tone::Quiet, format!("{what:<10}"));
            let why =
                if why.is_empty() { String::new() } else { format!("  {}", paint.tone(Tone::Quiet, why)) };
            let _ = writeln!(out, "  {what} {place}{why}");
        }
        self.next(paint, &mut out);
        out
    }

    fn next(&self, paint: Paint, out: &mut String) {
        let _ = writeln!(out, "\n  {}", paint.tone(Tone::Strong, "Try next"));
        let account = self.accounts.first().map_or("1001", |(id, _)| id);
        if let Some(token) = &self.token {
            let http = &self.http;
            let _ = writeln!(
                out,
                "    curl -H 'Authorization: Bearer {token}' {http}/api/v1/accounts/{account}/calls"
            );
        }
        for (words, why) in [
            ("receive", "your own receiver: point an account's URLs at it"),
            ("demo --speed 5", "the same, faster"),
        ] {
            let typed = format!("{} {words}", self.program);
            let _ = writeln!(out, "    {typed:<38} {why}");
        }
        for Own { name, files } in &self.own {
            let _ = writeln!(out, "\n  {}", paint.tone(Tone::Strong, &format!("Your own {name}")));
            for (file, lines) in files {
                let _ = writeln!(out, "    {file}");
                lines.lines().for_each(|line| {
                    let _ = writeln!(out, "      {line}");
                });
            }
        }
        out.push('\n');
        for (words, why) in [("check", "says what is missing"), ("serve", "runs the gateway")] {
            let typed = format!("{} {words} --config ringbud.toml", self.program);
            let _ = writeln!(out, "    {typed:<38} {why}");
        }
        let _ = writeln!(out, "\n  {}\n", paint.tone(Tone::Quiet, "Ctrl-C stops the demo."));
    }

    /// One JSON object.
    pub fn to_json(&self) -> Value {
        let accounts: Vec<_> =
            self.accounts.iter().map(|(id, name)| json!({ "id": id, "name": name })).collect();
        json!({
            "type": "stage", "http": self.http, "login": self.login, "token": self.token,
            "receiver": self.receiver, "pbx": self.pbx, "accounts": accounts,
        })
    }
}
