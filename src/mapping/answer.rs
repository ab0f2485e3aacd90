//! What a function's answer means for its batch, and the dead letter of a batch given up. Pure.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::assumed::{LetterPayload, ReportedFailures};
use super::consumer::{Discard, Place};
use super::payload;
use super::progress::{Answer, Condition, Outcome};
use super::record::{Record, SequenceNumber};
use crate::clock::{iso_millis, iso_secs};

/// What had been asked, as far as the answer has to fit it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub records: &'a [Record],
    /// `ReportBatchItemFailures` is on.
    pub reports_failures: bool,
    /// The call belongs to a tumbling window and has to return state.
    pub wants_state: bool,
}

/// What the answer means.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub outcome: Outcome,
    /// `state` of the answer, for a tumbling window.
    pub state: Option<Value>,
    /// Why it is no success, in a few words; empty for a success.
    pub reason: String,
}

/// Judges an answer as Lambda does.
pub(super) fn judge(answer: &Answer, asked: Asked<'_>) -> Verdict {
    if answer.status != 200 {
        return no(Outcome::Throttled, trouble(answer).to_owned());
    }
    if answer.function_error.is_some() {
        return no(Outcome::Failed, function_error(answer));
    }
    let body = match serde_json::from_str::<Value>(&answer.payload) {
        Ok(body) => body,
        Err(_) if answer.payload.trim().is_empty() => Value::Null,
        Err(_) if asked.reports_failures || asked.wants_state => {
            return no(Outcome::Failed, "the answer is not JSON".to_owned());
        }
        Err(_) => Value::Null,
    };
    let state = body.get("state").filter(|state| state.is_object()).cloned();
    if asked.wants_state && state.is_none() {
        let reason = "the answer has no state, which a tumbling window needs";
        return no(Outcome::Failed, reason.to_owned());
    }
    if !asked.reports_failures {
        return Verdict {
            outcome: Outcome::Succeeded,
            state,
            reason: String::new(),
        };
    }
    match first_failure(&body, asked.records) {
        Ok(None) => Verdict {
            outcome: Outcome::Succeeded,
            state,
            reason: String::new(),
        },
        Ok(Some(number)) => Verdict {
            reason: format!("the function reported record {} as failed", number.short()),
            outcome: Outcome::FailedFrom(number),
            state,
        },
        Err(reason) => no(Outcome::Failed, reason),
    }
}

/// The text of `LastProcessingResult` after this answer.
pub(super) fn processing_result(
    outcome: &Outcome,
    answer: &Answer,
    reported: ReportedFailures,
) -> String {
    match outcome {
        Outcome::FailedFrom(_) if reported == ReportedFailures::Ok => "OK".to_owned(),
        Outcome::Succeeded => "OK".to_owned(),
        Outcome::Failed | Outcome::FailedFrom(_) => "PROBLEM: Function call failed".to_owned(),
        Outcome::Throttled => format!("PROBLEM: {}", trouble(answer)),
    }
}

/// The body for the on-failure destination, as SQS and SNS receive it: it holds no records, only
/// where to read them. `request_id` stands in where the batch was never delivered.
pub fn dead_letter(given_up: &Discard, place: &Place, request_id: &str, now: SystemTime) -> Value {
    let (condition, response) = match given_up.condition {
        Condition::RetryAttemptsExhausted => ("RetryAttemptsExhausted", given_up.answer.as_deref()),
        // A letter about age never tells of an answer, even where there was one.
        Condition::RecordAgeExceeded => ("RecordAgeExceeded", None),
    };
    let request_id = given_up
        .answer
        .as_ref()
        .map_or(request_id, |answer| &answer.request_id);
    let mut letter = json!({
        "requestContext": {
            "requestId": request_id,
            "functionArn": &*place.function_arn,
            "condition": condition,
            "approximateInvokeCount": given_up.attempts,
        },
    });
    if let Some(answer) = response {
        letter["responseContext"] = json!({
            "statusCode": answer.status,
            "executedVersion": answer.executed_version,
            "functionError": answer.function_error,
        });
    }
    letter["version"] = Value::from("1.0");
    letter["timestamp"] = Value::from(iso_millis(now));
    let (first, last) = (given_up.records.first(), given_up.records.last());
    let number = |record: Option<&Record>| record.map(|it| it.sequence_number.to_string());
    let arrival = |record: Option<&Record>| record.map(|it| iso_secs(it.created));
    letter["DDBStreamBatchInfo"] = json!({
        "shardId": &*place.shard,
        "startSequenceNumber": number(first),
        "endSequenceNumber": number(last),
        "approximateArrivalOfFirstRecord": arrival(first),
        "approximateArrivalOfLastRecord": arrival(last),
        "batchSize": given_up.records.len(),
        "streamArn": &*place.stream_arn,
    });
    letter
}

