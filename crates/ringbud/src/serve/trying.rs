//! A PBX is tried from the window before it stands in the configuration: what `init` does for whoever has a terminal.
//! Nothing is written; the lines for the configuration are shown.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use admin::{GatewayError, PbxTried, PbxWish};
use delivery::guard::{Guard, Refused, Why};
use journal::settings::Secret;
use pbx::setup::Product;
use tokio::net::{TcpStream, lookup_host};

use crate::config::Pbx;
use crate::link::Links;
use crate::look::{Said, look};
use crate::setup::{Answers, address};

/// What is shown in the place of the secret.
const HIDDEN: &str = "…";
/// How long it may take to find out at which of several addresses of a name somebody is.
const FIND_WITHIN: Duration = Duration::from_secs(5);

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
    let (said, is_in) = match pinned(&draft.pbx).await {
        Ok(pbx) => {
            let seen = look(&pbx, wish.secret.expose(), None, |_| {}).await;
            (seen.said, seen.visit.is_some())
        }
        Err(Refused { address, why }) => {
            let why = why.english();
            let sentence = format!("{}: {address} is {why}: no PBX is tried there", draft.pbx.name);
            (vec![Said::Fault(sentence)], false)
        }
    };
    let said = said.into_iter().map(|said| match said {
        Said::Fine(sentence) => (true, sentence),
        Said::Doubt(sentence) | Said::Fault(sentence) => (false, sentence),
    });
    let entry = answers.entry();
    let block = draft.added.find("[[pbx]]").map_or(draft.added.as_str(), |at| &draft.added[at..]);
    Ok(PbxTried {
        is_in,
        said: said.collect(),
        entry: [entry.place, entry.text, entry.then.to_owned(), entry.note],
        block: block.to_owned(),
        secret_file,
    })
}

/// The PBX at the address that its name was found to have, once every one of them may be tried: what is judged is what
/// is connected to. A name that cannot be looked up stays, to be told so.
async fn pinned(pbx: &Pbx) -> Result<Pbx, Refused> {
    let found: Vec<SocketAddr> = lookup_host(&pbx.address).await.map(Iterator::collect).unwrap_or_default();
    found.iter().try_for_each(|address| may_be_tried(address.ip()))?;
    let answering = match found.as_slice() {
        [] => return Ok(pbx.clone()),
        [only] => *only,
        [first, ..] => {
            let connected = tokio::time::timeout(FIND_WITHIN, TcpStream::connect(&*found)).await;
            let peer = connected.ok().and_then(|stream| stream.ok()?.peer_addr().ok());
            peer.unwrap_or(*first)
        }
    };
    let name = pbx.address.rsplit_once(':').map_or(&*pbx.address, |(host, _)| host);
    let tls_name = pbx.tls_name.clone().or_else(|| Some(name.trim_matches(['[', ']']).to_owned()));
    Ok(Pbx { address: answering.to_string(), tls_name, ..pbx.clone() })
}

/// PBXs are on private networks, so the guard of web services would be too much. Where a cloud answers about the machine
/// itself, and where no PBX can be, nobody is asked: who has one there all the same writes it into the configuration.
fn may_be_tried(address: std::net::IpAddr) -> Result<(), Refused> {
    let ours = [Why::Loopback, Why::Private, Why::UniqueLocal, Why::SharedNat];
    Guard::default().check(address).or_else(|refused| match ours.contains(&refused.why) {
        true => Ok(()),
        false => Err(refused),
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

    #[tokio::test]
    async fn nobody_is_asked_where_a_cloud_answers_about_itself_or_where_no_pbx_can_be() {
        for address in [
            "169.254.169.254",
            "169.254.7.7:5038",
            "[fe80::1]",
            "[fd00:ec2::254]:80",
            "[::ffff:169.254.169.254]:80",
            "100.100.100.200",
            "168.63.129.16",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
        ] {
            let wish = PbxWish { address: address.to_owned(), ..wish("asterisk") };
            let tried = try_pbx(wish, &Links::default()).await.unwrap();
            assert!(!tried.is_in && tried.said.len() == 1, "{address}: {:?}", tried.said);
            assert!(tried.said[0].1.ends_with("no PBX is tried there"), "{address}: {:?}", tried.said);
        }
        for address in ["127.0.0.1", "10.1.2.3", "192.168.1.9", "100.64.1.1", "fd12::7", "::1", "45.66.77.88"]
        {
            assert_eq!(may_be_tried(address.parse().unwrap()), Ok(()), "{address}");
        }
    }

    #[tokio::test]
    async fn what_was_judged_is_what_is_connected_to_and_tls_keeps_the_name() {
        let draft = |address: &str| {
            let text = format!(
                "data_dir = \"d\"\n[[pbx]]\nname = \"a\"\nkind = \"asterisk\"\naddress = \"{address}\"\nusername = \"u\"\nsecret = \"s\"\n"
            );
            let read = crate::config::Config::parse(Path::new("x.toml"), &text, crate::config::Purpose::Work);
            read.unwrap().pbxs.remove(0)
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let found = pinned(&draft(&format!("localhost:{port}"))).await.unwrap();
        assert_eq!(
            (found.address, found.tls_name.as_deref()),
            (format!("127.0.0.1:{port}"), Some("localhost"))
        );
        let unknown = draft("nobody.invalid:5038");
        assert_eq!(pinned(&unknown).await.unwrap().address, unknown.address);
    }
}
