//! The read bar as the user fills it in, and the request it means. Pure.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::data::Source;
use crate::aws::dynamodb::{FilterPart, ReadKind, ReadRequest, Test};
use crate::ui::widgets::form::Number;
use crate::ui::widgets::node::number_problem;

/// Items of one page, when nothing else is said.
pub(super) const PAGE_DEFAULT: i64 = 100;
pub(super) const PAGE_RANGE: std::ops::RangeInclusive<i64> = 1..=10_000;

/// How an attribute is compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Op {
    #[default]
    Equals,
    Differs,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Between,
    OneOf,
    BeginsWith,
    Contains,
    Lacks,
    Exists,
    Missing,
    IsType,
    SizeAtLeast,
    SizeAtMost,
}

impl Op {
    /// What a filter may ask.
    pub(super) const ALL: [Self; 16] = [
        Self::Equals,
        Self::Differs,
        Self::Less,
        Self::AtMost,
        Self::Greater,
        Self::AtLeast,
        Self::Between,
        Self::OneOf,
        Self::BeginsWith,
        Self::Contains,
        Self::Lacks,
        Self::Exists,
        Self::Missing,
        Self::IsType,
        Self::SizeAtLeast,
        Self::SizeAtMost,
    ];

    /// What a query may ask of a sort key.
    pub(super) const OF_SORT_KEYS: [Self; 7] = [
        Self::Equals,
        Self::BeginsWith,
        Self::Between,
        Self::Less,
        Self::AtMost,
        Self::Greater,
        Self::AtLeast,
    ];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Equals => "=",
            Self::Differs => "<>",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::Between => "between",
            Self::OneOf => "in",
            Self::BeginsWith => "begins with",
            Self::Contains => "contains",
            Self::Lacks => "does not contain",
            Self::Exists => "exists",
            Self::Missing => "does not exist",
            Self::IsType => "has type",
            Self::SizeAtLeast => "size >=",
            Self::SizeAtMost => "size <=",
        }
    }

    /// Takes a value of a type the user chooses.
    pub(super) fn is_typed(self) -> bool {
        !matches!(
            self,
            Self::Exists | Self::Missing | Self::IsType | Self::SizeAtLeast | Self::SizeAtMost
        )
    }

    pub(super) fn takes_value(self) -> bool {
        !matches!(self, Self::Exists | Self::Missing)
    }
}

/// The type of a value that is typed in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Text,
    Number,
    Binary,
    Boolean,
    Null,
}

impl Kind {
    pub(super) const ALL: [Self; 5] = [
        Self::Text,
        Self::Number,
        Self::Binary,
        Self::Boolean,
        Self::Null,
    ];

    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Text => "String",
            Self::Number => "Number",
            Self::Binary => "Binary",
            Self::Boolean => "Boolean",
            Self::Null => "Null",
        }
    }

    /// What to type, for an empty field.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Binary => "base64",
            Self::Boolean => "true or false",
            Self::Null => "",
        }
    }

    pub(super) fn of_key(kind: &ScalarAttributeType) -> Self {
        match kind {
            ScalarAttributeType::N => Self::Number,
            ScalarAttributeType::B => Self::Binary,
            _ => Self::Text,
        }
    }

    /// A value to begin with.
    pub(super) fn empty(self) -> AttributeValue {
        match self {
            Self::Text => AttributeValue::S(String::new()),
            Self::Number => AttributeValue::N("0".to_owned()),
            Self::Binary => AttributeValue::B(Blob::new(Vec::new())),
            Self::Boolean => AttributeValue::Bool(false),
            Self::Null => AttributeValue::Null(true),
        }
    }

    /// From AWS's letter, for what can be typed in.
    pub(super) fn of_letter(letter: &str) -> Option<Self> {
        match letter {
            "S" => Some(Self::Text),
            "N" => Some(Self::Number),
            "B" => Some(Self::Binary),
            "BOOL" => Some(Self::Boolean),
            "NULL" => Some(Self::Null),
            _ => None,
        }
    }

    /// The value, or what is wrong with the text.
    pub(super) fn parse(self, text: &str) -> Result<AttributeValue, String> {
        match self {
            Self::Text => Ok(AttributeValue::S(text.to_owned())),
            Self::Number => match number_problem(text.trim()) {
                None => Ok(AttributeValue::N(text.trim().to_owned())),
                Some(problem) => Err(problem.to_owned()),
            },
            Self::Binary => BASE64
                .decode(text.trim())
                .map(|bytes| AttributeValue::B(Blob::new(bytes)))
                .map_err(|error| format!("Not base64: {error}")),
            Self::Boolean => match text.trim() {
                "true" => Ok(AttributeValue::Bool(true)),
                "false" => Ok(AttributeValue::Bool(false)),
                _ => Err("Must be true or false".to_owned()),
            },
            Self::Null => Ok(AttributeValue::Null(true)),
        }
    }
}

