//! The proxies of the manual before the real program: their files as they are printed, but for names and ports.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::process::{Child, Command};
use tokio_rustls::TlsConnector;

use crate::bed::{Bed, Gateway, own_address, patiently};
use crate::secure;

/// Who looks at the window, through the proxy.
const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Whom they say they are.
const LIE: &str = "198.51.100.9";

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// A proxy that runs.
struct Proxy {
    _child: Child,
    port: u16,
    /// What it speaks TLS with, if it does.
    certificate: Option<String>,
}

fn of_the_manual(file: &str) -> String {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/proxy");
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// Puts in something else for what is printed; it has to be printed.
fn with(text: &str, printed: &str, real: &str) -> String {
    assert!(text.contains(printed), "the manual has no {printed}");
    text.replace(printed, real)
}

/// Whether there is such a program; where everything has to be run it may not be missing.
fn is_there(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&paths).chain(["/usr/sbin".into(), "/sbin".into()]);
    let found = folders.map(|folder| folder.join(program)).any(|file| file.is_file());
    assert!(found || std::env::var_os("CI").is_none(), "{program} is wanting: apt-get install {program}");
    if !found {
        eprintln!(
            "LEFT OUT: {program} is wanting, so the manual's file for it is not tried: apt-get install {program}"
        );
    }
    found
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Child {
    let path = format!("{}:/usr/sbin:/sbin", std::env::var("PATH").unwrap_or_default());
    let mut command = Command::new(program);
    command.args(arguments).env("PATH", path).env("HOME", folder).kill_on_drop(true);
    command.stdin(Stdio::null()).spawn().unwrap()
}

impl Proxy {
    fn nginx(folder: &Path, gateway: &Gateway) -> Self {
        let port = own_address().port();
        let (certificate, key, _) = secure::certificate("localhost");
        std::fs::write(folder.join("fullchain.pem"), &certificate).unwrap();
        std::fs::write(folder.join("privkey.pem"), key).unwrap();
        let here = folder.display();
        let server = of_the_manual("nginx.conf");
        let server = with(&server, "listen 443 ssl", &format!("listen 127.0.0.1:{port} ssl"));
        let server = with(&server, "/etc/ssl/calls.example.com", &here.to_string());
        let server = with(&server, "http://127.0.0.1:8080", &format!("http://{}", gateway.address));
        let whole = format!(
            "daemon off;\nmaster_process off;\npid {here}/nginx.pid;\nerror_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n\
             client_body_temp_path {here}/body;\nproxy_temp_path {here}/proxy;\nfastcgi_temp_path {here}/f;\n\
             uwsgi_temp_path {here}/u;\nscgi_temp_path {here}/s;\n{server}\n}}\n"
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, whole).unwrap();
        let child = run("nginx", &["-c", file.to_str().unwrap(), "-p", folder.to_str().unwrap()], folder);
        Self { _child: child, port, certificate: Some(certificate) }
    }

    fn caddy(folder: &Path, gateway: &Gateway) -> Self {
        let port = own_address().port();
        let site = of_the_manual("Caddyfile");
        let site = with(&site, "\ncalls.example.com {", &format!("\nhttp://127.0.0.1:{port} {{"));
        let site = with(&site, "reverse_proxy 127.0.0.1:8080", &format!("reverse_proxy {}", gateway.address));
        let file = folder.join("Caddyfile");
        std::fs::write(&file, format!("{{\nadmin off\nauto_https off\n}}\n{site}")).unwrap();
        let child =
            run("caddy", &["run", "--adapter", "caddyfile", "--config", file.to_str().unwrap()], folder);
        Self { _child: child, port, certificate: None }
    }

    /// A connection to it, from an address that is not its own.
    async fn connect(&self) -> Box<dyn Stream> {
        let to = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.port);
        let stream: TcpStream = patiently("the proxy", async {
            loop {
                let socket = TcpSocket::new_v4().unwrap();
                socket.bind(SocketAddr::new(CLIENT.into(), 0)).unwrap();
                match socket.connect(to).await {
                    Ok(stream) => return stream,
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        })
        .await;
        let Some(certificate) = &self.certificate else { return Box::new(stream) };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("localhost").unwrap();
        Box::new(TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap())
    }

    /// A request over a connection of its own, from somebody who says they are somebody else.
    async fn ask(&self, line: &str, header: &str, body: &str) -> Box<dyn Stream> {
        let mut stream = self.connect().await;
        let ask = format!(
            "{line} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX-Forwarded-For: {LIE}\r\nConnection: close\r\n\
             Sec-Fetch-Site: same-origin\r\nContent-Type: application/x-www-form-urlencoded\r\n{header}\
             Content-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        stream
    }
}

/// Reads until this is there.
async fn reads(stream: &mut Box<dyn Stream>, what: &str) -> String {
    let (mut all, mut some) = (String::new(), [0; 4_096]);
    patiently(what, async {
        while !all.contains(what) {
            let read = stream.read(&mut some).await.unwrap();
            assert!(read > 0, "it ended without {what}: {all}");
            all.push_str(&String::from_utf8_lossy(&some[..read]));
        }
        all
    })
    .await
}

/// Logs in, watches the board while a call comes, and is known by the address they come from.
async fn the_window_works(bed: &Bed, gateway: &mut Gateway, proxy: &Proxy) {
    let told = gateway.says("nobody can log in yet; open this once").await;
    let key = told["message"].as_str().unwrap().rsplit_once("key=").unwrap().1.to_owned();
    let body = format!("key={key}&name=olga&password=correct-horse-9&again=correct-horse-9");
    let mut stream = proxy.ask("POST /first", "", &body).await;
    let answer = reads(&mut stream, "\r\n\r\n").await;
    let cookie = answer.split_once("ringbud_session=").unwrap_or_else(|| panic!("{answer}")).1;
    let cookie = format!("Cookie: ringbud_session={}\r\n", cookie.split(';').next().unwrap());
    let mut boards = Vec::new();
    for account in demo::cast::ACCOUNTS {
        let mut board = proxy.ask(&format!("GET /a/{}/now/stream", account.id), &cookie, "").await;
        reads(&mut board, "event: board").await;
        boards.push(board);
    }
    let [one, other] = &mut boards[..] else { panic!("the cast has two accounts") };
    // The change comes while the stream goes on: nobody keeps it back until there is more. Whose call it is, is open.
    let changed = async {
        tokio::select! {
            told = reads(one, "event: board") => told,
            told = reads(other, "event: board") => told,
        }
    };
    tokio::join!(bed.play(&["inbound-answered"], 5.0), changed);
    let mut log = proxy.ask("GET /operator/audit", &cookie, "").await;
    let log = reads(&mut log, "</html>").await;
    assert!(log.contains(&CLIENT.to_string()) && !log.contains(LIE), "{log}");
}

async fn behind(program: &str, start: impl Fn(&Path, &Gateway) -> Proxy) {
    if !is_there(program) {
        return;
    }
    let bed = Bed::new().await;
    bed.write(&bed.sound().replace("[http]\n", "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n"));
    bed.integrate("POST").await;
    let mut gateway = bed.serve().await;
    let proxy = start(bed.folder.path(), &gateway);
    the_window_works(&bed, &mut gateway, &proxy).await;
    drop(proxy);
    gateway.stop().await;
}

#[tokio::test]
async fn behind_nginx_as_the_manual_has_it_the_window_works_and_peers_are_known() {
    behind("nginx", Proxy::nginx).await;
}

#[tokio::test]
async fn behind_caddy_as_the_manual_has_it_the_window_works_and_peers_are_known() {
    behind("caddy", Proxy::caddy).await;
}
