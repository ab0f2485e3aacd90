//! Tokens to syntax trees: one parser with three grammars. Raises size, emptiness, syntax, redundant parentheses and
//! the number of operators; what names and values mean is checked later.
//!
//! Nothing here recurses with the length of the text but function calls, and those are counted.

use super::invalid;
use super::lexer::{Kind, Token, lex};
use super::syntax::{Call, Condition, Operand, Path, Step, Update};
use crate::engine::call::Fault;

mod conditions;
mod updates;

/// Longest expression in bytes.
const BYTES_MAX: usize = 4096;
/// Most operators in an expression.
const OPERATORS_MAX: usize = 300;
/// Deepest function call in a function call that is looked at; the service allows one or two levels.
const CALLS_MAX: usize = 64;

const COMPARATORS: [&str; 6] = ["=", "<>", "<", "<=", ">", ">="];
const CONDITION_KEYWORDS: &[&str] = &["AND", "OR", "NOT", "BETWEEN", "IN"];
const UPDATE_KEYWORDS: &[&str] = &["SET", "REMOVE", "ADD", "DELETE"];

/// Parses a condition, filter or key condition.
pub(super) fn condition<'t>(kind: &'static str, text: &'t str) -> Result<Condition<'t>, Fault> {
    let mut parser = Parser::new(kind, text, CONDITION_KEYWORDS)?;
    let condition = parser.condition()?;
    parser.check_parentheses()?;
    parser.check_operators(&["AND", "OR", "NOT", "IN"], &COMPARATORS)?;
    Ok(condition)
}

/// Parses an update.
pub(super) fn update<'t>(kind: &'static str, text: &'t str) -> Result<Update<'t>, Fault> {
    let mut parser = Parser::new(kind, text, UPDATE_KEYWORDS)?;
    let update = parser.update()?;
    parser.check_parentheses()?;
    parser.check_operators(&[], &["+", "-"])?;
    Ok(update)
}

/// Parses a projection.
pub(super) fn projection<'t>(kind: &'static str, text: &'t str) -> Result<Vec<Path<'t>>, Fault> {
    let mut parser = Parser::new(kind, text, &[])?;
    let paths = parser.list(Parser::path)?;
    parser.expect_end()?;
    Ok(paths)
}

struct Parser<'t> {
    /// The request's member, for errors.
    kind: &'static str,
    text: &'t str,
    tokens: Vec<Token<'t>>,
    at: usize,
    /// Words that are no names here.
    keywords: &'static [&'static str],
    calls: usize,
}

