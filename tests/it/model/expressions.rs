//! Expressions as the model builds them: trees that are written as DynamoDB's text and judged by the model's own rules.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::values::{
    Item, bytes_of, inner, kind, members, normal, number_of, order, plain, text_of,
};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Name(&'static str),
    At(usize),
}

pub(super) type Path = Vec<Step>;

#[derive(Clone, Debug)]
pub(super) enum Operand {
    Path(Path),
    Value(Value),
    Size(Path),
}

#[derive(Clone, Debug)]
pub(super) enum Condition {
    Compare(&'static str, Operand, Operand),
    Between(Operand, Value, Value),
    In(Operand, Vec<Value>),
    Exists(Path),
    Missing(Path),
    Kind(Path, &'static str),
    Begins(Path, Value),
    Contains(Path, Value),
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Set(Path, Source),
    Remove(Path),
    Add(Path, Value),
    Delete(Path, Value),
}

#[derive(Clone, Debug)]
pub(super) enum Source {
    Path(Path),
    Value(Value),
    IfNotExists(Path, Box<Self>),
    Append(Box<Self>, Box<Self>),
    Plus(Box<Self>, Box<Self>),
    Minus(Box<Self>, Box<Self>),
}

/// Collects the placeholders of a request.
#[derive(Default)]
pub(super) struct Words {
    names: Map<String, Value>,
    values: Map<String, Value>,
    turn: usize,
}

impl Words {
    pub(super) fn path(&mut self, path: &Path) -> String {
        let mut text = String::new();
        for step in path {
            match step {
                Step::At(index) => text = format!("{text}[{index}]"),
                Step::Name(name) => {
                    if !text.is_empty() {
                        text.push('.');
                    }
                    text.push_str(&self.name(name));
                }
            }
        }
        text
    }

    /// A name as it is, or behind a placeholder: both have to work.
    fn name(&mut self, name: &str) -> String {
        self.turn += 1;
        if !self.turn.is_multiple_of(3) {
            return name.to_owned();
        }
        let key = format!("#{name}");
        self.names.insert(key.clone(), json!(name));
        key
    }

    pub(super) fn value(&mut self, value: &Value) -> String {
        let key = format!(":v{}", self.values.len());
        self.values.insert(key.clone(), value.clone());
        key
    }

    /// Adds what was collected to the request.
    pub(super) fn finish(self, request: &mut Value) {
        if !self.names.is_empty() {
            request["ExpressionAttributeNames"] = Value::Object(self.names);
        }
        if !self.values.is_empty() {
            request["ExpressionAttributeValues"] = Value::Object(self.values);
        }
    }

    fn operand(&mut self, operand: &Operand) -> String {
        match operand {
            Operand::Path(path) => self.path(path),
            Operand::Value(value) => self.value(value),
            Operand::Size(path) => format!("size ({})", self.path(path)),
        }
    }

    pub(super) fn condition(&mut self, condition: &Condition) -> String {
        match condition {
            Condition::Compare(sign, left, right) => {
                format!("{} {sign} {}", self.operand(left), self.operand(right))
            }
            Condition::Between(operand, low, high) => {
                let operand = self.operand(operand);
                format!(
                    "{operand} BETWEEN {} AND {}",
                    self.value(low),
                    self.value(high)
                )
            }
            Condition::In(operand, list) => {
                let operand = self.operand(operand);
                let list: Vec<_> = list.iter().map(|it| self.value(it)).collect();
                format!("{operand} IN ({})", list.join(", "))
            }
            Condition::Exists(path) => format!("attribute_exists({})", self.path(path)),
            Condition::Missing(path) => format!("attribute_not_exists({})", self.path(path)),
            Condition::Kind(path, kind) => {
                let path = self.path(path);
                format!(
                    "attribute_type({path}, {})",
                    self.value(&json!({"S": kind}))
                )
            }
            Condition::Begins(path, value) => {
                let path = self.path(path);
                format!("begins_with({path}, {})", self.value(value))
            }
            Condition::Contains(path, value) => {
                let path = self.path(path);
                format!("contains({path}, {})", self.value(value))
            }
            Condition::Not(one) => format!("NOT ({})", self.condition(one)),
            Condition::And(one, two) => {
                format!("({}) AND ({})", self.condition(one), self.condition(two))
            }
            Condition::Or(one, two) => {
                format!("{} OR {}", self.condition(one), self.condition(two))
            }
        }
    }

    pub(super) fn update(&mut self, actions: &[Action]) -> String {
        let mut sections = Vec::new();
        for word in ["SET", "REMOVE", "ADD", "DELETE"] {
            let clauses: Vec<String> = actions
                .iter()
                .filter(|it| it.word() == word)
                .map(|it| self.clause(it))
                .collect();
            if !clauses.is_empty() {
                sections.push(format!("{word} {}", clauses.join(", ")));
            }
        }
        sections.join(" ")
    }

    fn clause(&mut self, action: &Action) -> String {
        match action {
            Action::Set(path, source) => {
                format!("{} = {}", self.path(path), self.source(source))
            }
            Action::Remove(path) => self.path(path),
            Action::Add(path, value) | Action::Delete(path, value) => {
                format!("{} {}", self.path(path), self.value(value))
            }
        }
    }

    fn source(&mut self, source: &Source) -> String {
        match source {
            Source::Path(path) => self.path(path),
            Source::Value(value) => self.value(value),
            Source::IfNotExists(path, other) => {
                format!("if_not_exists({}, {})", self.path(path), self.source(other))
            }
            Source::Append(one, two) => {
                format!("list_append({}, {})", self.source(one), self.source(two))
            }
            Source::Plus(one, two) => format!("{} + {}", self.source(one), self.source(two)),
            Source::Minus(one, two) => format!("{} - {}", self.source(one), self.source(two)),
        }
    }
}

pub(super) fn find<'a>(item: &'a Item, path: &[Step]) -> Option<&'a Value> {
    let (Step::Name(head), rest) = path.split_first()? else {
        return None;
    };
    let mut found = item.get(*head)?;
    for step in rest {
        found = match (step, kind(found)) {
            (Step::Name(name), "M") => inner(found).get(*name)?,
            (Step::At(index), "L") => inner(found).get(*index)?,
            _ => return None,
        };
    }
    Some(found)
}

