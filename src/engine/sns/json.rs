//! JSON read token by token, with the positions and the words of the reader that SNS uses: refusals of filter
//! policies say where in the text the trouble is. Pure.

use std::fmt;

/// One token of a JSON text.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    ObjectStart,
    ObjectEnd,
    ArrayStart,
    ArrayEnd,
    /// Name of a member.
    Name(String),
    Text(String),
    /// As written.
    Number(String),
    True,
    False,
    Null,
}

impl Token {
    /// The token as text, as refusals quote it.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::ObjectStart => "{",
            Self::ObjectEnd => "}",
            Self::ArrayStart => "[",
            Self::ArrayEnd => "]",
            Self::Name(text) | Self::Text(text) | Self::Number(text) => text,
            Self::True => "true",
            Self::False => "false",
            Self::Null => "null",
        }
    }
}

/// What is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) reason: String,
    place: Spot,
}

/// Both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spot {
    line: usize,
    column: usize,
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {}, column: {}]",
            self.line, self.column
        )
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n at {}", self.reason, self.place)
    }
}

/// Whether the text begins with a whole JSON value; what follows it is not looked at.
pub(super) fn check(text: &str) -> Result<(), Trouble> {
    let mut reader = Reader::new(text);
    loop {
        reader.next()?;
        if reader.open.is_empty() && reader.pending.is_none() {
            return Ok(());
        }
    }
}

const SCALARS: &str = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

pub(super) struct Reader {
    chars: Vec<char>,
    /// Characters read.
    at: usize,
    /// Where the reader says it is: behind the last token, but within a text that nobody has asked for.
    told: usize,
    /// Opened objects (true) and lists, and where.
    open: Vec<(bool, usize)>,
    /// The value behind a name, which is read together with it.
    pending: Option<Token>,
    /// Whether an element was read in the innermost object or list.
    has_elements: bool,
}

impl Reader {
    pub(super) fn new(text: &str) -> Self {
        Self {
            chars: text.chars().collect(),
            at: 0,
            told: 0,
            open: Vec::new(),
            pending: None,
            has_elements: false,
        }
    }

    /// Trouble at the place the reader is at.
    pub(super) fn trouble(&self, reason: impl Into<String>) -> Trouble {
        Trouble {
            reason: reason.into(),
            place: self.spot(self.told),
        }
    }

    /// Reads a text to its end, for those who look at its value: what is wrong next is wrong behind it.
    pub(super) fn finish_text(&mut self) {
        if self.pending.is_none() {
            self.told = self.at;
        }
    }

    pub(super) fn next(&mut self) -> Result<Token, Trouble> {
        if let Some(token) = self.pending.take() {
            return Ok(self.entered(token));
        }
        self.skip_blanks();
        match self.open.last().copied() {
            None => {
                let token = self.value()?;
                Ok(self.entered(token))
            }
            Some((is_object, _)) => {
                if self.peek() == Some(if is_object { '}' } else { ']' }) {
                    return Ok(self.close());
                }
                if self.has_elements {
                    self.expect(',', &separator(is_object))?;
                    self.skip_blanks();
                }
                self.has_elements = true;
                if is_object {
                    self.name()
                } else {
                    let token = self.value()?;
                    Ok(self.entered(token))
                }
            }
        }
    }

    fn name(&mut self) -> Result<Token, Trouble> {
        self.expect('"', "was expecting double-quote to start field name")?;
        let name = self.quoted(" in field name")?;
        self.skip_blanks();
        self.expect(
            ':',
            "was expecting a colon to separate field name and value",
        )?;
        self.skip_blanks();
        let value = self.value()?;
        self.pending = Some(value);
        Ok(Token::Name(name))
    }

