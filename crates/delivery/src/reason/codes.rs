//! The codes, with their arguments and their sentences: the list `docs/delivery.md` shows.

use journal::Reason;
use journal::reason::{STATUS, TEXT};

use crate::guard::Why;

/// A code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// Its name. It is never given to anything else, and outlives what gave it.
    pub name: &'static str,
    /// What its arguments are called.
    pub args: &'static [&'static str],
    /// Its sentence in English, with `{argument}` for what is filled in.
    pub english: &'static str,
    /// And in Danish. Both are parts of a sentence: they begin small and have no full stop.
    pub danish: &'static str,
}

const fn code(
    name: &'static str,
    args: &'static [&'static str],
    english: &'static str,
    danish: &'static str,
) -> Code {
    Code { name, args, english, danish }
}

/// All of them.
#[rustfmt::skip]
pub const CODES: &[Code] = &[
    // Getting through.
    code("name_not_found", &["host", "why"], "{host} cannot be found: {why}",
        "{host} kan ikke findes: {why}"),
    code("name_without_address", &["host"], "{host} cannot be found: it has no address",
        "{host} kan ikke findes: den har ingen adresse"),
    code("address_refused", &["address", "range"], "{address} is {range} and refused: if it is meant, an operator can list it under [outgoing] allow",
        "{address} er {range} og afvises: er det meningen, kan en operatør skrive den på listen [outgoing] allow"),
    code("connection_refused", &["address"], "{address} cannot be connected to: connection refused",
        "Der er ikke forbindelse til {address}: forbindelsen blev afvist"),
    code("connection_unanswered", &["address"], "{address} cannot be connected to: no answer",
        "Der er ikke forbindelse til {address}: intet svar"),
    code("address_unreachable", &["address"], "{address} cannot be connected to: there is no way to it",
        "Der er ikke forbindelse til {address}: der er ingen vej til den"),
    code("connection_failed", &["address", "why"], "{address} cannot be connected to: {why}",
        "Der er ikke forbindelse til {address}: {why}"),
    code("certificate_expired", &["host", "address"], "no TLS with {host} at {address}: its certificate has expired",
        "TLS med {host} på {address} kom ikke i stand: serverens certifikat er udløbet"),
    code("certificate_not_yet", &["host", "address"], "no TLS with {host} at {address}: its certificate is not valid yet",
        "TLS med {host} på {address} kom ikke i stand: serverens certifikat gælder ikke endnu"),
    code("certificate_issuer", &["host", "address"], "no TLS with {host} at {address}: its certificate's issuer is not known",
        "TLS med {host} på {address} kom ikke i stand: udstederen af serverens certifikat er ukendt"),
    code("certificate_name", &["host", "address"], "no TLS with {host} at {address}: its certificate is for another name",
        "TLS med {host} på {address} kom ikke i stand: serverens certifikat gælder et andet navn"),
    code("tls_failed", &["host", "address", "why"], "no TLS with {host} at {address}: {why}",
        "TLS med {host} på {address} kom ikke i stand: {why}"),
    code("connection_timeout", &["host", "secs"], "no connection to {host} within {secs} s",
        "der kom ikke forbindelse til {host} inden for {secs} s"),
    // The answer.
    code("answer_cut_off", &[], "no answer: the connection was closed before it was complete",
        "intet svar: forbindelsen blev lukket, før svaret var færdigt"),
    code("connection_reset", &[], "no answer: the connection was reset",
        "intet svar: forbindelsen blev afbrudt"),
    code("answer_unreadable", &["why"], "no answer: what came is not HTTP: {why}",
        "intet svar: det, der kom, er ikke HTTP: {why}"),
    code("no_answer", &["why"], "no answer: {why}",
        "intet svar: {why}"),
    code("answer_timeout", &[], "no answer in time",
        "intet svar i tide"),
    code("gone", &[], "410: the web service is gone; it is paused",
        "410: webservicen findes ikke mere; den er sat på pause"),
    code("redirect", &["status"], "HTTP {status}: redirects are not followed",
        "HTTP {status}: viderestillinger til en anden adresse følges ikke"),
    code(STATUS, &["status"], "HTTP {status}",
        "HTTP {status}"),
    code("event_forgotten", &[], "its event is not in the journal any more",
        "dens hændelse er ikke gemt længere"),
    code("own_fault", &[], "Ringbud itself failed at it: its log says more",
        "fejl i Ringbud selv: dens log siger mere"),
    // The settings.
    code("switched_off", &[], "there is no URL for this kind of event: it is switched off",
        "der er ingen URL for denne slags hændelse: den er slået fra"),
    code("url_blank", &[], "the URL has a blank or a control character in it: write a blank as %20",
        "der er et mellemrum eller et styretegn i URL'en: skriv et mellemrum som %20"),
    code("url_too_long", &["bytes", "most"], "the URL is {bytes} bytes long, at most {most} are taken",
        "URL'en er på {bytes} byte, højst {most} tages imod"),
    code("url_scheme", &[], "the URL has to begin with https:// or http://",
        "URL'en skal begynde med https:// eller http://"),
    code("url_without_host", &[], "the URL has no host: write it as https://crm.example.com/path",
        "der er ingen vært i URL'en: skriv den som https://crm.example.com/sti"),
    code("url_credentials", &[], "the URL has a user name or password in it: enter them as credentials instead",
        "der er et brugernavn eller en adgangskode i URL'en: skriv dem under adgangsoplysninger i stedet"),
    code("url_port_zero", &[], "port 0 cannot be connected to",
        "port 0 kan der ikke forbindes til"),
    code("url_placeholder_in_host", &[], "a placeholder {…} may stand in the path or the query, not in the host",
        "en pladsholder {…} må stå i stien eller efter spørgsmålstegnet, ikke i værtsnavnet"),
    code("url_placeholder_unknown", &["name"], "{name} is no parameter; AccountId, UniqueCallId and ANumber are some",
        "{name} er ikke en parameter; det er f.eks. AccountId, UniqueCallId og ANumber"),
    code("url_unreadable", &["why"], "the URL cannot be read: {why}",
        "URL'en kan ikke læses: {why}"),
    code("secret_not_base64", &[], "a signing secret is whsec_ and then base64: what follows whsec_ is not base64",
        "en signeringsnøgle er whsec_ efterfulgt af base64: det, der står efter whsec_, er ikke base64"),
    code("secret_length", &["bytes"], "a signing secret holds 24 to 64 bytes, this one {bytes}: let ringbud make one",
        "en signeringsnøgle er på 24 til 64 byte, denne på {bytes}: lad Ringbud oprette en"),
    code("header_name", &["name"], "{name} is no header name: letters, digits and dashes",
        "{name} kan ikke være navnet på en header: bogstaver, cifre og bindestreger"),
    code("header_reserved", &["name"], "the header {name} is set by ringbud itself",
        "headeren {name} sætter Ringbud selv"),
    code("header_value", &["name", "most"], "the value of the header {name} has a line break or control character in it, or is longer than {most} bytes",
        "værdien af headeren {name} har et linjeskift eller styretegn i sig, eller er længere end {most} byte"),
    code("headers_too_many", &["count", "most"], "{count} fixed headers, at most {most} are sent",
        "{count} faste headere, højst {most} sendes"),
    code("ca_empty", &[], "there is no certificate in it: paste the CA's certificate as PEM, from -----BEGIN CERTIFICATE-----",
        "der er intet certifikat i det: indsæt CA'ens certifikat som PEM, fra -----BEGIN CERTIFICATE-----"),
    code("ca_too_long", &["bytes", "most"], "the CA's PEM is {bytes} bytes long, at most {most} are taken",
        "CA'ens PEM er på {bytes} byte, højst {most} tages imod"),
    code("ca_unreadable", &["why"], "a certificate in the CA's PEM cannot be read: {why}",
        "et certifikat i CA'ens PEM kan ikke læses: {why}"),
    // Pauses.
    code("paused_gone", &[], "the web service answered 410 Gone",
        "webservicen svarede 410 Gone"),
    code("paused_failing", &["days"], "nothing has succeeded for {days} days",
        "intet er lykkedes i {days} dage"),
    code("paused_by_hand", &[], "paused by hand",
        "sat på pause manuelt"),
    // Wishes that are refused.
    code("no_such_delivery", &[], "there is no such delivery, or its event is too old and was forgotten",
        "afleveringen findes ikke, eller dens hændelse er for gammel og er slettet"),
    code("no_such_integration", &[], "there is no such integration",
        "integrationen findes ikke"),
    code("webhook_paused", &[], "the web service is paused: resume it first",
        "webservicen er sat på pause: genoptag den først"),
    code("webhook_switched_off", &[], "the web service is switched off: enter a URL first",
        "webservicen er slået fra: indtast en URL først"),
    code("already_settled", &[], "the delivery is settled already",
        "afleveringen er allerede afsluttet"),
    code("too_much_asked", &[], "so much is asked of the gateway that has its PBX that nothing more is taken: try again in a while",
        "der er bedt om så meget hos den gateway, der har dens PBX, at den ikke tager mere imod: prøv igen om lidt"),
    code("journal_failed", &["why"], "the journal could not do it: {why}",
        "journalen kunne ikke gøre det: {why}"),
    code("nothing_to_test", &[], "no web service is entered: there is nothing to test",
        "der er ikke angivet nogen webservice: der er intet at teste"),
    code("tests_running", &[], "test calls are running already: wait for their answers",
        "der er allerede testopkald i gang: vent på deres svar"),
    code("destination_busy", &[], "as many requests are out to it as may be: try again in a moment",
        "der er allerede så mange kald i gang til webservicen, som der må være: prøv igen om et øjeblik"),
    // From before there were codes.
    code(TEXT, &["text"], "{text}",
        "{text}"),
];

/// The code of this name.
pub fn named(name: &str) -> Option<&'static Code> {
    CODES.iter().find(|code| code.name == name)
}

/// A reason's sentence in English; of a code that is not known, the code with its arguments.
pub fn english(reason: &Reason) -> String {
    told(reason, |code| code.english, Why::english)
}

/// The same in Danish.
pub fn danish(reason: &Reason) -> String {
    told(reason, |code| code.danish, Why::danish)
}

fn told(reason: &Reason, sentence: fn(&Code) -> &'static str, range: fn(Why) -> &'static str) -> String {
    let Some(code) = named(reason.code()) else { return reason.to_string() };
    match reason.arg("range").and_then(Why::named) {
        Some(why) => reason.fill(&sentence(code).replace("{range}", range(why))),
        None => reason.fill(sentence(code)),
    }
}
