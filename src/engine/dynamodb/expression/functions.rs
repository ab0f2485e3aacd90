//! The functions of expressions: which there are, where they may stand, and what AWS says when they may not.

use super::syntax::{Call, Operand, walk};
use super::{invalid, syntax};
use crate::engine::call::Fault;

/// True or false, except `size`, which is a number.
const CONDITION: [&str; 6] = [
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
    "size",
];
const UPDATE: [&str; 2] = ["if_not_exists", "list_append"];

/// Names that are no functions, or none of conditions.
pub(super) fn check_condition_names<'a, 't: 'a>(
    kind: &'static str,
    leaves: impl Iterator<Item = &'a syntax::Leaf<'t>>,
) -> Result<(), Fault> {
    for leaf in leaves {
        for operand in &leaf.operands {
            walk(operand, &mut |it| known_in_condition(kind, called(it)))?;
        }
        if let syntax::Operator::Function(name) = leaf.operator {
            known_in_condition(kind, Some(name))?;
        }
    }
    Ok(())
}

/// Functions in places where their result is of no use: only `size` may be an operand, and it alone may not be a
/// condition.
pub(super) fn check_condition_places<'a, 't: 'a>(
    kind: &'static str,
    leaves: impl Iterator<Item = &'a syntax::Leaf<'t>>,
) -> Result<(), Fault> {
    for leaf in leaves {
        for operand in &leaf.operands {
            walk(operand, &mut |it| match called(it) {
                Some(name) if name != "size" => Err(misused(kind, name)),
                _ => Ok(()),
            })?;
        }
        if leaf.operator == syntax::Operator::Function("size") {
            return Err(misused(kind, "size"));
        }
    }
    Ok(())
}

/// Names that are no functions, or none of updates.
pub(super) fn check_update_names<'a, 't: 'a>(
    kind: &'static str,
    operands: impl Iterator<Item = &'a Operand<'t>>,
) -> Result<(), Fault> {
    for operand in operands {
        walk(operand, &mut |it| match called(it) {
            Some(name) if CONDITION.contains(&name) => Err(invalid(
                kind,
                format_args!(
                    "The function is not allowed in an update expression; function: {name}"
                ),
            )),
            Some(name) if !UPDATE.contains(&name) => Err(unknown(kind, name)),
            _ => Ok(()),
        })?;
    }
    Ok(())
}

/// `list_append` is no operand of a function.
pub(super) fn check_update_places<'a, 't: 'a>(
    kind: &'static str,
    operands: impl Iterator<Item = &'a Operand<'t>>,
) -> Result<(), Fault> {
    for operand in operands {
        walk(operand, &mut |it| {
            let Operand::Call(Call { operands, .. }) = it else {
                return Ok(());
            };
            match operands.iter().find_map(|it| called(it)) {
                Some("list_append") => Err(misused(kind, "list_append")),
                _ => Ok(()),
            }
        })?;
    }
    Ok(())
}

pub(super) fn misused(kind: &'static str, name: &str) -> Fault {
    invalid(
        kind,
        format_args!(
            "The function is not allowed to be used this way in an expression; function: {name}"
        ),
    )
}

pub(super) fn operand_count(kind: &'static str, name: &str, count: usize) -> Fault {
    invalid(
        kind,
        format_args!(
            "Incorrect number of operands for operator or function; operator or function: {name}, number of operands: {count}"
        ),
    )
}

/// `datatype` is `S`, `N`, ….
pub(super) fn operand_type(kind: &'static str, name: &str, datatype: &str) -> Fault {
    invalid(
        kind,
        format_args!(
            "Incorrect operand type for operator or function; operator or function: {name}, operand type: {datatype}"
        ),
    )
}

pub(super) fn path_required(kind: &'static str, name: &str) -> Fault {
    invalid(
        kind,
        format_args!("Operator or function requires a document path; operator or function: {name}"),
    )
}

fn known_in_condition(kind: &'static str, name: Option<&str>) -> Result<(), Fault> {
    match name {
        Some(name) if UPDATE.contains(&name) => Err(invalid(
            kind,
            format_args!("The function is not allowed in a condition expression; function: {name}"),
        )),
        Some(name) if !CONDITION.contains(&name) => Err(unknown(kind, name)),
        _ => Ok(()),
    }
}

fn unknown(kind: &'static str, name: &str) -> Fault {
    invalid(
        kind,
        format_args!("Invalid function name; function: {name}"),
    )
}

fn called<'t>(operand: &Operand<'t>) -> Option<&'t str> {
    match operand {
        Operand::Call(call) => Some(call.name),
        Operand::Path(_) | Operand::Value(_) => None,
    }
}
