//! Tokens to statements. Refusals are worded as the service words them.
//!
//! What is well formed but not for DynamoDB (an alias, an index to write to) is refused only after the whole statement
//! was read, as the service does it: a syntax error further on comes first.

use super::ast::{
    Action, Change, Delete, Expr, Insert, Node, Place, Returning, Select, Source, Statement, Update,
};
use super::lexer::{Kind, Token, tokens};
use crate::engine::call::Fault;
use crate::engine::dynamodb::expression::ast::{Element, Path};

mod expressions;

/// Words after which more than one table is read.
const JOINS: [&str; 7] = ["cross", "full", "inner", "join", "left", "outer", "right"];

/// Reads one statement.
pub fn parse(text: &str) -> Result<Statement, Fault> {
    let tokens = tokens(text).ok_or_else(|| malformed(""))?;
    let mut parser = Parser {
        tokens,
        at: 0,
        depth: 0,
        chained: 0,
        parameters: 0,
        refusal: None,
    };
    let action = parser.statement()?;
    parser.take_symbol(";");
    if *parser.kind() != Kind::End {
        return Err(malformed("Unexpected token after expression"));
    }
    if let Some(refusal) = parser.refusal {
        return Err(refusal);
    }
    Ok(Statement {
        action: action.ok_or_else(|| malformed("Expected data manipulation"))?,
        parameters: parser.parameters,
    })
}

pub(super) fn malformed(detail: &str) -> Fault {
    Fault::validation(format!(
        "Statement wasn't well formed, can't be processed: {detail}"
    ))
}

pub(super) fn unsupported(node: &Node) -> Fault {
    Fault::validation(format!("Unsupported operation: {}", node.name()))
}

pub(super) fn unexpected_component(place: Place) -> Fault {
    Fault::validation(format!("Unexpected path component at {place}"))
}

struct Parser {
    /// Ends with [`Kind::End`].
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    /// Operators whose left-hand side is an operator's result.
    chained: usize,
    parameters: usize,
    /// What is wrong with a statement that is well formed; the first of it.
    refusal: Option<Fault>,
}

impl Parser {
    /// `None` for an expression that no statement may be; the refusal says so.
    fn statement(&mut self) -> Result<Option<Action>, Fault> {
        let Kind::Keyword(keyword) = *self.kind() else {
            return self.bare_expression();
        };
        match keyword {
            "select" => Ok(Some(Action::Select(self.select()?))),
            "insert" => self.insert(),
            "update" => Ok(Some(Action::Update(self.update()?))),
            "delete" => Ok(Some(Action::Delete(self.delete()?))),
            "from" => Ok(Some(Action::Update(self.reversed_update()?))),
            _ => self.bare_expression(),
        }
    }

    fn bare_expression(&mut self) -> Result<Option<Action>, Fault> {
        let expr = self.expression()?;
        if let Node::Call(name, operands) = &expr.node
            && name == "exists"
            && let [
                Expr {
                    node: Node::Select(select),
                    ..
                },
            ] = operands.as_slice()
        {
            return Ok(Some(Action::Exists(select.as_ref().clone())));
        }
        self.refuse(unsupported(&expr.node));
        Ok(None)
    }

    fn select(&mut self) -> Result<Select, Fault> {
        self.next();
        let place = self.place();
        if self.take_keyword("distinct") {
            self.refuse_clause("DISTINCT", place);
        } else if self.take_keyword("value") {
            self.refuse_clause("SELECT VALUE", place);
        } else {
            self.take_keyword("all");
        }
        let projection = self.projection()?;
        self.expect_keyword("from", "Expected FROM")?;
        let from = self.read_source()?;
        self.alias()?;
        if self.is_symbol(",") || JOINS.iter().any(|it| self.is_keyword(it)) {
            return Err(Fault::validation(
                "Only select from a single table or index is supported.",
            ));
        }
        let condition = self.condition()?;
        self.refuse_clauses(&["group", "having", "let"])?;
        let order = self.order()?;
        self.refuse_clauses(&["limit", "offset"])?;
        Ok(Select {
            projection,
            from,
            condition,
            order,
        })
    }

    fn projection(&mut self) -> Result<Option<Vec<Path>>, Fault> {
        let mut paths = Vec::new();
        let mut stars = 0;
        let mut items = 0;
        loop {
            items += 1;
            if self.take_symbol("*") {
                stars += 1;
            } else {
                let expr = self.expression()?;
                if self.take_keyword("as") {
                    self.name("Expected identifier for alias")?;
                    self.refuse_alias();
                }
                match expr.node {
                    Node::Path(path) => paths.push(path),
                    _ => self.refuse(unexpected_component(expr.place)),
                }
            }
            if !self.take_symbol(",") {
                break;
            }
        }
        if stars > 0 && items > 1 {
            self.refuse(Fault::validation(
                "Other attributes should not be present in the projection when '*' is used.",
            ));
        }
        Ok((stars == 0).then_some(paths))
    }

