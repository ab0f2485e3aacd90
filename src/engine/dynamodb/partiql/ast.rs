//! What a PartiQL statement says, before parameters are filled in and before its table is known. Plain data.

use std::fmt;

use crate::engine::dynamodb::expression::ast::Path;

/// Line, column and length of a token: letters, counted from 1. Printed as the service prints it: `1:8:5`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
    pub length: usize,
}

impl Place {
    /// The place of a name that stands at the beginning of this.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        let length = name.chars().count();
        Self { length, ..self }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.line, self.column, self.length)
    }
}

/// A statement and how many parameters it asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    pub action: Action,
    pub parameters: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Select(Select),
    Insert(Insert),
    Update(Update),
    Delete(Delete),
    /// `EXISTS(SELECT …)`: the condition check of a transaction.
    Exists(Select),
}

/// A table as written, or one of its indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub table: String,
    pub index: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// `None` for `*`.
    pub projection: Option<Vec<Path>>,
    pub from: Source,
    pub condition: Option<Expr>,
    /// Attributes and whether they descend; in the order written.
    pub order: Vec<(Path, bool)>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Insert {
    pub into: Source,
    pub value: Expr,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Update {
    pub table: Source,
    pub changes: Vec<Change>,
    pub condition: Option<Expr>,
    pub returning: Option<Returning>,
}

/// One assignment of a `SET`, or a `REMOVE`.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    Set(Path, Expr),
    Remove(Path),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Delete {
    pub from: Source,
    pub condition: Option<Expr>,
    pub returning: Option<Returning>,
}

/// `RETURNING ALL OLD *` and its three siblings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Returning {
    /// The whole item, or only what the statement changed.
    pub all: bool,
    pub new: bool,
}

impl fmt::Display for Returning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = if self.all { "ALL" } else { "MODIFIED" };
        let time = if self.new { "NEW" } else { "OLD" };
        write!(f, "RETURNING {part} {time} *")
    }
}

/// An expression and where it begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub node: Node,
    pub place: Place,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Path(Path),
    /// `?`, counted from 0.
    Parameter(usize),
    Text(String),
    /// As written, with its sign.
    Number(String),
    Bool(bool),
    Null,
    Missing,
    List(Vec<Expr>),
    Bag(Vec<Expr>),
    Struct(Vec<(Expr, Expr)>),
    /// The name in lower case.
    Call(String, Vec<Expr>),
    Not(Box<Expr>),
    /// A sign before something that is no number.
    Sign(&'static str, Box<Expr>),
    And(Vec<Expr>),
    Or(Vec<Expr>),
    /// Comparisons, arithmetic, `||` and `like`.
    Infix(&'static str, Box<Expr>, Box<Expr>),
    Between(Box<Expr>, Box<Expr>, Box<Expr>),
    In(Box<Expr>, Box<Expr>),
    /// A type's name in lower case.
    Is(Box<Expr>, &'static str),
    Select(Box<Select>),
    /// What parses but never runs as an expression: the service's name for it.
    Other(&'static str),
}

impl Node {
    /// Whether no operator made it.
    pub(super) fn is_term(&self) -> bool {
        !matches!(
            self,
            Self::Not(_)
                | Self::Sign(..)
                | Self::And(_)
                | Self::Or(_)
                | Self::Infix(..)
                | Self::Between(..)
                | Self::In(..)
                | Self::Is(..)
        )
    }

    /// What the service calls an expression of this kind where it has no use for it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Path(path) if path.is_nested() => "Path",
            Self::Path(_) => "Id",
            Self::Parameter(_) => "Parameter",
            Self::Text(_) | Self::Number(_) | Self::Bool(_) | Self::Null => "Lit",
            Self::Missing => "Missing",
            Self::List(_) => "List",
            Self::Bag(_) => "Bag",
            Self::Struct(_) => "Struct",
            Self::Call(..) => "Call",
            Self::Not(_) => "Not",
            Self::Sign("-", _) => "Neg",
            Self::Sign(..) => "Pos",
            Self::And(_) => "And",
            Self::Or(_) => "Or",
            Self::Infix(operator, ..) => match *operator {
                "=" => "Eq",
                "<>" => "Ne",
                "<" => "Lt",
                "<=" => "Lte",
                ">" => "Gt",
                ">=" => "Gte",
                "+" => "Plus",
                "-" => "Minus",
                "*" => "Times",
                "/" => "Divide",
                "%" => "Modulo",
                "||" => "Concat",
                _ => "Like",
            },
            Self::Between(..) => "Between",
            Self::In(..) => "InCollection",
            Self::Is(..) => "IsType",
            Self::Select(_) => "Select",
            Self::Other(name) => name,
        }
    }
}
