//! Syntax of a condition to its tree: fills in placeholders and makes the checks that AWS makes comparison by
//! comparison, in AWS's order: undefined placeholders, numbers of operands, equal operands, types of operands.

use std::cmp::Ordering;

use super::ast::Path;
use super::condition::{Comparator, Condition, Operand, compare};
use super::placeholders::Placeholders;
use super::{functions, invalid, syntax};
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::Attribute;

/// Most values of an `IN`.
const IN_MAX: usize = 100;
/// Datatypes as `attribute_type` and its errors list them.
const DATATYPES: [&str; 10] = ["B", "NULL", "SS", "BOOL", "L", "BS", "N", "NS", "S", "M"];

/// Reads the conditions of one expression.
pub(super) struct Reader<'p> {
    kind: &'static str,
    placeholders: &'p mut Placeholders,
}

impl<'p> Reader<'p> {
    pub(super) fn new(kind: &'static str, placeholders: &'p mut Placeholders) -> Self {
        Self { kind, placeholders }
    }

    pub(super) fn condition(
        &mut self,
        condition: &syntax::Condition<'_>,
    ) -> Result<Condition, Fault> {
        Ok(match condition {
            syntax::Condition::Leaf(leaf) => self.leaf(leaf)?,
            syntax::Condition::Not(inner) => Condition::Not(Box::new(self.condition(inner)?)),
            syntax::Condition::And(all) => Condition::And(self.all(all)?),
            syntax::Condition::Or(all) => Condition::Or(self.all(all)?),
        })
    }

