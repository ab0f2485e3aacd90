//! `SET` and `REMOVE` to the updates that expressions use, with the service's checks. Pure.

use super::ast::{Change, Expr, Node};
use super::conditions::{unrecognized, wrong_count, wrong_type};
use super::values::{Parameters, is_value, value};
use crate::engine::call::Fault;
use crate::engine::dynamodb::expression::ast::Path;
use crate::engine::dynamodb::expression::projection::check_paths;
use crate::engine::dynamodb::expression::update::{Action, Source, Update};
use crate::engine::dynamodb::value::Attribute;

/// Reads the changes of an `UPDATE`.
pub(super) fn update(changes: &[Change], parameters: Parameters<'_>) -> Result<Update, Fault> {
    let reader = Reader { parameters };
    let actions = changes
        .iter()
        .map(|it| reader.action(it))
        .collect::<Result<Vec<_>, _>>()?;
    let update = Update {
        actions,
        ..Update::default()
    };
    let paths: Vec<Path> = update.paths().cloned().collect();
    check_paths(KIND, &paths).map_err(without_kind)?;
    Ok(update)
}

const KIND: &str = "UpdateExpression";

/// Statements have no parameter whose name the error could tell.
fn without_kind(fault: Fault) -> Fault {
    let prefix = format!("Invalid {KIND}: ");
    match fault.message.strip_prefix(&prefix) {
        Some(words) => Fault::validation(words),
        None => fault,
    }
}

struct Reader<'a> {
    parameters: Parameters<'a>,
}

impl Reader<'_> {
    fn action(&self, change: &Change) -> Result<Action, Fault> {
        match change {
            Change::Remove(path) => Ok(Action::Remove(path.clone())),
            Change::Set(path, expr) => match &expr.node {
                Node::Call(name, operands) if name == "set_add" => {
                    let set = self.set_operand("SET_ADD", path, expr, operands)?;
                    Ok(Action::Add(path.clone(), set))
                }
                Node::Call(name, operands) if name == "set_delete" => {
                    let set = self.set_operand("SET_DELETE", path, expr, operands)?;
                    Ok(Action::Delete(path.clone(), set))
                }
                _ => Ok(Action::Set(path.clone(), self.source(expr)?)),
            },
        }
    }

    /// The set that is added to or taken from the assigned path.
    fn set_operand(
        &self,
        function: &str,
        path: &Path,
        call: &Expr,
        operands: &[Expr],
    ) -> Result<Attribute, Fault> {
        let place = call.place.named(function);
        let [first, second] = operands else {
            return Err(Fault::validation(format!(
                "{function} must have exactly two arguments at {place}"
            )));
        };
        if !matches!(&first.node, Node::Path(it) if it == path) {
            return Err(Fault::validation(format!(
                "The first argument to {function} must equal the assignment value at {place}"
            )));
        }
        let found = is_value(second).then(|| value(second, self.parameters));
        match found.transpose()? {
            Some(set @ (Attribute::Ss(_) | Attribute::Ns(_) | Attribute::Bs(_))) => Ok(set),
            _ => Err(Fault::validation(format!(
                "The second argument to {function} must be a value with type SET at {}",
                first.place
            ))),
        }
    }

    fn source(&self, expr: &Expr) -> Result<Source, Fault> {
        match &expr.node {
            Node::Path(path) => Ok(Source::Path(path.clone())),
            Node::Infix(operator @ ("+" | "-"), left, right) => {
                let [left, right] = self.typed(operator, "N", [left, right])?;
                Ok(if *operator == "+" {
                    Source::Plus(left, right)
                } else {
                    Source::Minus(left, right)
                })
            }
            Node::Call(name, operands) if name == "list_append" => match operands.as_slice() {
                [first, second] => {
                    let [first, second] = self.typed(name, "L", [first, second])?;
                    Ok(Source::ListAppend(first, second))
                }
                _ => Err(wrong_count(name, operands.len())),
            },
            Node::Call(name, _) => Err(unrecognized(name, expr)),
            // What is no value is refused in the words for values.
            _ => Ok(Source::Value(value(expr, self.parameters)?)),
        }
    }

    /// Two operands; values among them must be of the datatype.
    fn typed(
        &self,
        name: &str,
        datatype: &str,
        operands: [&Expr; 2],
    ) -> Result<[Box<Source>; 2], Fault> {
        let [left, right] = operands.map(|it| self.source(it));
        let both = [left?, right?];
        for source in &both {
            match source {
                Source::Value(value) if value.type_name() != datatype => {
                    return Err(wrong_type(name, value.type_name()));
                }
                _ => (),
            }
        }
        Ok(both.map(Box::new))
    }
}
