//! The one table of refusals: what window, API and command line all say when something is not done.
//!
//! What a delivery fails with too ([`delivery::reason`]) has its sentences there, and none here.
//!
//! A code never changes its meaning. Its family is what the API's envelope has always had as `error.code`; its
//! status is the API's and the window's; its sentences have holes in braces, filled by the refusal.

use crate::language::Language;

macro_rules! families {
    ($($variant:ident $name:literal $status:literal,)*) => {
        /// What a refusal is, roughly: the API's `error.code`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is its name in the table")]
        pub enum Family { $($variant,)* }

        impl Family {
            /// As the API writes it.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The status it is answered with over HTTP.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }
        }
    };
}

families! {
    NotJson "not_json" 400,
    Invalid "invalid" 400,
    Unauthorized "unauthorized" 401,
    Forbidden "forbidden" 403,
    NotFound "not_found" 404,
    MethodNotAllowed "method_not_allowed" 405,
    Refused "refused" 409,
    ChangedMeanwhile "changed_meanwhile" 412,
    TooLarge "too_large" 413,
    TooMany "too_many" 429,
    Internal "internal" 500,
    Unavailable "unavailable" 503,
}

macro_rules! codes {
    ($($variant:ident $name:literal $family:ident $($english:literal $danish:literal)?,)*) => {
        /// Why something was not done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is its sentence in the table")]
        pub enum Code { $($variant,)* }

        impl Code {
            /// All of them, in the table's order.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// By its name, if there is one.
            pub fn named(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|code| code.name() == name)
            }

            /// Stable, for programs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// What it is, roughly.
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => Family::$family,)* }
            }

        }

        /// What is said of those that nothing else says: each code with its English and its Danish.
        const OWN: &[(Code, &str, &str)] = &[$($((Code::$variant, $english, $danish),)?)*];
    };
}

impl Code {
    /// For a person, with its holes. What a delivery fails with too has its words from there; in Danish they are made a
    /// sentence here.
    pub fn sentence(self, language: Language) -> String {
        if let Some((_, english, danish)) = OWN.iter().find(|(code, ..)| *code == self) {
            return match language {
                Language::English => (*english).to_owned(),
                Language::Danish => (*danish).to_owned(),
            };
        }
        let shared = delivery::reason::named(self.name());
        shared.map_or_else(String::new, |shared| match language {
            Language::English => shared.english.to_owned(),
            Language::Danish => as_sentence(shared.danish),
        })
    }
}

/// With a capital at its beginning and a full stop at its end.
fn as_sentence(text: &str) -> String {
    let mut rest = text.chars();
    let capital = rest.next().into_iter().flat_map(char::to_uppercase);
    capital.chain(rest).chain(['.']).collect()
}

