//! `WHERE` to the conditions that expressions use, with the service's checks. Pure.

use std::cmp::Ordering;

use super::ast::{Expr, Node};
use super::parser::unsupported;
use super::values::{Parameters, is_value, value};
use crate::engine::call::Fault;
use crate::engine::dynamodb::expression::condition::{Comparator, Condition, Operand, compare};
use crate::engine::dynamodb::value::Attribute;

/// Most values of an `IN`.
const IN_MAX: usize = 100;
/// Datatypes as the errors of `attribute_type` list them.
const DATATYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];
const TESTS: [&str; 5] = [
    "attribute_exists",
    "attribute_not_exists",
    "attribute_type",
    "begins_with",
    "contains",
];

/// Reads a condition.
pub(super) fn condition(expr: &Expr, parameters: Parameters<'_>) -> Result<Condition, Fault> {
    Reader { parameters }.condition(expr)
}

/// A function that DynamoDB's PartiQL does not know, or not here.
pub(super) fn unrecognized(name: &str, expr: &Expr) -> Fault {
    Fault::validation(format!(
        "Unrecognized function: {name} at {}",
        expr.place.named(name)
    ))
}

struct Reader<'a> {
    parameters: Parameters<'a>,
}

impl Reader<'_> {
    fn condition(&self, expr: &Expr) -> Result<Condition, Fault> {
        match &expr.node {
            Node::Not(inner) => Ok(Condition::Not(Box::new(self.condition(inner)?))),
            Node::And(all) => Ok(Condition::And(self.all(all)?)),
            Node::Or(all) => Ok(Condition::Or(self.all(all)?)),
            Node::Infix(operator, left, right) => match comparator(operator) {
                Some(comparator) => self.comparison(operator, comparator, left, right),
                None => Err(unsupported(&expr.node)),
            },
            Node::Between(of, low, high) => self.between(of, low, high),
            Node::In(of, list) => self.membership(of, list),
            Node::Is(of, datatype) => type_test(of, datatype),
            Node::Call(name, operands) => self.function(expr, name, operands),
            node => Err(unsupported(node)),
        }
    }

    fn all(&self, all: &[Expr]) -> Result<Vec<Condition>, Fault> {
        all.iter().map(|it| self.condition(it)).collect()
    }

    fn comparison(
        &self,
        operator: &str,
        comparator: Comparator,
        left: &Expr,
        right: &Expr,
    ) -> Result<Condition, Fault> {
        let is_equality = matches!(comparator, Comparator::Equal | Comparator::NotEqual);
        for (one, other) in [(left, right), (right, left)] {
            if let (Node::Path(path), Node::Missing, true) = (&one.node, &other.node, is_equality) {
                return Ok(match comparator {
                    Comparator::Equal => Condition::NotExists(path.clone()),
                    _ => Condition::Exists(path.clone()),
                });
            }
            if is_test(one) && is_equality {
                let Attribute::Bool(wanted) = value(other, self.parameters)? else {
                    return Err(unsupported(&other.node));
                };
                let test = self.condition(one)?;
                return Ok(if wanted == (comparator == Comparator::Equal) {
                    test
                } else {
                    Condition::Not(Box::new(test))
                });
            }
        }
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        if !is_equality {
            check_ordered(operator, [&left, &right])?;
        }
        Ok(Condition::Compare(comparator, left, right))
    }

    fn between(&self, of: &Expr, low: &Expr, high: &Expr) -> Result<Condition, Fault> {
        let (of, low, high) = (self.operand(of)?, self.operand(low)?, self.operand(high)?);
        check_ordered("BETWEEN", [&of, &low, &high])?;
        if let (Operand::Value(low), Operand::Value(high)) = (&low, &high) {
            let words = match compare(low, high) {
                None => "requires same data type for lower and upper bounds",
                Some(Ordering::Greater) => {
                    "requires upper bound to be greater than or equal to lower bound"
                }
                Some(_) => "",
            };
            if !words.is_empty() {
                return Err(Fault::validation(format!(
                    "The BETWEEN operator {words}; lower bound operand: AttributeValue: {}, \
                     upper bound operand: AttributeValue: {}",
                    print(low),
                    print(high)
                )));
            }
        }
        Ok(Condition::Between(of, low, high))
    }

    fn membership(&self, of: &Expr, list: &Expr) -> Result<Condition, Fault> {
        let of = self.operand(of)?;
        let members: Vec<Operand> = match &list.node {
            Node::List(elements) | Node::Bag(elements) => elements
                .iter()
                .map(|it| self.operand(it))
                .collect::<Result<_, _>>()?,
            Node::Parameter(_) => match value(list, self.parameters)? {
                Attribute::L(values) => values.into_iter().map(Operand::Value).collect(),
                other => return Err(wrong_type("IN", other.type_name())),
            },
            node => return Err(unsupported(node)),
        };
        if members.is_empty() || members.len() > IN_MAX {
            return Err(wrong_count("IN", members.len()));
        }
        Ok(Condition::In(of, members))
    }

    fn function(&self, expr: &Expr, name: &str, operands: &[Expr]) -> Result<Condition, Fault> {
        if name == "size" {
            return Err(Fault::validation(
                "The function is not allowed to be used this way in an expression; function: size",
            ));
        }
        if !TESTS.contains(&name) {
            return Err(unrecognized(name, expr));
        }
        let is_unary = matches!(name, "attribute_exists" | "attribute_not_exists");
        match operands {
            [one] if is_unary => {
                let Node::Path(path) = &one.node else {
                    return Err(path_required(name));
                };
                Ok(if name == "attribute_exists" {
                    Condition::Exists(path.clone())
                } else {
                    Condition::NotExists(path.clone())
                })
            }
            [one, two] if !is_unary => {
                let (one, two) = (self.operand(one)?, self.operand(two)?);
                binary_test(name, one, two)
            }
            _ => Err(wrong_count(name, operands.len())),
        }
    }

    fn operand(&self, expr: &Expr) -> Result<Operand, Fault> {
        match &expr.node {
            Node::Path(path) => Ok(Operand::Path(path.clone())),
            Node::Call(name, operands) if name == "size" => match operands.as_slice() {
                [
                    Expr {
                        node: Node::Path(path),
                        ..
                    },
                ] => Ok(Operand::Size(Box::new(Operand::Path(path.clone())))),
                [_] => Err(path_required("size")),
                _ => Err(wrong_count("size", operands.len())),
            },
            Node::Call(name, _) => Err(unrecognized(name, expr)),
            _ if is_value(expr) => Ok(Operand::Value(value(expr, self.parameters)?)),
            node => Err(unsupported(node)),
        }
    }
}

