//! Update expressions: reading them with AWS's checks. What they do to an item is in [`super::apply`].
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.UpdateExpressions.html>

use super::ast::Path;
use super::placeholders::{Placeholders, check_words};
use super::projection::check_paths;
use super::syntax::Section;
use super::{functions, invalid, parser, syntax};
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::Attribute;
use crate::engine::state::KeySchema;

pub use super::apply::Applied;

/// Actions on paths that do not overlap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    pub actions: Vec<Action>,
    /// From `AttributeUpdates`, where operands of a wrong type are worded differently.
    pub is_legacy: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    Set(Path, Source),
    Remove(Path),
    /// A number to add or a set to join.
    Add(Path, Attribute),
    /// A set to take away.
    Delete(Path, Attribute),
}

/// What a `SET` computes from the item as it was.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    Path(Path),
    Value(Attribute),
    Plus(Box<Self>, Box<Self>),
    Minus(Box<Self>, Box<Self>),
    IfNotExists(Path, Box<Self>),
    ListAppend(Box<Self>, Box<Self>),
}

/// Reads an update; `kind` is `UpdateExpression`.
pub fn parse(
    kind: &'static str,
    text: &str,
    placeholders: &mut Placeholders,
) -> Result<Update, Fault> {
    let written = parser::update(kind, text)?;
    check(kind, &written)?;
    let mut reader = Reader { kind, placeholders };
    reader.check_defined(&written)?;
    let mut actions = Vec::with_capacity(written.actions.len());
    let mut paths = Vec::with_capacity(written.actions.len());
    for action in &written.actions {
        paths.push(reader.placeholders.path(kind, action.path())?);
    }
    check_paths(kind, &paths)?;
    for action in &written.actions {
        reader.check_operand(action)?;
    }
    for (action, path) in written.actions.iter().zip(paths) {
        actions.push(reader.action(action, path)?);
    }
    Ok(Update {
        actions,
        is_legacy: false,
    })
}

impl Update {
    /// Every path it changes, in the order written.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.actions.iter().map(Action::path)
    }

    /// Whether it makes an item where there was none; `REMOVE` and `DELETE` alone do not.
    pub fn creates_item(&self) -> bool {
        self.actions
            .iter()
            .any(|it| matches!(it, Action::Set(..) | Action::Add(..)))
    }

    /// Refuses changes of key attributes. AWS does so before it looks at the item.
    pub fn check_keys(&self, keys: &KeySchema) -> Result<(), Fault> {
        let is_key = |name: &str| {
            name == keys.partition.name || keys.sort.as_ref().is_some_and(|it| it.name == name)
        };
        match self.paths().find(|it| is_key(it.head())) {
            None => Ok(()),
            Some(path) => Err(Fault::validation(format!(
                "One or more parameter values were invalid: Cannot update attribute {}. This attribute is part of the key",
                path.head()
            ))),
        }
    }
}

impl Action {
    /// What it changes.
    pub fn path(&self) -> &Path {
        match self {
            Self::Set(path, _)
            | Self::Remove(path)
            | Self::Add(path, _)
            | Self::Delete(path, _) => path,
        }
    }
}

/// Checks that need no placeholders, in the service's order.
fn check(kind: &'static str, update: &syntax::Update<'_>) -> Result<(), Fault> {
    for action in &update.actions {
        check_words(kind, action.path())?;
        for operand in action.operands() {
            syntax::walk(operand, &mut |it| match it {
                syntax::Operand::Path(path) => check_words(kind, path),
                syntax::Operand::Value(_) | syntax::Operand::Call(_) => Ok(()),
            })?;
        }
    }
    let operands = || update.actions.iter().flat_map(syntax::Action::operands);
    functions::check_update_names(kind, operands())?;
    functions::check_update_places(kind, operands())?;
    for (at, section) in update.sections.iter().enumerate() {
        if update.sections[..at].contains(section) {
            let name = section.name();
            return Err(invalid(
                kind,
                format_args!(
                    "The \"{name}\" section can only be used once in an update expression;"
                ),
            ));
        }
    }
    Ok(())
}

struct Reader<'p> {
    kind: &'static str,
    placeholders: &'p mut Placeholders,
}

