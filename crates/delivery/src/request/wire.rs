//! A request as it goes over a connection: one text in one buffer, which whoever sends uses again.

use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use http_body_util::Full;

/// Behind the request line's target.
const VERSION: &str = " HTTP/1.1\r\n";
/// Headers of our own requests: six of ours, what an account adds, and credentials.
const HEADERS_MAX: usize = 48;

/// A request in HTTP/1.1.
#[derive(Clone, Debug, Default)]
pub struct Wire {
    text: String,
    method: usize,
    target: Range<usize>,
    body: usize,
    /// Room for a body and a signature while the head is written.
    spare: (String, String),
}

impl Wire {
    pub(super) fn take_spare(&mut self) -> (String, String) {
        let (mut body, mut signature) = std::mem::take(&mut self.spare);
        body.clear();
        signature.clear();
        (body, signature)
    }

    pub(super) fn give_spare_back(&mut self, body: String, signature: String) {
        self.spare = (body, signature);
    }

    /// Begins a request, in place of what was there.
    pub fn begin(&mut self, method: &str, target: impl FnOnce(&mut String)) {
        self.text.clear();
        self.text.push_str(method);
        self.method = method.len();
        self.text.push(' ');
        let from = self.text.len();
        target(&mut self.text);
        self.target = from..self.text.len();
        self.text.push_str(VERSION);
    }

    /// Adds headers that are written already, each with the end of its line.
    pub fn headers(&mut self, block: &str) {
        self.text.push_str(block);
    }

    /// Adds a header.
    pub fn header(&mut self, name: &str, value: &str) {
        self.header_of(name, |text| text.push_str(value));
    }

    /// Adds a header whose value is written in place; says where that is.
    pub fn header_of(&mut self, name: &str, value: impl FnOnce(&mut String)) -> Range<usize> {
        self.text.push_str(name);
        self.text.push_str(": ");
        let from = self.text.len();
        value(&mut self.text);
        let range = from..self.text.len();
        self.text.push_str("\r\n");
        range
    }

    /// Ends it with its body. A request that takes none has no length either, where it is empty.
    pub fn end(&mut self, body: &str) {
        if !body.is_empty() || self.method() != "GET" {
            self.header_of("content-length", |text| write_digits(text, body.len() as u64));
        }
        self.text.push_str("\r\n");
        self.body = self.text.len();
        self.text.push_str(body);
    }

    /// All of it.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    /// A part of it.
    pub fn part(&self, range: Range<usize>) -> &str {
        self.text.get(range).unwrap_or_default()
    }

    /// The method.
    pub fn method(&self) -> &str {
        self.part(0..self.method)
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        self.part(self.target.clone())
    }

    /// Method and target.
    pub fn line(&self) -> &str {
        self.part(0..self.target.end)
    }

    /// The body.
    pub fn body(&self) -> &str {
        self.part(self.body..self.text.len())
    }

    /// The headers as a library takes them.
    ///
    /// # Errors
    /// In words; what was made here can be read.
    pub fn header_map(&self) -> Result<HeaderMap, String> {
        let mut found = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut found);
        request.parse(self.as_bytes()).map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::with_capacity(request.headers.len());
        for header in request.headers.iter() {
            let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|error| error.to_string())?;
            let value = HeaderValue::from_bytes(header.value).map_err(|error| error.to_string())?;
            headers.append(name, value);
        }
        Ok(headers)
    }

    /// The request as a library takes it.
    ///
    /// # Errors
    /// In words; what was made here can be read.
    pub(crate) fn to_request(&self) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::new(Full::new(Bytes::copy_from_slice(self.body().as_bytes())));
        *request.method_mut() =
            Method::from_bytes(self.method().as_bytes()).map_err(|error| error.to_string())?;
        *request.uri_mut() = self.target().parse::<Uri>().map_err(|error| error.to_string())?;
        *request.headers_mut() = self.header_map()?;
        Ok(request)
    }
}

/// A number in digits, without anything made on the way.
pub(super) fn write_digits(out: &mut String, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut left = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.push_str(std::str::from_utf8(&digits[at..]).unwrap_or_default());
}
