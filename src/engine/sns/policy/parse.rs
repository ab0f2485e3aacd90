//! From the text of a filter policy to its tree, or AWS's words about why not. Pure.

use serde_json::Value;

use super::cidr::Cidr;
use super::{COMBINATIONS_MAX, Range, Test};
use crate::engine::sns::json::{Reader, Token};

/// One thing a policy wants, in the order it was written.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Member {
    Field(String, Node),
    /// `$or`
    Either(Vec<Vec<Self>>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Branch(Vec<Member>),
    Leaf(Vec<Test>),
}

/// Names that stand for operators, which no attribute below `$or` may have.
const RESERVED: [&str; 13] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
];
const ONE_KEY: &str = "Only one key allowed in match expression";
const NUMERIC_ELEMENTS: &str = "Too many elements in numeric expression";

/// What a policy wants.
pub(super) fn policy(text: &str) -> Result<Vec<Member>, String> {
    let mut parser = Parser(Reader::new(text));
    if parser.next()? != Token::ObjectStart {
        return Err(parser.wrong("Filter is not an object"));
    }
    parser.object(false, 1)
}

struct Parser(Reader);

impl Parser {
    fn next(&mut self) -> Result<Token, String> {
        self.0.next().map_err(|trouble| trouble.to_string())
    }

    /// A refusal with the place the reader is at.
    fn wrong(&self, reason: impl Into<String>) -> String {
        self.0.trouble(reason).to_string()
    }

    /// The members of an object that was opened.
    fn object(&mut self, is_alternative: bool, depth: u64) -> Result<Vec<Member>, String> {
        // A leaf counts as often as it is deep, so nothing deeper can be allowed.
        if depth > COMBINATIONS_MAX {
            return Err("Filter policy is too complex".to_owned());
        }
        let mut members = Vec::new();
        while let Token::Name(name) = self.next()? {
            if name == "$or" {
                members.push(self.either(depth)?);
                continue;
            }
            if is_alternative && RESERVED.contains(&name.as_str()) {
                return Err(self.wrong(format!(
                    "{name} is Ruler reserved fieldName which cannot be used inside $or."
                )));
            }
            let node = match self.next()? {
                Token::ObjectStart => Node::Branch(self.object(is_alternative, depth + 1)?),
                Token::ArrayStart => Node::Leaf(self.tests()?),
                _ => {
                    return Err(self.wrong(format!("\"{name}\" must be an object or an array")));
                }
            };
            members.push(Member::Field(name, node));
        }
        if members.is_empty() {
            return Err(self.wrong("Empty objects are not allowed"));
        }
        Ok(members)
    }

    fn either(&mut self, depth: u64) -> Result<Member, String> {
        if self.next()? != Token::ArrayStart {
            return Err(self.wrong("It must be an Array followed with $or."));
        }
        let mut branches = Vec::new();
        loop {
            match self.next()? {
                Token::ArrayEnd => break,
                Token::ObjectStart => branches.push(self.object(true, depth)?),
                _ => {
                    return Err(
                        self.wrong("Only JSON object is allowed in array of $or relationship.")
                    );
                }
            }
        }
        if branches.len() < 2 {
            return Err(self.wrong("There must have at least 2 Objects in $or relationship."));
        }
        Ok(Member::Either(branches))
    }

    /// The alternatives of a list that was opened.
    fn tests(&mut self) -> Result<Vec<Test>, String> {
        let mut tests = Vec::new();
        loop {
            let token = self.next()?;
            match token {
                Token::ArrayEnd => break,
                Token::ObjectStart => tests.push(self.operator()?),
                Token::Text(_) => {
                    self.0.finish_text();
                    tests.push(Test::Equals(scalar(&token)));
                }
                Token::Number(_) | Token::True | Token::False | Token::Null => {
                    tests.push(Test::Equals(scalar(&token)));
                }
                _ => {
                    let reason = "Match value must be String, number, true, false, or null";
                    return Err(self.wrong(reason));
                }
            }
        }
        if tests.is_empty() {
            return Err(self.wrong("Empty arrays are not allowed"));
        }
        Ok(tests)
    }

    /// The one member of an object that was opened, and the object's end.
    fn operator(&mut self) -> Result<Test, String> {
        let Token::Name(name) = self.next()? else {
            return Err(self.wrong("Match expression name not found"));
        };
        let test = match name.as_str() {
            "prefix" => Test::Prefix(self.text("prefix")?),
            "suffix" => Test::Suffix(self.text("suffix")?),
            "equals-ignore-case" => Test::EqualsIgnoreCase(self.text("equals-ignore-case")?),
            // AWS's words name the wrong operator.
            "cidr" => Test::Cidr(Cidr::parse(&self.text("prefix")?)?),
            "exists" => match self.next()? {
                Token::True => Test::Exists(true),
                Token::False => Test::Exists(false),
                _ => {
                    let reason = "exists match pattern must be either true or false.";
                    return Err(self.wrong(reason));
                }
            },
            "numeric" => {
                if self.next()? != Token::ArrayStart {
                    return Err(self.wrong("Value of numeric must be an array."));
                }
                let range = self.numeric()?;
                self.end(NUMERIC_ELEMENTS)?;
                return Ok(Test::Numeric(range));
            }
            "anything-but" => {
                let test = self.anything_but()?;
                self.end(NUMERIC_ELEMENTS)?;
                return Ok(test);
            }
            _ => return Err(self.wrong(format!("Unrecognized match type {name}"))),
        };
        self.end(ONE_KEY)?;
        Ok(test)
    }

