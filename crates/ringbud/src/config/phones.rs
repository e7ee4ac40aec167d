//! `[[pbx.phones]]`: which endpoints are whose phones.
//!
//! Each table is one of four: an endpoint named outright (`phone = "201"`), an expression for the whole name, a
//! file of endpoints, or rules that are ready for a kind of PBX.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::Place;
use super::section::{Found, Section};

/// No file of phones is larger than this.
const MAX_FILE_BYTES: u64 = 32 << 20;
/// The columns of a file of phones.
const COLUMNS: [&str; 4] = ["endpoint", "phone", "account", "employee"];

/// Which endpoints are phones, and whose.
#[derive(Clone, Debug)]
pub struct PhoneRule {
    /// What it takes.
    pub takes: Takes,
    /// The account, where what it takes does not say.
    pub account: Option<String>,
    /// Who has the phone when it first comes into being, where what it takes does not say; else the employee of
    /// the phone's own number.
    pub employee: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// What a rule takes.
#[derive(Clone, Debug)]
pub enum Takes {
    /// This endpoint is the phone of this number.
    Named {
        /// The endpoint, letter for letter.
        endpoint: String,
        /// The phone's local number.
        phone: String,
    },
    /// Matched against the whole name of an endpoint; has the group `phone`, perhaps `account` and `employee`.
    Expression(Regex),
    /// Those of a file.
    File {
        /// The file.
        file: PathBuf,
        /// By endpoint.
        phones: BTreeMap<String, Listed>,
    },
    /// Those that are phones on such a PBX.
    Ready(Ready),
}

/// A line of a file of phones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The phone's local number.
    pub phone: String,
    /// Its account, where the line says.
    pub account: Option<String>,
    /// Who has it at first, where the line says.
    pub employee: Option<String>,
    /// The line, from 1.
    pub line: u64,
}

/// Rules that are ready for a kind of PBX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Endpoints of two to six digits are phones of that number.
    Number,
    /// Extensions are endpoints of their number; `99201` and `90201` are the browser's twin of 201.
    FreePbx,
    /// Endpoints have names at random; the number is the endpoint's own caller id.
    Wazo,
    /// `201-WS` and `201-TLS` are twins of 201 (MikoPBX).
    WsSuffix,
}

impl Ready {
    const ALL: [Self; 4] = [Self::Number, Self::FreePbx, Self::Wazo, Self::WsSuffix];

    /// Its name in a configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Number => "number",
            Self::FreePbx => "freepbx",
            Self::Wazo => "wazo",
            Self::WsSuffix => "ws-suffix",
        }
    }
}

pub(super) fn read_rule(section: &Section<'_>) -> Option<PhoneRule> {
    let account = section.parsed("account", "an account's id", not_empty);
    let employee = section.parsed("employee", "an employee's local number", not_empty);
    let endpoint = section.text("endpoint");
    let phone = section.parsed("phone", "the phone's local number", not_empty);
    let file = section.text("file").zip(section.path("file"));
    let ready = section.parsed("rules", "\"number\", \"freepbx\", \"wazo\" or \"ws-suffix\"", |text| {
        Ready::ALL.into_iter().find(|ready| ready.name() == text).ok_or("")
    });
    let kinds = [section.has("endpoint"), section.has("file"), section.has("rules")];
    if kinds.into_iter().filter(|kind| *kind).count() != 1 {
        let message = "expected one of endpoint = 'PJSIP/(?<phone>\\d+)', endpoint = \"PJSIP/k3j4h5\" with phone = \"201\", file = \"phones.csv\" and rules = \"freepbx\"";
        let message = if kinds.contains(&true) {
            format!("{message}, each in a table of its own")
        } else {
            format!("endpoint is missing; {message}")
        };
        section.complain(section.here(), message);
        section.finish();
        return None;
    }
    section.finish();
    let has_account = account.is_some();
    let takes = match (endpoint, phone, file, ready) {
        (Some(endpoint), Some(phone), None, None) => named(section, endpoint, phone, has_account)?,
        (Some(endpoint), None, None, None) if !section.has("phone") => {
            expression(section, endpoint, has_account)?
        }
        (None, None, Some((found, file)), None) => {
            let phones = read_file(section, &found, &file, has_account)?;
            Takes::File { file, phones }
        }
        (None, None, None, Some(ready)) => {
            if !has_account {
                section.complain(
                    ready.place,
                    "the account is missing; expected account = \"…\" beside it".to_owned(),
                );
                return None;
            }
            Takes::Ready(ready.value)
        }
        (None, Some(phone), ..) => {
            let message = "means nothing without endpoint; expected endpoint = \"PJSIP/k3j4h5\" beside it";
            section.complain(phone.place, message.to_owned());
            return None;
        }
        // What is wrong with them was said already.
        _ => return None,
    };
    let value = |found: Found<String>| found.value;
    Some(PhoneRule {
        takes,
        account: account.map(value),
        employee: employee.map(value),
        place: section.here(),
    })
}

