//! One word for one thing (`texts/terms.txt`): in the window, in what it says of refusals and failures, in what an
//! account is told, and in the window's manual, in both languages.

use std::path::Path;

use admin::{Code, Language};

/// Words of others that begin like one of those that are not ours.
const OF_OTHERS: &[&str] =
    &["standard webhooks", "webhook-id", "call,agent", "agenthændelser", "agenter", "medarbejderintegration"];

/// A text, and where it stands.
type Said = (String, String);

fn file(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    std::fs::read_to_string(root.join(path)).unwrap()
}

fn catalogue(path: &str) -> Vec<Said> {
    let lines = file(path);
    let said = lines.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(" = "));
    said.map(|(key, text)| (key.to_owned(), text.to_owned())).collect()
}

/// A text without what is code. Its lines keep their numbers.
fn plain(text: &str) -> String {
    let code = regex::Regex::new(r"(?s)```.*?```|`[^`]*`|\]\([^)]*\)").unwrap();
    let lines = |found: &regex::Captures<'_>| "\n".repeat(found[0].matches('\n').count());
    code.replace_all(text, lines).into_owned()
}

fn page(path: &str) -> Vec<Said> {
    let text = plain(&file(path));
    text.lines().zip(1..).map(|(line, at)| (format!("{path}:{at}"), line.to_owned())).collect()
}

/// What stands in quotes in a part of a source.
fn literals(path: &str, from: &str, until: &str) -> Vec<Said> {
    let source = file(path);
    let part = source.split_once(from).unwrap().1.split(until).next().unwrap();
    let quoted = regex::Regex::new(r#""((?:[^"\\]|\\.)*)""#).unwrap();
    let said: Vec<_> =
        quoted.captures_iter(part).map(|found| (path.to_owned(), found[1].to_owned())).collect();
    assert!(said.len() > 8, "{path}");
    said
}

fn all(language: Language) -> Vec<Said> {
    let alerts = "crates/delivery/src/alert/text.rs";
    let (file, of_alerts) = match language {
        Language::Danish => ("da", literals(alerts, "fn in_danish", "#[cfg(test)]")),
        Language::English => ("en", literals(alerts, "fn in_english", "fn in_danish")),
    };
    let code = |code: &Code| (code.name().to_owned(), plain(&code.sentence(language)));
    let mut said = catalogue(&format!("crates/web/texts/{file}.txt"));
    said.extend(Code::ALL.iter().map(code));
    said.extend(of_alerts);
    for code in delivery::reason::CODES {
        let text = if language == Language::Danish { code.danish } else { code.english };
        said.push((code.name.to_owned(), text.to_owned()));
    }
    match language {
        Language::Danish => {
            said.extend(literals(
                "crates/admin/src/links/danish.rs",
                "const SENTENCES",
                "/// The place where",
            ));
            said.extend(page("docs/da/vindue.md"));
            said.extend(page("docs/da/login.md"));
            said.extend(page("docs/da/postgresql.md"));
        }
        Language::English => said.extend(page("docs/window.md")),
    }
    said
}

/// Whether a word of the text begins so.
fn begins_a_word(text: &str, beginning: &str) -> bool {
    let text = OF_OTHERS.iter().fold(text.to_lowercase(), |text, other| text.replace(other, ""));
    text.match_indices(beginning).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && !['-', '_'].contains(&before))
    })
}

#[test]
fn one_thing_has_one_word_in_each_language() {
    let terms = file("crates/web/texts/terms.txt");
    let lines: Vec<_> = terms.lines().filter(|line| !line.starts_with('#')).collect();
    assert!(lines.len() > 50);
    let (danish, english) = (all(Language::Danish), all(Language::English));
    let mut wrong = Vec::new();
    for line in lines {
        let parts: Vec<&str> = line.split(" | ").map(str::trim).collect();
        let [_, in_danish, not_danish, in_english, not_english] = parts[..] else { panic!("{line}") };
        for (texts, word, never) in [(&danish, in_danish, not_danish), (&english, in_english, not_english)] {
            let said = |word: &str| {
                let word = word.to_lowercase();
                texts.iter().filter(move |(_, text)| begins_a_word(text, &word))
            };
            if said(word).next().is_none() {
                wrong.push(format!("{word} is nowhere"));
            }
            for never in never.split(", ") {
                wrong.extend(
                    said(never).map(|(place, text)| format!("{place}: not {never} but {word}: {text}")),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
