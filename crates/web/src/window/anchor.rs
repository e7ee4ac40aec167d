//! How the manual's headings are named in links.

/// A heading's name in a link, as the usual renderers make it.
pub(crate) fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_named_as_the_usual_renderers_do() {
        assert_eq!(anchor("API-nøgler"), "api-nøgler");
        assert_eq!(anchor("Who may do what?"), "who-may-do-what");
    }
}