impl Condition {
    pub(super) fn holds(&self, item: &Item) -> bool {
        match self {
            Self::Compare(sign, left, right) => compare(sign, left.of(item), right.of(item)),
            Self::Between(operand, low, high) => {
                compare(">=", operand.of(item), Some(normal(low)))
                    && compare("<=", operand.of(item), Some(normal(high)))
            }
            Self::In(operand, list) => {
                let found = operand.of(item);
                list.iter().any(|it| found == Some(normal(it)))
            }
            Self::Exists(path) => find(item, path).is_some(),
            Self::Missing(path) => find(item, path).is_none(),
            Self::Kind(path, wanted) => find(item, path).is_some_and(|it| kind(it) == *wanted),
            Self::Begins(path, start) => find(item, path).is_some_and(|it| {
                kind(it) == kind(start)
                    && match kind(it) {
                        "S" => text_of(inner(it)).starts_with(text_of(inner(start))),
                        _ => bytes_of(it).starts_with(&bytes_of(start)),
                    }
            }),
            Self::Contains(path, part) => find(item, path).is_some_and(|it| has(it, &normal(part))),
            Self::Not(one) => !one.holds(item),
            Self::And(one, two) => one.holds(item) && two.holds(item),
            Self::Or(one, two) => one.holds(item) || two.holds(item),
        }
    }
}

fn compare(sign: &str, left: Option<Value>, right: Option<Value>) -> bool {
    let (Some(left), Some(right)) = (left, right) else {
        return sign == "<>";
    };
    let order = order(&left, &right);
    match sign {
        "=" => left == right,
        "<>" => left != right,
        "<" => order == Some(Ordering::Less),
        "<=" => order.is_some_and(Ordering::is_le),
        ">" => order == Some(Ordering::Greater),
        _ => order.is_some_and(Ordering::is_ge),
    }
}