/// The object that an S3 bucket receives instead: its key and its text, which is the letter and the whole event in
/// `payload`. `id` makes the key unique.
///
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>
pub fn dead_object(
    letter: &Value,
    given_up: &Discard,
    place: &Place,
    id: &str,
    payload: LetterPayload,
    now: SystemTime,
) -> (String, String) {
    let at = iso_secs(now);
    let (day, time) = (&at[..10], at[11..19].replace(':', "."));
    let key = format!(
        "aws/lambda/{}/{}/{}/{day}T{time}-{id}",
        place.mapping,
        place.shard,
        day.replace('-', "/"),
    );
    let mut object = letter.clone();
    let event = payload::event(&given_up.records, None);
    object["payload"] = match payload {
        LetterPayload::Text => event.into(),
        // What was written as JSON text a moment ago is read back.
        LetterPayload::Object => serde_json::from_str(&event).unwrap_or(event.into()),
    };
    (key, object.to_string())
}

fn no(outcome: Outcome, reason: String) -> Verdict {
    Verdict {
        outcome,
        state: None,
        reason,
    }
}

fn trouble(answer: &Answer) -> &str {
    if answer.payload.is_empty() {
        "no answer"
    } else {
        &answer.payload
    }
}

/// `function error: TypeError: x is undefined`
fn function_error(answer: &Answer) -> String {
    let body: Value = serde_json::from_str(&answer.payload).unwrap_or_default();
    let member = |name: &str| body.get(name).and_then(Value::as_str);
    match (member("errorType"), member("errorMessage")) {
        (Some(kind), Some(message)) => format!("function error: {kind}: {message}"),
        (Some(text), None) | (None, Some(text)) => format!("function error: {text}"),
        (None, None) => "function error".to_owned(),
    }
}

/// The lowest record reported as failed; an error when the list makes no sense, which fails the batch.
fn first_failure(body: &Value, records: &[Record]) -> Result<Option<SequenceNumber>, String> {
    let failures = match body {
        Value::Null => return Ok(None),
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::Array(elements) if elements.is_empty() => return Ok(None),
        Value::Object(members) => match members.get("batchItemFailures") {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(failures)) => failures,
            Some(_) => return Err("batchItemFailures is not a list".to_owned()),
        },
        _ => return Err("the answer is not a list of batch item failures".to_owned()),
    };
    if failures.is_empty() {
        return Ok(None);
    }
    let sent: BTreeSet<&str> = records
        .iter()
        .map(|record| record.sequence_number.as_str())
        .collect();
    let mut lowest = None;
    for failure in failures {
        let number = failure.get("itemIdentifier").and_then(Value::as_str);
        let number = number.ok_or("a batch item failure has no itemIdentifier")?;
        if !sent.contains(number) {
            return Err(format!(
                "itemIdentifier \"{number}\" is no sequence number of this batch"
            ));
        }
        let number = SequenceNumber::new(number);
        if lowest.as_ref().is_none_or(|lowest| number < *lowest) {
            lowest = Some(number);
        }
    }
    Ok(lowest)
}

#[cfg(test)]
mod tests;
