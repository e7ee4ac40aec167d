//! A table of the configuration, read key by key; what nobody asked for is reported at the end.

use std::cell::{Cell, RefCell};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use toml_edit::{Item, TableLike, Value};

use super::problem::line_of;
use super::{ConfigError, Place, Problem, Purpose};

/// The file under the reader's eyes, and what was found wrong so far.
pub(super) struct Source<'a> {
    file: &'a Path,
    text: &'a str,
    purpose: Purpose,
    problems: RefCell<Vec<Problem>>,
}

impl<'a> Source<'a> {
    pub(super) fn new(file: &'a Path, text: &'a str, purpose: Purpose) -> Self {
        Self { file, text, purpose, problems: RefCell::default() }
    }

    pub(super) fn file(&self) -> &'a Path {
        self.file
    }

    /// A relative path is meant from the folder of the configuration.
    fn resolve(&self, path: &str) -> PathBuf {
        self.file.parent().unwrap_or_else(|| Path::new("")).join(path)
    }

    pub(super) fn verdict(self) -> Result<(), ConfigError> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| problem.place.line);
        if problems.is_empty() { Ok(()) } else { Err(ConfigError::Invalid(problems)) }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) place: Place,
}

pub(super) struct Section<'a> {
    source: &'a Source<'a>,
    table: &'a dyn TableLike,
    /// As a person writes it: `[http]`, `[[pbx]]`; empty at the top.
    title: String,
    line: usize,
    asked: RefCell<Vec<&'static str>>,
    closed: Cell<bool>,
}

impl<'a> Section<'a> {
    pub(super) fn root(source: &'a Source<'a>, table: &'a dyn TableLike) -> Self {
        Self {
            source,
            table,
            title: String::new(),
            line: 1,
            asked: RefCell::default(),
            closed: Cell::new(false),
        }
    }

    pub(super) fn source(&self) -> &'a Source<'a> {
        self.source
    }

    /// The table of this name; an empty one where there is none.
    pub(super) fn section(&self, key: &'static str) -> Option<Section<'a>> {
        let item = self.get(key)?;
        if let Some(table) = item.as_table_like() {
            return Some(self.child(item, table, format!("[{}]", self.child_name(key))));
        }
        self.report(
            item,
            key,
            format!("expected a table [{}], found {}", self.child_name(key), kind_of(item)),
        );
        None
    }

    /// The tables of this name, in order.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let title = format!("[[{}]]", self.child_name(key));
        match self.get(key) {
            None => Vec::new(),
            Some(Item::ArrayOfTables(tables)) => tables
                .iter()
                .map(|table| {
                    let line = table.span().map_or(self.line, |span| line_of(self.source.text, span.start));
                    self.child_at(line, table, title.clone())
                })
                .collect(),
            Some(item) => {
                let inline = item
                    .as_array()
                    .map(|array| array.iter().map(Value::as_inline_table).collect::<Option<Vec<_>>>());
                if let Some(Some(tables)) = inline {
                    return tables.into_iter().map(|table| self.child(item, table, title.clone())).collect();
                }
                self.report(item, key, format!("expected tables {title}, found {}", kind_of(item)));
                Vec::new()
            }
        }
    }

