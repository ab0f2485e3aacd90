//! Reconciles the mappings of the state with running pollers: settles passing states, starts and
//! stops, keeps checkpoints. Decides nothing else; whatever happened, it looks at the state anew.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::auth::SharedAuthScheme;
use tokio::task::{Id, JoinSet};

use super::Engine;
use super::call::{Fault, Principal};
use super::checkpoints;
use super::lambda;
use super::pollers::{self, Held};
use super::settings::Settings;
use super::state::{Mapping, MappingState, State};
use super::streams;
use crate::arn::Arn;
use crate::mapping::MappingConfig;
use crate::mapping::assumed::Assumed;
use crate::mapping::consumer::Rules;
use crate::mapping::filter::BadPattern;
use crate::mapping::pace::Pace;
use crate::mapping::poller::{Clients, Poller, Save, Wake, Watch};
use crate::mapping::progress::{Progress, What};

/// How long a mapping rests whose poller broke down, or when the state could not be changed.
const REST: Duration = Duration::from_secs(1);
const NOTHING_YET: &str = "No records processed";
/// The answer to the records under way: they are delivered again.
const CALL_FAILED: &str = "PROBLEM: Function call failed";

/// Runs until dropped; its pollers go with it.
pub async fn run(engine: Engine) {
    let mut crew = Crew {
        engine,
        running: BTreeMap::new(),
        tasks: JoinSet::new(),
        resting: BTreeMap::new(),
    };
    loop {
        let next = crew.reconcile();
        let clock = crew.engine.clock().clone();
        let pause = async {
            match next {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let engine = crew.engine.clone();
        tokio::select! {
            biased;
            Some(done) = crew.tasks.join_next_with_id() => match done {
                Ok((task, ())) => crew.ended(task, false),
                Err(broken) => crew.ended(broken.id(), true),
            },
            () = engine.changed() => {}
            () = pause => {}
        }
    }
}

struct Crew {
    engine: Engine,
    /// By UUID.
    running: BTreeMap<String, Running>,
    tasks: JoinSet<()>,
    /// Pollers that broke down are not started before this time.
    resting: BTreeMap<String, SystemTime>,
}

struct Running {
    task: Id,
    work: Work,
    config: MappingConfig,
    pace: Pace,
    assumed: Assumed,
    held: Held,
    is_stopping: bool,
}

/// What a poller cannot change while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Work {
    stream_arn: String,
    function_arn: String,
    /// ARN of the role of the function, or of the version that is called.
    role: String,
}

impl Crew {
    /// Brings everything in line with the state; when to look again without being called.
    fn reconcile(&mut self) -> Option<SystemTime> {
        let now = self.engine.clock().now();
        let mut next = self.settle(now);
        let mappings: Vec<Mapping> = self
            .engine
            .read(|state| state.mappings.values().cloned().collect());
        let known: BTreeSet<&str> = mappings.iter().map(|it| it.uuid.as_str()).collect();
        for (uuid, running) in &mut self.running {
            if !known.contains(uuid.as_str()) {
                running.stop();
            }
        }
        for mapping in &mappings {
            match mapping.state {
                MappingState::Enabled => match mapping.polls_from.filter(|from| *from > now) {
                    Some(from) => next = Some(next.map_or(from, |next| next.min(from))),
                    None => self.keep_running(mapping, now),
                },
                // The former settings hold until the new ones have settled.
                MappingState::Updating => {}
                _ => {
                    if let Some(running) = self.running.get_mut(&mapping.uuid) {
                        running.stop();
                    }
                }
            }
        }
        self.resting.retain(|_, until| *until > now);
        for until in self.resting.values() {
            next = Some(next.map_or(*until, |next| next.min(*until)));
        }
        next
    }

    /// Ends passing states whose time is over; the time of the next one.
    fn settle(&self, now: SystemTime) -> Option<SystemTime> {
        let is_running = |uuid: &str| self.running.contains_key(uuid);
        let is_due = self.engine.read(|state| {
            let mut mappings = state.mappings.values();
            mappings.any(|mapping| settled(mapping, now, is_running(&mapping.uuid)).is_some())
        });
        if is_due {
            let gone = self
                .engine
                .change(|state| Ok(settle_all(state, now, is_running)));
            let Ok(gone) = gone else {
                return Some(now + REST);
            };
            for uuid in gone {
                // What is left behind on a full disk belongs to no mapping and is never read again.
                drop(checkpoints::clear(&self.engine, &uuid));
                drop(self.engine.forget_mapping(&uuid));
            }
        }
        self.engine.read(|state| {
            let waiting = state.mappings.values().filter(|it| is_passing(it.state));
            waiting
                .map(|mapping| mapping.settles_at)
                .filter(|at| *at > now)
                .min()
        })
    }

    fn keep_running(&mut self, mapping: &Mapping, now: SystemTime) {
        let (role, hindrance) = self.engine.read(|state| {
            let function = lambda::version_of(state, &mapping.function_arn);
            let role = function.map(|it| it.role.clone());
            (role, hindrance(&self.engine, state, mapping))
        });
        let Some(running) = self.running.get_mut(&mapping.uuid) else {
            let is_resting = self.resting.contains_key(&mapping.uuid);
            match (role, hindrance) {
                (None, _) => self.tell_missing(mapping),
                (_, Some(problem)) => {
                    note_result(&self.engine, &mapping.uuid, &format!("PROBLEM: {problem}"));
                }
                (Some(role), None) if !is_resting => self.start(mapping, role, now),
                (Some(_), None) => {}
            }
            return;
        };
        if hindrance.is_some() {
            running.stop();
            return;
        }
        // Without its function a poller goes on: AWS tells of the failed call, too.
        let work = Work::of(mapping, role.unwrap_or_else(|| running.work.role.clone()));
        if work != running.work {
            running.stop();
        } else if !running.is_stopping {
            let Settings { poll, assumed, .. } = self.engine.settings();
            let is_same = poll == running.pace && assumed == running.assumed;
            if (mapping.config != running.config || !is_same)
                && let Ok(rules) = rules(mapping, poll, assumed)
            {
                running.config = mapping.config.clone();
                running.pace = poll;
                running.assumed = assumed;
                running.held.apply(rules);
            }
            pollers::settle(&self.engine, &mapping.uuid);
        }
    }

    fn start(&mut self, mapping: &Mapping, role: String, now: SystemTime) {
        let uuid: Arc<str> = Arc::from(mapping.uuid.as_str());
        let Settings { poll, assumed, .. } = self.engine.settings();
        let rules = match rules(mapping, poll, assumed) {
            Ok(rules) => rules,
            Err(error) => {
                note_result(&self.engine, &uuid, &format!("PROBLEM: {error}"));
                return;
            }
        };
        let checkpoints = match checkpoints::load(&self.engine, mapping) {
            Ok(checkpoints) => checkpoints,
            Err(fault) => {
                self.resting.insert(mapping.uuid.clone(), now + REST);
                note_result(&self.engine, &uuid, &problem(&fault));
                return;
            }
        };
        let work = Work::of(mapping, role);
        let (held, controlled) = Held::new(rules);
        pollers::enter(&self.engine, &uuid, &held);
        let poller = Poller {
            stream_arn: Arc::from(work.stream_arn.as_str()),
            function_arn: Arc::from(work.function_arn.as_str()),
            checkpoints,
            clients: clients(&self.engine, &work),
            clock: self.engine.clock().clone(),
            ids: self.engine.ids().clone(),
            watch: watch_of(&self.engine, &mapping.last_processing_result),
            save: save_of(&self.engine, &uuid),
            wake: Some(wake_of(&self.engine, &work.stream_arn)),
            followed: held.followed().clone(),
            mapping: uuid,
        };
        let running = Running {
            task: self.tasks.spawn(poller.run(controlled)).id(),
            work,
            config: mapping.config.clone(),
            pace: poll,
            assumed,
            held,
            is_stopping: false,
        };
        self.running.insert(mapping.uuid.clone(), running);
    }

    fn ended(&mut self, task: Id, is_broken: bool) {
        let found = self.running.iter().find(|(_, it)| it.task == task);
        if let Some(uuid) = found.map(|(uuid, _)| uuid.clone()) {
            self.running.remove(&uuid);
            pollers::leave(&self.engine, &uuid);
            self.begin_leaving(&uuid);
            if is_broken {
                let until = self.engine.clock().now() + REST;
                self.resting.insert(uuid, until);
            }
        }
    }

    /// What is switched off or deleted takes its time from the moment its last invocation has returned.
    fn begin_leaving(&self, uuid: &str) {
        let now = self.engine.clock().now();
        let is_leaving =
            |it: &Mapping| matches!(it.state, MappingState::Disabling | MappingState::Deleting);
        if self
            .engine
            .read(|state| state.mappings.get(uuid).is_some_and(is_leaving))
        {
            let begun = self.engine.change(|state| {
                if let Some(mapping) = state.mappings.get_mut(uuid) {
                    let takes = mapping.settles_at.duration_since(mapping.last_modified);
                    mapping.settles_at = now + takes.unwrap_or_default();
                }
                Ok(())
            });
            // On a full disk it is sooner over.
            drop(begun);
        }
    }

    /// Nobody can read the stream while there is no function whose role could do it.
    fn tell_missing(&self, mapping: &Mapping) {
        let text = format!("PROBLEM: Function not found: {}", mapping.function_arn);
        if mapping.last_processing_result.starts_with(&text) {
            return;
        }
        let request = self.engine.ids().uuid();
        let text = format!(
            "{text} (Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: {request})"
        );
        note_result(&self.engine, &mapping.uuid, &text);
    }
}

fn rules(mapping: &Mapping, poll: Pace, assumed: Assumed) -> Result<Rules, BadPattern> {
    let rules = Rules::new(mapping.config.clone())?;
    Ok(rules.at(poll).assuming(assumed))
}

impl Running {
    /// Once is enough: the poller ends by itself.
    fn stop(&mut self) {
        if !self.is_stopping {
            self.is_stopping = true;
            self.held.stop();
        }
    }
}

impl Work {
    fn of(mapping: &Mapping, role: String) -> Self {
        Self {
            stream_arn: mapping.stream_arn.clone(),
            function_arn: mapping.function_arn.clone(),
            role,
        }
    }
}

/// Those a poller of this mapping works with; `None` without its function.
pub(super) fn clients_of(engine: &Engine, mapping: &Mapping) -> Option<Clients> {
    let role = engine.read(|state| {
        let function = lambda::version_of(state, &mapping.function_arn)?;
        Some(function.role.clone())
    })?;
    Some(clients(engine, &Work::of(mapping, role)))
}

/// The poller reads as the function's role and invokes as the service itself.
fn clients(engine: &Engine, work: &Work) -> Clients {
    let role = work.role.parse::<Arn>();
    let reader = Principal::Role {
        role: role.map_or_else(|_| work.role.clone(), |role| role.name().to_owned()),
        session: function_name(&work.function_arn).to_owned(),
    };
    let invoker = Principal::Service("lambda.amazonaws.com".to_owned());
    let clients = Clients::new(&engine.sdk_config(&reader), &engine.sdk_config(&invoker));
    clients.inside(
        SharedAuthScheme::new(engine.unsigned(&reader, "dynamodb")),
        engine.door(&reader, "dynamodb"),
        engine.door(&invoker, "lambda"),
    )
}

/// `last` is the text of `LastProcessingResult` so far. It stays until there is something newer to tell: where it
/// tells of trouble with reading or with the function's being there, the first poll that works.
fn watch_of(engine: &Engine, last: &str) -> Watch {
    let engine = engine.clone();
    let is_over = AtomicBool::new(!last.starts_with("PROBLEM") || last == CALL_FAILED);
    Arc::new(move |progress: Progress| {
        match &progress.what {
            What::Result { text } => {
                is_over.store(true, Ordering::Relaxed);
                note_result(&engine, &progress.mapping, text);
            }
            What::Polled { .. } if !is_over.swap(true, Ordering::Relaxed) => {
                note_result(&engine, &progress.mapping, NOTHING_YET);
            }
            _ => {}
        }
        engine.report(progress);
    })
}

fn wake_of(engine: &Engine, stream_arn: &str) -> Wake {
    let (engine, stream_arn) = (engine.clone(), stream_arn.to_owned());
    Arc::new(move |shard| Some(streams::tip_of(&engine, &stream_arn, shard)?.bell()))
}

fn save_of(engine: &Engine, uuid: &Arc<str>) -> Save {
    let (engine, uuid) = (engine.clone(), Arc::clone(uuid));
    Arc::new(move |shard, checkpoint| {
        if let Err(fault) = checkpoints::save(&engine, &uuid, shard, checkpoint) {
            engine.report(Progress {
                mapping: Arc::clone(&uuid),
                shard: Arc::from(shard),
                at: engine.clock().now(),
                what: What::Result {
                    text: problem(&fault),
                },
            });
        }
    })
}

/// Keeps `LastProcessingResult` where it changed. A full disk keeps the former text: the story
/// tells of it.
fn note_result(engine: &Engine, uuid: &str, text: &str) {
    let differs = engine.read(|state| {
        let mapping = state.mappings.get(uuid);
        mapping.is_some_and(|it| it.last_processing_result != text)
    });
    if differs {
        let noted = engine.change(|state| {
            if let Some(mapping) = state.mappings.get_mut(uuid) {
                text.clone_into(&mut mapping.last_processing_result);
            }
            Ok(())
        });
        drop(noted);
    }
}

/// What keeps Lambda from polling for a mapping whose function is there.
fn hindrance(engine: &Engine, state: &State, mapping: &Mapping) -> Option<String> {
    let function = lambda::version_of(state, &mapping.function_arn)?;
    if !lambda::is_assumable(engine, state, &function.role) {
        return Some(lambda::NOT_ASSUMABLE.to_owned());
    }
    lambda::filter_trouble(state, mapping)
}

/// The bare name in the ARN of a function, of a version or of an alias.
fn function_name(arn: &str) -> &str {
    arn.split(':').nth(6).unwrap_or(arn)
}

fn problem(fault: &Fault) -> String {
    format!("PROBLEM: {}", fault.message)
}

/// Settles what is due; the UUIDs of mappings that are gone.
fn settle_all(
    state: &mut State,
    now: SystemTime,
    is_running: impl Fn(&str) -> bool,
) -> Vec<String> {
    let mut gone = Vec::new();
    for mapping in state.mappings.values_mut() {
        match settled(mapping, now, is_running(&mapping.uuid)) {
            Some(Settled::Into(next)) => {
                mapping.state = next;
                if let Some(next) = mapping.next.take() {
                    mapping.function_arn = next.function_arn;
                    mapping.config = next.config;
                }
            }
            Some(Settled::Gone) => gone.push(mapping.uuid.clone()),
            None => {}
        }
    }
    for uuid in &gone {
        state.mappings.remove(uuid);
    }
    gone
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settled {
    Into(MappingState),
    Gone,
}

/// What a passing state becomes; `None` while it lasts, or where there is nothing to become.
fn settled(mapping: &Mapping, now: SystemTime, is_running: bool) -> Option<Settled> {
    if now < mapping.settles_at {
        return None;
    }
    let wanted = if mapping.enabled {
        MappingState::Enabled
    } else {
        MappingState::Disabled
    };
    match mapping.state {
        MappingState::Creating | MappingState::Enabling | MappingState::Updating => {
            Some(Settled::Into(wanted))
        }
        MappingState::Disabling if !is_running => Some(Settled::Into(MappingState::Disabled)),
        MappingState::Deleting if !is_running => Some(Settled::Gone),
        _ => None,
    }
}

fn is_passing(state: MappingState) -> bool {
    !matches!(state, MappingState::Enabled | MappingState::Disabled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(state: MappingState, enabled: bool) -> Mapping {
        Mapping {
            uuid: "uuid".to_owned(),
            stream_arn: String::new(),
            function_arn: String::new(),
            config: MappingConfig::default(),
            enabled,
            state,
            settles_at: SystemTime::UNIX_EPOCH + Duration::from_secs(5),
            last_modified: SystemTime::UNIX_EPOCH,
            last_processing_result: String::new(),
            tags: BTreeMap::new(),
            revision: 0,
            next: None,
            polls_from: None,
            paused: false,
        }
    }

    #[track_caller]
    fn check(mapping: &Mapping, is_running: bool, expected: Option<Settled>) {
        let at = |secs| SystemTime::UNIX_EPOCH + Duration::from_secs(secs);
        assert_eq!(settled(mapping, at(4), is_running), None);
        assert_eq!(settled(mapping, at(5), is_running), expected);
    }

    #[test]
    fn passing_states_settle_into_what_is_wanted() {
        use MappingState::{Creating, Deleting, Disabled, Disabling, Enabled, Enabling, Updating};
        check(
            &mapping(Creating, true),
            false,
            Some(Settled::Into(Enabled)),
        );
        check(
            &mapping(Creating, false),
            false,
            Some(Settled::Into(Disabled)),
        );
        check(&mapping(Updating, true), true, Some(Settled::Into(Enabled)));
        check(
            &mapping(Updating, false),
            false,
            Some(Settled::Into(Disabled)),
        );
        check(
            &mapping(Enabling, true),
            false,
            Some(Settled::Into(Enabled)),
        );
        check(
            &mapping(Disabling, false),
            false,
            Some(Settled::Into(Disabled)),
        );
        check(&mapping(Deleting, false), false, Some(Settled::Gone));
        check(&mapping(Enabled, true), true, None);
        check(&mapping(Disabled, false), false, None);
    }

    #[test]
    fn what_is_switched_off_or_deleted_first_ends_what_it_does() {
        check(&mapping(MappingState::Disabling, false), true, None);
        check(&mapping(MappingState::Deleting, false), true, None);
    }
}