    /// A scalar, or the beginning of an object or a list.
    fn value(&mut self) -> Result<Token, Trouble> {
        let Some(first) = self.peek() else {
            return Err(self.ended());
        };
        let began = self.at;
        match first {
            '{' | '[' => {
                self.at += 1;
                self.told = self.at;
                Ok(if first == '{' {
                    Token::ObjectStart
                } else {
                    Token::ArrayStart
                })
            }
            '"' => {
                self.at += 1;
                let text = self.quoted(": was expecting closing quote for a string value")?;
                self.told = began + 1;
                Ok(Token::Text(text))
            }
            '-' | '0'..='9' => self.number(),
            it if it.is_alphabetic() || it == '_' || it == '$' => self.word(),
            other => Err(self.unexpected(other, &format!("expected a valid value {SCALARS}"))),
        }
    }

    fn number(&mut self) -> Result<Token, Trouble> {
        let began = self.at;
        while self
            .peek()
            .is_some_and(|it| it.is_ascii_digit() || matches!(it, '+' | '-' | '.' | 'e' | 'E'))
        {
            self.at += 1;
        }
        let text: String = self.chars[began..self.at].iter().collect();
        if serde_json::from_str::<serde_json::Number>(&text).is_err() {
            let place = self.spot(self.at);
            let reason = format!("Invalid numeric value: {text}");
            return Err(Trouble { reason, place });
        }
        self.told = self.at;
        Ok(Token::Number(text))
    }

    fn word(&mut self) -> Result<Token, Trouble> {
        let began = self.at;
        while self
            .peek()
            .is_some_and(|it| it.is_alphanumeric() || it == '_' || it == '$')
        {
            self.at += 1;
        }
        self.told = self.at;
        let word: String = self.chars[began..self.at].iter().collect();
        match word.as_str() {
            "true" => Ok(Token::True),
            "false" => Ok(Token::False),
            "null" => Ok(Token::Null),
            _ => Err(self.trouble(format!(
                "Unrecognized token '{word}': was expecting {SCALARS}"
            ))),
        }
    }

    /// The rest of a text whose opening quote was read.
    fn quoted(&mut self, unfinished: &str) -> Result<String, Trouble> {
        let began = self.at - 1;
        loop {
            let Some(char) = self.peek() else {
                let place = self.spot(self.at);
                let reason = format!("Unexpected end-of-input{unfinished}");
                return Err(Trouble { reason, place });
            };
            self.at += 1;
            match char {
                '"' => break,
                '\\' => self.at = (self.at + 1).min(self.chars.len()),
                it if u32::from(it) < 0x20 => {
                    let place = self.spot(self.at);
                    let code = u32::from(it);
                    let reason = format!(
                        "Illegal unquoted character ((CTRL-CHAR, code {code})): has to be escaped using backslash to be included in string value"
                    );
                    return Err(Trouble { reason, place });
                }
                _ => {}
            }
        }
        let text: String = self.chars[began..self.at].iter().collect();
        serde_json::from_str(&text).map_err(|error| Trouble {
            reason: format!("Unrecognized character escape: {error}"),
            place: self.spot(self.at),
        })
    }

    /// Steps into what a token opens.
    fn entered(&mut self, token: Token) -> Token {
        if matches!(token, Token::ObjectStart | Token::ArrayStart) {
            self.open.push((token == Token::ObjectStart, self.at - 1));
            self.has_elements = false;
        }
        token
    }

    fn close(&mut self) -> Token {
        self.at += 1;
        self.told = self.at;
        self.has_elements = true;
        match self.open.pop() {
            Some((true, _)) => Token::ObjectEnd,
            _ => Token::ArrayEnd,
        }
    }

    fn expect(&mut self, wanted: char, words: &str) -> Result<(), Trouble> {
        match self.peek() {
            Some(found) if found == wanted => {
                self.at += 1;
                Ok(())
            }
            Some(other) => Err(self.unexpected(other, words)),
            None => Err(self.ended()),
        }
    }

    fn unexpected(&self, found: char, words: &str) -> Trouble {
        Trouble {
            reason: format!(
                "Unexpected character ('{found}' (code {})): {words}",
                u32::from(found)
            ),
            place: self.spot(self.at),
        }
    }