/// A test as it is typed in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FilterForm {
    pub(super) path: String,
    pub(super) op: Op,
    pub(super) kind: Kind,
    pub(super) first: String,
    /// The upper end of `between`.
    pub(super) second: String,
}

impl FilterForm {
    /// `total > 10`: for a pill.
    pub(super) fn summary(&self) -> String {
        let quoted = |text: &str| match self.kind {
            Kind::Text if self.op.is_typed() => format!("\"{text}\""),
            Kind::Null if self.op.is_typed() => "null".to_owned(),
            _ => text.to_owned(),
        };
        let (path, op) = (&self.path, self.op.words());
        match self.op {
            Op::Exists | Op::Missing => format!("{path} {op}"),
            Op::Between => {
                let (low, high) = (quoted(&self.first), quoted(&self.second));
                format!("{path} between {low} and {high}")
            }
            Op::OneOf => format!("{path} in ({})", self.first),
            _ => format!("{path} {op} {}", quoted(&self.first)),
        }
    }

    /// The test, or what is wrong with what was typed.
    pub(super) fn part(&self) -> Result<FilterPart, String> {
        let path = self.path.trim();
        if path.is_empty() {
            return Err("Name the attribute".to_owned());
        }
        Ok(FilterPart {
            path: path.to_owned(),
            test: test(self.op, self.kind, &self.first, &self.second)?,
        })
    }
}

/// The test of the sort key as it is typed in.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SortForm {
    pub(super) op: Op,
    pub(super) first: String,
    pub(super) second: String,
}

impl SortForm {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && (self.op != Op::Between || self.second.is_empty())
    }
}

/// Everything in the read bar.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ReadForm {
    /// `None` reads the table.
    pub(super) index: Option<String>,
    pub(super) partition: String,
    pub(super) sort: SortForm,
    pub(super) filters: Vec<FilterForm>,
    pub(super) page: Number,
    pub(super) descending: bool,
}

impl Default for ReadForm {
    fn default() -> Self {
        Self {
            index: None,
            partition: String::new(),
            sort: SortForm::default(),
            filters: Vec::new(),
            page: Number::of(Some(PAGE_DEFAULT)),
            descending: false,
        }
    }
}

/// A place in the read bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Partition,
    Sort,
    Filter(usize),
    Page,
}

/// What is wrong with a place in the read bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation {
    pub(super) field: Field,
    pub(super) message: String,
}

impl ReadForm {
    /// Query or scan, decided by what is filled in, and why.
    pub(super) fn plan(&self, source: &Source) -> (ReadKind, String) {
        let name = &source.partition.name;
        if !self.partition.is_empty() {
            return (
                ReadKind::Query,
                format!("Reads only items with this {name}"),
            );
        }
        let place = if self.index.is_some() {
            "index"
        } else {
            "table"
        };
        let why = if self.sort.is_empty() {
            format!("No {name} given: reads the whole {place}")
        } else {
            format!("No {name} given: reads the whole {place} and filters")
        };
        (ReadKind::Scan, why)
    }

    /// The request for the first page, or all that is wrong.
    pub(super) fn request(
        &self,
        table: &str,
        source: &Source,
    ) -> Result<ReadRequest, Vec<Violation>> {
        let mut wrong = Vec::new();
        let mut note = |field, message: String| wrong.push(Violation { field, message });
        let (kind, _) = self.plan(source);
        let mut request = ReadRequest {
            table: table.to_owned(),
            index: self.index.clone(),
            kind,
            descending: kind == ReadKind::Query && self.descending,
            ..ReadRequest::default()
        };
        if kind == ReadKind::Query {
            let of_key = Kind::of_key(&source.partition.kind);
            match test(Op::Equals, of_key, &self.partition, "") {
                Ok(test) => request.key_condition.push(FilterPart {
                    path: source.partition.name.clone(),
                    test,
                }),
                Err(message) => note(Field::Partition, message),
            }
        }
        if let Some(sort) = source.sort.as_ref().filter(|_| !self.sort.is_empty()) {
            let of_key = Kind::of_key(&sort.kind);
            match test(self.sort.op, of_key, &self.sort.first, &self.sort.second) {
                Ok(test) => {
                    let path = sort.name.clone();
                    let part = FilterPart { path, test };
                    match kind {
                        ReadKind::Query => request.key_condition.push(part),
                        ReadKind::Scan => request.filter.push(part),
                    }
                }
                Err(message) => note(Field::Sort, message),
            }
        }
        for (nth, filter) in self.filters.iter().enumerate() {
            match filter.part() {
                Ok(part) if kind == ReadKind::Query && is_key(&part.path, source) => {
                    let message = "A query cannot filter by its key; use the fields of the key";
                    note(Field::Filter(nth), message.to_owned());
                }
                Ok(part) => request.filter.push(part),
                Err(message) => note(Field::Filter(nth), message),
            }
        }
        match self.page.value(&PAGE_RANGE) {
            Ok(size) => {
                let size = size.unwrap_or(PAGE_DEFAULT);
                request.limit = u32::try_from(size).ok();
            }
            Err(message) => note(Field::Page, message),
        }
        if wrong.is_empty() {
            Ok(request)
        } else {
            Err(wrong)
        }
    }
}