codes! {
    NotJson "not_json" NotJson
        "{why}"
        "Indholdet kan ikke læses som JSON: {why}",
    BodyBroken "body_broken" Invalid
        "the body broke off"
        "Indholdet blev afbrudt undervejs.",
    Shape "shape" Invalid
        "{why}"
        "Feltet har en forkert form: {why}",
    UnknownField "unknown_field" Invalid
        "there is no field `{name}` here{expected}"
        "Her er intet felt, der hedder `{name}`{expected}",
    UnknownQuery "unknown_query" Invalid
        "a query has no `{name}` here"
        "Adressen kan ikke have parameteren `{name}` her.",
    Limit "limit" Invalid
        "expected a number from 1 to {most}"
        "Skriv et tal fra 1 til {most}.",
    Place "place" Invalid
        "expected the `next` of the page before"
        "Skriv den foregående sides `next`.",
    Position "position" Invalid
        "expected a position as the stream gave it, or `start`"
        "Skriv en position, som den stod i strømmen, eller `start`.",
    Moment "moment" Invalid
        "expected a moment like 2026-11-22T09:53:00Z (write a + as %2B), or seconds since 1970"
        "Skriv et tidspunkt som 2026-11-22T09:53:00Z, eller sekunder siden 1970.",
    Outcome "outcome" Invalid
        "expected running, answered, missed, elsewhere, busy or unanswered"
        "Skriv running, answered, missed, elsewhere, busy eller unanswered.",
    State "state" Invalid
        "expected waiting, retrying, paused, delivered, expired, failed or cancelled"
        "Skriv waiting, retrying, paused, delivered, expired, failed eller cancelled.",
    EventName "event_name" Invalid
        "expected Incoming, Answered, Outgoing or Ended"
        "Skriv Incoming, Answered, Outgoing eller Ended.",
    ActorKind "actor_kind" Invalid
        "expected person, token or cli"
        "Skriv person, token eller cli.",
    Whose "whose" Invalid
        "say whose: an employee or a number, one of the two"
        "Skriv hvis: en medarbejder eller et nummer, kun ét af dem.",
    IfMatch "if_match" Invalid
        "expected the ETag as it was given, like \"3\" with its quotes"
        "Skriv ETag, som den blev givet, f.eks. \"3\" med anførselstegn.",

    AccountId "account_id" Invalid
        "an account's id is 1 to 64 letters, digits, dashes, dots or underscores"
        "Et konto-ID er 1 til 64 bogstaver, cifre, bindestreger, punktummer eller understreger.",
    LocalNumber "local_number" Invalid
        "a local number is 1 to 32 digits or letters (also + * # - _ .)"
        "Et lokalnummer er 1 til 32 cifre eller bogstaver (også + * # - _ .).",
    NameLong "name_long" Invalid
        "a name has at most {most} characters"
        "Et navn har højst {most} tegn.",
    NameControl "name_control" Invalid
        "a name has no line breaks or control characters"
        "Et navn kan ikke indeholde linjeskift eller styretegn.",
    WholeNumber "whole_number" Invalid
        "expected a whole number or nothing, found \"{found}\""
        "Skriv et helt tal eller ingenting, ikke \"{found}\".",
    KeepDays "keep_days" Invalid
        "between {least} and {most} days"
        "Mellem {least} og {most} dage.",
    KeepMegabytes "keep_megabytes" Invalid
        "between {least} and {most} megabytes"
        "Mellem {least} og {most} megabyte.",
    MailAddress "mail_address" Invalid
        "\"{found}\" is no mail address; one like drift@example.com is"
        "\"{found}\" er ikke en mailadresse; det er f.eks. drift@example.com.",
    AlertLanguage "alert_language" Invalid
        "expected da or en, found \"{found}\""
        "Skriv da eller en, ikke \"{found}\".",
    ImportLine "import_line" Invalid
        "line {line}: {why}"
        "Linje {line}: {why} Intet er importeret.",
    ImportLong "import_long" Invalid
        "at most {most} lines at once"
        "Højst {most} linjer ad gangen.",
    NoSuchAccount "account_unknown" Invalid
        "there is no account {account}: make it first"
        "Kontoen {account} findes ikke: opret den først.",
    AccountThere "account_there" Invalid
        "there is an account {account} already"
        "Kontoen {account} findes allerede.",
    NotTheSame "not_the_same" Invalid
        "the two are not the same; nothing was removed"
        "De to er ikke ens; intet er fjernet.",
    NoSuchEmployee "employee_unknown" Invalid
        "there is no employee of this number in the account"
        "Kontoen har ingen medarbejder med det nummer.",

    TokenName "token_name" Invalid
        "a token's name is 1 to 32 letters, digits, dashes, dots or underscores"
        "En API-nøgles navn er 1 til 32 bogstaver, cifre, bindestreger, punktummer eller understreger.",
    TokenThere "token_there" Invalid
        "there is a token named {name} already: remove it first, or choose another name"
        "Der findes en API-nøgle, der hedder {name}: fjern den først, eller vælg et andet navn.",
    ScopeOperator "scope_operator" Invalid
        "an operator is not for one account: leave `account` out, or choose another scope"
        "En operatør hører ikke til én konto: lad kontoen være tom, eller vælg en anden rolle.",
    ScopeAccount "scope_account" Invalid
        "this scope needs the account it is for"
        "Denne rolle hører til en konto: vælg hvilken.",
    ScopeNeeded "scope_needed" Invalid
        "a new user needs a scope: operator, account or read-only"
        "En ny bruger skal have en rolle: operatør, kontoens administrator eller kun læseadgang.",
    UserThere "user_there" Invalid
        "there is a user named {name} already: choose another name"
        "Der findes en bruger, der hedder {name}: vælg et andet navn.",
    UserName "user_name" Invalid
        "a user name is 1 to 64 letters, digits or . _ - @ +"
        "Et brugernavn er 1 til 64 bogstaver, cifre eller . _ - @ +",
    Password "password" Invalid
        "a password has at least {least} characters; a short sentence is good"
        "En adgangskode har mindst {least} tegn. En lille sætning er god.",
    WrongPassword "wrong_password" Invalid
        "the present password is another one"
        "Den nuværende adgangskode er forkert.",

    UrlBlank "url_blank" Invalid,
    UrlLong "url_too_long" Invalid,
    UrlScheme "url_scheme" Invalid,
    UrlHost "url_without_host" Invalid,
    UrlCredentials "url_credentials" Invalid,
    UrlPort "url_port_zero" Invalid,
    UrlPlaceholder "url_placeholder_in_host" Invalid,
    UrlForm "url_unreadable" Invalid,
    UrlParameter "url_placeholder_unknown" Invalid,
    AddressRefused "address_refused" Invalid,

    NamesChoice "names_choice" Invalid
        "expected \"default\", \"as-printed\" or a map, not \"{found}\""
        "Skriv \"default\", \"as-printed\" eller en liste, ikke \"{found}\".",
    NoSuchParameter "no_such_parameter" Invalid
        "there is no parameter of this name"
        "Der findes ingen parameter med det navn.",
    ParameterName "parameter_name" Invalid
        "a name has 1 to {most} characters, no control characters"
        "Et navn har 1 til {most} tegn og ingen styretegn.",
    ParameterTwice "parameter_twice" Invalid
        "two parameters would be called \"{name}\""
        "To parametre ville hedde \"{name}\".",
    TimeZone "time_zone" Invalid
        "\"{zone}\" is not a time zone; write one like Europe/Copenhagen or UTC"
        "\"{zone}\" er ikke en tidszone; skriv en som Europe/Copenhagen eller UTC.",
    PatternLong "pattern_long" Invalid
        "a pattern has at most {most} characters"
        "Et mønster har højst {most} tegn.",
    Pattern "pattern" Invalid
        "this is not a regular expression: {why}"
        "Mønstret kan ikke læses. Det skal være et regulært udtryk som ^\\*: {why}",
    NoSuchExtra "no_such_extra" Invalid
        "\"{name}\" is not an extra; EventId and EndReason are"
        "\"{name}\" er ikke en ekstra parameter; det er f.eks. EventId og EndReason.",
    HeaderName "header_name" Invalid,
    HeaderReserved "header_reserved" Invalid,
    HeaderValue "header_value" Invalid,
    HeaderMany "headers_too_many" Invalid,
    CredentialsNone "credentials_none" Invalid
        "give `username` and `password`, or `token`"
        "Udfyld brugernavn og adgangskode, eller et bearer-token.",
    CredentialsNeeded "credentials_needed" Invalid
        "is needed here"
        "Skal udfyldes.",
    CredentialsLine "credentials_line" Invalid
        "is one line of at most {most} characters"
        "Skriv én linje på højst {most} tegn.",
    CredentialsUser "credentials_user" Invalid
        "is needed here, and has no colon in it"
        "Skal udfyldes og må ikke indeholde kolon.",
    CredentialsKind "credentials_kind" Invalid
        "expected basic or bearer, not \"{found}\""
        "Skriv basic eller bearer, ikke \"{found}\".",
    SecretBase "secret_not_base64" Invalid,
    SecretLength "secret_length" Invalid,
    CaPem "ca_pem" Invalid
        "expected the PEM text of a CA certificate, -----BEGIN CERTIFICATE----- and so on"
        "Indsæt CA-certifikatet som PEM-tekst, fra -----BEGIN CERTIFICATE-----",
    RetrySecs "retry_secs" Invalid
        "between {least} and {most} seconds"
        "Mellem {least} og {most} sekunder.",

    Country "country" Invalid
        "expected the two letters of a country, like DK"
        "Skriv et lands to bogstaver, f.eks. DK.",
    Rate "rate" Invalid
        "between {least} and {most} requests a second, or nothing for no bound"
        "Mellem {least} og {most} kald i sekundet, eller ingenting, hvis der ikke skal være en grænse.",

    NoToken "no_token" Unauthorized
        "an API token is needed, as `Authorization: Bearer …`; `ringbud token create` makes one"
        "Der skal en API-nøgle til, som `Authorization: Bearer …`; opret en med `ringbud token create`.",
    ReadOnly "read_only" Forbidden
        "you may read here, not change"
        "Du har kun læseadgang.",
    OperatorsOnly "operators_only" Forbidden
        "this is for operators"
        "Dette er for operatører.",
    NoAddress "no_such_address" NotFound
        "there is no such address"
        "Adressen findes ikke.",
    NoAccount "no_such_account" NotFound
        "there is no such account"
        "Kontoen findes ikke.",
    NoEmployee "no_such_employee" NotFound
        "there is no such employee"
        "Medarbejderen findes ikke.",
    NoPhone "no_such_phone" NotFound
        "there is no such phone"
        "Telefonen findes ikke.",
    NoIntegration "no_such_integration" NotFound,
    NoDelivery "no_such_delivery" NotFound,
    NoCall "no_such_call" NotFound
        "there is no such call"
        "Opkaldet findes ikke.",
    NoSuchToken "no_such_token" NotFound
        "there is no such token"
        "API-nøglen findes ikke.",
    NoUser "no_such_user" NotFound
        "there is no such user"
        "Brugeren findes ikke.",
    FirstLinkUsed "first_link_used" NotFound
        "this link makes nobody: it was used already, or another one is good by now"
        "Linket gælder ikke længere: Det er brugt eller afløst af et andet.",
    LinkUsed "link_used" NotFound
        "this link is not good: it was used, it is too old, or there is a newer one"
        "Linket gælder ikke længere: Det er brugt, for gammelt eller afløst af et nyere.",
    MethodNotAllowed "method_not_allowed" MethodNotAllowed
        "this method is not for this address; the header Allow lists those that are"
        "Metoden kan ikke bruges på denne adresse; headeren Allow viser, hvilke der kan.",
    TooLarge "too_large" TooLarge
        "the body is larger than {most} KB"
        "Indholdet er større end {most} KB.",

    WebhookPaused "webhook_paused" Refused,
    WebhookOff "webhook_switched_off" Refused,
    DeliverySettled "already_settled" Refused,
    AskedElsewhere "asked_elsewhere" Refused
        "the gateway that has its PBX was asked, and does it as soon as it can"
        "Den gateway, der har dens PBX, er bedt om det og gør det, så snart den kan.",
    TooMuchAsked "too_much_asked" TooMany,
    NothingToTest "nothing_to_test" Refused,
    LastOperator "last_operator" Refused
        "this is the last operator; make another one first"
        "Det er den sidste operatør; opret en anden først.",
    PasswordElsewhere "password_elsewhere" Refused
        "this person logs in through a provider and has no password here"
        "Personen logger ind gennem en udbyder og har ingen adgangskode her.",
    ChangedMeanwhile "changed_meanwhile" ChangedMeanwhile
        "changed by someone else meanwhile: it is at version {found}, you had {expected}; {what}"
        "En anden har ændret det imens. Intet er overskrevet, og det, du har skrevet, står her stadig.",
    RemovedMeanwhile "removed_meanwhile" ChangedMeanwhile
        "removed by someone else meanwhile: you had version {expected}"
        "En anden har fjernet det imens. Intet er ændret.",
    TooManyTests "too_many_tests" TooMany
        "too many test calls: try again in {secs} s"
        "For mange testopkald: prøv igen om {secs} s.",
    TooManyStreams "too_many_streams" TooMany
        "{most} streams are open already, as many as may be: close one, or try again in a while"
        "{most} strømme er åbne, og der må ikke være flere: luk en, eller prøv igen om lidt.",
    NoGateway "no_gateway" Unavailable
        "no gateway runs here that could do it: start it with ringbud serve"
        "Der kører ingen gateway her, som kan gøre det: start den med ringbud serve.",
    GatewayBusy "gateway_busy" Unavailable
        "it cannot be done right now: {why}"
        "Det kan ikke gøres lige nu: {why}",
    NoRandom "no_random" Unavailable
        "the system gives no random bytes right now"
        "Systemet kan ikke levere tilfældige tal lige nu.",
    Unavailable "journal_unavailable" Unavailable
        "the journal cannot be used right now; what was asked was not done and may be asked again. The operator finds the reason in the log"
        "Journalen kan ikke bruges lige nu. Intet er ændret; prøv igen om lidt. Årsagen står i operatørens log.",
    Internal "internal" Internal
        "the journal cannot be used right now; what was asked was not done and may be asked again. The operator finds the reason in the log"
        "Journalen kan ikke bruges lige nu. Intet er ændret; prøv igen om lidt. Årsagen står i operatørens log.",
}