impl Reader<'_> {
    /// Every name first, then every value.
    fn check_defined(&mut self, update: &syntax::Update<'_>) -> Result<(), Fault> {
        let kind = self.kind;
        for action in &update.actions {
            self.placeholders.path(kind, action.path())?;
            for operand in action.operands() {
                syntax::walk(operand, &mut |it| match it {
                    syntax::Operand::Path(path) => self.placeholders.path(kind, path).map(drop),
                    syntax::Operand::Value(_) | syntax::Operand::Call(_) => Ok(()),
                })?;
            }
        }
        for action in &update.actions {
            if let syntax::Action::Add(_, key) | syntax::Action::Delete(_, key) = action {
                self.placeholders.value(kind, key)?;
            }
            for operand in action.operands() {
                syntax::walk(operand, &mut |it| match it {
                    syntax::Operand::Value(key) => self.placeholders.value(kind, key).map(drop),
                    syntax::Operand::Path(_) | syntax::Operand::Call(_) => Ok(()),
                })?;
            }
        }
        Ok(())
    }

    /// `ADD` takes numbers and sets, `DELETE` only sets.
    fn check_operand(&mut self, action: &syntax::Action<'_>) -> Result<(), Fault> {
        let (section, key) = match action {
            syntax::Action::Add(_, key) => (Section::Add, key),
            syntax::Action::Delete(_, key) => (Section::Delete, key),
            syntax::Action::Set(..) | syntax::Action::Remove(_) => return Ok(()),
        };
        let datatype = match self.placeholders.value(self.kind, key)? {
            Attribute::Ss(_) | Attribute::Ns(_) | Attribute::Bs(_) => return Ok(()),
            Attribute::N(_) if section == Section::Add => return Ok(()),
            Attribute::N(_) => "NUMBER",
            Attribute::S(_) => "STRING",
            Attribute::B(_) => "BINARY",
            Attribute::Bool(_) => "BOOLEAN",
            Attribute::Null => "NULL",
            Attribute::M(_) => "MAP",
            Attribute::L(_) => "LIST",
        };
        let name = section.name();
        Err(invalid(
            self.kind,
            format_args!(
                "Incorrect operand type for operator or function; operator: {name}, operand type: {datatype}, typeSet: ALLOWED_FOR_{name}_OPERAND"
            ),
        ))
    }

    fn action(&mut self, action: &syntax::Action<'_>, path: Path) -> Result<Action, Fault> {
        Ok(match action {
            syntax::Action::Set(_, source) => Action::Set(path, self.source(source)?),
            syntax::Action::Remove(_) => Action::Remove(path),
            syntax::Action::Add(_, key) => {
                Action::Add(path, self.placeholders.value(self.kind, key)?.clone())
            }
            syntax::Action::Delete(_, key) => {
                Action::Delete(path, self.placeholders.value(self.kind, key)?.clone())
            }
        })
    }

    fn source(&mut self, source: &syntax::Source<'_>) -> Result<Source, Fault> {
        Ok(match source {
            syntax::Source::Operand(one) => self.operand(one)?,
            syntax::Source::Plus(left, right) => {
                let [left, right] = self.typed("+", "N", [left, right])?;
                Source::Plus(left, right)
            }
            syntax::Source::Minus(left, right) => {
                let [left, right] = self.typed("-", "N", [left, right])?;
                Source::Minus(left, right)
            }
        })
    }

    fn operand(&mut self, operand: &syntax::Operand<'_>) -> Result<Source, Fault> {
        let call = match operand {
            syntax::Operand::Path(path) => {
                return Ok(Source::Path(self.placeholders.path(self.kind, path)?));
            }
            syntax::Operand::Value(key) => {
                return Ok(Source::Value(
                    self.placeholders.value(self.kind, key)?.clone(),
                ));
            }
            syntax::Operand::Call(call) => call,
        };
        let [first, second] = call.operands.as_slice() else {
            let count = call.operands.len();
            return Err(functions::operand_count(self.kind, call.name, count));
        };
        if call.name == "list_append" {
            let [first, second] = self.typed(call.name, "L", [first, second])?;
            return Ok(Source::ListAppend(first, second));
        }
        match self.operand(first)? {
            Source::Path(path) => Ok(Source::IfNotExists(path, Box::new(self.operand(second)?))),
            _ => Err(functions::path_required(self.kind, call.name)),
        }
    }

    /// Two operands; values among them must be of the datatype.
    fn typed(
        &mut self,
        name: &str,
        datatype: &str,
        [left, right]: [&syntax::Operand<'_>; 2],
    ) -> Result<[Box<Source>; 2], Fault> {
        let both = [self.operand(left)?, self.operand(right)?];
        for source in &both {
            match source {
                Source::Value(value) if value.type_name() != datatype => {
                    let found = value.type_name();
                    return Err(functions::operand_type(self.kind, name, found));
                }
                _ => (),
            }
        }
        Ok(both.map(Box::new))
    }
}
