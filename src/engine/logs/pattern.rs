//! Filter patterns of terms: words, "phrases", -exclusions and ?alternatives. Pure.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>

/// Upper and lower case differ, as on AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    /// All of them.
    required: Vec<String>,
    /// None of them.
    excluded: Vec<String>,
    /// One of them; not looked at where something is required.
    alternatives: Vec<String>,
}

impl Pattern {
    /// The error says what is wrong with the pattern.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.starts_with(['{', '[', '%']) {
            return Err(
                "only patterns of words, \"phrases\", -exclusions and ?alternatives are understood here"
                    .to_owned(),
            );
        }
        let mut pattern = Self::default();
        let mut rest = text;
        while !rest.is_empty() {
            let (list, after) = if let Some(after) = rest.strip_prefix('-') {
                (&mut pattern.excluded, after)
            } else if let Some(after) = rest.strip_prefix('?') {
                (&mut pattern.alternatives, after)
            } else {
                (&mut pattern.required, rest)
            };
            let (term, after) = if let Some(inner) = after.strip_prefix('"') {
                phrase(inner)?
            } else {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            };
            if term.is_empty() {
                return Err("a term is empty".to_owned());
            }
            list.push(term);
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    pub(super) fn matches(&self, message: &str) -> bool {
        let has = |term: &String| message.contains(term.as_str());
        let is_found = if self.required.is_empty() && !self.alternatives.is_empty() {
            self.alternatives.iter().any(has)
        } else {
            self.required.iter().all(has)
        };
        is_found && !self.excluded.iter().any(has)
    }
}

/// Up to the closing quote; `\"` and `\\` are characters of the phrase.
fn phrase(text: &str) -> Result<(String, &str), String> {
    let mut found = String::new();
    let mut chars = text.char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            '"' => return Ok((found, &text[at + 1..])),
            '\\' => found.extend(chars.next().map(|(_, escaped)| escaped)),
            other => found.push(other),
        }
    }
    Err("a quote is not closed".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_required_excluded_or_alternatives() {
        for (pattern, message, expected) in [
            ("", "anything", true),
            ("ERROR", "[ERROR] boom", true),
            ("ERROR", "[error] boom", false),
            ("ERROR boom", "boom [ERROR]", true),
            ("ERROR boom", "[ERROR] bang", false),
            ("\"ERROR] boom\"", "[ERROR] boom", true),
            ("\"boom ERROR\"", "[ERROR] boom", false),
            ("ERROR -boom", "[ERROR] boom", false),
            ("ERROR -boom", "[ERROR] bang", true),
            ("-\"a b\"", "a b", false),
            ("?ERROR ?WARN", "WARN x", true),
            ("?ERROR ?WARN", "INFO x", false),
            ("?ERROR ?WARN x", "INFO x", true),
            ("?ERROR -boom", "ERROR boom", false),
            ("\"say \\\"hi\\\"\"", "say \"hi\"", true),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(message), expected, "{pattern} {message}");
        }
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for pattern in ["\"open", "-", "{ $.a = 1 }", "[a, b]", "%x%"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
