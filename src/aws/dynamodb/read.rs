//! Reading pages of items: a query or a scan from parts, and the expressions those parts give.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};

use super::Item;
use crate::aws::{Aws, Error};

/// Which call a page comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadKind {
    #[default]
    Scan,
    Query,
}

/// What an attribute has to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Equals(AttributeValue),
    Differs(AttributeValue),
    Less(AttributeValue),
    AtMost(AttributeValue),
    Greater(AttributeValue),
    AtLeast(AttributeValue),
    /// Both ends included.
    Between(AttributeValue, AttributeValue),
    /// 1 to 100 values.
    OneOf(Vec<AttributeValue>),
    BeginsWith(AttributeValue),
    Contains(AttributeValue),
    Lacks(AttributeValue),
    Exists,
    Missing,
    /// `S`, `N`, `B`, `SS`, `NS`, `BS`, `M`, `L`, `BOOL`, `NULL`.
    IsType(String),
    /// Length of a text or binary, number of elements of a set, list or map.
    SizeAtLeast(u64),
    SizeAtMost(u64),
}

/// A test of one attribute.
#[derive(Clone, Debug, PartialEq)]
pub struct FilterPart {
    /// A document path: `status`, `address.city`, `items[0].qty`.
    pub path: String,
    pub test: Test,
}

/// One page to read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReadRequest {
    pub table: String,
    pub index: Option<String>,
    pub kind: ReadKind,
    /// For a query: the partition key first, then at most one test of the sort key. Names are
    /// whole attribute names here, not paths.
    pub key_condition: Vec<FilterPart>,
    /// All have to hold.
    pub filter: Vec<FilterPart>,
    /// Most items evaluated for this page; `None` is the service's 1 MB.
    pub limit: Option<u32>,
    /// `Page::next` of the page before.
    pub start: Option<Item>,
    /// A query in descending order of the sort key.
    pub descending: bool,
    pub consistent: bool,
}

/// What a request's parts look like on the wire.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expressions {
    pub key_condition: Option<String>,
    pub filter: Option<String>,
    pub names: HashMap<String, String>,
    pub values: HashMap<String, AttributeValue>,
}

/// One page of items.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    pub items: Vec<Item>,
    /// Where the next page starts; `None` at the end.
    pub next: Option<Item>,
    /// Items looked at before the filter.
    pub scanned: u64,
    /// Read capacity units; `None` where the service does not say.
    pub consumed: Option<f64>,
}

/// Reads one page. A page may be empty and still have a next one.
pub async fn read(aws: Aws, request: ReadRequest) -> Result<Page, Error> {
    let parts = request.expressions();
    let names = Some(parts.names).filter(|it| !it.is_empty());
    let values = Some(parts.values).filter(|it| !it.is_empty());
    let limit = request
        .limit
        .map(|it| i32::try_from(it).unwrap_or(i32::MAX));
    let consistent = Some(request.consistent).filter(|it| *it);
    match request.kind {
        ReadKind::Scan => {
            let answer = aws
                .dynamodb
                .scan()
                .table_name(request.table)
                .set_index_name(request.index)
                .set_filter_expression(parts.filter)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .set_limit(limit)
                .set_exclusive_start_key(request.start)
                .set_consistent_read(consistent)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await?;
            Ok(Page {
                items: answer.items.unwrap_or_default(),
                next: answer.last_evaluated_key.filter(|it| !it.is_empty()),
                scanned: u64::try_from(answer.scanned_count).unwrap_or(0),
                consumed: answer.consumed_capacity.and_then(|it| it.capacity_units),
            })
        }
        ReadKind::Query => {
            let answer = aws
                .dynamodb
                .query()
                .table_name(request.table)
                .set_index_name(request.index)
                .set_key_condition_expression(parts.key_condition)
                .set_filter_expression(parts.filter)
                .set_expression_attribute_names(names)
                .set_expression_attribute_values(values)
                .set_limit(limit)
                .set_exclusive_start_key(request.start)
                .set_consistent_read(consistent)
                .scan_index_forward(!request.descending)
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .send()
                .await?;
            Ok(Page {
                items: answer.items.unwrap_or_default(),
                next: answer.last_evaluated_key.filter(|it| !it.is_empty()),
                scanned: u64::try_from(answer.scanned_count).unwrap_or(0),
                consumed: answer.consumed_capacity.and_then(|it| it.capacity_units),
            })
        }
    }
}

impl ReadRequest {
    /// The expressions and placeholders these parts give; also for showing the call.
    pub fn expressions(&self) -> Expressions {
        let mut out = Expressions::default();
        if self.kind == ReadKind::Query {
            out.key_condition = out.all(&self.key_condition, Names::Whole);
        }
        out.filter = out.all(&self.filter, Names::Path);
        out
    }
}

#[derive(Clone, Copy)]
enum Names {
    Whole,
    Path,
}