fn not_empty(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("it is empty") } else { Ok(text.to_owned()) }
}

fn named(
    section: &Section<'_>,
    endpoint: Found<String>,
    phone: Found<String>,
    has_account: bool,
) -> Option<Takes> {
    let mut fine = true;
    if endpoint.value.contains("(?") {
        let message = "with phone beside it the endpoint is compared letter for letter, and this is an expression; expected a name such as \"PJSIP/k3j4h5\", or no phone";
        section.complain(endpoint.place.clone(), message.to_owned());
        fine = false;
    }
    if !has_account {
        let message = "the account is missing; expected account = \"…\" beside it".to_owned();
        section.complain(endpoint.place, message);
        fine = false;
    }
    fine.then_some(Takes::Named { endpoint: endpoint.value, phone: phone.value })
}

fn expression(section: &Section<'_>, endpoint: Found<String>, has_account: bool) -> Option<Takes> {
    let text = &endpoint.value;
    let regex = match Regex::new(&format!("^(?:{text})$")) {
        Ok(regex) => regex,
        Err(error) => {
            let why = super::section::last_line(&error.to_string());
            section
                .complain(endpoint.place, format!("expected a regular expression, found \"{text}\" ({why})"));
            return None;
        }
    };
    let groups: Vec<&str> = regex.capture_names().flatten().collect();
    let mut fine = true;
    let mut complain = |message: String| {
        section.complain(endpoint.place.clone(), message);
        fine = false;
    };
    if let Some(unknown) = groups.iter().find(|group| !["account", "phone", "employee"].contains(group)) {
        complain(format!(
            "the group \"{unknown}\" means nothing here; expected the groups account, phone and employee"
        ));
    }
    if !groups.contains(&"phone") {
        complain(
            "the group phone is missing; expected (?<phone>…) around the phone's local number, or phone = \"…\" beside a name"
                .to_owned(),
        );
    }
    if !groups.contains(&"account") && !has_account {
        complain(
            "the account is missing; expected a group (?<account>…), or account = \"…\" beside it".to_owned(),
        );
    }
    fine.then_some(Takes::Expression(regex))
}