    fn ended(&self) -> Trouble {
        let reason = match self.open.last() {
            Some((is_object, at)) => {
                let kind = if *is_object { "Object" } else { "Array" };
                let start = self.spot(*at);
                format!(
                    "Unexpected end-of-input: expected close marker for {kind} (start marker at {start})"
                )
            }
            None => "Unexpected end-of-input".to_owned(),
        };
        let place = self.spot(self.at);
        Trouble { reason, place }
    }

    fn skip_blanks(&mut self) {
        while self
            .peek()
            .is_some_and(|it| matches!(it, ' ' | '\t' | '\n' | '\r'))
        {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn spot(&self, at: usize) -> Spot {
        let before = &self.chars[..at.min(self.chars.len())];
        let line = before.iter().filter(|it| **it == '\n').count() + 1;
        let start = before.iter().rposition(|it| *it == '\n');
        Spot {
            line,
            column: at - start.map_or(0, |at| at + 1) + 1,
        }
    }
}

fn separator(is_object: bool) -> String {
    let kind = if is_object { "Object" } else { "Array" };
    format!("was expecting comma to separate {kind} entries")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token> {
        let mut reader = Reader::new(text);
        let mut found = Vec::new();
        while let Ok(token) = reader.next() {
            found.push(token);
            if reader.open.is_empty() && reader.pending.is_none() {
                break;
            }
        }
        found
    }

    #[test]
    fn a_text_is_read_token_by_token() {
        let text = " {\"a\" : [1, -2.5e3, \"x\\n\\u00e9\", true,false , null, {}], \"b\":{\"c\":[]} } rest";
        let expected = [
            "{",
            "a",
            "[",
            "1",
            "-2.5e3",
            "x\n\u{e9}",
            "true",
            "false",
            "null",
            "{",
            "}",
            "]",
            "b",
            "{",
            "c",
            "[",
            "]",
            "}",
            "}",
        ];
        let found = tokens(text);
        assert_eq!(found.iter().map(Token::text).collect::<Vec<_>>(), expected);
        assert_eq!(check(text), Ok(()));
        assert_eq!(check("\"x\""), Ok(()));
    }

    #[test]
    fn trouble_is_told_in_the_words_of_aws() {
        let place = |column| {
            format!(
                "\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {column}]"
            )
        };
        // The first two are recorded.
        let cases = [
            (
                "{invalidjson}",
                "Unexpected character ('i' (code 105)): was expecting double-quote to start field name",
                2,
            ),
            (
                "invalid-json",
                "Unrecognized token 'invalid': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')",
                8,
            ),
            (
                "{\"a\" 1}",
                "Unexpected character ('1' (code 49)): was expecting a colon to separate field name and value",
                6,
            ),
            (
                "[1 2]",
                "Unexpected character ('2' (code 50)): was expecting comma to separate Array entries",
                4,
            ),
            (
                "{\"a\":\"b",
                "Unexpected end-of-input: was expecting closing quote for a string value",
                8,
            ),
        ];
        for (text, reason, column) in cases {
            let trouble = check(text).unwrap_err().to_string();
            assert_eq!(trouble, format!("{reason}{}", place(column)), "{text}");
        }
        let open = check("{\"a\":[1").unwrap_err().to_string();
        assert!(
            open.starts_with(
                "Unexpected end-of-input: expected close marker for Array (start marker at ["
            ),
            "{open}"
        );
    }

    #[test]
    fn texts_without_sense_are_refused_and_never_panic() {
        const ALPHABET: &[u8] = b"{}[]\":,\\u019.-etrufalsn \n";

        let ids = crate::ids::Ids::seeded(3);
        for _ in 0..20_000 {
            let length = ids.number() % 16;
            let letter = |number: u64| {
                char::from(ALPHABET[usize::try_from(number).unwrap() % ALPHABET.len()])
            };
            let text: String = (0..length).map(|_| letter(ids.number())).collect();
            if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                assert_eq!(check(&text), Ok(()), "{text}");
            } else {
                drop(check(&text));
            }
        }
    }
}