/// The whole table, for the description of the API: a line a code.
pub fn table() -> String {
    let mut text =
        "| `error.reason` | `error.code` | status | English | Danish |\n|---|---|---|---|---|\n".to_owned();
    for code in Code::ALL {
        let family = code.family();
        let [english, danish] =
            [Language::English, Language::Danish].map(|of| code.sentence(of).replace('|', "\\|"));
        text.push_str(&format!(
            "| `{}` | `{}` | {} | {english} | {danish} |\n",
            code.name(),
            family.name(),
            family.status(),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// What is filled in, in a sentence.
    fn holes(sentence: &str) -> BTreeSet<&str> {
        let parts = sentence.split('{').skip(1).filter_map(|part| part.split_once('}'));
        parts.map(|(hole, _)| hole).collect()
    }

    #[test]
    fn what_a_delivery_fails_with_too_is_said_in_one_place() {
        let shared = Code::ALL.iter().filter(|code| delivery::reason::named(code.name()).is_some());
        let shared: BTreeSet<_> = shared.collect();
        assert!(shared.len() > 15, "{shared:?}");
        let twice: Vec<_> = OWN.iter().map(|(code, ..)| code).filter(|code| shared.contains(code)).collect();
        assert_eq!(twice, Vec::<&Code>::new(), "its words are in delivery::reason");
        let said = Code::WebhookPaused.sentence(Language::Danish);
        assert_eq!(said, "Webservicen er sat på pause: genoptag den først.");
    }

    #[test]
    fn every_code_is_one_of_its_name_and_is_said_in_both_languages() {
        let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.name()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        for code in Code::ALL {
            let (english, danish) = (code.sentence(Language::English), code.sentence(Language::Danish));
            assert!(!english.is_empty() && !danish.is_empty() && english != danish, "{}", code.name());
            let more: Vec<_> = holes(&danish).difference(&holes(&english)).copied().collect();
            assert!(more.is_empty(), "{}: {more:?} is filled in Danish alone", code.name());
        }
    }
}
