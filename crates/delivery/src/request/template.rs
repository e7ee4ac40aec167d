//! Where values go: into the URL's placeholders, its query, or the body.

use calls::Event;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::text;
use crate::guard::WebhookUrl;
use crate::payload::{Parameter, Shape};

/// What a value in a path or a query placeholder keeps as it is: the unreserved characters.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the parameters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Joined to the URL's query.
    Query,
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`: one object of strings.
    Json,
}

impl Encoding {
    pub(super) const fn content_type(self) -> Option<&'static str> {
        match self {
            Self::Query => None,
            Self::Form => Some("application/x-www-form-urlencoded"),
            Self::Json => Some("application/json"),
        }
    }
}

/// Path and query of a URL with its placeholders found.
#[derive(Debug)]
pub(super) struct Target {
    path: Vec<Piece>,
    query: Vec<Piece>,
    /// The whole of it, where there is no placeholder.
    fixed: Option<String>,
}

#[derive(Debug)]
enum Piece {
    Text(String),
    Value(Parameter),
}

impl Target {
    pub(super) fn of(url: &WebhookUrl) -> Self {
        let path = pieces(url.path());
        let query = pieces(url.query());
        let is_text = |piece: &Piece| matches!(piece, Piece::Text(_));
        let fixed = (path.iter().all(is_text) && query.iter().all(is_text)).then(|| {
            let mark = if url.query().is_empty() { "" } else { "?" };
            format!("{}{mark}{}", url.path(), url.query())
        });
        Self { path, query, fixed }
    }

    /// The target of a `POST`.
    pub(super) fn write(&self, out: &mut String, shape: &Shape, event: &Event) {
        if let Some(fixed) = &self.fixed {
            return out.push_str(fixed);
        }
        write_pieces(out, &self.path, shape, event);
        if !self.query.is_empty() {
            out.push('?');
            write_pieces(out, &self.query, shape, event);
        }
    }

    /// The target of a `GET`: the parameters join the query, after what it has.
    pub(super) fn write_with_query(&self, out: &mut String, shape: &Shape, event: &Event, fields: &Fields) {
        write_pieces(out, &self.path, shape, event);
        out.push('?');
        if !self.query.is_empty() {
            write_pieces(out, &self.query, shape, event);
            if !out.ends_with(['&', '?']) {
                out.push('&');
            }
        }
        fields.write(out, shape, event);
    }
}

fn write_pieces(out: &mut String, pieces: &[Piece], shape: &Shape, event: &Event) {
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Value(parameter) => {
                out.extend(utf8_percent_encode(&shape.value(*parameter, event), COMPONENT));
            }
        }
    }
}

/// Cuts at `{Name}`, which reads `%7BName%7D` in a path that was percent-encoded. Names that are no
/// parameter's are left as they are.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, parameter, after)) = next_placeholder(rest) {
        plain.push_str(before);
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(Piece::Value(parameter));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    pieces
}

fn next_placeholder(text: &str) -> Option<(&str, Parameter, &str)> {
    let mut from = 0;
    while let Some((start, open)) = find(text, from, "{", "%7b") {
        let inside = start + open;
        let (end, close) = find(text, inside, "}", "%7d")?;
        if let Some(parameter) = Parameter::named(&text[inside..end]) {
            return Some((&text[..start], parameter, &text[end + close..]));
        }
        from = inside;
    }
    None
}

/// The place of a character or its percent-encoded form, and the length of what was found.
fn find(text: &str, from: usize, raw: &str, encoded: &str) -> Option<(usize, usize)> {
    let rest = text.get(from..)?;
    let raw_at = rest.find(raw).map(|at| (from + at, raw.len()));
    let encoded_at = rest.to_ascii_lowercase().find(encoded).map(|at| (from + at, encoded.len()));
    [raw_at, encoded_at].into_iter().flatten().min()
}

/// The parameters as they are written: everything but the values is written once.
#[derive(Debug)]
pub(super) struct Fields {
    encoding: Encoding,
    /// What stands before each value.
    leads: Vec<String>,
}

impl Fields {
    pub(super) fn of(shape: &Shape, encoding: Encoding) -> Self {
        let lead = |(at, column): (usize, &crate::payload::Column)| match encoding {
            Encoding::Query | Encoding::Form => {
                let mut lead = if at == 0 { String::new() } else { "&".to_owned() };
                text::write_form(&mut lead, &column.name);
                lead.push('=');
                lead
            }
            Encoding::Json => {
                let mut lead = if at == 0 { "{" } else { "," }.to_owned();
                text::write_json(&mut lead, &column.name);
                lead.push(':');
                lead
            }
        };
        Self { encoding, leads: shape.columns().iter().enumerate().map(lead).collect() }
    }

    pub(super) const fn encoding(&self) -> Encoding {
        self.encoding
    }

    pub(super) fn write(&self, out: &mut String, shape: &Shape, event: &Event) {
        for (lead, (_, value)) in self.leads.iter().zip(shape.values(event)) {
            out.push_str(lead);
            match self.encoding {
                Encoding::Query | Encoding::Form => text::write_form(out, &value),
                Encoding::Json => text::write_json(out, &value),
            }
        }
        if self.encoding == Encoding::Json {
            out.push('}');
        }
    }
}