impl<'t> Parser<'t> {
    fn new(
        kind: &'static str,
        text: &'t str,
        keywords: &'static [&'static str],
    ) -> Result<Self, Fault> {
        if text.trim().is_empty() {
            return Err(invalid(kind, "The expression can not be empty;"));
        }
        if text.len() > BYTES_MAX {
            let words = "Expression size has exceeded the maximum allowed size;";
            // Only conditions and their like tell the size.
            return Err(if keywords == UPDATE_KEYWORDS {
                invalid(kind, words)
            } else {
                let size = text.len();
                invalid(kind, format_args!("{words} expression size: {size}"))
            });
        }
        Ok(Self {
            kind,
            text,
            tokens: lex(text),
            at: 0,
            keywords,
            calls: 0,
        })
    }

    /// The current token; the end again and again at the end.
    fn token(&self) -> Token<'t> {
        self.tokens[self.at]
    }

    fn next(&mut self) -> Token<'t> {
        let token = self.token();
        self.at = (self.at + 1).min(self.tokens.len() - 1);
        token
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.token().is_symbol(symbol);
        if found {
            self.next();
        }
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.token().is_word(word);
        if found {
            self.next();
        }
        found
    }

    fn expect_symbol(&mut self, symbol: &str) -> Result<(), Fault> {
        if self.take_symbol(symbol) {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    fn expect_end(&self) -> Result<(), Fault> {
        if self.token().kind == Kind::End {
            Ok(())
        } else {
            Err(self.error())
        }
    }

    /// The current token is not what the grammar wants; `near` runs from the token before to the one after.
    fn error(&self) -> Fault {
        let token = self.token();
        let name = match token.kind {
            Kind::End => "<EOF>",
            _ => token.text,
        };
        let from = self.at.checked_sub(1).map_or(token, |at| self.tokens[at]);
        let to = self.tokens.get(self.at + 1).unwrap_or(&token);
        let to = if token.kind == Kind::End {
            from.end()
        } else {
            to.end().max(token.end())
        };
        let near = self.text[from.start..to].trim_end();
        invalid(
            self.kind,
            format_args!("Syntax error; token: \"{name}\", near: \"{near}\""),
        )
    }

    /// `item, item, …`
    fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut items = vec![item(self)?];
        while self.take_symbol(",") {
            items.push(item(self)?);
        }
        Ok(items)
    }

    fn is_name(&self) -> bool {
        let token = self.token();
        match token.kind {
            Kind::Name => true,
            Kind::Word => !self.keywords.iter().any(|it| token.is_word(it)),
            _ => false,
        }
    }

    fn name(&mut self) -> Result<Step<'t>, Fault> {
        if !self.is_name() {
            return Err(self.error());
        }
        let token = self.next();
        Ok(match token.kind {
            Kind::Name => Step::Placeholder(token.text),
            _ => Step::Word(token.text),
        })
    }

    fn path(&mut self) -> Result<Path<'t>, Fault> {
        let mut path = vec![self.name()?];
        self.path_tail(&mut path)?;
        Ok(path)
    }

    fn path_tail(&mut self, path: &mut Path<'t>) -> Result<(), Fault> {
        loop {
            if self.take_symbol(".") {
                path.push(self.name()?);
            } else if self.take_symbol("[") {
                if self.token().kind != Kind::Number {
                    return Err(self.error());
                }
                path.push(Step::Index(self.next().text));
                self.expect_symbol("]")?;
            } else {
                return Ok(());
            }
        }
    }

    /// A path, value or call, without parentheses around it.
    fn bare_operand(&mut self) -> Result<Operand<'t>, Fault> {
        let token = self.token();
        if token.kind == Kind::Value {
            return Ok(Operand::Value(self.next().text));
        }
        let is_call = self
            .tokens
            .get(self.at + 1)
            .is_some_and(|it| it.is_symbol("("));
        if token.kind == Kind::Word && self.is_name() && is_call {
            return self.call().map(Operand::Call);
        }
        self.path().map(Operand::Path)
    }

    fn call(&mut self) -> Result<Call<'t>, Fault> {
        let name = self.next().text;
        if self.calls == CALLS_MAX {
            return Err(super::functions::misused(self.kind, name));
        }
        self.calls += 1;
        self.expect_symbol("(")?;
        let operands = self.list(Self::operand)?;
        self.expect_symbol(")")?;
        self.calls -= 1;
        Ok(Call { name, operands })
    }

    /// An operand that may stand in parentheses.
    fn operand(&mut self) -> Result<Operand<'t>, Fault> {
        let mut open = 0;
        while self.take_symbol("(") {
            open += 1;
        }
        let mut operand = self.bare_operand()?;
        for _ in 0..open {
            self.expect_symbol(")")?;
            self.grouped_path_tail(&mut operand)?;
        }
        Ok(operand)
    }

    /// Conditions, and only they, allow `(a.b).c`.
    fn grouped_path_tail(&mut self, operand: &mut Operand<'t>) -> Result<(), Fault> {
        match operand {
            Operand::Path(path) if self.keywords == CONDITION_KEYWORDS => self.path_tail(path),
            _ => Ok(()),
        }
    }

    /// Two pairs of parentheses around the same thing.
    fn check_parentheses(&self) -> Result<(), Fault> {
        let mut open = Vec::new();
        // Where the pair that closed last stood.
        let mut last = None;
        for (at, token) in self.tokens.iter().enumerate() {
            if token.is_symbol("(") {
                open.push(at);
            } else if token.is_symbol(")") {
                let Some(start) = open.pop() else { continue };
                if last == Some((start + 1, at - 1)) && !self.opens_a_list(start) {
                    return Err(invalid(
                        self.kind,
                        "The expression has redundant parentheses;",
                    ));
                }
                last = Some((start, at));
            }
        }
        Ok(())
    }

    /// Whether the parenthesis belongs to a call or an `IN`.
    fn opens_a_list(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|before| {
            let token = self.tokens[before];
            let keyword = self.keywords.iter().find(|it| token.is_word(it));
            token.kind == Kind::Word && keyword.is_none_or(|it| *it == "IN")
        })
    }

    /// `AND` of a `BETWEEN` stands for the `BETWEEN` itself.
    fn check_operators(&self, words: &[&str], symbols: &[&str]) -> Result<(), Fault> {
        let is_operator = |token: &&Token<'_>| {
            words.iter().any(|it| token.is_word(it)) || symbols.iter().any(|it| token.is_symbol(it))
        };
        if self.tokens.iter().filter(is_operator).count() > OPERATORS_MAX {
            // The service stops counting there.
            return Err(invalid(
                self.kind,
                format_args!(
                    "The expression contains too many operators; operator count: {}",
                    OPERATORS_MAX + 1
                ),
            ));
        }
        Ok(())
    }
}
