//! Random operations against the engine and against a naive model of it: they have to agree after every step, across
//! restarts, and the streams have to tell exactly what changed.
//!
//! `WATERWHEEL_MODEL_STEPS=100000` runs longer, `WATERWHEEL_MODEL_SEED=8` otherwise.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use waterwheel::clock::{Clock, from_epoch_millis};
use waterwheel::engine::{EngineHost, Options};

use crate::tables::call;

mod dice;
mod expressions;
mod reads;
mod streams;
mod values;
mod world;
mod writes;

use dice::Dice;
use values::{Item, normal_item};
use world::{History, Table};

const STEPS: usize = 4000;
const SEED: u64 = 20_261_121;
/// Times the engine is closed and opened again.
const RESTARTS: usize = 4;

/// The engine beside the model of it.
struct Pair {
    host: EngineHost,
    clock: Clock,
    tables: Vec<Table>,
    histories: Vec<History>,
    dice: Dice,
    /// What happens now, for whoever reads a failure.
    step: String,
}

fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn open(clock: &Clock, folder: &Path, seed: u64) -> EngineHost {
    EngineHost::open(Options {
        folder: Some(folder.to_owned()),
        seed: Some(seed),
        ..Options::temporary(clock.clone())
    })
    .unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_engine_agrees_with_a_naive_model_after_every_random_step() {
    let steps = number_from_environment("WATERWHEEL_MODEL_STEPS");
    let steps = steps.map_or(STEPS, |it| usize::try_from(it).unwrap());
    let seed = number_from_environment("WATERWHEEL_MODEL_SEED").unwrap_or(SEED);
    let folder = tempfile::tempdir().unwrap();
    let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
    let mut pair = Pair {
        host: open(&clock, folder.path(), seed),
        clock,
        histories: vec![History::new(); world::tables().len()],
        tables: world::tables(),
        dice: Dice(fastrand::Rng::with_seed(seed)),
        step: String::new(),
    };
    for table in &pair.tables {
        call(pair.host.engine(), "CreateTable", table.request())
            .await
            .unwrap();
    }
    for step in 0..steps {
        pair.step = format!("seed {seed}, step {step}");
        pair.take_step().await;
        if step % 50 == 49 {
            pair.clock.sleep(Duration::from_millis(700)).await;
        }
        if step % (steps / (RESTARTS + 1)).max(1) == steps / (RESTARTS + 2) {
            pair.check_counts().await;
            pair.cut_a_shard().await;
            pair.host.close().await;
            let reopened = seed + u64::try_from(step).unwrap();
            pair.host = open(&pair.clock, folder.path(), reopened);
        }
    }
    pair.check_counts().await;
    pair.check_everything().await;
    pair.check_streams().await;
    pair.host.close().await;
}

impl Pair {
    async fn take_step(&mut self) {
        match self.dice.below(100) {
            0..45 => self.write_one().await,
            45..52 => self.write_batch().await,
            52..62 => self.transact().await,
            62..70 => self.get_one().await,
            70..74 => self.get_batch().await,
            74..78 => self.get_together().await,
            78..93 => self.query().await,
            _ => self.scan().await,
        }
    }

    async fn ask(&self, operation: &str, request: &Value) -> Result<Value, Value> {
        call(self.host.engine(), operation, request.clone()).await
    }

    /// Fails with all that is needed to see why.
    #[track_caller]
    fn agree(&self, request: &Value, engine: &Value, model: &Value) {
        assert!(
            engine == model,
            "{}\nrequest {request:#}\nengine  {engine}\nmodel   {model}",
            self.step
        );
    }

    /// `ItemCount` of tables and indexes.
    async fn check_counts(&self) {
        for table in &self.tables {
            let request = json!({"TableName": table.name});
            let described = self.ask("DescribeTable", &request).await.unwrap();
            let described = &described["Table"];
            self.agree(&request, &described["ItemCount"], &json!(table.items.len()));
            for member in ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] {
                for index in described[member].as_array().into_iter().flatten() {
                    let known = table.indexes.iter();
                    let known = known.clone().find(|it| index["IndexName"] == it.name);
                    let seen = table.seen(known);
                    self.agree(&request, &index["ItemCount"], &json!(seen.len()));
                }
            }
        }
    }

    async fn check_everything(&self) {
        for table in &self.tables {
            for index in std::iter::once(None).chain(table.indexes.iter().map(Some)) {
                let mut request = json!({"TableName": table.name});
                if let Some(index) = index {
                    request["IndexName"] = json!(index.name);
                }
                let (found, _) = self.pages("Scan", &request).await;
                self.agree_on_items(&request, found, table.seen(index));
            }
        }
    }

    /// Items in whatever order.
    #[track_caller]
    fn agree_on_items(&self, request: &Value, engine: Vec<Item>, model: Vec<Item>) {
        let sorted = |items: Vec<Item>| {
            let mut texts: Vec<_> = items.iter().map(values::to_json).collect();
            texts.sort_by_key(Value::to_string);
            Value::Array(texts)
        };
        self.agree(request, &sorted(engine), &sorted(model));
    }
}

fn items_of(answer: &Value) -> Vec<Item> {
    let items = answer.as_array().unwrap().iter();
    items.map(normal_item).collect()
}

fn code_of(error: &Value) -> &str {
    let code = error["__type"].as_str().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default()
}