    fn order(&mut self) -> Result<Vec<(Path, bool)>, Fault> {
        let mut order = Vec::new();
        if !self.take_keyword("order") {
            return Ok(order);
        }
        self.expect_keyword("by", "Expected BY after ORDER")?;
        loop {
            let expr = self.expression()?;
            let descends = !self.take_keyword("asc") && self.take_keyword("desc");
            match expr.node {
                Node::Path(path) => order.push((path, descends)),
                _ => self.refuse(unexpected_component(expr.place)),
            }
            if !self.take_symbol(",") {
                return Ok(order);
            }
        }
    }

    /// `None` for the form of it that inserts many items.
    fn insert(&mut self) -> Result<Option<Action>, Fault> {
        self.next();
        self.expect_keyword("into", "Expected INTO after INSERT")?;
        let names = self.simple_names()?;
        if names.len() > 1 {
            self.refuse(Fault::validation(
                "FROM clause may only contain a single table name",
            ));
        }
        let into = self.source(names);
        if !self.take_keyword("value") {
            self.expression()?;
            self.refuse(unsupported(&Node::Other("Insert")));
            return Ok(None);
        }
        let value = self.expression()?;
        if let Some(returning) = self.returning()? {
            self.refuse(Fault::validation(format!(
                "Invalid returning clause: {returning}. RETURNING is not allowed in INSERT statements."
            )));
        }
        Ok(Some(Action::Insert(Insert { into, value })))
    }

    fn update(&mut self) -> Result<Update, Fault> {
        self.next();
        let table = self.written_table()?;
        let changes = self.changes()?;
        let condition = self.condition()?;
        let returning = self.returning()?;
        Ok(Update {
            table,
            changes,
            condition,
            returning,
        })
    }

    /// `FROM … WHERE … SET …`.
    fn reversed_update(&mut self) -> Result<Update, Fault> {
        self.next();
        let table = self.read_source()?;
        self.alias()?;
        self.refuse_index(&table);
        let condition = self.condition()?;
        let changes = self.changes()?;
        let returning = self.returning()?;
        Ok(Update {
            table,
            changes,
            condition,
            returning,
        })
    }

    fn delete(&mut self) -> Result<Delete, Fault> {
        self.next();
        self.expect_keyword("from", "Expected FROM after DELETE")?;
        let from = self.written_table()?;
        let condition = self.condition()?;
        let returning = self.returning()?;
        if let Some(returning) = returning.filter(|it| !it.all || it.new) {
            self.refuse(Fault::validation(format!(
                "Invalid returning clause: {returning}. Only RETURNING ALL OLD * is allowed in DELETE statements."
            )));
        }
        Ok(Delete {
            from,
            condition,
            returning,
        })
    }

    fn changes(&mut self) -> Result<Vec<Change>, Fault> {
        let mut changes = Vec::new();
        loop {
            if self.take_keyword("set") {
                loop {
                    let path = self.simple_path()?;
                    self.expect_symbol("=", "Expected assignment")?;
                    changes.push(Change::Set(path, self.expression()?));
                    if !self.take_symbol(",") {
                        break;
                    }
                }
            } else if self.take_keyword("remove") {
                changes.push(Change::Remove(self.simple_path()?));
            } else if changes.is_empty() {
                return Err(malformed("Expected data manipulation"));
            } else {
                return Ok(changes);
            }
        }
    }

    fn condition(&mut self) -> Result<Option<Expr>, Fault> {
        if self.take_keyword("where") {
            return self.expression().map(Some);
        }
        Ok(None)
    }

    fn returning(&mut self) -> Result<Option<Returning>, Fault> {
        if !self.take_keyword("returning") {
            return Ok(None);
        }
        let all = self.take_keyword("all");
        if !all {
            self.expect_keyword("modified", "Expected ALL or MODIFIED")?;
        }
        let new = self.take_keyword("new");
        if !new {
            self.expect_keyword("old", "Expected OLD or NEW")?;
        }
        self.expect_symbol("*", "Expected * in RETURNING")?;
        Ok(Some(Returning { all, new }))
    }

    /// A table or index to read.
    fn read_source(&mut self) -> Result<Source, Fault> {
        if matches!(self.kind(), Kind::Name(_)) {
            let names = self.simple_names()?;
            return Ok(self.source(names));
        }
        // Finds the words for what stands there instead.
        self.expression()?;
        Err(Fault::validation(
            "Only select from a single table or index is supported.",
        ))
    }

    /// A table to change.
    fn written_table(&mut self) -> Result<Source, Fault> {
        let names = self.simple_names()?;
        self.alias()?;
        let table = self.source(names);
        self.refuse_index(&table);
        Ok(table)
    }

