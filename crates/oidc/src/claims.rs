//! What an ID token says of a person. Pure.

use serde_json::Value;

/// So many values of a claim are looked at.
const VALUES_MAX: usize = 1_000;
/// A name is cut at so many characters.
const NAME_CHARS: usize = 80;

/// The values of a claim: a text, a number, or a list of them. The name may lead into objects with dots, as
/// `realm_access.roles`; a dot may be a part of a name too.
pub(crate) fn values(claims: &Value, name: &str) -> Vec<String> {
    let one = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match find(claims, name) {
        Some(Value::Array(list)) => list.iter().take(VALUES_MAX).filter_map(one).collect(),
        Some(value) => one(value).into_iter().collect(),
        None => Vec::new(),
    }
}

fn find<'a>(claims: &'a Value, name: &str) -> Option<&'a Value> {
    claims.get(name).or_else(|| {
        let mut dots = name.match_indices('.');
        dots.find_map(|(at, _)| find(claims.get(&name[..at])?, &name[at + 1..]))
    })
}

/// What to call the person: the first of these that says something.
pub(crate) fn name(claims: &Value) -> String {
    let told = ["name", "preferred_username", "email", "sub"].into_iter().map(|claim| shown(claims, claim));
    told.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
}

fn shown(claims: &Value, claim: &str) -> String {
    let text = claims.get(claim).and_then(Value::as_str).unwrap_or_default();
    let kept: String = text.chars().filter(|c| !misleads(*c)).take(NAME_CHARS).collect();
    kept.trim().to_owned()
}

/// Characters one does not see, which could make a name look like another one.
fn misleads(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_a_text_or_a_list_at_the_top_or_further_in() {
        let claims = json!({
            "one": "a", "list": ["a", 7, true, null, {"b": 1}, ["c"]], "object": {},
            "realm_access": { "roles": ["x", "y"] },
            "resource_access": { "ring.bud": { "roles": "z" } },
            "https://example.com/roles": ["w"],
        });
        for (name, expected) in [
            ("one", vec!["a"]),
            ("list", vec!["a", "7", "true"]),
            ("object", vec![]),
            ("none", vec![]),
            ("one.more", vec![]),
            ("realm_access.roles", vec!["x", "y"]),
            ("resource_access.ring.bud.roles", vec!["z"]),
            ("https://example.com/roles", vec!["w"]),
        ] {
            assert_eq!(values(&claims, name), expected, "{name}");
        }
        let many: Vec<u32> = (0..5_000).collect();
        assert_eq!(values(&json!({ "many": many }), "many").len(), VALUES_MAX);
    }

    #[test]
    fn a_person_is_called_by_the_first_name_that_says_something() {
        assert_eq!(
            name(&json!({ "name": "Mette Holm", "email": "m@example.com", "sub": "1" })),
            "Mette Holm"
        );
        assert_eq!(
            name(&json!({ "name": " \u{202e} ", "preferred_username": 7, "email": "m@example.com" })),
            "m@example.com"
        );
        assert_eq!(name(&json!({ "sub": "f81d4fae" })), "f81d4fae");
        assert_eq!(name(&json!({ "name": "Me\u{200b}tte\nHolm" })), "MetteHolm");
        assert_eq!(name(&json!({ "name": "å".repeat(500) })).chars().count(), NAME_CHARS);
    }
}