    /// The end of an object.
    fn end(&mut self, otherwise: &str) -> Result<(), String> {
        if self.next()? == Token::ObjectEnd {
            return Ok(());
        }
        Err(self.wrong(otherwise))
    }

    fn text(&mut self, operator: &str) -> Result<String, String> {
        let Token::Text(text) = self.next()? else {
            return Err(self.wrong(format!("{operator} match pattern must be a string")));
        };
        self.0.finish_text();
        Ok(text)
    }

    fn anything_but(&mut self) -> Result<Test, String> {
        match self.next()? {
            Token::ObjectStart => {
                let Token::Name(name) = self.next()? else {
                    return Err(self.wrong("Anything-But expression name not found"));
                };
                if name != "prefix" {
                    return Err(self.wrong(format!("Unsupported anything-but pattern: {name}")));
                }
                let head = self.text("prefix")?;
                if head.is_empty() {
                    return Err(self.wrong("Null prefix/suffix not allowed"));
                }
                self.end(NUMERIC_ELEMENTS)?;
                Ok(Test::AnythingButPrefix(head))
            }
            Token::ArrayStart => self.unwanted(),
            token @ (Token::Text(_) | Token::Number(_)) => {
                self.0.finish_text();
                Ok(Test::AnythingBut(vec![scalar(&token)]))
            }
            _ => {
                Err(self
                    .wrong("Value of anything-but must be an array or single string/number value."))
            }
        }
    }

    /// A list of texts, or one of numbers.
    fn unwanted(&mut self) -> Result<Test, String> {
        let mut values = Vec::new();
        loop {
            let token = self.next()?;
            match token {
                Token::ArrayEnd => break,
                Token::Text(_) | Token::Number(_) => {
                    self.0.finish_text();
                    values.push(scalar(&token));
                }
                _ => {
                    // AWS tells the place twice.
                    let reason = "Inside anything but list, start|null|boolean is not supported.";
                    return Err(self.wrong(self.wrong(reason)));
                }
            }
        }
        let numbers = values.iter().filter(|it| it.is_number()).count();
        if values.is_empty() || numbers != 0 && numbers != values.len() {
            return Err(self.wrong(
                "Inside anything but list, either all values are number or string, mixed type is not supported",
            ));
        }
        Ok(Test::AnythingBut(values))
    }

    /// `["=", n]`, one bound, or a lower and an upper one, of a list that was opened.
    fn numeric(&mut self) -> Result<Range, String> {
        let first = self.next()?;
        let Token::Text(operator) = &first else {
            let reason = format!("Invalid member in numeric match: {}", first.text());
            return Err(self.wrong(reason));
        };
        self.0.finish_text();
        let value = self.next()?;
        let shown = match operator.as_str() {
            "=" => "equals",
            "<" | "<=" | ">" | ">=" => operator,
            _ => {
                let reason = format!("Unrecognized numeric range operator: {operator}");
                return Err(self.wrong(reason));
            }
        };
        let value = self.number(&value, shown)?;
        let next = self.next()?;
        let belongs = operator.ends_with('=');
        let mut range = Range {
            bottom: (!operator.starts_with('<')).then_some((value, belongs)),
            top: (!operator.starts_with('>')).then_some((value, belongs)),
        };
        if next == Token::ArrayEnd {
            return Ok(range);
        }
        if !operator.starts_with('>') {
            return Err(self.wrong(NUMERIC_ELEMENTS));
        }
        range.top = Some(self.top(&next, value)?);
        Ok(range)
    }

    /// The upper bound of a range, from its operator on.
    fn top(&mut self, operator: &Token, bottom: f64) -> Result<(f64, bool), String> {
        let Token::Text(operator) = operator else {
            let reason = format!("Bad value in numeric range: {}", operator.text());
            return Err(self.wrong(reason));
        };
        self.0.finish_text();
        if operator != "<" && operator != "<=" {
            return Err(self.wrong(format!("Bad numeric range operator: {operator}")));
        }
        let top = self.next()?;
        let top = self.number(&top, operator)?;
        if self.next()? != Token::ArrayEnd {
            return Err(self.wrong("Too many terms in numeric range expression"));
        }
        if top <= bottom {
            return Err(self.wrong("Bottom must be less than top"));
        }
        Ok((top, operator == "<="))
    }

    fn number(&self, token: &Token, operator: &str) -> Result<f64, String> {
        let number = match token {
            Token::Number(text) => text.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(format!("Value of {operator} must be numeric")))
    }
}

fn scalar(token: &Token) -> Value {
    match token {
        Token::Text(text) => Value::from(text.as_str()),
        // The reader has looked whether it is one.
        Token::Number(text) => serde_json::from_str(text).unwrap_or_default(),
        Token::True => true.into(),
        Token::False => false.into(),
        _ => Value::Null,
    }
}
