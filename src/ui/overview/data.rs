//! Pipelines as the overview draws them: table, stream, trigger, function, ends. Pure.

use std::collections::BTreeSet;
use std::time::SystemTime;

use aws_sdk_dynamodb::types::TableDescription;
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, FunctionConfiguration};

use crate::arn::Arn;
use crate::aws::sqs::Queue;
use crate::ui::live::story::Status;
use crate::ui::live::{Live, MappingStory};
use crate::ui::widgets::form::counted;
use crate::ui::{names, time};

/// One mapping with what it connects.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pipeline {
    pub(super) uuid: String,
    pub(super) table: String,
    pub(super) stream_arn: String,
    pub(super) function: String,
    pub(super) queue: Option<String>,
    pub(super) boxes: [Card; 5],
    pub(super) edges: [Edge; 4],
    /// `Enabled`, `Creating`, …
    pub(super) state: String,
    pub(super) result: String,
    /// Its poller is held.
    pub(super) is_paused: bool,
}

/// A box: a title and two lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Card {
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    /// The last line tells of trouble.
    pub(super) trouble: bool,
}

/// What flows from one box to the next.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Edge {
    pub(super) per_sec: f64,
    pub(super) moving: bool,
    /// All that went this way: `12 records`.
    pub(super) total: String,
}

/// What is known of everything, as the catalog has it.
pub(super) struct Known<'a> {
    pub(super) tables: &'a [TableDescription],
    pub(super) functions: &'a [FunctionConfiguration],
    pub(super) mappings: &'a [EventSourceMappingConfiguration],
    pub(super) queues: &'a [Queue],
    /// UUIDs of mappings whose pollers are paused.
    pub(super) paused: &'a BTreeSet<String>,
}

pub(super) fn pipelines(known: &Known<'_>, live: &Live, now: SystemTime) -> Vec<Pipeline> {
    let empty = MappingStory::default();
    let mut found: Vec<Pipeline> = known
        .mappings
        .iter()
        .filter_map(|mapping| {
            let story = live.mapping(mapping.uuid()?).unwrap_or(&empty);
            pipeline(known, mapping, story, now)
        })
        .collect();
    found.sort_by(|one, other| (&one.table, &one.function).cmp(&(&other.table, &other.function)));
    found
}

/// Tables no trigger reads.
pub(super) fn loose_tables<'a>(known: &Known<'a>, pipelines: &[Pipeline]) -> Vec<&'a str> {
    let names = known.tables.iter().filter_map(TableDescription::table_name);
    names
        .filter(|name| pipelines.iter().all(|pipeline| pipeline.table != *name))
        .collect()
}

fn pipeline(
    known: &Known<'_>,
    mapping: &EventSourceMappingConfiguration,
    story: &MappingStory,
    now: SystemTime,
) -> Option<Pipeline> {
    let stream_arn = mapping.event_source_arn()?.to_owned();
    let table = names::stream_table(&stream_arn)?.to_owned();
    let destination = mapping
        .destination_config()
        .and_then(|it| it.on_failure())
        .and_then(|it| it.destination());
    let destination = destination.and_then(|arn| arn.parse::<Arn>().ok());
    let queue = destination.as_ref().map(|arn| arn.name().to_owned());
    let state = mapping.state().unwrap_or("Unknown").to_owned();
    let result = story
        .result
        .clone()
        .or_else(|| mapping.last_processing_result().map(str::to_owned))
        .unwrap_or_default();
    let is_paused = known.paused.contains(mapping.uuid()?);
    let funnel = &story.funnel;
    let polled = Edge {
        per_sec: story.polled_rate.per_sec(now),
        moving: story.polled_rate.is_moving(now),
        total: counted(funnel.polled, "record"),
    };
    let invoked = Edge {
        per_sec: story.invoked_rate.per_sec(now),
        moving: story.invoked_rate.is_moving(now),
        total: counted(funnel.invocations, "call"),
    };
    let delivered = Edge {
        total: format!("{} gave up", funnel.delivered),
        ..Edge::default()
    };
    let known_table = known
        .tables
        .iter()
        .find(|it| it.table_name() == Some(&table));
    let name = names::function_of(mapping);
    let known_function = known
        .functions
        .iter()
        .find(|it| it.function_name() == Some(name));
    Some(Pipeline {
        boxes: [
            table_card(&table, known_table),
            stream_card(known_table, &stream_arn, story),
            trigger_card(mapping, (&state, is_paused), &result, story),
            function_card(name, known_function, story),
            end_card(destination.as_ref(), known.queues, story),
        ],
        edges: [polled.clone(), polled, invoked, delivered],
        uuid: mapping.uuid()?.to_owned(),
        function: name.to_owned(),
        table,
        stream_arn,
        queue,
        state,
        result,
        is_paused,
    })
}

fn table_card(name: &str, table: Option<&TableDescription>) -> Card {
    let lines = match table {
        None => vec!["deleted".to_owned()],
        Some(table) => {
            let items = table.item_count().unwrap_or(0);
            let status = table.table_status().map_or("", |it| it.as_str());
            let items = counted(u64::try_from(items).unwrap_or_default(), "item");
            vec![items, status.to_owned()]
        }
    };
    Card {
        title: name.to_owned(),
        lines,
        trouble: table.is_none(),
    }
}

