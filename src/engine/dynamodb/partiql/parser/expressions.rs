//! The grammar of expressions: operators by how tightly they bind, terms, literals, calls.

use super::super::ast::{Expr, Node, Place};
use super::super::keywords::{is_function, is_operator};
use super::super::lexer::{Kind, Token};
use super::{Parser, malformed};
use crate::engine::call::Fault;

/// Deepest nesting of an expression. Values may have 32 levels, and conditions that programs write hardly more.
const DEPTH_MAX: usize = 100;
/// Levels that a statement within an expression counts for: it takes more of the stack.
const STATEMENT_DEPTH: usize = 10;

// How tightly operators bind, the loosest first.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARISON: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;
const SIGN: u8 = 7;

const TYPES: [&str; 30] = [
    "any",
    "bag",
    "blob",
    "bool",
    "boolean",
    "char",
    "character",
    "clob",
    "date",
    "dec",
    "decimal",
    "double",
    "float",
    "int",
    "int2",
    "int4",
    "int8",
    "integer",
    "list",
    "missing",
    "null",
    "numeric",
    "real",
    "sexp",
    "smallint",
    "string",
    "struct",
    "symbol",
    "tuple",
    "varchar",
];

impl Parser {
    pub(super) fn expression(&mut self) -> Result<Expr, Fault> {
        self.bound(OR)
    }

    /// An expression of operators that bind at least so tightly.
    fn bound(&mut self, least: u8) -> Result<Expr, Fault> {
        self.deeper(1)?;
        let mut left = self.prefix()?;
        while let Some((operator, binds)) = self.operator().filter(|(_, binds)| *binds >= least) {
            left = self.infix(left, operator, binds)?;
        }
        self.depth -= 1;
        Ok(left)
    }

    fn deeper(&mut self, levels: usize) -> Result<(), Fault> {
        self.depth += levels;
        if self.depth > DEPTH_MAX {
            return Err(too_deep());
        }
        Ok(())
    }

    /// The operator that stands here, after an operand.
    fn operator(&self) -> Option<(&'static str, u8)> {
        let (operator, binds) = match *self.kind() {
            Kind::Symbol(it @ ("+" | "-" | "||")) => (it, SUM),
            Kind::Symbol(it @ ("*" | "/" | "%")) => (it, PRODUCT),
            Kind::Keyword("or") => ("or", OR),
            Kind::Keyword("and") => ("and", AND),
            Kind::Symbol(it @ ("=" | "<>" | "<" | "<=" | ">" | ">="))
            | Kind::Keyword(it @ ("is" | "in" | "between" | "like")) => (it, COMPARISON),
            Kind::Keyword("not") => match *self.kind_after() {
                Kind::Keyword("in" | "between" | "like") => ("not", COMPARISON),
                _ => return None,
            },
            _ => return None,
        };
        Some((operator, binds))
    }

    fn infix(&mut self, left: Expr, operator: &'static str, binds: u8) -> Result<Expr, Fault> {
        self.next();
        if binds >= COMPARISON && !left.node.is_term() {
            // `a + b + c` nests to the left, without end.
            self.chained += 1;
            if self.chained > DEPTH_MAX {
                return Err(too_deep());
            }
        }
        let place = left.place;
        let negated = operator == "not";
        let operator = match (negated, self.operator()) {
            (true, Some((operator, _))) => {
                self.next();
                operator
            }
            _ => operator,
        };
        let node = match operator {
            "is" => return self.type_test(left),
            "in" => Node::In(Box::new(left), Box::new(self.members()?)),
            "between" => {
                let low = self.operand(SUM)?;
                if !self.take_keyword("and") {
                    return Err(malformed("Expected AND after BETWEEN"));
                }
                Node::Between(Box::new(left), Box::new(low), Box::new(self.operand(SUM)?))
            }
            "or" => Node::Or(chain(left, self.operand(AND)?, |node| match node {
                Node::Or(all) => Ok(all),
                other => Err(other),
            })),
            "and" => Node::And(chain(left, self.operand(NOT)?, |node| match node {
                Node::And(all) => Ok(all),
                other => Err(other),
            })),
            _ => Node::Infix(operator, Box::new(left), Box::new(self.operand(binds + 1)?)),
        };
        let expr = Expr { node, place };
        Ok(if negated { not(expr) } else { expr })
    }