    fn child(&self, item: &Item, table: &'a dyn TableLike, title: String) -> Section<'a> {
        let line = item.span().map_or(self.line, |span| line_of(self.source.text, span.start));
        self.child_at(line, table, title)
    }

    fn child_at(&self, line: usize, table: &'a dyn TableLike, title: String) -> Section<'a> {
        Section {
            source: self.source,
            table,
            title,
            line,
            asked: RefCell::default(),
            closed: Cell::new(false),
        }
    }

    fn child_name(&self, key: &str) -> String {
        let own = self.title.trim_matches(['[', ']']);
        if own.is_empty() { key.to_owned() } else { format!("{own}.{key}") }
    }

    pub(super) fn text(&self, key: &'static str) -> Option<Found<String>> {
        let item = self.get(key)?;
        let Some(text) = item.as_str() else {
            self.report(item, key, format!("expected a text in quotes, found {}", kind_of(item)));
            return None;
        };
        Some(Found { value: text.to_owned(), place: self.place(item, key) })
    }

    /// A text that has to be readable as something.
    pub(super) fn parsed<T, E: Display>(
        &self,
        key: &'static str,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<Found<T>> {
        let found = self.text(key)?;
        match parse(&found.value) {
            Ok(value) => Some(Found { value, place: found.place }),
            Err(why) => {
                let why = why.to_string();
                let why = if why.is_empty() { why } else { format!(" ({why})") };
                self.complain(found.place, format!("expected {expected}, found \"{}\"{why}", found.value));
                None
            }
        }
    }

    pub(super) fn path(&self, key: &'static str) -> Option<PathBuf> {
        let found = self.parsed(key, "a path", |text| {
            if text.is_empty() { Err("it is empty") } else { Ok(text.to_owned()) }
        })?;
        Some(self.source.resolve(&found.value))
    }

    pub(super) fn flag(&self, key: &'static str) -> Option<bool> {
        let item = self.get(key)?;
        let flag = item.as_bool();
        if flag.is_none() {
            self.report(item, key, format!("expected true or false, found {}", kind_of(item)));
        }
        flag
    }

    /// A flag that may be a word instead.
    pub(super) fn flag_or<T>(
        &self,
        key: &'static str,
        of_flag: impl FnOnce(bool) -> T,
        (word, of_word): (&str, T),
    ) -> Option<T> {
        let item = self.get(key)?;
        if let Some(flag) = item.as_bool() {
            return Some(of_flag(flag));
        }
        if item.as_str() == Some(word) {
            return Some(of_word);
        }
        self.report(item, key, format!("expected true, false or \"{word}\", found {}", kind_of(item)));
        None
    }

    pub(super) fn number(&self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let item = self.get(key)?;
        let number =
            item.as_integer().and_then(|number| u32::try_from(number).ok()).filter(|n| range.contains(n));
        if number.is_none() {
            let (least, most) = range.into_inner();
            let found = item.as_integer().map_or_else(|| kind_of(item), |number| number.to_string());
            self.report(item, key, format!("expected a whole number from {least} to {most}, found {found}"));
        }
        number
    }

    /// A list of texts, each with its place.
    pub(super) fn texts(&self, key: &'static str) -> Vec<Found<String>> {
        let Some(item) = self.get(key) else { return Vec::new() };
        let Some(array) = item.as_array() else {
            self.report(item, key, format!("expected a list of texts [\"…\"], found {}", kind_of(item)));
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in array {
            let line = value.span().map_or(self.line, |span| line_of(self.source.text, span.start));
            let place = Place { line, ..self.place(item, key) };
            match value.as_str() {
                Some(text) => texts.push(Found { value: text.to_owned(), place }),
                None => {
                    self.complain(place, format!("expected a text in quotes, found {}", value.type_name()))
                }
            }
        }
        texts
    }

    /// Says that a key is not there, unless it is not needed or was there and wrong.
    pub(super) fn missing(&self, key: &'static str, expected: &str) {
        if !self.has(key) && self.for_work() {
            let place = Place { file: self.source.file.into(), line: self.line, key: self.key(key) };
            self.complain(place, format!("is missing; expected {expected}"));
        }
    }

    /// Whether there is something of this name, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Whether everything has to be there.
    pub(super) fn for_work(&self) -> bool {
        self.source.purpose == Purpose::Work
    }

    /// Where the table begins.
    pub(super) fn here(&self) -> Place {
        Place { file: self.source.file.into(), line: self.line, key: self.title.clone() }
    }

    pub(super) fn complain(&self, place: Place, what: String) {
        self.source.problems.borrow_mut().push(Problem { place, what });
    }

    /// Reports the keys nobody asked for.
    pub(super) fn finish(&self) {
        self.closed.set(true);
        let asked = self.asked.borrow();
        for (key, item) in self.table.iter() {
            if asked.contains(&key) {
                continue;
            }
            let nearest = asked
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, key), *known))
                .filter(|(distance, known)| {
                    *distance <= 2.max(known.len() / 3) || key.len() > 2 && known.starts_with(key)
                })
                .min();
            let hint = nearest.map_or_else(
                || format!("known here: {}", asked.join(", ")),
                |(_, known)| format!("did you mean {known}?"),
            );
            self.report(item, key, format!("is not a known key; {hint}"));
        }
    }

    fn get(&self, key: &'static str) -> Option<&'a Item> {
        debug_assert!(!self.closed.get(), "{key} is asked for after the table was closed");
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.table.get(key)
    }

    fn report(&self, item: &Item, key: &str, what: String) {
        self.complain(self.place(item, key), what);
    }

    fn place(&self, item: &Item, key: &str) -> Place {
        let span = self.table.get_key_value(key).and_then(|(key, _)| key.span()).or_else(|| item.span());
        let line = span.map_or(self.line, |span| line_of(self.source.text, span.start));
        Place { file: self.source.file.into(), line, key: self.key(key) }
    }

    fn key(&self, key: &str) -> String {
        if self.title.is_empty() { key.to_owned() } else { format!("{} {key}", self.title) }
    }
}

fn kind_of(item: &Item) -> String {
    match item {
        Item::None => "nothing".to_owned(),
        Item::Value(Value::String(text)) => format!("the text \"{}\"", text.value()),
        Item::Value(Value::Integer(number)) => format!("the number {}", number.value()),
        Item::Value(Value::Float(number)) => format!("the number {}", number.value()),
        Item::Value(Value::Boolean(flag)) => flag.value().to_string(),
        Item::Value(Value::Datetime(_)) => "a date".to_owned(),
        Item::Value(Value::Array(_)) => "a list".to_owned(),
        Item::Value(Value::InlineTable(_)) | Item::Table(_) => "a table".to_owned(),
        Item::ArrayOfTables(_) => "several tables".to_owned(),
    }
}

/// The regex crate draws a picture and says what is wrong below it.
pub(super) fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
