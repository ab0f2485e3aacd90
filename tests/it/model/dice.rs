//! Random requests for the model test: everything comes from one seeded generator.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::expressions::{Action, Condition, Operand, Path, Source, Step};
use super::values::{Item, normal, order};
use super::world::{Carried, Index, Table, What, Write, key, type_of_key};

pub(super) struct Dice(pub(super) fastrand::Rng);

const TEXTS: [&str; 9] = ["", "a", "ab", "abc", "b", "ba", "é", "a\0", "zzz"];
const NAMES: [&str; 9] = [
    "alpha", "beta", "doc", "series", "tags", "nums", "g", "h", "l",
];
const KINDS: [&str; 10] = ["S", "N", "B", "BOOL", "NULL", "M", "L", "SS", "NS", "BS"];

impl Dice {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0.usize(..limit)
    }

    /// True once in so many times.
    pub(super) fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub(super) fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }

    pub(super) fn key(&mut self, table: &Table) -> Value {
        let pk = self.of(&["p", "q", "r", "\0", "é"]);
        let sk = i128::try_from(self.below(6)).unwrap() - 2;
        key(table, pk, sk)
    }

    /// The same number in one of its many texts.
    fn number(&mut self) -> String {
        let whole = self.0.i64(-9..30);
        match self.below(7) {
            0 => format!("{whole}.50"),
            1 => format!("{whole}e1"),
            2 => format!("{whole}5E-1"),
            3 => format!("{whole}.000"),
            4 => format!("{whole}.125"),
            _ => whole.to_string(),
        }
    }

    fn scalar(&mut self, kind: &str) -> Value {
        match kind {
            "S" => json!({"S": self.of(&TEXTS)}),
            "N" => json!({"N": self.number()}),
            "B" => json!({"B": STANDARD.encode(self.of(&TEXTS))}),
            "BOOL" => json!({"BOOL": self.0.bool()}),
            _ => json!({"NULL": true}),
        }
    }

    fn set(&mut self, kind: &str) -> Value {
        let mut members: Vec<Value> = Vec::new();
        for _ in 0..=self.below(4) {
            let member = match kind {
                "SS" => json!(self.of(&TEXTS)),
                "NS" => json!(self.0.i64(-3..12).to_string()),
                _ => json!(STANDARD.encode(self.of(&TEXTS))),
            };
            if !members.contains(&member) {
                members.push(member);
            }
        }
        json!({kind: members})
    }

    fn value(&mut self, kind: &str, depth: usize) -> Value {
        match kind {
            "SS" | "NS" | "BS" => self.set(kind),
            "L" => {
                let count = self.below(4);
                let list: Vec<Value> = (0..count).map(|_| self.any(depth + 1)).collect();
                json!({"L": list})
            }
            "M" => {
                let mut map = Map::new();
                for name in ["x", "y", "z"] {
                    if self.0.bool() {
                        map.insert(name.to_owned(), self.any(depth + 1));
                    }
                }
                json!({"M": map})
            }
            scalar => self.scalar(scalar),
        }
    }

    fn any(&mut self, depth: usize) -> Value {
        let kind = if depth > 2 {
            self.of(&KINDS[..5])
        } else {
            self.of(&KINDS)
        };
        self.value(kind, depth)
    }

    /// A value that mostly suits the attribute.
    fn fit(&mut self, name: &str) -> Value {
        if self.once_in(12) {
            return self.any(0);
        }
        match name {
            "beta" | "h" => self.value("N", 0),
            "doc" => self.value("M", 0),
            "series" => self.value("L", 0),
            "tags" => self.value("SS", 0),
            "nums" => self.value("NS", 0),
            "g" | "l" => json!({"S": self.of(&["a", "b", "c"])}),
            _ => self.any(0),
        }
    }

    pub(super) fn item(&mut self, table: &Table) -> Value {
        let mut item = self.key(table);
        for name in NAMES {
            if self.once_in(3) {
                item[name] = self.fit(name);
            }
        }
        item
    }

    fn path(&mut self) -> Path {
        let head = Step::Name(self.of(&NAMES));
        match (&head, self.below(3)) {
            (Step::Name("doc"), 1..) => vec![head, Step::Name(self.of(&["x", "y", "z"]))],
            (Step::Name("series"), 1) => vec![head, Step::At(self.below(4))],
            (Step::Name("series"), 2) => {
                vec![head, Step::At(self.below(3)), Step::Name("x")]
            }
            (_, _) if self.once_in(12) => vec![head, Step::Name("x"), Step::At(0)],
            _ => vec![head],
        }
    }

    /// A condition on attributes the reader can see.
    pub(super) fn condition(
        &mut self,
        depth: usize,
        sees: &dyn Fn(&str) -> bool,
    ) -> Option<Condition> {
        if depth < 2 && self.once_in(3) {
            let one = Box::new(self.condition(depth + 1, sees)?);
            return Some(match self.below(3) {
                0 => Condition::Not(one),
                1 => Condition::And(one, Box::new(self.condition(depth + 1, sees)?)),
                _ => Condition::Or(one, Box::new(self.condition(depth + 1, sees)?)),
            });
        }
        let path = self.path();
        let Step::Name(head) = path[0] else {
            return None;
        };
        if !sees(head) {
            return None;
        }
        Some(self.leaf(path, head))
    }

    fn leaf(&mut self, path: Path, head: &'static str) -> Condition {
        let ordered = |dice: &mut Self| {
            let kind = dice.of(&["S", "N", "B"]);
            dice.scalar(kind)
        };
        match self.below(10) {
            0 => Condition::Exists(path),
            1 => Condition::Missing(path),
            2 => Condition::Kind(path, self.of(&KINDS)),
            3 => Condition::Begins(
                path,
                if self.once_in(4) {
                    self.scalar("B")
                } else {
                    self.scalar("S")
                },
            ),
            4 => Condition::Contains(path, ordered(self)),
            5 => {
                let kind = self.of(&["S", "N", "B"]);
                let (one, two) = (self.scalar(kind), self.scalar(kind));
                let is_ordered = order(&normal(&one), &normal(&two)).is_some_and(Ordering::is_le);
                let (low, high) = if is_ordered { (one, two) } else { (two, one) };
                Condition::Between(Operand::Path(path), low, high)
            }
            6 => {
                let count = 1 + self.below(3);
                let list = (0..count).map(|_| self.fit(head)).collect();
                Condition::In(Operand::Path(path), list)
            }
            7 => {
                let sign = self.of(&["=", "<>", "<", "<=", ">", ">="]);
                let size = json!({"N": self.below(5).to_string()});
                Condition::Compare(sign, Operand::Size(path), Operand::Value(size))
            }
            8 => {
                let sign = self.of(&["<", "<=", ">", ">="]);
                let value = Operand::Value(ordered(self));
                if self.0.bool() {
                    Condition::Compare(sign, value, Operand::Path(path))
                } else {
                    Condition::Compare(sign, Operand::Path(path), value)
                }
            }
            _ => {
                let sign = self.of(&["=", "<>"]);
                let value = self.fit(head);
                Condition::Compare(sign, Operand::Path(path), Operand::Value(value))
            }
        }
    }

    pub(super) fn actions(&mut self) -> Vec<Action> {
        let mut actions: Vec<Action> = Vec::new();
        for _ in 0..=self.below(3) {
            let path = self.path();
            if actions.iter().any(|it| meet(it.path(), &path)) {
                continue;
            }
            let Step::Name(head) = path[0] else { continue };
            actions.push(match self.below(8) {
                0 | 1 => Action::Remove(path),
                2 => {
                    let kind = self.of(&["N", "SS", "NS", "BS"]);
                    Action::Add(path, self.value(kind, 0))
                }
                3 => {
                    let kind = self.of(&["SS", "NS", "BS"]);
                    Action::Delete(path, self.set(kind))
                }
                _ => {
                    let source = self.source(&path, head);
                    Action::Set(path, source)
                }
            });
        }
        actions
    }

    fn source(&mut self, path: &Path, head: &'static str) -> Source {
        let boxed = |it: Source| Box::new(it);
        let number = Source::Value(self.scalar("N"));
        match self.below(8) {
            0 => Source::Path(self.path()),
            1 => Source::Plus(boxed(Source::Path(path.clone())), boxed(number)),
            2 => Source::Minus(boxed(number), boxed(Source::Path(self.path()))),
            3 => {
                let start = Source::IfNotExists(path.clone(), boxed(number.clone()));
                Source::Plus(boxed(start), boxed(number))
            }
            4 => Source::IfNotExists(path.clone(), boxed(Source::Value(self.fit(head)))),
            5 if head == "series" => Source::Append(
                boxed(Source::Path(vec![Step::Name("series")])),
                boxed(Source::Value(self.value("L", 1))),
            ),
            _ => Source::Value(self.fit(head)),
        }
    }

    pub(super) fn write(&mut self, tables: &[Table], with_checks: bool) -> Write {
        let place = self.below(tables.len());
        let table = &tables[place];
        let mut condition = None;
        let what = match self.below(if with_checks { 11 } else { 10 }) {
            0..4 => What::Put(self.item(table)),
            4..6 => What::Delete(self.key(table)),
            6..10 => {
                let key = self.key(table);
                What::Update(key, self.actions())
            }
            _ => {
                condition = Some(Condition::Exists(vec![Step::Name("pk")]));
                What::Check(self.key(table))
            }
        };
        if condition.is_none() && self.once_in(3) {
            condition = self.condition(0, &|_| true);
        }
        Write {
            table: place,
            what,
            condition,
            shows_failed: self.0.bool(),
        }
    }

    /// Sometimes an index of the table.
    pub(super) fn index(&mut self, table: &Table) -> Option<Index> {
        if table.indexes.is_empty() || self.once_in(3) {
            return None;
        }
        Some(self.of(&table.indexes))
    }

    /// A filter on what the index carries.
    pub(super) fn filter(&mut self, table: &Table, index: Option<&Index>) -> Option<Condition> {
        if self.0.bool() {
            return None;
        }
        // Keys of what is read are refused in filters of queries.
        let hidden: Vec<&str> = index.map(Index::keys).unwrap_or_default();
        self.condition(0, &|name| {
            !hidden.contains(&name) && index.is_none_or(|it| table.carries(it, name))
        })
    }

    /// Top-level names a projection may ask for.
    pub(super) fn projection(
        &mut self,
        table: &Table,
        index: Option<&Index>,
    ) -> Option<Vec<&'static str>> {
        if self.0.bool() {
            return None;
        }
        let fetches = index.is_none_or(|it| !it.is_global || it.carried == Carried::All);
        let mut names: Vec<&'static str> = Vec::new();
        for name in NAMES.into_iter().chain(["pk"]) {
            let is_there = fetches || index.is_none_or(|it| table.carries(it, name));
            if is_there && self.once_in(3) {
                names.push(name);
            }
        }
        (!names.is_empty()).then_some(names)
    }

    /// A value for a key attribute, often one that exists.
    pub(super) fn key_value(&mut self, name: &str, near: Option<&Item>) -> Value {
        if let Some(found) = near.and_then(|it| it.get(name)) {
            return found.clone();
        }
        match (name, type_of_key(name)) {
            ("pk", _) => json!({"S": "p"}),
            (_, "N") => json!({"N": self.0.i64(-3..6).to_string()}),
            _ => json!({"S": self.of(&["a", "b", "c"])}),
        }
    }
}

/// Whether two paths cannot stand in one update.
fn meet(one: &Path, two: &Path) -> bool {
    for pair in one.iter().zip(two) {
        match pair {
            (left, right) if left == right => (),
            (Step::Name(_), Step::At(_)) | (Step::At(_), Step::Name(_)) => return true,
            _ => return false,
        }
    }
    true
}