fn type_test(of: &Expr, datatype: &str) -> Result<Condition, Fault> {
    let Node::Path(path) = &of.node else {
        return Err(path_required("IS"));
    };
    let datatypes: &[&str] = match datatype {
        "missing" => return Ok(Condition::NotExists(path.clone())),
        "any" => return Ok(Condition::Exists(path.clone())),
        "null" => &["NULL"],
        "bool" | "boolean" => &["BOOL"],
        "string" | "symbol" | "char" | "character" | "varchar" | "clob" => &["S"],
        "blob" => &["B"],
        "list" | "sexp" => &["L"],
        "struct" | "tuple" => &["M"],
        "bag" => &["SS", "NS", "BS"],
        "date" => &[],
        _ => &["N"],
    };
    let tests = datatypes
        .iter()
        .map(|it| Condition::HasType(Operand::Path(path.clone()), (*it).to_owned()));
    Ok(Condition::Or(tests.collect()))
}

fn binary_test(name: &str, one: Operand, two: Operand) -> Result<Condition, Fault> {
    match name {
        "begins_with" => {
            let refused = |it: &Operand| datatype(it).filter(|it| !["S", "B"].contains(it));
            if let Some(datatype) = refused(&one).or(refused(&two)) {
                return Err(wrong_type(name, datatype));
            }
            Ok(Condition::BeginsWith(one, two))
        }
        "contains" => Ok(Condition::Contains(one, two)),
        _ => match two {
            Operand::Value(Attribute::S(wanted)) if DATATYPES.contains(&wanted.as_str()) => {
                Ok(Condition::HasType(one, wanted))
            }
            Operand::Value(Attribute::S(wanted)) => Err(Fault::validation(format!(
                "Invalid attribute type name found; type: {wanted}, valid types: {{{}}}",
                DATATYPES.join(",")
            ))),
            other => Err(wrong_type(
                name,
                datatype(&other).unwrap_or("{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
            )),
        },
    }
}

fn is_test(expr: &Expr) -> bool {
    matches!(&expr.node, Node::Call(name, _) if TESTS.contains(&name.as_str()))
}

fn comparator(operator: &str) -> Option<Comparator> {
    Some(match operator {
        "=" => Comparator::Equal,
        "<>" => Comparator::NotEqual,
        "<" => Comparator::Less,
        "<=" => Comparator::LessOrEqual,
        ">" => Comparator::Greater,
        ">=" => Comparator::GreaterOrEqual,
        _ => return None,
    })
}

/// Values that have no order are refused, whatever the item holds.
fn check_ordered<const COUNT: usize>(name: &str, operands: [&Operand; COUNT]) -> Result<(), Fault> {
    let mut datatypes = operands.into_iter().filter_map(datatype);
    match datatypes.find(|it| !["S", "N", "B"].contains(it)) {
        None => Ok(()),
        Some(datatype) => Err(wrong_type(name, datatype)),
    }
}

fn datatype(operand: &Operand) -> Option<&'static str> {
    match operand {
        Operand::Path(_) => None,
        Operand::Value(value) => Some(value.type_name()),
        Operand::Size(_) => Some("N"),
    }
}

pub(super) fn wrong_type(name: &str, datatype: &str) -> Fault {
    Fault::validation(format!(
        "Incorrect operand type for operator or function; operator or function: {name}, operand type: {datatype}"
    ))
}

pub(super) fn wrong_count(name: &str, count: usize) -> Fault {
    Fault::validation(format!(
        "Incorrect number of operands for operator or function; operator or function: {name}, \
         number of operands: {count}"
    ))
}

fn path_required(name: &str) -> Fault {
    Fault::validation(format!(
        "Operator or function requires a document path; operator or function: {name}"
    ))
}

/// `{N:1}`, as bounds are printed in errors.
fn print(value: &Attribute) -> String {
    let json = value.to_json();
    let text = json[value.type_name()].as_str().unwrap_or_default();
    format!("{{{}:{text}}}", value.type_name())
}