    fn source(&mut self, names: Vec<String>) -> Source {
        if names.len() > 2 {
            self.refuse(Fault::validation(
                "A path may contain at most 2 components in the FROM clause",
            ));
        }
        if names.iter().any(String::is_empty) {
            self.refuse(Fault::validation(
                "Path component cannot be an empty string",
            ));
        }
        let mut names = names.into_iter();
        Source {
            table: names.next().unwrap_or_default(),
            index: names.next(),
        }
    }

    fn refuse_index(&mut self, table: &Source) {
        if table.index.is_some() {
            self.refuse(Fault::validation(
                "This operation is not supported on an index",
            ));
        }
    }

    /// `name.name`.
    fn simple_names(&mut self) -> Result<Vec<String>, Fault> {
        let mut names = vec![self.name("Expected identifier for simple path")?];
        while self.take_symbol(".") {
            names.push(self.name("Invalid path dot component")?);
        }
        Ok(names)
    }

    /// A document path to change.
    fn simple_path(&mut self) -> Result<Path, Fault> {
        let head = self.name("Expected identifier for simple path")?;
        self.path_tail(head)
    }

    /// `.name` and `[0]` after the first name.
    fn path_tail(&mut self, head: String) -> Result<Path, Fault> {
        let mut elements = vec![Element::Name(head)];
        loop {
            if self.take_symbol(".") {
                elements.push(Element::Name(self.name("Invalid path dot component")?));
            } else if self.take_symbol("[") {
                elements.push(match self.next().kind {
                    Kind::Text(name) => Element::Name(name),
                    Kind::Number(index) => match index.parse() {
                        Ok(index) => Element::Index(index),
                        Err(_) => return Err(malformed("Invalid path component")),
                    },
                    Kind::End => return Err(malformed("Unexpected term")),
                    _ => return Err(malformed("Invalid path component")),
                });
                self.expect_symbol("]", "Expected ]")?;
            } else {
                return Ok(Path::from_elements(elements));
            }
        }
    }

    /// Another name for a table: refused, like all of them.
    fn alias(&mut self) -> Result<(), Fault> {
        if self.take_keyword("as") || self.take_keyword("at") || self.take_keyword("by") {
            self.name("Expected identifier for alias")?;
            self.refuse_alias();
        } else if matches!(self.kind(), Kind::Name(_)) {
            self.next();
            self.refuse_alias();
        }
        Ok(())
    }

    fn refuse_alias(&mut self) {
        self.refuse(Fault::validation("Aliasing is not supported"));
    }

    /// Clauses of SQL that DynamoDB does not know; what follows them is not looked at.
    fn refuse_clauses(&mut self, keywords: &[&str]) -> Result<(), Fault> {
        match keywords.iter().find(|it| self.is_keyword(it)) {
            None => Ok(()),
            Some(keyword) => {
                let name = match *keyword {
                    "group" => "GROUP BY".to_owned(),
                    other => other.to_uppercase(),
                };
                Err(Fault::validation(format!(
                    "Unsupported clause: {name} at {}",
                    self.place()
                )))
            }
        }
    }

    fn refuse_clause(&mut self, name: &str, place: Place) {
        self.refuse(Fault::validation(format!(
            "Unsupported clause: {name} at {place}"
        )));
    }

    fn refuse(&mut self, fault: Fault) {
        self.refusal.get_or_insert(fault);
    }

    fn name(&mut self, otherwise: &str) -> Result<String, Fault> {
        if let Kind::Name(name) = self.kind() {
            let name = name.clone();
            self.next();
            return Ok(name);
        }
        Err(malformed(otherwise))
    }

    fn kind(&self) -> &Kind {
        self.tokens.get(self.at).map_or(&Kind::End, |it| &it.kind)
    }

    fn kind_after(&self) -> &Kind {
        self.tokens
            .get(self.at + 1)
            .map_or(&Kind::End, |it| &it.kind)
    }

    fn place(&self) -> Place {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map(|it| it.place).unwrap_or_default()
    }

    fn next(&mut self) -> Token {
        let token = Token {
            kind: self.kind().clone(),
            place: self.place(),
        };
        self.at += 1;
        token
    }

    fn is_keyword(&self, keyword: &str) -> bool {
        matches!(self.kind(), Kind::Keyword(it) if *it == keyword)
    }

    fn is_symbol(&self, symbol: &str) -> bool {
        matches!(self.kind(), Kind::Symbol(it) if *it == symbol)
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = self.is_keyword(keyword);
        self.at += usize::from(found);
        found
    }

    fn take_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        self.at += usize::from(found);
        found
    }

    fn expect_keyword(&mut self, keyword: &str, otherwise: &str) -> Result<(), Fault> {
        if self.take_keyword(keyword) {
            return Ok(());
        }
        Err(malformed(otherwise))
    }

    fn expect_symbol(&mut self, symbol: &str, otherwise: &str) -> Result<(), Fault> {
        if self.take_symbol(symbol) {
            return Ok(());
        }
        Err(malformed(otherwise))
    }
}