fn stream_card(table: Option<&TableDescription>, arn: &str, story: &MappingStory) -> Card {
    let current = table.filter(|it| it.latest_stream_arn() == Some(arn));
    let view = current
        .and_then(|it| it.stream_specification())
        .and_then(|it| it.stream_view_type())
        .map_or("no longer current", |it| it.as_str());
    let open = story.shards.values().filter(|it| !it.closed).count();
    let behind = story.shards.values().filter_map(|it| it.behind).max();
    let lag = behind.map_or_else(
        || "no records yet".to_owned(),
        |it| format!("lag {}", time::span(it)),
    );
    let shards = if open == 1 {
        "1 shard".to_owned()
    } else {
        format!("{open} shards")
    };
    Card {
        title: "Stream".to_owned(),
        lines: vec![
            view.replace('_', " ").to_lowercase(),
            format!("{shards} · {lag}"),
        ],
        trouble: current.is_none(),
    }
}

fn trigger_card(
    mapping: &EventSourceMappingConfiguration,
    (state, is_paused): (&str, bool),
    result: &str,
    story: &MappingStory,
) -> Card {
    let size = mapping.batch_size().unwrap_or(0);
    let window = mapping.maximum_batching_window_in_seconds().unwrap_or(0);
    let filters = mapping
        .filter_criteria()
        .map_or(0, |criteria| criteria.filters().len());
    let mut first = format!("batch {size} · {window} s");
    if filters > 0 {
        first.push_str(" · filtered");
    }
    let retrying = story
        .batches()
        .filter(|(_, batch)| batch.status() == Status::Retrying)
        .count();
    let problem = result.starts_with("PROBLEM");
    let second = if is_paused {
        "paused".to_owned()
    } else if retrying > 0 {
        format!("{retrying} retrying")
    } else if problem && state == "Enabled" {
        result.to_owned()
    } else {
        state.to_owned()
    };
    Card {
        title: "Trigger".to_owned(),
        lines: vec![first, second],
        trouble: retrying > 0 || problem || is_paused,
    }
}

fn function_card(
    name: &str,
    function: Option<&FunctionConfiguration>,
    story: &MappingStory,
) -> Card {
    let runtime = function
        .and_then(|it| it.runtime())
        .map_or("deleted", |it| it.as_str());
    let funnel = &story.funnel;
    let second = match (story.p95_ms(), funnel.invocations) {
        (Some(p95), calls) if calls > 0 => {
            let ok = calls.saturating_sub(funnel.errors) * 1000 / calls;
            format!("p95 {p95} ms · ok {}.{} %", ok / 10, ok % 10)
        }
        _ => "not called yet".to_owned(),
    };
    Card {
        title: name.to_owned(),
        lines: vec![runtime.to_owned(), second],
        trouble: function.is_none(),
    }
}

fn end_card(destination: Option<&Arn>, queues: &[Queue], story: &MappingStory) -> Card {
    match destination {
        // Topics and buckets do not say what is in them.
        Some(arn) if arn.service != "sqs" => Card {
            title: arn.name().to_owned(),
            lines: vec![
                "on failure".to_owned(),
                format!("{} {}", arn.service.to_uppercase(), kind_of(arn)),
            ],
            trouble: false,
        },
        Some(arn) => {
            let name = arn.name();
            let waiting = queues.iter().find(|it| it.name == name);
            let waiting = waiting.map_or(0, |it| it.visible + it.in_flight);
            Card {
                title: name.to_owned(),
                lines: vec![
                    "on failure".to_owned(),
                    if waiting == 1 {
                        "1 message".to_owned()
                    } else {
                        format!("{waiting} messages")
                    },
                ],
                trouble: waiting > 0,
            }
        }
        None => Card {
            title: "No failure queue".to_owned(),
            lines: vec![
                "given up records".to_owned(),
                format!("dropped {}", story.funnel.dropped),
            ],
            trouble: story.funnel.dropped > 0,
        },
    }
}

fn kind_of(destination: &Arn) -> &'static str {
    match destination.service.as_str() {
        "sns" => "topic",
        "s3" => "bucket",
        _ => "destination",
    }
}

/// Something a person should look at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Trouble {
    pub(super) uuid: String,
    pub(super) words: String,
    /// Shard and batch whose story tells more.
    pub(super) batch: Option<(String, u64)>,
    pub(super) is_paused: bool,
}

/// Blocked shards, poison records and problems, worst first.
pub(super) fn troubles(pipelines: &[Pipeline], live: &Live, now: SystemTime) -> Vec<Trouble> {
    let mut found = Vec::new();
    for pipeline in pipelines {
        let Some(story) = live.mapping(&pipeline.uuid) else {
            continue;
        };
        let name = format!("{} › {}", pipeline.table, pipeline.function);
        if let Some((shard, batch)) = story.blocked() {
            let held = now.duration_since(batch.began).unwrap_or_default();
            let records = crate::ui::batches::records(batch.records.len());
            found.push(Trouble {
                uuid: pipeline.uuid.clone(),
                words: format!("{name}: shard blocked {} by {records}", time::span(held)),
                batch: Some((shard.to_string(), batch.id)),
                is_paused: pipeline.is_paused,
            });
        } else if pipeline.result.starts_with("PROBLEM") {
            found.push(Trouble {
                uuid: pipeline.uuid.clone(),
                words: format!("{name}: {}", pipeline.result),
                batch: None,
                is_paused: pipeline.is_paused,
            });
        } else if pipeline.is_paused {
            found.push(Trouble {
                uuid: pipeline.uuid.clone(),
                words: format!("{name}: its poller is paused"),
                batch: None,
                is_paused: true,
            });
        }
        let poisoned = story
            .batches()
            .filter(|(_, batch)| batch.poison().is_some());
        if let Some((shard, batch)) = poisoned.last()
            && let Some(record) = batch.poison()
        {
            found.push(Trouble {
                uuid: pipeline.uuid.clone(),
                words: format!("{name}: gave up poison record {}", record.key),
                batch: Some((shard.to_string(), batch.id)),
                is_paused: pipeline.is_paused,
            });
        }
    }
    found
}
