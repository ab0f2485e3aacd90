//! Writes of the model test: one by one, in batches, in transactions.

use serde_json::{Value, json};

use super::expressions::{Action, Path, Step, Words};
use super::values::{Item, normal_item, to_json};
use super::world::{Planned, Refusal, What, Write};
use super::{Pair, code_of};

const RETURNS: [&str; 5] = ["NONE", "ALL_OLD", "ALL_NEW", "UPDATED_OLD", "UPDATED_NEW"];

impl Pair {
    /// The write as the members of a request.
    fn request(&self, write: &Write) -> Value {
        let mut words = Words::default();
        let mut request = json!({"TableName": self.tables[write.table].name});
        match &write.what {
            What::Put(item) => request["Item"] = item.clone(),
            What::Delete(key) | What::Check(key) => request["Key"] = key.clone(),
            What::Update(key, actions) => {
                request["Key"] = key.clone();
                if !actions.is_empty() {
                    request["UpdateExpression"] = json!(words.update(actions));
                }
            }
        }
        if let Some(condition) = &write.condition {
            request["ConditionExpression"] = json!(words.condition(condition));
        }
        if write.shows_failed {
            request["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
        }
        words.finish(&mut request);
        request
    }

    pub(super) async fn write_one(&mut self) {
        let write = self.dice.write(&self.tables, false);
        let mut request = self.request(&write);
        let (operation, kinds) = match write.what {
            What::Put(_) => ("PutItem", 2),
            What::Update(..) => ("UpdateItem", RETURNS.len()),
            _ => ("DeleteItem", 2),
        };
        let returns = self.dice.of(&RETURNS[..kinds]);
        request["ReturnValues"] = json!(returns);
        let planned = self.tables[write.table].plan(&write);
        match (self.ask(operation, &request).await, planned) {
            (Ok(answer), Ok(planned)) => {
                if let Ok(expected) = returned(returns, &write.what, &planned) {
                    let found = answer.get("Attributes").map(normal_item);
                    let shown = |it: Option<Item>| it.as_ref().map_or(Value::Null, to_json);
                    self.agree(&request, &shown(found), &shown(expected));
                }
                self.perform(write.table, planned);
            }
            (Err(error), Err(refusal)) => {
                let found = error.get("Item").map(normal_item);
                let found = (code_of(&error), found);
                let expected = (refusal.code, refusal.item);
                assert_eq!(found, expected, "{}: {request:#}\n{error}", self.step);
            }
            (engine, model) => panic!("{}: {request:#}\n{engine:?}\n{model:?}", self.step),
        }
    }

    fn perform(&mut self, table: usize, planned: Planned) {
        self.tables[table].perform(planned, &mut self.histories[table]);
    }

    /// Distinct items only.
    fn writes(&mut self, count: usize, with_checks: bool) -> Vec<Write> {
        let mut writes: Vec<Write> = Vec::new();
        let mut ids: Vec<(usize, String)> = Vec::new();
        for _ in 0..count {
            let write = self.dice.write(&self.tables, with_checks);
            let (What::Put(item) | What::Delete(item) | What::Check(item) | What::Update(item, _)) =
                &write.what;
            let id = (write.table, self.tables[write.table].id(&normal_item(item)));
            if !ids.contains(&id) {
                ids.push(id);
                writes.push(write);
            }
        }
        writes
    }

    pub(super) async fn write_batch(&mut self) {
        let mut writes = self.writes(8, false);
        writes.retain(|it| !matches!(it.what, What::Update(..)));
        for write in &mut writes {
            write.condition = None;
        }
        if writes.is_empty() {
            return;
        }
        let mut request = json!({"RequestItems": {}});
        for write in &writes {
            let tables = request["RequestItems"].as_object_mut().unwrap();
            let name = self.tables[write.table].name;
            let requests = tables.entry(name).or_insert_with(|| json!([]));
            requests.as_array_mut().unwrap().push(match &write.what {
                What::Put(item) => json!({"PutRequest": {"Item": item}}),
                What::Delete(key) | What::Update(key, _) | What::Check(key) => {
                    json!({"DeleteRequest": {"Key": key}})
                }
            });
        }
        let planned: Result<Vec<Planned>, Refusal> = writes
            .iter()
            .map(|it| self.tables[it.table].plan(it))
            .collect();
        match (self.ask("BatchWriteItem", &request).await, planned) {
            (Ok(answer), Ok(planned)) => {
                self.agree(&request, &answer["UnprocessedItems"], &json!({}));
                for (write, planned) in writes.iter().zip(planned) {
                    self.perform(write.table, planned);
                }
            }
            (Err(error), Err(refusal)) => {
                self.agree(&request, &json!(code_of(&error)), &json!(refusal.code));
            }
            (engine, model) => panic!("{}: {request:#}\n{engine:?}\n{model:?}", self.step),
        }
    }

    pub(super) async fn transact(&mut self) {
        let count = 1 + self.dice.below(5);
        let writes = self.writes(count, true);
        let actions: Vec<Value> = writes
            .iter()
            .map(|write| {
                let request = self.request(write);
                let name = match write.what {
                    What::Put(_) => "Put",
                    What::Delete(_) => "Delete",
                    What::Update(..) => "Update",
                    What::Check(_) => "ConditionCheck",
                };
                json!({name: request})
            })
            .collect();
        let is_empty =
            |it: &Write| matches!(&it.what, What::Update(_, actions) if actions.is_empty());
        if writes.iter().any(is_empty) {
            return;
        }
        let mut request = json!({"TransactItems": actions});
        if self.dice.once_in(2) {
            request["ClientRequestToken"] = json!(format!("token-{}", self.dice.0.u64(..)));
        }
        let planned: Vec<Result<Planned, Refusal>> = writes
            .iter()
            .map(|it| self.tables[it.table].plan(it))
            .collect();
        let answer = self.ask("TransactWriteItems", &request).await;
        if planned.iter().all(Result::is_ok) {
            let answer = answer.unwrap_or_else(|it| panic!("{}: {request:#}\n{it}", self.step));
            self.agree(&request, &answer, &json!({}));
            for (write, planned) in writes.iter().zip(planned) {
                self.perform(write.table, planned.unwrap());
            }
            if request.get("ClientRequestToken").is_some() && self.dice.once_in(2) {
                // Once more with the same token: nothing happens, though conditions may fail now.
                let again = self.ask("TransactWriteItems", &request).await.unwrap();
                self.agree(&request, &again, &json!({}));
            }
            return;
        }
        let error = answer.expect_err(&self.step);
        self.agree(
            &request,
            &json!(code_of(&error)),
            &json!("TransactionCanceledException"),
        );
        let reasons = error["CancellationReasons"].as_array().unwrap();
        let told: Vec<(&str, Option<Item>)> = reasons
            .iter()
            .map(|it| {
                (
                    it["Code"].as_str().unwrap(),
                    it.get("Item").map(normal_item),
                )
            })
            .collect();
        let expected: Vec<(&str, Option<Item>)> = planned.into_iter().map(reason).collect();
        assert_eq!(told, expected, "{}: {request:#}", self.step);
    }
}

/// Parts of documents that an update touched are shown as they are nested; the model does not follow.
struct Unsaid;

fn reason(planned: Result<Planned, Refusal>) -> (&'static str, Option<Item>) {
    match planned {
        Ok(_) => ("None", None),
        Err(refusal) if refusal.code == "ValidationException" => ("ValidationError", None),
        Err(refusal) => ("ConditionalCheckFailed", refusal.item),
    }
}

/// `Attributes` of the answer; `Err` where the model does not say.
fn returned(returns: &str, what: &What, planned: &Planned) -> Result<Option<Item>, Unsaid> {
    let touched = |item: &Option<Item>| {
        let What::Update(_, actions) = what else {
            return Err(Unsaid);
        };
        let paths: Vec<_> = actions.iter().map(Action::path).collect();
        if paths.iter().any(|it| it.len() > 1) {
            return Err(Unsaid);
        }
        let mut item = item.clone().unwrap_or_default();
        item.retain(|name, _| {
            let is_it = |path: &&Path| matches!(path[0], Step::Name(head) if head == name);
            paths.iter().any(is_it)
        });
        Ok((!item.is_empty()).then_some(item))
    };
    match returns {
        "ALL_OLD" => Ok(planned.old.clone()),
        "ALL_NEW" => Ok(planned.new.clone()),
        "UPDATED_OLD" => touched(&planned.old),
        "UPDATED_NEW" => touched(&planned.new),
        _ => Ok(None),
    }
}
