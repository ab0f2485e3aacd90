//! What arrived against what a fact says: every member, in order, with places left open for what no fact can know.

use serde_json::Value;

/// Places by the name they have in the files: `#` stands for a digit, `x` for a hexadecimal one.
const OPEN: [(&str, &str); 4] = [
    ("@hex32", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    ("@id", "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"),
    ("@millis", "####-##-##T##:##:##.###Z"),
    ("@stamp", "####/##/##/####-##-##T##.##.##"),
];

/// Says where `shown` is not what is expected.
pub(super) fn fits(shown: &Value, expected: &Value) -> Result<(), String> {
    match (shown, expected) {
        (Value::Object(one), Value::Object(other)) => {
            let names = |it: &serde_json::Map<String, Value>| it.keys().cloned().collect();
            let (has, wants): (Vec<String>, Vec<String>) = (names(one), names(other));
            if has != wants {
                return Err(format!("has the members {has:?}, not {wants:?}"));
            }
            let mut members = one.iter().zip(other.values());
            members
                .try_for_each(|((name, one), it)| fits(one, it).map_err(|why| within(name, &why)))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let mut elements = one.iter().zip(other).enumerate();
            elements.try_for_each(|(at, (one, it))| {
                fits(one, it).map_err(|why| within(&at.to_string(), &why))
            })
        }
        (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => Ok(()),
        (Value::String(one), Value::String(other)) if reads(one, other) => Ok(()),
        _ if shown == expected => Ok(()),
        _ => Err(format!("is {shown}, not {expected}")),
    }
}

fn within(name: &str, why: &str) -> String {
    format!("{name}: {why}")
}

/// `…` at the end stands for any rest.
fn reads(shown: &str, expected: &str) -> bool {
    let (mut shown, mut expected) = match expected.strip_suffix('…') {
        Some(head) => (shown, head),
        None if shown.len() != opened(expected).len() => return false,
        None => (shown, expected),
    };
    while let Some(next) = expected.chars().next() {
        let place = OPEN.iter().find(|(name, _)| expected.starts_with(name));
        let (taken, form) = place.map_or_else(
            || (next.len_utf8(), None),
            |(name, form)| (name.len(), Some(*form)),
        );
        let width = form.map_or(taken, str::len);
        let Some(piece) = shown.get(..width) else {
            return false;
        };
        let is_fine = match form {
            Some(form) => piece
                .chars()
                .zip(form.chars())
                .all(|(it, form)| match form {
                    '#' => it.is_ascii_digit(),
                    'x' => it.is_ascii_digit() || ('a'..='f').contains(&it),
                    form => it == form,
                }),
            None => piece.starts_with(next),
        };
        if !is_fine {
            return false;
        }
        (shown, expected) = (&shown[width..], &expected[taken..]);
    }
    true
}

fn opened(text: &str) -> String {
    let texts = OPEN.iter();
    texts.fold(text.to_owned(), |text, (name, form)| {
        text.replace(name, form)
    })
}

#[test]
fn open_places_take_what_has_their_form() {
    let uuid = "01234567-89ab-4def-a012-3456789abcde";
    assert!(reads(&format!("a/{uuid}"), "a/@id"));
    assert!(!reads(&format!("a/{uuid}0"), "a/@id"));
    assert!(!reads(&format!("a/{}", uuid.to_uppercase()), "a/@id"));
    assert!(reads("2026-01-01T00:00:00.123Z", "@millis"));
    assert!(!reads("2026-01-01T00:00:00Z", "@millis"));
    assert!(reads("PROBLEM: late", "PROBLEM: …"));
    assert!(!reads("PROBLEM", "PROBLEM: …"));
}