    fn all(&mut self, all: &[syntax::Condition<'_>]) -> Result<Vec<Condition>, Fault> {
        all.iter().map(|it| self.condition(it)).collect()
    }

    fn leaf(&mut self, leaf: &syntax::Leaf<'_>) -> Result<Condition, Fault> {
        let mut operands = Vec::with_capacity(leaf.operands.len());
        for operand in &leaf.operands {
            operands.push(self.fill(operand)?);
        }
        let name = leaf.operator.name();
        self.check_counts(&operands)?;
        if let syntax::Operator::Function(name) = leaf.operator {
            self.check_count(name, operands.len())?;
        }
        if leaf.operator == syntax::Operator::In && operands.len() > IN_MAX + 1 {
            let words = "The IN operator is provided with too many operands; number of operands:";
            let count = operands.len() - 1;
            return Err(invalid(self.kind, format_args!("{words} {count}")));
        }
        self.check_distinct(name, &operands)?;
        for operand in &operands {
            self.check_types_within(operand)?;
        }
        self.check_types(name, &operands)?;
        self.build(leaf.operator, operands)
    }

    fn fill<'t>(&mut self, operand: &syntax::Operand<'t>) -> Result<Filled<'t>, Fault> {
        Ok(match operand {
            syntax::Operand::Path(path) => Filled::Path(self.placeholders.path(self.kind, path)?),
            syntax::Operand::Value(key) => {
                Filled::Value(self.placeholders.value(self.kind, key)?.clone())
            }
            syntax::Operand::Call(call) => {
                let mut operands = Vec::with_capacity(call.operands.len());
                for operand in &call.operands {
                    operands.push(self.fill(operand)?);
                }
                Filled::Call(call.name, operands)
            }
        })
    }

    fn check_counts(&self, operands: &[Filled<'_>]) -> Result<(), Fault> {
        for operand in operands {
            if let Filled::Call(name, inner) = operand {
                self.check_counts(inner)?;
                self.check_count(name, inner.len())?;
            }
        }
        Ok(())
    }

    fn check_count(&self, name: &str, count: usize) -> Result<(), Fault> {
        let wanted = match name {
            "attribute_exists" | "attribute_not_exists" | "size" => 1,
            _ => 2,
        };
        if count == wanted {
            Ok(())
        } else {
            Err(functions::operand_count(self.kind, name, count))
        }
    }

    /// The same path on both sides is refused.
    fn check_distinct(&self, name: &str, operands: &[Filled<'_>]) -> Result<(), Fault> {
        let Some((Filled::Path(first), rest)) = operands.split_first() else {
            return Ok(());
        };
        if rest
            .iter()
            .any(|it| matches!(it, Filled::Path(path) if path == first))
        {
            return Err(invalid(
                self.kind,
                format_args!(
                    "The first operand must be distinct from the remaining operands for this operator or function; operator: {name}, first operand: {first}"
                ),
            ));
        }
        Ok(())
    }

    fn check_types_within(&self, operand: &Filled<'_>) -> Result<(), Fault> {
        if let Filled::Call(name, operands) = operand {
            for inner in operands {
                self.check_types_within(inner)?;
            }
            self.check_types(name, operands)?;
        }
        Ok(())
    }

    /// Operands whose datatype no item can mend.
    fn check_types(&self, name: &str, operands: &[Filled<'_>]) -> Result<(), Fault> {
        let refused: &[&str] = match name {
            "attribute_exists" | "attribute_not_exists" => {
                return match operands.first() {
                    Some(Filled::Path(_)) => Ok(()),
                    _ => Err(functions::path_required(self.kind, name)),
                };
            }
            "attribute_type" => return self.check_type_name(operands),
            "begins_with" => &["N", "BOOL", "NULL", "SS", "NS", "BS", "L", "M"],
            "size" => &["N", "BOOL", "NULL"],
            "<" | "<=" | ">" | ">=" | "BETWEEN" => &["BOOL", "NULL", "SS", "NS", "BS", "L", "M"],
            _ => &[],
        };
        let datatypes = operands.iter().filter_map(Filled::datatype);
        if let Some(datatype) = datatypes.into_iter().find(|it| refused.contains(it)) {
            return Err(functions::operand_type(self.kind, name, datatype));
        }
        match operands {
            [_, Filled::Value(low), Filled::Value(high)] if name == "BETWEEN" => {
                self.check_bounds(low, high)
            }
            _ => Ok(()),
        }
    }

    fn check_type_name(&self, operands: &[Filled<'_>]) -> Result<(), Fault> {
        let name = "attribute_type";
        match operands.get(1) {
            Some(Filled::Value(Attribute::S(wanted))) if DATATYPES.contains(&wanted.as_str()) => {
                Ok(())
            }
            Some(Filled::Value(Attribute::S(wanted))) => Err(invalid(
                self.kind,
                format_args!(
                    "Invalid attribute type name found; type: {wanted}, valid types: {{{}}}",
                    DATATYPES.join(",")
                ),
            )),
            other => {
                let datatype = other.and_then(Filled::datatype);
                let any = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}";
                Err(functions::operand_type(
                    self.kind,
                    name,
                    datatype.unwrap_or(any),
                ))
            }
        }
    }

    fn check_bounds(&self, low: &Attribute, high: &Attribute) -> Result<(), Fault> {
        let words = match compare(low, high) {
            None => "requires same data type for lower and upper bounds",
            Some(Ordering::Greater) => {
                "requires upper bound to be greater than or equal to lower bound"
            }
            Some(Ordering::Less | Ordering::Equal) => return Ok(()),
        };
        Err(invalid(
            self.kind,
            format_args!(
                "The BETWEEN operator {words}; lower bound operand: AttributeValue: {}, upper bound operand: AttributeValue: {}",
                print(low),
                print(high)
            ),
        ))
    }

    fn build(
        &self,
        operator: syntax::Operator<'_>,
        operands: Vec<Filled<'_>>,
    ) -> Result<Condition, Fault> {
        let count = operands.len();
        let wrong = || functions::operand_count(self.kind, operator.name(), count);
        let mut operands = operands.into_iter();
        let mut next = || operands.next().ok_or_else(wrong);
        let first = next()?;
        let name = operator.name();
        Ok(match (operator, first) {
            (syntax::Operator::Function("attribute_exists"), Filled::Path(path)) => {
                Condition::Exists(path)
            }
            (syntax::Operator::Function("attribute_not_exists"), Filled::Path(path)) => {
                Condition::NotExists(path)
            }
            (syntax::Operator::Function("attribute_type"), first) => match next()? {
                Filled::Value(Attribute::S(datatype)) => {
                    Condition::HasType(self.operand(first)?, datatype)
                }
                _ => return Err(wrong()),
            },
            (syntax::Operator::Comparator(text), first) => Condition::Compare(
                Comparator::read(text),
                self.operand(first)?,
                self.operand(next()?)?,
            ),
            (syntax::Operator::Between, first) => Condition::Between(
                self.operand(first)?,
                self.operand(next()?)?,
                self.operand(next()?)?,
            ),
            (syntax::Operator::In, first) => {
                let list = operands.map(|it| self.operand(it));
                Condition::In(self.operand(first)?, list.collect::<Result<_, _>>()?)
            }
            (syntax::Operator::Function("begins_with"), first) => {
                Condition::BeginsWith(self.operand(first)?, self.operand(next()?)?)
            }
            (syntax::Operator::Function("contains"), first) => {
                Condition::Contains(self.operand(first)?, self.operand(next()?)?)
            }
            (syntax::Operator::Function(_), _) => return Err(functions::misused(self.kind, name)),
        })
    }

    fn operand(&self, filled: Filled<'_>) -> Result<Operand, Fault> {
        Ok(match filled {
            Filled::Path(path) => Operand::Path(path),
            Filled::Value(value) => Operand::Value(value),
            Filled::Call(name, operands) => match operands.into_iter().next() {
                Some(of) if name == "size" => Operand::Size(Box::new(self.operand(of)?)),
                _ => return Err(functions::misused(self.kind, name)),
            },
        })
    }
}

/// An operand whose placeholders are filled in, before functions are told apart.
enum Filled<'t> {
    Path(Path),
    Value(Attribute),
    Call(&'t str, Vec<Self>),
}

impl Filled<'_> {
    /// The datatype, when it is known without an item.
    fn datatype(&self) -> Option<&'static str> {
        match self {
            Self::Path(_) => None,
            Self::Value(value) => Some(value.type_name()),
            Self::Call("size", _) => Some("N"),
            Self::Call(..) => Some("BOOL"),
        }
    }
}

/// `{N:1}`, as bounds are printed in errors.
fn print(value: &Attribute) -> String {
    let json = value.to_json();
    let content = json.get(value.type_name());
    let text = content.and_then(serde_json::Value::as_str);
    format!("{{{}:{}}}", value.type_name(), text.unwrap_or_default())
}
