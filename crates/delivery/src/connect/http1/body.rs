//! Where the body of an answer ends, as its bytes come.

/// What is still to come of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks.
    Chunked(Chunks),
    /// Whatever comes until the connection is closed.
    UntilClosed,
}

/// Bytes of extensions of chunks; they mean nothing here.
const EXTENSIONS_MAX: usize = 16 * 1_024;
/// Bytes of headers behind the last chunk; they mean nothing here.
const TRAILERS_MAX: usize = 16 * 1_024;
/// Headers behind the last chunk.
const TRAILER_HEADERS_MAX: usize = 100;

/// Where in its chunks a body is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Chunks {
    at: Place,
    /// Of the chunk.
    left: u64,
    extensions: usize,
    trailers: Vec<u8>,
    trailer_lines: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Start,
    Size,
    SizeBlank,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    /// At the beginning of a line behind the last chunk.
    EndCr,
    Trailer,
    TrailerLf,
    EndLf,
    End,
}

/// What some bytes were of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// So many belong to the body and what frames it.
    pub(super) bytes: usize,
    /// Whether it ends there.
    pub(super) ended: bool,
}

impl Body {
    pub(super) fn chunked() -> Self {
        Self::Chunked(Chunks {
            at: Place::Start,
            left: 0,
            extensions: 0,
            trailers: Vec::new(),
            trailer_lines: 0,
        })
    }

    /// Whether nothing is to come.
    pub(super) fn is_ended(&self) -> bool {
        match self {
            Self::Length(left) => *left == 0,
            Self::Chunked(chunks) => chunks.at == Place::End,
            Self::UntilClosed => false,
        }
    }

    /// Takes what came; its data goes to `data`.
    pub(super) fn take(&mut self, bytes: &[u8], data: &mut impl FnMut(&[u8])) -> Result<Taken, &'static str> {
        match self {
            Self::Length(left) => {
                let many = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                data(&bytes[..many]);
                *left -= many as u64;
                Ok(Taken { bytes: many, ended: *left == 0 })
            }
            Self::UntilClosed => {
                data(bytes);
                Ok(Taken { bytes: bytes.len(), ended: false })
            }
            Self::Chunked(chunks) => chunks.take(bytes, data),
        }
    }

    /// Whether a connection that is closed now has ended it.
    pub(super) fn ends_with_the_connection(&self) -> bool {
        *self == Self::UntilClosed || self.is_ended()
    }
}

impl Chunks {
    fn take(&mut self, bytes: &[u8], data: &mut impl FnMut(&[u8])) -> Result<Taken, &'static str> {
        let mut at = 0;
        while at < bytes.len() && self.at != Place::End {
            if self.at == Place::Data {
                let many = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len() - at);
                data(&bytes[at..at + many]);
                self.left -= many as u64;
                at += many;
                if self.left == 0 {
                    self.at = Place::DataCr;
                }
                continue;
            }
            self.at = self.step(bytes[at])?;
            at += 1;
        }
        Ok(Taken { bytes: at, ended: self.at == Place::End })
    }

    /// What follows a byte that is no data.
    fn step(&mut self, byte: u8) -> Result<Place, &'static str> {
        Ok(match (self.at, byte) {
            (Place::Start | Place::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = match byte {
                    b'0'..=b'9' => byte - b'0',
                    b'a'..=b'f' => byte - b'a' + 10,
                    _ => byte - b'A' + 10,
                };
                let size = self.left.checked_mul(16).and_then(|size| size.checked_add(u64::from(digit)));
                self.left = size.ok_or("a chunk's size is too large")?;
                Place::Size
            }
            (Place::Start, _) => return Err("a chunk has no size"),
            (Place::Size | Place::SizeBlank, b'\t' | b' ') => Place::SizeBlank,
            (Place::Size | Place::SizeBlank, b';') => Place::Extension,
            (Place::Size | Place::SizeBlank | Place::Extension, b'\r') => Place::SizeLf,
            (Place::Size | Place::SizeBlank, _) => return Err("a chunk's size is none"),
            (Place::Extension, b'\n') => return Err("a chunk's extension has a line break in it"),
            (Place::Extension, _) => {
                self.extensions += 1;
                if self.extensions >= EXTENSIONS_MAX {
                    return Err("the extensions of its chunks have no end");
                }
                Place::Extension
            }
            (Place::SizeLf, b'\n') if self.left == 0 => Place::EndCr,
            (Place::SizeLf, b'\n') => Place::Data,
            (Place::DataCr, b'\r') => Place::DataLf,
            (Place::DataLf, b'\n') => Place::Start,
            (Place::SizeLf | Place::DataCr | Place::DataLf, _) => {
                return Err("a chunk does not end as it should");
            }
            (Place::EndCr, b'\r') => {
                self.trailer(byte)?;
                Place::EndLf
            }
            (Place::EndCr | Place::Trailer, _) => {
                self.trailer(byte)?;
                if byte == b'\r' { Place::TrailerLf } else { Place::Trailer }
            }
            (Place::TrailerLf, b'\n') => {
                self.trailer(byte)?;
                self.trailer_lines += 1;
                if self.trailer_lines > TRAILER_HEADERS_MAX {
                    return Err("too many headers behind its last chunk");
                }
                Place::EndCr
            }
            (Place::EndLf, b'\n') => {
                self.trailer(byte)?;
                self.check_trailers()?;
                Place::End
            }
            (Place::TrailerLf | Place::EndLf, _) => {
                return Err("a line behind its last chunk does not end as it should");
            }
            (Place::Data | Place::End, _) => self.at,
        })
    }

    fn trailer(&mut self, byte: u8) -> Result<(), &'static str> {
        self.trailers.push(byte);
        if self.trailers.len() >= TRAILERS_MAX {
            return Err("the headers behind its last chunk have no end");
        }
        Ok(())
    }

    /// Nobody reads them; but what is no header there is no end of a body either.
    fn check_trailers(&self) -> Result<(), &'static str> {
        let mut headers = [httparse::EMPTY_HEADER; TRAILER_HEADERS_MAX];
        // A header a line: a line break that is half one makes two of one.
        let headers = &mut headers[..self.trailer_lines.min(TRAILER_HEADERS_MAX)];
        match httparse::parse_headers(&self.trailers, headers) {
            Ok(httparse::Status::Complete(_)) => Ok(()),
            Ok(httparse::Status::Partial) | Err(_) => Err("what is behind its last chunk are no headers"),
        }
    }
}
