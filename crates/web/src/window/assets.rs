//! What pages are made of besides HTML: built in, named by the hash of its content, kept by browsers for ever,
//! and sent compressed. Pages are compressed, too, but for those with secrets in them: what a visitor types may stand
//! beside, and the length of it compressed would tell of both. A form's own secret is masked, and a page's length is
//! blurred by a name of random length in the gzip header.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

/// No page is larger.
const MAX_PAGE_BYTES: usize = 16 * 1024 * 1024;

struct Asset {
    name: String,
    kind: &'static str,
    content: &'static str,
    /// By gzip; empty if that failed.
    packed: Vec<u8>,
}

macro_rules! assets {
    ($($field:ident: $file:literal as $kind:literal;)*) => {
        /// The assets by the names they are served under.
        pub(crate) struct Names { $(pub(crate) $field: String,)* }

        static ASSETS: LazyLock<(Vec<Asset>, Names)> = LazyLock::new(|| {
            let mut all = Vec::new();
            $(
                let content = include_str!(concat!("../../assets/", $file));
                let $field = hashed($file, content);
                all.push(Asset { name: $field.clone(), kind: $kind, content, packed: packed(content) });
            )*
            (all, Names { $($field,)* })
        });
    };
}

assets! {
    css: "window.css" as "text/css; charset=utf-8";
    js: "window.js" as "text/javascript; charset=utf-8";
    htmx: "htmx.min.js" as "text/javascript; charset=utf-8";
    sse: "htmx-sse.min.js" as "text/javascript; charset=utf-8";
    icon: "icon.svg" as "image/svg+xml";
}

/// The names assets are served under.
pub(crate) fn names() -> &'static Names {
    &ASSETS.1
}

/// A picture of the manual: the name it is served under, its file's, and what is in it.
type Picture = (String, &'static str, &'static [u8]);

macro_rules! pictures {
    ($($file:literal)*) => {
        static PICTURES: LazyLock<Vec<Picture>> = LazyLock::new(|| {
            let mut all = Vec::new();
            $(
                let content: &[u8] = include_bytes!(concat!("../../../../docs/pictures/", $file));
                all.push((hashed($file, content), $file, content));
            )*
            all
        });
    };
}

pictures! { "window-now.png" "window-call.png" "window-report.png" "window-integration.png" }

/// The name a picture of the manual is served under.
pub(crate) fn picture(file: &str) -> Option<&'static str> {
    PICTURES.iter().find(|(_, known, _)| *known == file).map(|(name, ..)| name.as_str())
}

fn hashed(file: &str, content: impl AsRef<[u8]>) -> String {
    let hash: String =
        Sha256::digest(content.as_ref()).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{hash}-{file}")
}

fn packed(content: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content.as_bytes()).and_then(|()| encoder.finish()).unwrap_or_default()
}

/// Whether whoever asks reads gzip. One that says `gzip;q=0` gets none either.
pub(crate) fn reads_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = accepted.flat_map(|value| value.split(',')).map(str::trim);
    codings.any(|coding| {
        let (name, quality) = coding.split_once(";").unwrap_or((coding, ""));
        name.trim() == "gzip" && !matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000")
    })
}

/// A page, compressed; what is no whole page stays as it is.
pub(crate) async fn pack_page(response: Response) -> Response {
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/html"));
    if !is_page || response.headers().contains_key(header::CONTENT_ENCODING) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(content) = axum::body::to_bytes(body, MAX_PAGE_BYTES).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let name = admin::random_text().unwrap_or_default();
    let length = name.bytes().next().map_or(0, usize::from) % (name.len() + 1);
    let mut encoder =
        flate2::GzBuilder::new().filename(&name[..length]).write(Vec::new(), Compression::fast());
    let Ok(packed) = encoder.write_all(&content).and_then(|()| encoder.finish()) else {
        return Response::from_parts(parts, content.into());
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    parts.headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    Response::from_parts(parts, packed.into())
}

pub(super) async fn serve(Path(name): Path<String>, asked: HeaderMap) -> Response {
    if let Some((.., content)) = PICTURES.iter().find(|(known, ..)| *known == name) {
        let headers = [
            (header::CONTENT_TYPE, "image/png"),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        ];
        return (headers, *content).into_response();
    }
    match ASSETS.0.iter().find(|asset| asset.name == name) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::VARY, "accept-encoding"),
            ];
            if reads_gzip(&asked) && !asset.packed.is_empty() {
                let packed = [(header::CONTENT_ENCODING, "gzip")];
                return (headers, packed, asset.packed.as_slice()).into_response();
            }
            (headers, asset.content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
