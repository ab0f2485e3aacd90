//! Reads of the model test: single items, batches, queries and scans with all their pages.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::expressions::{Step, Words};
use super::values::{Item, normal, normal_item, order, to_json};
use super::world::{Index, Table};
use super::{Pair, items_of};

impl Pair {
    pub(super) async fn get_one(&mut self) {
        let place = self.dice.below(self.tables.len());
        let key = self.dice.key(&self.tables[place]);
        let table = &self.tables[place];
        let wanted = self.dice.projection(table, None);
        let mut request = json!({
            "TableName": table.name, "Key": key, "ConsistentRead": self.dice.0.bool(),
        });
        let mut words = Words::default();
        project(&mut request, &mut words, wanted.as_deref());
        words.finish(&mut request);
        let expected = table.get(&normal_item(&key));
        let expected = expected.map(|it| projected(it, wanted.as_deref()));
        let answer = self.ask("GetItem", &request).await.unwrap();
        let found = answer.get("Item").map(normal_item);
        let shown = |it: Option<Item>| it.as_ref().map_or(Value::Null, to_json);
        self.agree(&request, &shown(found), &shown(expected));
    }

    /// Places of tables with distinct keys.
    fn some_keys(&mut self) -> Vec<(usize, Value)> {
        let mut keys = Vec::new();
        for _ in 0..=self.dice.below(8) {
            let place = self.dice.below(self.tables.len());
            let key = (place, self.dice.key(&self.tables[place]));
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys
    }

    pub(super) async fn get_batch(&mut self) {
        let keys = self.some_keys();
        let mut wanted: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        let mut expected: BTreeMap<&str, Vec<Item>> = BTreeMap::new();
        for (place, key) in keys {
            let table = &self.tables[place];
            let found = table.get(&normal_item(&key)).cloned();
            expected.entry(table.name).or_default().extend(found);
            wanted.entry(table.name).or_default().push(key);
        }
        let requests = wanted.into_iter().map(|(table, keys)| {
            (
                table.to_owned(),
                json!({"Keys": keys, "ConsistentRead": true}),
            )
        });
        let request = json!({"RequestItems": Value::Object(requests.collect())});
        let answer = self.ask("BatchGetItem", &request).await.unwrap();
        self.agree(&request, &answer["UnprocessedKeys"], &json!({}));
        for (table, items) in expected {
            self.agree_on_items(&request, items_of(&answer["Responses"][table]), items);
        }
    }

    pub(super) async fn get_together(&mut self) {
        let keys = self.some_keys();
        let gets: Vec<Value> = keys
            .iter()
            .map(|(place, key)| json!({"Get": {"TableName": self.tables[*place].name, "Key": key}}))
            .collect();
        let request = json!({"TransactItems": gets});
        let answer = self.ask("TransactGetItems", &request).await.unwrap();
        let found = answer["Responses"].as_array().unwrap().iter();
        let found: Vec<Option<Item>> = found.map(|it| it.get("Item").map(normal_item)).collect();
        let expected: Vec<Option<Item>> = keys
            .iter()
            .map(|(place, key)| self.tables[*place].get(&normal_item(key)).cloned())
            .collect();
        assert_eq!(found, expected, "{}: {request:#}", self.step);
    }

    pub(super) async fn query(&mut self) {
        let place = self.dice.below(self.tables.len());
        let table = self.tables[place].clone();
        let index = self.dice.index(&table);
        let keys = index
            .as_ref()
            .map_or_else(|| table.keys().to_vec(), Index::keys);
        let seen = table.seen(index.as_ref());
        let near = (!seen.is_empty()).then(|| self.dice.of(&seen));
        let hash = self.dice.key_value(keys[0], near.as_ref());
        let range = keys.get(1).filter(|_| self.dice.0.bool()).map(|name| {
            let sign = self.dice.of(&["=", "<", "<=", ">", ">=", "between"]);
            let low = self.dice.key_value(name, near.as_ref());
            let high = self.dice.key_value(name, None);
            (*name, sign, low, high)
        });
        let mut words = Words::default();
        let name = words.path(&vec![Step::Name(keys[0])]);
        let mut text = format!("{name} = {}", words.value(&hash));
        let mut expected: Vec<Item> = seen;
        expected.retain(|it| it[keys[0]] == normal(&hash));
        if let Some((name, sign, low, high)) = &range {
            let (low, high) = in_order(low, high);
            if *sign == "between" {
                let (low, high) = (words.value(low), words.value(high));
                write!(text, " AND {name} BETWEEN {low} AND {high}").unwrap();
            } else {
                write!(text, " AND {name} {sign} {}", words.value(low)).unwrap();
            }
            expected.retain(|it| in_range(&it[*name], sign, low, high));
        }
        let is_backward = self.dice.0.bool();
        let mut request = json!({
            "TableName": table.name, "KeyConditionExpression": text, "ScanIndexForward": !is_backward,
        });
        if let Some(sort) = keys.get(1) {
            expected.sort_by(|one, two| order(&one[*sort], &two[*sort]).unwrap());
        }
        if is_backward {
            expected.reverse();
        }
        let sort = keys.get(1).filter(|_| index.is_some()).copied();
        let read = Read {
            operation: "Query",
            expected,
            is_ordered: index.is_none(),
            sort,
        };
        self.read(&mut request, words, &table, index.as_ref(), read)
            .await;
    }

    pub(super) async fn scan(&mut self) {
        let place = self.dice.below(self.tables.len());
        let table = self.tables[place].clone();
        let index = self.dice.index(&table);
        let mut request = json!({"TableName": table.name});
        let read = Read {
            operation: "Scan",
            expected: table.seen(index.as_ref()),
            is_ordered: false,
            sort: None,
        };
        self.read(&mut request, Words::default(), &table, index.as_ref(), read)
            .await;
    }

    /// Adds index, filter, projection and limit, reads every page and compares.
    async fn read(
        &mut self,
        request: &mut Value,
        mut words: Words,
        table: &Table,
        index: Option<&Index>,
        read: Read,
    ) {
        if let Some(index) = index {
            request["IndexName"] = json!(index.name);
        }
        if index.is_none_or(|it| !it.is_global) && self.dice.0.bool() {
            request["ConsistentRead"] = json!(true);
        }
        let filter = self.dice.filter(table, index);
        if let Some(filter) = &filter {
            request["FilterExpression"] = json!(words.condition(filter));
        }
        let wanted = self.dice.projection(table, index);
        project(request, &mut words, wanted.as_deref());
        words.finish(request);
        if self.dice.0.bool() {
            request["Limit"] = json!(1 + self.dice.below(7));
        }
        let mut expected = read.expected;
        let all = expected.len();
        let shown = |it: &Item| {
            // Attributes a local index lacks come from the table.
            let whole = table.get(it).unwrap_or(it);
            projected(wanted.as_deref().map_or(it, |_| whole), wanted.as_deref())
        };
        expected.retain(|it| filter.as_ref().is_none_or(|filter| filter.holds(it)));
        let expected: Vec<Item> = expected.iter().map(shown).collect();
        let mut found = Vec::new();
        let mut scanned = 0;
        for piece in self.pieces(read.operation, request) {
            let (items, count) = self.pages(read.operation, &piece).await;
            found.extend(items);
            scanned += count;
        }
        self.agree(request, &json!(scanned), &json!(all));
        if let Some(sort) = read.sort {
            let values = |items: &[Item]| -> Vec<Value> {
                items
                    .iter()
                    .filter_map(|it| it.get(sort).cloned())
                    .collect()
            };
            assert_eq!(
                values(&found),
                values(&expected),
                "{}: {request:#}",
                self.step
            );
        }
        if read.is_ordered {
            assert_eq!(found, expected, "{}: {request:#}", self.step);
        } else {
            self.agree_on_items(request, found, expected);
        }
    }

    /// A scan may be cut into segments.
    fn pieces(&mut self, operation: &str, request: &Value) -> Vec<Value> {
        if operation == "Query" || self.dice.0.bool() {
            return vec![request.clone()];
        }
        let total = 1 + self.dice.below(5);
        (0..total)
            .map(|segment| {
                let mut piece = request.clone();
                piece["TotalSegments"] = json!(total);
                piece["Segment"] = json!(segment);
                piece
            })
            .collect()
    }

    /// Items of all pages and how many were looked at.
    pub(super) async fn pages(&self, operation: &str, request: &Value) -> (Vec<Item>, u64) {
        let mut request = request.clone();
        let mut items = Vec::new();
        let mut scanned = 0;
        loop {
            let page = self.ask(operation, &request).await;
            let page = page.unwrap_or_else(|it| panic!("{}: {request:#}\n{it}", self.step));
            let found = items_of(&page["Items"]);
            self.agree(&request, &page["Count"], &json!(found.len()));
            let looked_at = page["ScannedCount"].as_u64().unwrap();
            items.extend(found);
            scanned += looked_at;
            let limit = request.get("Limit").and_then(Value::as_u64);
            match page.get("LastEvaluatedKey") {
                Some(last) => {
                    assert_eq!(Some(looked_at), limit, "{}: {request:#}", self.step);
                    request["ExclusiveStartKey"] = last.clone();
                }
                None => return (items, scanned),
            }
        }
    }
}

/// What a query or scan should find before its filter.
struct Read {
    operation: &'static str,
    expected: Vec<Item>,
    /// The order is the engine's, too.
    is_ordered: bool,
    /// The attribute that has to be in order where ties are free.
    sort: Option<&'static str>,
}

fn project(request: &mut Value, words: &mut Words, wanted: Option<&[&'static str]>) {
    let Some(wanted) = wanted else { return };
    let names = wanted.iter().map(|it| words.path(&vec![Step::Name(it)]));
    request["ProjectionExpression"] = json!(names.collect::<Vec<_>>().join(", "));
}

fn projected(item: &Item, wanted: Option<&[&'static str]>) -> Item {
    let mut item = item.clone();
    if let Some(wanted) = wanted {
        item.retain(|name, _| wanted.contains(&name.as_str()));
    }
    item
}

fn in_order<'a>(one: &'a Value, two: &'a Value) -> (&'a Value, &'a Value) {
    if order(one, two).is_some_and(Ordering::is_le) {
        (one, two)
    } else {
        (two, one)
    }
}

fn in_range(value: &Value, sign: &str, low: &Value, high: &Value) -> bool {
    let to_low = order(value, low).unwrap();
    match sign {
        "=" => to_low.is_eq(),
        "<" => to_low.is_lt(),
        "<=" => to_low.is_le(),
        ">" => to_low.is_gt(),
        ">=" => to_low.is_ge(),
        _ => to_low.is_ge() && order(value, high).unwrap().is_le(),
    }
}
