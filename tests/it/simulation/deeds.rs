//! All that can be done to a world.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::engine::streams::{roll_shard, split_shard};

use super::dice::{faults, settings};
use super::program::Mood;
use super::template::{allow, make_function};
use super::world::{Trigger, World};
use crate::tables::{call, refusal};
use crate::trigger_rows::request;

const OPEN_SHARDS_MAX: usize = 6;
const DAY: Duration = Duration::from_hours(24);

impl World {
    /// Changes a few items; whether that works is not asked.
    pub(super) async fn write(&mut self) {
        let table = self.dice.choice(&self.tables).unwrap().name.clone();
        for _ in 0..self.dice.usize(1..=5) {
            let id = format!("k{}", self.dice.u8(..5));
            let key = json!({ "id": { "S": id } });
            let (words, answer) = if self.dice.u8(..6) == 0 {
                let delete = json!({ "TableName": table, "Key": key });
                let answer = call(self.engine(), "DeleteItem", delete).await;
                (format!("delete {id} of {table}"), answer)
            } else {
                self.versions += 1;
                let version = self.versions;
                let item = json!({ "id": { "S": id }, "n": { "N": version.to_string() } });
                let put = json!({ "TableName": table, "Item": item });
                let answer = call(self.engine(), "PutItem", put).await;
                (format!("put {id} = {version} into {table}"), answer)
            };
            match answer {
                Ok(_) => self.say(&words),
                refused => self.say(&format!("{words}: {}", refusal(refused))),
            }
        }
    }

    /// Closes an open shard; one or two children go on.
    pub(super) fn cut(&mut self) {
        let table = self.dice.choice(&self.tables).unwrap().clone();
        let open: Vec<String> = self.engine().read(|state| {
            let shards = state.streams[&table.stream].shards.iter();
            let open = shards.filter(|it| it.ending.is_none());
            open.map(|it| it.id.clone()).collect()
        });
        let at = self.dice.usize(..open.len());
        let splits = self.dice.bool() && open.len() < OPEN_SHARDS_MAX;
        let cut = if splits { split_shard } else { roll_shard };
        let how = if splits { "split" } else { "roll" };
        self.say(&format!("{how} open shard {at} of {}", table.name));
        cut(self.engine(), &table.stream, &open[at]).unwrap();
    }

    pub(super) fn behave(&self, function: &str, mood: Mood) {
        self.say(&format!("{function}: {mood:?}"));
        self.stage.set(function, mood);
    }

    /// Makes a trigger where there is none yet.
    pub(super) async fn make_trigger(&mut self) {
        let function = self.dice.choice(&self.functions).unwrap().clone();
        let table = self.dice.choice(&self.tables).unwrap().clone();
        let stream = table.stream;
        let is_there = |it: &Trigger| !it.is_gone && it.function == function && it.stream == stream;
        if self.triggers.iter().any(is_there) {
            return;
        }
        self.be_allowed().await;
        self.learn().await;
        let is_latest = self.dice.u8(..4) == 0;
        let position = if is_latest { "LATEST" } else { "TRIM_HORIZON" };
        let settings = settings(&mut self.dice, &self.queue.0, None);
        let name = &table.name;
        let number = self.triggers.len();
        self.say(&format!(
            "trigger {number} of {function} on {name}, {position}: {settings}"
        ));
        let made = self.now();
        let mut before = BTreeSet::new();
        let mut fading = BTreeSet::new();
        for (number, written) in &self.truth[&stream].records {
            if is_latest {
                before.insert(number.clone());
            } else if written.created + DAY <= made {
                fading.insert(number.clone());
            }
        }
        let mut whole = trimmed(&settings);
        whole["FunctionName"] = json!(function);
        whole["EventSourceArn"] = json!(stream);
        whole["StartingPosition"] = json!(position);
        let create = request::create(&self.lab().lambda, &whole);
        let uuid = create.send().await.unwrap().uuid.unwrap();
        self.triggers.push(Trigger {
            uuid: uuid.clone(),
            function,
            stream,
            settings: vec![(made, settings)],
            before,
            fading,
            is_enabled: true,
            is_gone: false,
        });
        self.settle(&uuid, "Enabled").await;
    }

    /// One of the triggers that are there.
    fn trigger(&mut self) -> Option<usize> {
        let here = (0..self.triggers.len()).filter(|it| !self.triggers[*it].is_gone);
        let here: Vec<usize> = here.collect();
        self.dice.choice(here)
    }