impl Expressions {
    fn all(&mut self, parts: &[FilterPart], names: Names) -> Option<String> {
        let clauses: Vec<String> = parts.iter().map(|it| self.clause(it, names)).collect();
        (!clauses.is_empty()).then(|| clauses.join(" AND "))
    }

    fn clause(&mut self, part: &FilterPart, names: Names) -> String {
        let path = match names {
            Names::Whole => self.name(&part.path),
            Names::Path => self.path(&part.path),
        };
        let mut compare = |sign: &str, value: &AttributeValue| {
            let value = self.value(value.clone());
            format!("{path} {sign} {value}")
        };
        match &part.test {
            Test::Equals(value) => compare("=", value),
            Test::Differs(value) => compare("<>", value),
            Test::Less(value) => compare("<", value),
            Test::AtMost(value) => compare("<=", value),
            Test::Greater(value) => compare(">", value),
            Test::AtLeast(value) => compare(">=", value),
            Test::Between(low, high) => {
                let (low, high) = (self.value(low.clone()), self.value(high.clone()));
                format!("{path} BETWEEN {low} AND {high}")
            }
            Test::OneOf(values) => {
                let values: Vec<String> = values.iter().map(|it| self.value(it.clone())).collect();
                format!("{path} IN ({})", values.join(", "))
            }
            Test::BeginsWith(value) => self.call("begins_with", &path, value.clone()),
            Test::Contains(value) => self.call("contains", &path, value.clone()),
            Test::Lacks(value) => {
                let call = self.call("contains", &path, value.clone());
                format!("NOT {call}")
            }
            Test::Exists => format!("attribute_exists({path})"),
            Test::Missing => format!("attribute_not_exists({path})"),
            Test::IsType(kind) => {
                self.call("attribute_type", &path, AttributeValue::S(kind.clone()))
            }
            Test::SizeAtLeast(size) => {
                let size = self.value(AttributeValue::N(size.to_string()));
                format!("size({path}) >= {size}")
            }
            Test::SizeAtMost(size) => {
                let size = self.value(AttributeValue::N(size.to_string()));
                format!("size({path}) <= {size}")
            }
        }
    }

    fn call(&mut self, function: &str, path: &str, value: AttributeValue) -> String {
        let value = self.value(value);
        format!("{function}({path}, {value})")
    }

    /// Reserved words need no thought when every name is a placeholder.
    fn name(&mut self, name: &str) -> String {
        let known = self.names.iter().find(|(_, known)| *known == name);
        if let Some((placeholder, _)) = known {
            return placeholder.clone();
        }
        let placeholder = format!("#n{}", self.names.len());
        self.names.insert(placeholder.clone(), name.to_owned());
        placeholder
    }

    fn path(&mut self, path: &str) -> String {
        let mut out = String::new();
        for (at, step) in path.split('.').enumerate() {
            let (name, indexes) = step.split_at(step.find('[').unwrap_or(step.len()));
            let name = self.name(name);
            let dot = if at == 0 { "" } else { "." };
            out.extend([dot, &name, indexes]);
        }
        out
    }

    fn value(&mut self, value: AttributeValue) -> String {
        let placeholder = format!(":v{}", self.values.len());
        self.values.insert(placeholder.clone(), value);
        placeholder
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(value: &str) -> AttributeValue {
        AttributeValue::S(value.to_owned())
    }

    #[test]
    fn parts_become_expressions_with_placeholders_for_every_name() {
        let request = ReadRequest {
            kind: ReadKind::Query,
            key_condition: vec![
                FilterPart {
                    path: "customer.id".to_owned(),
                    test: Test::Equals(text("c-1")),
                },
                FilterPart {
                    path: "order".to_owned(),
                    test: Test::BeginsWith(text("2026")),
                },
            ],
            filter: vec![
                FilterPart {
                    path: "items[0].qty".to_owned(),
                    test: Test::Exists,
                },
                FilterPart {
                    path: "status".to_owned(),
                    test: Test::OneOf(vec![text("PAID"), text("SHIPPED")]),
                },
            ],
            ..ReadRequest::default()
        };
        let parts = request.expressions();
        assert_eq!(
            parts.key_condition.as_deref(),
            Some("#n0 = :v0 AND begins_with(#n1, :v1)")
        );
        assert_eq!(
            parts.filter.as_deref(),
            Some("attribute_exists(#n2[0].#n3) AND #n4 IN (:v2, :v3)")
        );
        assert_eq!(parts.names["#n0"], "customer.id");
        assert_eq!(parts.names["#n3"], "qty");
        assert_eq!(parts.values.len(), 4);
    }

    #[test]
    fn a_scan_has_no_key_condition() {
        let request = ReadRequest {
            key_condition: vec![FilterPart {
                path: "id".to_owned(),
                test: Test::Equals(text("1")),
            }],
            ..ReadRequest::default()
        };
        assert_eq!(request.expressions(), Expressions::default());
    }
}
