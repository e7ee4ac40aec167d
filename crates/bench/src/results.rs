//! What was measured: a table for people, and `results.json` for programs.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

/// What one figure was in each round.
pub(crate) struct Series(Vec<f64>);

impl Series {
    pub(crate) fn of<T>(rounds: &[T], figure: impl Fn(&T) -> f64) -> Self {
        let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
        figures.sort_by(f64::total_cmp);
        Self(figures)
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.0.len() / 2;
        match self.0.len() {
            0 => f64::NAN,
            even if even % 2 == 0 => f64::midpoint(self.0[middle - 1], self.0[middle]),
            _ => self.0[middle],
        }
    }

    fn range(&self) -> (f64, f64) {
        (self.0.first().copied().unwrap_or(f64::NAN), self.0.last().copied().unwrap_or(f64::NAN))
    }
}

/// The file of all measurements; each run replaces what it measured.
pub(crate) struct Results {
    path: PathBuf,
    all: Map<String, Value>,
}

impl Results {
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("results.json");
        let all = match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Map::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { path, all })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A heading in the table.
    pub(crate) fn heading(&self, words: &str) {
        println!("\n{words}\n{:<44} {:>12} {:>25}", "", "median", "range");
    }

    /// A line of the table that is only for people.
    pub(crate) fn show(&self, words: &str, series: &Series) {
        let (least, most) = series.range();
        let [median, least, most] = [series.median(), least, most].map(readable);
        println!("{words:<44} {median:>12} {:>25}", format!("{least} … {most}"));
    }

    /// A line of the table that is in the file as well.
    pub(crate) fn note(&mut self, key: &str, words: &str, series: &Series) {
        self.show(words, series);
        let (least, most) = series.range();
        self.all.insert(key.to_owned(), rounded(series.median()));
        self.all.insert(format!("{key}_range"), Value::from(vec![rounded(least), rounded(most)]));
    }

    pub(crate) fn write(&self) -> anyhow::Result<()> {
        Ok(std::fs::write(&self.path, serde_json::to_string_pretty(&self.all)? + "\n")?)
    }
}

fn readable(figure: f64) -> String {
    match figure.abs() {
        large if large >= 1_000.0 => format!("{figure:.0}"),
        middle if middle >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.3}"),
    }
}

fn rounded(figure: f64) -> Value {
    Value::from((figure * 10_000.0).round() / 10_000.0)
}

#[cfg(test)]
mod tests {
    use super::Series;

    #[test]
    fn a_median_is_the_middle_and_a_range_the_ends() {
        let odd = Series::of(&[3.0, 1.0, 2.0], |one| *one);
        assert_eq!((odd.median(), odd.range()), (2.0, (1.0, 3.0)));
        assert_eq!(Series::of(&[4.0, 1.0, 2.0, 3.0], |one| *one).median(), 2.5);
    }
}