fn is_key(path: &str, source: &Source) -> bool {
    let sort = source.sort.as_ref().map(|it| it.name.as_str());
    path == source.partition.name || Some(path) == sort
}

fn test(op: Op, kind: Kind, first: &str, second: &str) -> Result<Test, String> {
    let value = || kind.parse(first);
    let size = || {
        let text = first.trim();
        text.parse()
            .map_err(|_not_a_number| "Must be a whole number, not below 0".to_owned())
    };
    Ok(match op {
        Op::Equals => Test::Equals(value()?),
        Op::Differs => Test::Differs(value()?),
        Op::Less => Test::Less(value()?),
        Op::AtMost => Test::AtMost(value()?),
        Op::Greater => Test::Greater(value()?),
        Op::AtLeast => Test::AtLeast(value()?),
        Op::Between => Test::Between(value()?, kind.parse(second)?),
        Op::OneOf => {
            let values: Result<Vec<_>, _> =
                first.split(',').map(|it| kind.parse(it.trim())).collect();
            let values = values?;
            if values.len() > 100 {
                return Err("At most 100 values".to_owned());
            }
            Test::OneOf(values)
        }
        Op::BeginsWith => match value()? {
            AttributeValue::N(_) => return Err("A number has no beginning".to_owned()),
            value => Test::BeginsWith(value),
        },
        Op::Contains => Test::Contains(value()?),
        Op::Lacks => Test::Lacks(value()?),
        Op::Exists => Test::Exists,
        Op::Missing => Test::Missing,
        Op::IsType => Test::IsType(first.to_owned()),
        Op::SizeAtLeast => Test::SizeAtLeast(size()?),
        Op::SizeAtMost => Test::SizeAtMost(size()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::dynamodb::KeyPart;

    fn source() -> Source {
        Source {
            index: None,
            partition: KeyPart::text("pk"),
            sort: Some(KeyPart {
                name: "sk".to_owned(),
                kind: ScalarAttributeType::N,
            }),
            is_whole: true,
        }
    }

    #[test]
    fn a_partition_key_makes_a_query_and_its_absence_a_scan() {
        let mut form = ReadForm::default();
        assert_eq!(form.plan(&source()).0, ReadKind::Scan);
        form.partition = "a".to_owned();
        form.sort.first = "7".to_owned();
        let request = form.request("T", &source()).unwrap();
        assert_eq!(request.kind, ReadKind::Query);
        assert_eq!(request.key_condition.len(), 2);
        assert_eq!(request.limit, Some(100));
    }

    #[test]
    fn a_sort_key_alone_becomes_a_filter_of_a_scan() {
        let mut form = ReadForm::default();
        form.sort.first = "7".to_owned();
        let request = form.request("T", &source()).unwrap();
        assert_eq!(request.kind, ReadKind::Scan);
        assert!(request.key_condition.is_empty());
        assert_eq!(request.filter[0].path, "sk");
        assert!(form.plan(&source()).1.contains("and filters"));
    }

    #[test]
    fn everything_wrong_is_said_at_its_place() {
        let form = ReadForm {
            partition: "a".to_owned(),
            sort: SortForm {
                op: Op::BeginsWith,
                first: "7".to_owned(),
                second: String::new(),
            },
            filters: vec![
                FilterForm::default(),
                FilterForm {
                    path: "n".to_owned(),
                    kind: Kind::Number,
                    first: "ten".to_owned(),
                    ..FilterForm::default()
                },
            ],
            page: Number::of(Some(0)),
            ..ReadForm::default()
        };
        let wrong = form.request("T", &source()).unwrap_err();
        let fields: Vec<_> = wrong.iter().map(|it| it.field).collect();
        let expected = [Field::Sort, Field::Filter(0), Field::Filter(1), Field::Page];
        assert_eq!(fields, expected);
        assert_eq!(wrong[2].message, "Not a number");
    }

    #[test]
    fn filters_read_like_sentences() {
        let form = |op, first: &str, second: &str| FilterForm {
            path: "total".to_owned(),
            op,
            kind: Kind::Number,
            first: first.to_owned(),
            second: second.to_owned(),
        };
        assert_eq!(form(Op::Greater, "10", "").summary(), "total > 10");
        assert_eq!(
            form(Op::Between, "1", "2").summary(),
            "total between 1 and 2"
        );
        assert_eq!(form(Op::Exists, "", "").summary(), "total exists");
        assert_eq!(form(Op::OneOf, "1, 2", "").summary(), "total in (1, 2)");
        let Test::OneOf(values) = form(Op::OneOf, "1, 2", "").part().unwrap().test else {
            panic!("not IN");
        };
        assert_eq!(values.len(), 2);
    }
}