    pub(super) async fn change_trigger(&mut self) {
        let Some(at) = self.trigger() else { return };
        self.be_allowed().await;
        let former = &self.triggers[at].settings.last().unwrap().1;
        let tumbling = former["TumblingWindowInSeconds"].as_u64();
        let kept = tumbling.filter(|_| self.dice.u8(..4) > 0);
        let settings = settings(&mut self.dice, &self.queue.0, kept);
        self.say(&format!("change trigger {at}: {settings}"));
        let (uuid, is_enabled) = (self.triggers[at].uuid.clone(), self.triggers[at].is_enabled);
        let update = request::update(&self.lab().lambda, &uuid, &settings);
        update.send().await.unwrap();
        let asked = self.now();
        self.triggers[at].settings.push((asked, settings));
        let state = if is_enabled { "Enabled" } else { "Disabled" };
        self.settle(&uuid, state).await;
        self.sleep(Duration::from_millis(300)).await;
    }

    pub(super) async fn switch_trigger(&mut self, at: Option<usize>, on: bool) {
        let Some(at) = at.or_else(|| self.trigger()) else {
            return;
        };
        let uuid = self.triggers[at].uuid.clone();
        if self.triggers[at].is_enabled == on {
            return;
        }
        let state = if on { "Enabled" } else { "Disabled" };
        self.say(&format!("trigger {at} is to be {state}"));
        let update = self.lab().lambda.update_event_source_mapping().uuid(&uuid);
        update.enabled(on).send().await.unwrap();
        self.triggers[at].is_enabled = on;
        self.settle(&uuid, state).await;
    }

    pub(super) async fn delete_trigger(&mut self) {
        let Some(at) = self.trigger() else { return };
        self.say(&format!("delete trigger {at}"));
        let uuid = self.triggers[at].uuid.clone();
        let delete = self.lab().lambda.delete_event_source_mapping().uuid(&uuid);
        delete.send().await.unwrap();
        self.triggers[at].is_gone = true;
        self.settle(&uuid, "").await;
    }

    /// Waits until a trigger is in this state, or gone where none is named.
    async fn settle(&mut self, uuid: &str, state: &str) {
        for _ in 0..1000 {
            let now = self.engine().read(|it| {
                let mapping = it.mappings.get(uuid);
                mapping.map_or(Value::Null, |it| json!(it.state))
            });
            if now.as_str().unwrap_or_default() == state {
                return;
            }
            self.sleep(Duration::from_millis(50)).await;
        }
        panic!("a trigger does not become {state:?}");
    }

    /// Takes a function away for a while.
    pub(super) async fn miss_function(&mut self) {
        let function = self.dice.choice(&self.functions).unwrap().clone();
        self.say(&format!("{function} goes"));
        let delete = self.lab().lambda.delete_function().function_name(&function);
        delete.send().await.unwrap();
        let time = Duration::from_millis(self.dice.u64(..3000));
        self.sleep(time).await;
        self.say(&format!("{function} comes back"));
        make_function(self.lab(), &function).await;
    }

    /// Lets no function run, or as many as there are.
    pub(super) async fn throttle(&mut self, is_throttled: bool) {
        if self.is_throttled == is_throttled {
            return;
        }
        self.is_throttled = is_throttled;
        self.say(&format!("throttled: {is_throttled}"));
        for function in &self.functions {
            let lambda = &self.lab().lambda;
            if is_throttled {
                let put = lambda.put_function_concurrency().function_name(function);
                put.reserved_concurrent_executions(0).send().await.unwrap();
            } else {
                let delete = lambda.delete_function_concurrency();
                delete.function_name(function).send().await.unwrap();
            }
        }
    }

    /// Whether the role may read streams and send letters.
    pub(super) async fn allow(&mut self, may: bool) {
        if self.is_allowed == may {
            return;
        }
        self.is_allowed = may;
        self.say(&format!("the role may: {may}"));
        allow(self.lab(), may).await;
    }

    /// Lambda takes no settings of a role that may not do its work.
    async fn be_allowed(&mut self) {
        self.allow(true).await;
    }

    pub(super) fn trouble(&mut self, is_over: bool) {
        if is_over {
            if !self.engine().faults().is_empty() {
                self.say("no faults");
            }
            self.engine().faults().clear();
            return;
        }
        let rules = faults(&mut self.dice);
        for rule in &rules {
            let (calls, kind, probability) = (&rule.calls, &rule.kind, rule.probability);
            self.say(&format!("fault: {calls} {kind:?} {probability}"));
        }
        let seed = self.dice.u64(..);
        self.engine().faults().set(seed, rules);
    }
}

/// As the API takes those of a new trigger: it wants nothing where there is no destination and no filter.
fn trimmed(settings: &Value) -> Value {
    let mut given = settings.clone();
    let members = given.as_object_mut().unwrap();
    if settings["DestinationConfig"]["OnFailure"]["Destination"] == "" {
        members.remove("DestinationConfig");
    }
    if settings["FilterCriteria"]["Filters"] == json!([]) {
        members.remove("FilterCriteria");
    }
    given
}
