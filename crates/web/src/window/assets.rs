//! What pages are made of besides HTML: built in, named by the hash of its content, kept by browsers for ever.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

struct Asset {
    name: String,
    kind: &'static str,
    content: &'static str,
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
                all.push(Asset { name: $field.clone(), kind: $kind, content });
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

fn hashed(file: &str, content: &str) -> String {
    let hash: String = Sha256::digest(content).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{hash}-{file}")
}

pub(super) async fn serve(Path(name): Path<String>) -> Response {
    match ASSETS.0.iter().find(|asset| asset.name == name) {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ];
            (headers, asset.content).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
