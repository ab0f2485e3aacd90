//! How a shard consumer takes answers: what is done, tried again, split or ended. Pure.

use std::sync::Arc;
use std::time::SystemTime;

use super::lane::{Busy, Lane, Queued, Work};
use super::{Discard, Position, SequenceNumber, ShardConsumer, lane_of, words};
use crate::mapping::answer::{Asked, judge, processing_result};
use crate::mapping::progress::{Answer, BatchId, Outcome, What};
use crate::mapping::record::Record;

impl ShardConsumer {
    /// The function, or the service in its place, answered.
    pub fn invoked(&mut self, batch: BatchId, answer: &Arc<Answer>, now: SystemTime) {
        let invoking = |lane: &Lane| lane.busy == Busy::Invoking(batch);
        let Some(at) = self.lanes.iter().position(invoking) else {
            return;
        };
        self.lanes[at].busy = Busy::No;
        let Some(mut work) = self.lanes[at].works.pop_front() else {
            return;
        };
        let config = &self.rules.config;
        let asked = Asked {
            records: &work.records,
            reports_failures: config.report_batch_item_failures && work.closing.is_none(),
            wants_state: self.window.is_some() && work.closing.is_none(),
        };
        let verdict = judge(answer, asked);
        work.trouble.clone_from(&verdict.reason);
        work.answer = Some(Arc::clone(answer));
        self.news.push(What::Invoked {
            batch,
            attempt: work.attempts,
            outcome: verdict.outcome.clone(),
            failed: failed(&work.records, &verdict.outcome),
            answer: Arc::clone(answer),
            reason: self.outcome_words(&work, &verdict.outcome),
        });
        if let (Some(window), Some(state)) = (&mut self.window, verdict.state) {
            window.set_state(state);
            self.is_unsaved = true;
        }
        match &verdict.outcome {
            Outcome::Succeeded => self.succeeded(&work),
            Outcome::Failed => self.failed(at, work, now),
            Outcome::FailedFrom(number) => self.failed_from(at, work, number, now),
            Outcome::Throttled => self.try_again(at, work, now),
        }
        self.skip_marked(batch);
        self.result.has_processed = true;
        self.say(
            processing_result(
                &verdict.outcome,
                answer,
                self.rules.assumed.reported_failures,
            ),
            false,
        );
        self.advance();
    }

    /// The dead letter was sent, or could not be: these records are done.
    pub fn discarded(&mut self, lost: &Discard) {
        if let Some(lane) = self.lanes.get_mut(lost.lane) {
            lane.busy = Busy::No;
        }
        self.ledger.done(&*lost.records);
        self.advance();
    }

    /// Moves the checkpoint behind everything that is done.
    pub(super) fn advance(&mut self) {
        if let Some(sequence_number) = self.ledger.advance() {
            self.checkpoint = Position::After(sequence_number.clone());
            self.is_unsaved = true;
            self.news.push(What::Checkpoint { sequence_number });
        }
    }

    /// A text for `LastProcessingResult`, told only when it differs by more than a request id.
    pub(super) fn say(&mut self, text: String, is_about_polls: bool) {
        let stable = |text: &str| {
            let end = text.find("Request ID:").unwrap_or(text.len());
            text[..end].to_owned()
        };
        let last = self.result.text.as_deref().map(stable);
        self.result.is_about_polls = is_about_polls;
        if last != Some(stable(&text)) {
            self.result.text = Some(text.clone());
            self.news.push(What::Result { text });
        }
    }

    /// Takes back a problem with reading, once a poll worked.
    pub(super) fn polls_work_again(&mut self) {
        if self.result.is_about_polls {
            let text = if self.result.has_processed {
                "OK"
            } else {
                "No records processed"
            };
            self.say(text.to_owned(), false);
        }
    }

    /// Spreads everything unfinished over new lanes. Retries begin anew.
    pub(super) fn deal_again(&mut self, now: SystemTime) {
        let mut queued = Vec::new();
        for lane in std::mem::take(&mut self.lanes) {
            for work in lane.works {
                let records = work.records.iter();
                queued.extend(records.map(|record| Queued::new(record.clone(), now)));
            }
            queued.extend(lane.queue);
        }
        queued.sort_by(|a, b| a.record.sequence_number.cmp(&b.record.sequence_number));
        self.lanes = (0..self.rules.lanes()).map(|_| Lane::default()).collect();
        for queued in queued {
            let at = lane_of(&queued.record, self.lanes.len());
            self.lanes[at].push(queued);
        }
        let secs = self.rules.config.tumbling_window_secs;
        if self.window.as_ref().is_some_and(|it| Some(it.secs) != secs) {
            self.window = None;
            self.is_unsaved = true;
        }
        self.must_deal = false;
    }

