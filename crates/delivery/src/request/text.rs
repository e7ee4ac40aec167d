//! A value as a form or JSON has it. Nearly all of it stands as it is, and is taken over in one piece.

/// Adds a value to a form or a query.
pub(super) fn write_form(out: &mut String, value: &str) {
    write(
        out,
        value,
        |byte| !matches!(byte, b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'*' | b'-' | b'.' | b'_'),
        form,
    );
}

/// Adds a string of JSON, with its quotes.
pub(super) fn write_json(out: &mut String, value: &str) {
    out.push('"');
    write(out, value, |byte| matches!(byte, 0..=0x1f | b'"' | b'\\'), json);
    out.push('"');
}

/// Adds what has to be written differently byte by byte, and what is between in one piece.
fn write(out: &mut String, value: &str, differs: impl Fn(u8) -> bool, byte: fn(&mut String, u8)) {
    let bytes = value.as_bytes();
    let mut from = 0;
    for (at, one) in bytes.iter().enumerate().filter(|(_, one)| differs(**one)) {
        // Where a byte of a longer letter differs all of its bytes do, so that each piece is text.
        out.push_str(value.get(from..at).unwrap_or_default());
        byte(out, *one);
        from = at + 1;
    }
    out.push_str(value.get(from..).unwrap_or_default());
}

fn form(out: &mut String, byte: u8) {
    if byte == b' ' {
        return out.push('+');
    }
    out.push('%');
    hex(out, byte, b"0123456789ABCDEF");
}

fn json(out: &mut String, byte: u8) {
    let letter = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.push_str("\\u00");
            return hex(out, byte, b"0123456789abcdef");
        }
    };
    out.push('\\');
    out.push(char::from(letter));
}

fn hex(out: &mut String, byte: u8, digits: &[u8; 16]) {
    out.push(char::from(digits[usize::from(byte >> 4)]));
    out.push(char::from(digits[usize::from(byte & 15)]));
}

#[cfg(test)]
mod tests {
    use url::form_urlencoded::byte_serialize;

    use super::*;

    #[test]
    fn a_value_is_written_as_the_libraries_write_it() {
        let every: String = (0..0x250).filter_map(char::from_u32).collect();
        let others =
            ["", " ", "Søren & Ærø", "+45 70 10 11 12", "a\u{0}b", "\u{10ffff}\u{800}", "\"\\/", "☎ x"];
        for value in others.into_iter().chain([every.as_str()]) {
            for at in (0..=value.len()).filter(|at| value.is_char_boundary(*at)) {
                let value = &value[at..];
                let (mut form, mut json) = ("before".to_owned(), "before".to_owned());
                write_form(&mut form, value);
                write_json(&mut json, value);
                assert_eq!(form, format!("before{}", byte_serialize(value.as_bytes()).collect::<String>()));
                assert_eq!(json, format!("before{}", serde_json::Value::from(value)));
            }
        }
    }
}