    /// The right-hand side of an operator.
    fn operand(&mut self, least: u8) -> Result<Expr, Fault> {
        if *self.kind() == Kind::End || self.is_symbol(";") {
            return Err(malformed(
                "Missing right-hand side expression of infix operator",
            ));
        }
        self.bound(least)
    }

    /// After `IN`: a list in either kind of brackets, or something that stands for one.
    fn members(&mut self) -> Result<Expr, Fault> {
        let place = self.place();
        if self.is_symbol("(") {
            self.next();
            let node = Node::List(self.elements(")")?);
            return Ok(Expr { node, place });
        }
        self.operand(SUM)
    }

    /// After `IS`.
    fn type_test(&mut self, left: Expr) -> Result<Expr, Fault> {
        let place = left.place;
        let negated = self.take_keyword("not");
        let name = match self.next().kind {
            Kind::Keyword(name) => name.to_owned(),
            Kind::Name(name) => name.to_ascii_lowercase(),
            _ => String::new(),
        };
        let Some(name) = TYPES.into_iter().find(|it| *it == name) else {
            return Err(malformed("Expected type name"));
        };
        if name == "double" && !self.take_keyword("precision") {
            return Err(malformed("Expected type name"));
        }
        if name == "character" {
            self.take_keyword("varying");
        }
        let node = Node::Is(Box::new(left), name);
        let expr = Expr { node, place };
        Ok(if negated { not(expr) } else { expr })
    }

    fn prefix(&mut self) -> Result<Expr, Fault> {
        match *self.kind() {
            Kind::Keyword("not") => self.negation(),
            Kind::Symbol(sign @ ("+" | "-")) => self.signed(sign),
            _ => self.term(),
        }
    }

    fn negation(&mut self) -> Result<Expr, Fault> {
        let place = self.next().place;
        let inner = self.bound(NOT)?;
        Ok(Expr {
            place,
            ..not(inner)
        })
    }

    fn signed(&mut self, sign: &'static str) -> Result<Expr, Fault> {
        let place = self.next().place;
        let inner = self.bound(SIGN)?;
        Ok(with_sign(sign, inner, place))
    }

    // What nests is kept apart from what does not: it keeps the stack small.
    fn term(&mut self) -> Result<Expr, Fault> {
        let is_called = matches!(self.kind_after(), Kind::Symbol("("));
        match *self.kind() {
            Kind::Symbol("(") => self.parenthesis(),
            Kind::Symbol(open @ ("[" | "<<" | "{")) => self.collection(open),
            Kind::Name(_) if is_called => self.call(),
            Kind::Keyword(name) if is_called && is_function(name) => self.call(),
            Kind::Keyword(keyword @ ("select" | "from")) => self.statement_within(keyword),
            _ => self.leaf(),
        }
    }

    /// A term without terms of its own.
    fn leaf(&mut self) -> Result<Expr, Fault> {
        let Token { kind, place } = self.next();
        let node = match kind {
            Kind::Name(name) => Node::Path(self.path_tail(name)?),
            Kind::Text(text) => Node::Text(text),
            Kind::Number(text) => Node::Number(text),
            Kind::Parameter => {
                self.parameters += 1;
                Node::Parameter(self.parameters - 1)
            }
            Kind::Keyword("true") => Node::Bool(true),
            Kind::Keyword("false") => Node::Bool(false),
            Kind::Keyword("null") => Node::Null,
            Kind::Keyword("missing") => Node::Missing,
            Kind::Keyword(keyword) if !is_operator(keyword) => {
                return Err(malformed("Unexpected keyword"));
            }
            Kind::Keyword(_)
            | Kind::Symbol("=" | "<>" | "<" | "<=" | ">" | ">=" | "||" | "/" | "%") => {
                return Err(malformed("Unexpected operator"));
            }
            Kind::Symbol(_) | Kind::End => return Err(malformed("Unexpected term")),
        };
        Ok(Expr { node, place })
    }

