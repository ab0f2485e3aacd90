//! PartiQL text to tokens. Pure; knows no grammar.

use super::ast::Place;
use super::keywords;

/// One token and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) place: Place,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A reserved word, in lower case.
    Keyword(&'static str),
    /// A name as written; quoted ones without their quotes.
    Name(String),
    Text(String),
    /// A number as written, without a sign.
    Number(String),
    /// `?`.
    Parameter,
    /// Operators and brackets; `!=` is `<>`.
    Symbol(&'static str),
    End,
}

/// Longer symbols first.
const SYMBOLS: [&str; 27] = [
    "<<", ">>", "<=", ">=", "<>", "!=", "||", "<", ">", "=", "+", "-", "*", "/", "%", "(", ")",
    "[", "]", "{", "}", ",", ".", ":", ";", "@", "^",
];

/// `None` when some of the text is no token; the service says no more about it either.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    let mut lexer = Lexer {
        rest: text,
        line: 1,
        column: 1,
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_blank()?;
        let (line, column) = (lexer.line, lexer.column);
        let before = lexer.rest;
        let kind = lexer.token()?;
        let written = &before[..before.len() - lexer.rest.len()];
        let length = written.chars().count();
        let is_end = kind == Kind::End;
        let place = Place {
            line,
            column,
            length,
        };
        tokens.push(Token { kind, place });
        if is_end {
            return Some(tokens);
        }
    }
}

struct Lexer<'t> {
    rest: &'t str,
    line: usize,
    column: usize,
}

impl<'t> Lexer<'t> {
    /// White space and comments.
    fn skip_blank(&mut self) -> Option<()> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            if self.rest.starts_with("--") {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
            } else if let Some(comment) = self.rest.strip_prefix("/*") {
                self.take(comment.find("*/")? + 4);
            } else if blank == 0 {
                return Some(());
            }
        }
    }

    fn token(&mut self) -> Option<Kind> {
        let Some(first) = self.rest.chars().next() else {
            return Some(Kind::End);
        };
        if first == '\'' {
            return Some(Kind::Text(self.quoted('\'')?));
        }
        if first == '"' {
            return Some(Kind::Name(self.quoted('"')?));
        }
        if first == '?' {
            self.take(1);
            return Some(Kind::Parameter);
        }
        let dotted = self.rest.strip_prefix('.').unwrap_or_default();
        if first.is_ascii_digit() || dotted.starts_with(|it: char| it.is_ascii_digit()) {
            return Some(Kind::Number(self.number()?));
        }
        if is_name_start(first) {
            let length = self.rest.find(|it| !is_name_part(it));
            let word = self.take(length.unwrap_or(self.rest.len()));
            return Some(match keywords::find(word) {
                Some(keyword) => Kind::Keyword(keyword),
                None => Kind::Name(word.to_owned()),
            });
        }
        let symbol = SYMBOLS.into_iter().find(|it| self.rest.starts_with(it))?;
        self.take(symbol.len());
        Some(Kind::Symbol(if symbol == "!=" { "<>" } else { symbol }))
    }

    /// A doubled quote stands for one.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut text = String::new();
        self.take(1);
        loop {
            let length = self.rest.find(quote)?;
            text += self.take(length);
            self.take(1);
            if !self.rest.starts_with(quote) {
                return Some(text);
            }
            text.push(quote);
            self.take(1);
        }
    }

    fn number(&mut self) -> Option<String> {
        let before = self.rest;
        self.digits();
        let mut after_point = 0;
        if self.rest.starts_with('.') {
            self.take(1);
            after_point = self.digits().len();
        }
        let mut exponent = 0;
        if self.rest.starts_with(['e', 'E']) {
            self.take(1);
            let sign = usize::from(self.rest.starts_with(['+', '-']));
            let sign = self.take(sign);
            let digits = self.digits();
            let value: i32 = format!("{sign}{digits}").parse().ok()?;
            exponent = i64::from(value);
        }
        // The service keeps a number's scale in 32 bits.
        i32::try_from(i64::try_from(after_point).ok()? - exponent).ok()?;
        if self.rest.starts_with(is_name_part) {
            return None;
        }
        Some(before[..before.len() - self.rest.len()].to_owned())
    }

    fn digits(&mut self) -> &'t str {
        let length = self.rest.find(|it: char| !it.is_ascii_digit());
        self.take(length.unwrap_or(self.rest.len()))
    }

    /// Moves on by so many bytes.
    fn take(&mut self, bytes: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(bytes);
        for letter in taken.chars() {
            if letter == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.rest = rest;
        taken
    }
}

fn is_name_start(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_' || letter == '$'
}

fn is_name_part(letter: char) -> bool {
    is_name_start(letter) || letter.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Option<Vec<Kind>> {
        Some(tokens(text)?.into_iter().map(|it| it.kind).collect())
    }

    #[test]
    fn text_becomes_tokens() {
        let name = |it: &str| Kind::Name(it.to_owned());
        let number = |it: &str| Kind::Number(it.to_owned());
        for (text, expected) in [
            ("", vec![]),
            ("Select a", vec![Kind::Keyword("select"), name("a")]),
            (
                "\"a \"\"b\"\"\".c",
                vec![name("a \"b\""), Kind::Symbol("."), name("c")],
            ),
            ("'it''s'", vec![Kind::Text("it's".to_owned())]),
            (
                "<<1,.5>> != 7.31e+6",
                vec![
                    Kind::Symbol("<<"),
                    number("1"),
                    Kind::Symbol(","),
                    number(".5"),
                    Kind::Symbol(">>"),
                    Kind::Symbol("<>"),
                    number("7.31e+6"),
                ],
            ),
            (
                "a[0].b -- note\n/* more */ ?",
                vec![
                    name("a"),
                    Kind::Symbol("["),
                    number("0"),
                    Kind::Symbol("]"),
                    Kind::Symbol("."),
                    name("b"),
                    Kind::Parameter,
                ],
            ),
        ] {
            let mut expected = expected;
            expected.push(Kind::End);
            assert_eq!(kinds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for text in [
            "'open",
            "\"open",
            "a # note",
            "/* open",
            "1e2147483648",
            "1.5e-2147483647",
            "1e",
            "1x",
            "`ion`",
            "a ! b",
            "é",
        ] {
            assert_eq!(tokens(text), None, "{text}");
        }
    }

    #[test]
    fn places_count_letters_from_one() {
        let tokens = tokens("é'".trim_start_matches("é'")).unwrap();
        assert_eq!(tokens.len(), 1);
        let tokens = super::tokens("'é' =\n  abc").unwrap();
        let places: Vec<String> = tokens.iter().map(|it| it.place.to_string()).collect();
        assert_eq!(places, ["1:1:3", "1:5:1", "2:3:3", "2:6:0"]);
    }
}
