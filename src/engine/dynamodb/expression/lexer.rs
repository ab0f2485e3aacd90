//! Text of an expression to tokens. Knows no grammar and never fails: odd characters become symbols that no grammar
//! wants.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A letter, then letters, digits and underscores: a name, a keyword or a function.
    Word,
    /// `#name`.
    Name,
    /// `:value`.
    Value,
    /// Decimal digits.
    Number,
    /// Anything else; one character, or one of `<>`, `<=`, `>=`.
    Symbol,
    /// After the last token.
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    pub(super) kind: Kind,
    /// As written; empty at the end.
    pub(super) text: &'t str,
    /// Offset of the first byte.
    pub(super) start: usize,
}

impl Token<'_> {
    pub(super) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    pub(super) fn is_symbol(&self, text: &str) -> bool {
        self.kind == Kind::Symbol && self.text == text
    }

    /// Keywords are read in any case.
    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }
}

/// All tokens of a text; the last one is [`Kind::End`].
pub(super) fn lex(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while let Some(first) = text[start..].chars().next() {
        if matches!(first, ' ' | '\t' | '\r' | '\n') {
            start += 1;
            continue;
        }
        let rest = &text[start..];
        let (kind, bytes) = measure(rest, first);
        tokens.push(Token {
            kind,
            text: &rest[..bytes],
            start,
        });
        start += bytes;
    }
    tokens.push(Token {
        kind: Kind::End,
        text: "",
        start,
    });
    tokens
}

fn measure(rest: &str, first: char) -> (Kind, usize) {
    let word = |from: usize| {
        let tail = rest[from..].bytes();
        from + tail
            .take_while(|it| it.is_ascii_alphanumeric() || *it == b'_')
            .count()
    };
    match first {
        '#' if word(1) > 1 => (Kind::Name, word(1)),
        ':' if word(1) > 1 => (Kind::Value, word(1)),
        '0'..='9' => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit);
            (Kind::Number, digits.count())
        }
        _ if first.is_ascii_alphabetic() => (Kind::Word, word(1)),
        _ if ["<>", "<=", ">="].iter().any(|it| rest.starts_with(it)) => (Kind::Symbol, 2),
        _ => (Kind::Symbol, first.len_utf8()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        lex(text).iter().map(|it| it.text).collect()
    }

    #[test]
    fn a_text_falls_into_words_placeholders_numbers_and_symbols() {
        for (text, expected) in [
            ("", vec![""]),
            (" \t\r\n", vec![""]),
            ("a_1=:v", vec!["a_1", "=", ":v", ""]),
            ("a<>b<=c>=d", vec!["a", "<>", "b", "<=", "c", ">=", "d", ""]),
            ("#1a[12].b", vec!["#1a", "[", "12", "]", ".", "b", ""]),
            ("_a 1a", vec!["_", "a", "1", "a", ""]),
            ("# : ü!=", vec!["#", ":", "ü", "!", "=", ""]),
            ("a#b:c", vec!["a", "#b", ":c", ""]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
        assert_eq!(lex("ab  cd")[1].start, 4);
        assert_eq!(lex("#").first().map(|it| it.kind), Some(Kind::Symbol));
    }
}