fn read_file(
    section: &Section<'_>,
    found: &Found<String>,
    file: &Path,
    has_account: bool,
) -> Option<BTreeMap<String, Listed>> {
    let unreadable = |why: String| {
        section.complain(found.place.clone(), format!("the file {} cannot be read: {why}", file.display()));
    };
    let text = match std::fs::metadata(file) {
        Ok(meta) if meta.len() > MAX_FILE_BYTES => {
            unreadable(format!("it is larger than {MAX_FILE_BYTES} bytes"));
            return None;
        }
        Ok(_) => std::fs::read_to_string(file).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match text.map_err(|why| (0, why)).and_then(|text| parse(&text, has_account)) {
        Ok(phones) => Some(phones),
        Err((0, why)) => {
            unreadable(why);
            None
        }
        Err((line, why)) => {
            let place =
                Place { file: file.into(), line: usize::try_from(line).unwrap_or(0), key: String::new() };
            section.complain(place, why);
            None
        }
    }
}

/// The lines of a file, or the first that is wrong and why.
fn parse(text: &str, has_account: bool) -> Result<BTreeMap<String, Listed>, (u64, String)> {
    let text = text.trim_start_matches('\u{feff}');
    // What a spreadsheet writes where the comma is the decimal sign.
    let first = text.lines().next().unwrap_or_default();
    let delimiter = if first.contains(';') && !first.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .trim(csv::Trim::All)
        .flexible(true)
        .from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| (1, error.to_string()))?.clone();
    let mut columns = [None; COLUMNS.len()];
    for (at, header) in headers.iter().enumerate() {
        match COLUMNS.iter().position(|column| column.eq_ignore_ascii_case(header)) {
            Some(column) => columns[column] = Some(at),
            None => {
                return Err((
                    1,
                    format!(
                        "the column \"{header}\" means nothing here; expected a first line such as endpoint,phone,account,employee"
                    ),
                ));
            }
        }
    }
    let [Some(endpoint), Some(phone), account, employee] = columns else {
        return Err((1, "expected the columns endpoint and phone, in a first line such as endpoint,phone,account,employee".to_owned()));
    };
    if account.is_none() && !has_account {
        return Err((
            1,
            "the account is missing; expected a column account, or account = \"…\" beside file".to_owned(),
        ));
    }
    let mut phones: BTreeMap<String, Listed> = BTreeMap::new();
    for record in reader.records() {
        let record = record.map_err(|error| {
            (error.position().map_or(1, csv::Position::line), "this is no line of a CSV file".to_owned())
        })?;
        let line = record.position().map_or(1, csv::Position::line);
        let field = |column: Option<usize>| {
            column.and_then(|at| record.get(at)).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (Some(name), Some(number)) = (field(Some(endpoint)), field(Some(phone))) else {
            return Err((line, "expected an endpoint and the local number of its phone".to_owned()));
        };
        let listed = Listed { phone: number, account: field(account), employee: field(employee), line };
        if listed.account.is_none() && !has_account {
            return Err((line, format!("the account of {name} is missing")));
        }
        if let Some(earlier) = phones.get(&name) {
            return Err((line, format!("{name} is on line {} already", earlier.line)));
        }
        phones.insert(name, listed);
    }
    Ok(phones)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_people_and_spreadsheets_write_it() {
        let expected =
            [("PJSIP/k3j4h5", "201", Some("1001"), Some("7")), ("SIP/anna", "104", Some("1001"), None)];
        for text in [
            "endpoint,phone,account,employee\nPJSIP/k3j4h5,201,1001,7\nSIP/anna,104,1001,\n",
            "\u{feff}endpoint;phone;account;employee\r\nPJSIP/k3j4h5;201;1001;7\r\nSIP/anna;104;1001;\r\n",
            "Account, Endpoint, Phone, Employee\n1001,\"PJSIP/k3j4h5\", 201, 7\n\n1001, SIP/anna, 104\n",
        ] {
            let phones = parse(text, false).unwrap();
            let found: Vec<_> = phones
                .iter()
                .map(|(name, listed)| {
                    (
                        name.as_str(),
                        listed.phone.as_str(),
                        listed.account.as_deref(),
                        listed.employee.as_deref(),
                    )
                })
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn a_line_that_cannot_be_meant_is_named() {
        for (text, line, said) in [
            ("endpoint,phone\nPJSIP/a,201\n", 1, "the account is missing"),
            ("endpoint,number,account\n", 1, "the column \"number\" means nothing"),
            ("phone,account\n201,1\n", 1, "expected the columns endpoint and phone"),
            ("endpoint,phone,account\nPJSIP/a,,1\n", 2, "the local number"),
            ("endpoint,phone,account\nPJSIP/a,201,\n", 2, "the account of PJSIP/a is missing"),
            ("endpoint,phone,account\nPJSIP/a,201,1\nPJSIP/b,202,1\nPJSIP/a,203,1\n", 4, "on line 2 already"),
        ] {
            let (at, why) = parse(text, false).unwrap_err();
            assert_eq!(at, line, "{text}");
            assert!(why.contains(said), "{why}");
        }
        assert_eq!(parse("endpoint,phone\nPJSIP/a,201\n", true).unwrap().len(), 1);
    }
}