    fn succeeded(&mut self, work: &Work) {
        self.ledger.done(&*work.records);
        if work.closing.is_some() {
            self.window = None;
            self.is_unsaved = true;
        }
    }

    /// The whole batch failed: with bisecting on it is halved, which uses up no attempt.
    fn failed(&mut self, at: usize, mut work: Work, now: SystemTime) {
        let count = work.records.len();
        if self.rules.config.bisect_on_function_error && count > 1 {
            let first = self.rules.assumed.first_half(count);
            let reason = format!(
                "splits {count} into {first} + {}: {}, bisect is on",
                count - first,
                brief(&work.trouble)
            );
            self.split(at, &work, first, reason, now);
        } else {
            work.failures = work.failures.saturating_add(1);
            self.try_again(at, work, now);
        }
    }

    /// Records before the reported one are done; the attempts of the others are counted anew.
    fn failed_from(&mut self, at: usize, work: Work, number: &SequenceNumber, now: SystemTime) {
        let done = work
            .records
            .partition_point(|record| record.sequence_number < *number);
        if done == 0 {
            // Nothing moved: as if the whole batch had failed.
            return self.failed(at, work, now);
        }
        let (before, rest) = work.records.split_at(done);
        self.ledger.done(before);
        let reason = format!(
            "{} done, goes on with {} from {}: batch item failure",
            words::count(done, "record"),
            rest.len(),
            number.short()
        );
        let mut remainder = self.child(&work, rest.into(), now);
        remainder.back_off(&self.rules.assumed, now);
        self.tell_split(&work, vec![remainder.id], reason);
        self.tell_waiting(&remainder, now);
        self.lanes[at].works.push_front(remainder);
    }

    fn split(&mut self, at: usize, work: &Work, first: usize, reason: String, now: SystemTime) {
        let (before, rest) = work.records.split_at(first);
        let mut head = self.child(work, before.into(), now);
        let mut tail = self.child(work, rest.into(), now);
        head.failures = work.failures;
        tail.failures = work.failures;
        head.back_off(&self.rules.assumed, now);
        self.tell_split(work, vec![head.id, tail.id], reason);
        self.tell_waiting(&head, now);
        let works = &mut self.lanes[at].works;
        works.push_front(tail);
        works.push_front(head);
    }

    fn child(&mut self, parent: &Work, records: Arc<[Record]>, now: SystemTime) -> Work {
        let mut work = Work::new(self.new_batch(), records, now);
        work.parent = Some(parent.id);
        work.trouble.clone_from(&parent.trouble);
        work.answer.clone_from(&parent.answer);
        work
    }

    fn try_again(&mut self, at: usize, mut work: Work, now: SystemTime) {
        work.back_off(&self.rules.assumed, now);
        let retries = self.rules.config.retry_attempts_max;
        if retries.is_none_or(|retries| work.failures <= retries) {
            self.tell_waiting(&work, now);
        }
        self.lanes[at].works.push_front(work);
    }

    fn tell_split(&mut self, work: &Work, into: Vec<BatchId>, reason: String) {
        self.news.push(What::Split {
            batch: work.id,
            into,
            reason,
        });
    }

    fn tell_waiting(&mut self, work: &Work, now: SystemTime) {
        let time = words::span(work.not_before.duration_since(now).unwrap_or_default());
        let retries = self.rules.config.retry_attempts_max;
        let attempt = words::attempt(work.failures.saturating_add(1), retries);
        self.news.push(What::Waiting {
            batch: Some(work.id),
            until: work.not_before,
            reason: format!("waits {time} before {attempt}: {}", work.trouble),
        });
    }

    fn outcome_words(&self, work: &Work, outcome: &Outcome) -> String {
        let records = words::count(work.records.len(), "record");
        let retries = self.rules.config.retry_attempts_max;
        let attempt = words::attempt(work.failures.saturating_add(1), retries);
        match outcome {
            Outcome::Succeeded if work.closing.is_some() => {
                "the tumbling window is done".to_owned()
            }
            Outcome::Succeeded => format!("{records} done"),
            Outcome::Failed | Outcome::FailedFrom(_) => format!("{}, {attempt}", work.trouble),
            Outcome::Throttled => format!("{}; this does not count as an attempt", work.trouble),
        }
    }
}

/// How many records of a call are not done.
fn failed(records: &[Record], outcome: &Outcome) -> usize {
    match outcome {
        Outcome::Succeeded => 0,
        Outcome::FailedFrom(number) => {
            let done = records.partition_point(|it| it.sequence_number < *number);
            records.len() - done
        }
        Outcome::Failed | Outcome::Throttled => records.len(),
    }
}

/// The kind of trouble without its message: `function error` of `function error: Error: boom`.
fn brief(trouble: &str) -> &str {
    trouble.split(':').next().unwrap_or(trouble)
}