    fn collection(&mut self, open: &'static str) -> Result<Expr, Fault> {
        let place = self.next().place;
        let node = match open {
            "[" => Node::List(self.elements("]")?),
            "<<" => Node::Bag(self.elements(">>")?),
            _ => Node::Struct(self.members_of_struct()?),
        };
        Ok(Expr { node, place })
    }

    fn statement_within(&mut self, keyword: &str) -> Result<Expr, Fault> {
        let place = self.place();
        self.deeper(STATEMENT_DEPTH)?;
        let node = if keyword == "select" {
            Node::Select(Box::new(self.select()?))
        } else {
            self.reversed_update()?;
            Node::Other("DataManipulation")
        };
        self.depth -= STATEMENT_DEPTH;
        Ok(Expr { node, place })
    }

    fn call(&mut self) -> Result<Expr, Fault> {
        let Token { kind, place } = self.next();
        let name = match kind {
            Kind::Name(name) => name.to_ascii_lowercase(),
            Kind::Keyword(name) => name.to_owned(),
            _ => String::new(),
        };
        self.next();
        let operands = if self.is_symbol("*") {
            vec![self.star()?]
        } else {
            self.elements(")")?
        };
        let node = Node::Call(name, operands);
        Ok(Expr { node, place })
    }

    /// The operand of `COUNT(*)`.
    fn star(&mut self) -> Result<Expr, Fault> {
        let place = self.next().place;
        self.expect_symbol(")", "Expected )")?;
        let node = Node::Other("Star");
        Ok(Expr { node, place })
    }

    fn parenthesis(&mut self) -> Result<Expr, Fault> {
        let place = self.next().place;
        let first = self.expression()?;
        if self.take_symbol(")") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.take_symbol(",") {
            all.push(self.expression()?);
        }
        self.expect_symbol(")", "Expected )")?;
        let node = Node::List(all);
        Ok(Expr { node, place })
    }

    /// Expressions until the closing bracket, which is taken as well.
    fn elements(&mut self, close: &'static str) -> Result<Vec<Expr>, Fault> {
        let mut elements = Vec::new();
        if self.take_symbol(close) {
            return Ok(elements);
        }
        loop {
            elements.push(self.expression()?);
            if self.take_symbol(close) {
                return Ok(elements);
            }
            self.expect_symbol(",", &format!("Expected {close}"))?;
        }
    }

    fn members_of_struct(&mut self) -> Result<Vec<(Expr, Expr)>, Fault> {
        let mut members = Vec::new();
        if self.take_symbol("}") {
            return Ok(members);
        }
        loop {
            let name = self.expression()?;
            self.expect_symbol(":", "Expected :")?;
            members.push((name, self.expression()?));
            if self.take_symbol("}") {
                return Ok(members);
            }
            self.expect_symbol(",", "Expected }")?;
        }
    }
}

fn too_deep() -> Fault {
    malformed("Expression is nested too deeply")
}

fn with_sign(sign: &'static str, inner: Expr, place: Place) -> Expr {
    let node = match inner.node {
        Node::Number(text) if sign == "+" => Node::Number(text),
        Node::Number(text) if !text.starts_with('-') => Node::Number(format!("-{text}")),
        node => {
            let place = inner.place;
            Node::Sign(sign, Box::new(Expr { node, place }))
        }
    };
    Expr { node, place }
}

fn not(inner: Expr) -> Expr {
    let place = inner.place;
    let node = Node::Not(Box::new(inner));
    Expr { node, place }
}

/// `a AND b AND c` is one list of three.
fn chain(left: Expr, right: Expr, open: fn(Node) -> Result<Vec<Expr>, Node>) -> Vec<Expr> {
    let place = left.place;
    let mut all = match open(left.node) {
        Ok(all) => all,
        Err(node) => vec![Expr { node, place }],
    };
    all.push(right);
    all
}