/// `contains`: a part of a string or binary, a member of a set or list.
fn has(whole: &Value, part: &Value) -> bool {
    match (kind(whole), kind(part)) {
        ("S", "S") => text_of(inner(whole)).contains(text_of(inner(part))),
        ("B", "B") => {
            let (whole, part) = (bytes_of(whole), bytes_of(part));
            (0..=whole.len()).any(|at| whole[at..].starts_with(&part))
        }
        ("SS", "S") | ("NS", "N") | ("BS", "B") => members(whole).contains(inner(part)),
        ("L", _) => members(whole).contains(part),
        _ => false,
    }
}

impl Operand {
    fn of(&self, item: &Item) -> Option<Value> {
        match self {
            Self::Path(path) => find(item, path).cloned(),
            Self::Value(value) => Some(normal(value)),
            Self::Size(path) => {
                let found = find(item, path)?;
                let size = match kind(found) {
                    "S" => text_of(inner(found)).len(),
                    "B" => bytes_of(found).len(),
                    "M" => inner(found).as_object()?.len(),
                    "L" | "SS" | "NS" | "BS" => members(found).len(),
                    _ => return None,
                };
                Some(json!({"N": size.to_string()}))
            }
        }
    }
}

/// An update that the item does not allow.
#[derive(Debug)]
pub(super) struct Unfit;

impl Action {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::Set(path, _)
            | Self::Remove(path)
            | Self::Add(path, _)
            | Self::Delete(path, _) => path,
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Set(..) => "SET",
            Self::Remove(_) => "REMOVE",
            Self::Add(..) => "ADD",
            Self::Delete(..) => "DELETE",
        }
    }

    /// The value it puts; `None` takes the attribute away.
    fn value(&self, item: &Item) -> Result<Option<Value>, Unfit> {
        let old = find(item, self.path());
        match (self, old) {
            (Self::Set(_, source), _) => source.of(item).map(Some),
            (Self::Remove(_), _) | (Self::Delete(..), None) => Ok(None),
            (Self::Add(_, value), None) => Ok(Some(normal(value))),
            (Self::Add(_, value), Some(old)) => join(old, &normal(value)).map(Some),
            (Self::Delete(_, value), Some(old)) => take(old, &normal(value)),
        }
    }
}

impl Source {
    fn of(&self, item: &Item) -> Result<Value, Unfit> {
        match self {
            Self::Path(path) => find(item, path).cloned().ok_or(Unfit),
            Self::Value(value) => Ok(normal(value)),
            Self::IfNotExists(path, other) => match find(item, path) {
                Some(found) => Ok(found.clone()),
                None => other.of(item),
            },
            Self::Append(one, two) => {
                let (one, two) = (one.of(item)?, two.of(item)?);
                if kind(&one) != "L" || kind(&two) != "L" {
                    return Err(Unfit);
                }
                let all: Vec<_> = members(&one).iter().chain(members(&two)).collect();
                Ok(json!({ "L": all }))
            }
            Self::Plus(one, two) => sum(&one.of(item)?, &two.of(item)?, 1),
            Self::Minus(one, two) => sum(&one.of(item)?, &two.of(item)?, -1),
        }
    }
}

fn sum(one: &Value, two: &Value, sign: i128) -> Result<Value, Unfit> {
    if kind(one) != "N" || kind(two) != "N" {
        return Err(Unfit);
    }
    Ok(json!({"N": plain(number_of(one) + sign * number_of(two))}))
}

/// `ADD` on what is there.
fn join(old: &Value, value: &Value) -> Result<Value, Unfit> {
    let kinds = (kind(old), kind(value));
    match kinds {
        ("N", "N") => sum(old, value, 1),
        ("SS", "SS") | ("NS", "NS") | ("BS", "BS") => {
            let mut all = members(old).clone();
            all.extend(members(value).clone());
            let mut kept: Vec<Value> = Vec::new();
            for member in all {
                if !kept.contains(&member) {
                    kept.push(member);
                }
            }
            Ok(normal(&json!({kinds.0: kept})))
        }
        _ => Err(Unfit),
    }
}

