//! A PBX is tried from the window before it stands in the configuration: what `init` does for whoever has a terminal.
//! Nothing is written; the lines for the configuration are shown.

use std::path::Path;

use admin::{GatewayError, PbxTried, PbxWish};
use journal::settings::Secret;
use pbx::setup::Product;

use crate::link::Links;
use crate::look::{Said, look};
use crate::setup::{Answers, address};

/// What is shown in the place of the secret.
const HIDDEN: &str = "…";

pub(super) async fn try_pbx(wish: PbxWish, links: &Links) -> Result<PbxTried, GatewayError> {
    let unavailable = |why: String| GatewayError::Unavailable(why);
    let product = Product::of_word(&wish.product);
    let product = product.ok_or_else(|| unavailable(format!("there is no PBX {:?}", wish.product)))?;
    let taken: Vec<String> = links.all().iter().map(|link| link.with(|link| link.pbx.to_string())).collect();
    let name = (1..).map(|number| format!("pbx{number}")).find(|name| !taken.contains(name));
    let name = name.unwrap_or_else(|| "pbx".to_owned());
    let secret_file = format!("/etc/ringbud/{name}.secret");
    let answers = Answers {
        product,
        address: address(product, &wish.address),
        tls: wish.tls,
        tls_ca: None,
        tls_name: None,
        username: if product.kind().needs_username() { wish.username } else { String::new() },
        secret: Secret::new(HIDDEN),
        secret_file: secret_file.clone().into(),
        account: None,
        naming: product.usual_naming(),
        named: Vec::new(),
        name,
    };
    let draft = answers.draft(Path::new("ringbud.toml"), None, "data");
    let draft = draft.map_err(|error| unavailable(error.to_string()))?;
    let seen = look(&draft.pbx, wish.secret.expose(), None, |_| {}).await;
    let said = seen.said.iter().map(|said| match said {
        Said::Fine(sentence) => (true, sentence.clone()),
        Said::Doubt(sentence) | Said::Fault(sentence) => (false, sentence.clone()),
    });
    let entry = answers.entry();
    let block = draft.added.find("[[pbx]]").map_or(draft.added.as_str(), |at| &draft.added[at..]);
    Ok(PbxTried {
        is_in: seen.visit.is_some(),
        said: said.collect(),
        entry: [entry.place, entry.text, entry.then.to_owned(), entry.note],
        block: block.to_owned(),
        secret_file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(product: &str) -> PbxWish {
        PbxWish {
            product: product.to_owned(),
            // The port of nobody.
            address: "127.0.0.1:1".to_owned(),
            tls: false,
            username: "ringbud".to_owned(),
            secret: Secret::new("s3cret"),
        }
    }

    #[tokio::test]
    async fn a_pbx_that_lets_nobody_in_is_told_with_what_to_put_where_and_without_the_secret() {
        let links = Links::default();
        for product in Product::ALL {
            let tried = try_pbx(wish(product.word()), &links).await.unwrap();
            assert!(!tried.is_in, "{product:?}");
            assert!(tried.said.iter().any(|(is_fine, _)| !is_fine), "{:?}", tried.said);
            assert!(tried.block.starts_with("[[pbx]]\nname = \"pbx1\""), "{}", tried.block);
            let place = product.login_place();
            assert!(tried.entry[0].contains(place), "{:?}", tried.entry);
            assert!(tried.said.iter().any(|(_, said)| said.contains(place)), "{:?}", tried.said);
            assert!(tried.entry[1].contains(HIDDEN), "{:?}", tried.entry);
            assert!(!format!("{tried:?}").contains("s3cret"), "{tried:?}");
        }
        assert!(matches!(try_pbx(wish("a Nortel"), &links).await, Err(GatewayError::Unavailable(_))));
    }
}