/// `DELETE` from what is there; an empty set goes.
fn take(old: &Value, value: &Value) -> Result<Option<Value>, Unfit> {
    let kind_of_set = kind(old);
    if kind_of_set != kind(value) || !["SS", "NS", "BS"].contains(&kind_of_set) {
        return Err(Unfit);
    }
    let gone = members(value);
    let kept: Vec<_> = members(old)
        .iter()
        .filter(|it| !gone.contains(it))
        .collect();
    Ok((!kept.is_empty()).then(|| json!({kind_of_set: kept})))
}

/// The item after an update: every value and index means the item as it was.
pub(super) fn updated(item: &Item, actions: &[Action]) -> Result<Item, Unfit> {
    let mut values = Vec::new();
    for action in actions {
        values.push((action, action.value(item)?));
    }
    let mut next = item.clone();
    let mut appended = Vec::new();
    let mut removed = Vec::new();
    for (action, value) in values {
        let path = action.path();
        match value {
            None if item.is_empty() => (),
            None => {
                drop(place(&mut next, path)?);
                if find(item, path).is_some() {
                    removed.push(path);
                }
            }
            Some(value) => match place(&mut next, path)? {
                Place::Member(members, name) => drop(members.insert(name, value)),
                Place::Slot(slot) => *slot = value,
                Place::End => appended.push((path, value)),
                Place::Top(name) => drop(next.insert(name, value)),
            },
        }
    }
    appended.sort_by_key(|(path, _)| index_of(path));
    for (path, value) in appended {
        if let Some(list) = below(&mut next, &path[..path.len() - 1]) {
            list["L"].as_array_mut().unwrap().push(value);
        }
    }
    // Deeper ones first: they move nothing that others name.
    removed.sort_by_key(|path| std::cmp::Reverse((path.len(), index_of(path))));
    for path in removed {
        remove(&mut next, path);
    }
    // Members of maps in the agreed order, too.
    let members = next.iter();
    Ok(members
        .map(|(name, it)| (name.clone(), normal(it)))
        .collect())
}

enum Place<'a> {
    Top(String),
    Member(&'a mut Map<String, Value>, String),
    Slot(&'a mut Value),
    /// Beyond the end of a list.
    End,
}

fn place<'a>(item: &'a mut Item, path: &Path) -> Result<Place<'a>, Unfit> {
    let (last, parents) = path.split_last().unwrap();
    match last {
        Step::Name(name) if parents.is_empty() => Ok(Place::Top((*name).to_owned())),
        Step::Name(name) => {
            let map = below(item, parents).ok_or(Unfit)?.get_mut("M");
            let map = map.and_then(Value::as_object_mut).ok_or(Unfit)?;
            Ok(Place::Member(map, (*name).to_owned()))
        }
        Step::At(index) => {
            let list = below(item, parents).ok_or(Unfit)?.get_mut("L");
            let list = list.and_then(Value::as_array_mut).ok_or(Unfit)?;
            Ok(list.get_mut(*index).map_or(Place::End, Place::Slot))
        }
    }
}

fn below<'a>(item: &'a mut Item, path: &[Step]) -> Option<&'a mut Value> {
    let (Step::Name(head), rest) = path.split_first()? else {
        return None;
    };
    let mut found = item.get_mut(*head)?;
    for step in rest {
        found = match step {
            Step::Name(name) => found.get_mut("M")?.get_mut(*name)?,
            Step::At(index) => found.get_mut("L")?.get_mut(*index)?,
        };
    }
    Some(found)
}

fn remove(item: &mut Item, path: &Path) {
    let (last, parents) = path.split_last().unwrap();
    match last {
        Step::Name(name) if parents.is_empty() => drop(item.remove(*name)),
        Step::Name(name) => {
            if let Some(map) = below(item, parents).and_then(|it| it.get_mut("M")) {
                map.as_object_mut().unwrap().remove(*name);
            }
        }
        Step::At(index) => {
            let list = below(item, parents).and_then(|it| it.get_mut("L"));
            let list = list.map(|it| it.as_array_mut().unwrap());
            if let Some(list) = list.filter(|it| *index < it.len()) {
                list.remove(*index);
            }
        }
    }
}

fn index_of(path: &Path) -> usize {
    match path.last() {
        Some(Step::At(index)) => *index,
        _ => 0,
    }
}
