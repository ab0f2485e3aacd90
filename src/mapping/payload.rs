//! The event of one invocation as JSON text, and how large it may be. Pure.

use std::io;

use serde::Serialize as _;
use serde_json::{Value, json};

use super::record::Record;
use super::window::Window;
use crate::clock::iso_secs;

/// Largest event of a synchronous invocation.
pub const PAYLOAD_BYTES_MAX: usize = 6 * 1024 * 1024;

/// What a call within a tumbling window is told beside its records.
#[derive(Clone, Copy, Debug)]
pub(super) struct WindowCall<'a> {
    pub window: &'a Window,
    pub shard: &'a str,
    pub stream_arn: &'a str,
    pub is_final: bool,
    pub is_terminated_early: bool,
}

/// Bytes left for records, each counted with a comma.
pub(super) fn room(window: Option<&Window>) -> usize {
    // Braces, names, two times, a shard id and a stream ARN of their largest lengths.
    const ENVELOPE: usize = 2048;
    let state = window.map_or(0, Window::state_bytes);
    PAYLOAD_BYTES_MAX.saturating_sub(ENVELOPE + state)
}

/// `{"Records":[…]}`, with the members of a window behind it.
pub(super) fn event(records: &[Record], call: Option<WindowCall<'_>>) -> String {
    let texts = || records.iter().map(|record| record.event.text());
    let mut text = String::with_capacity(64 + texts().map(|it| it.len() + 1).sum::<usize>());
    text.push_str(r#"{"Records":["#);
    for (at, record) in texts().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(record);
    }
    text.push(']');
    let Some(call) = call else {
        return text + "}";
    };
    let rest = json!({
        "window": { "start": iso_secs(call.window.start), "end": iso_secs(call.window.end()) },
        "state": call.window.state(),
        "shardId": call.shard,
        "eventSourceARN": call.stream_arn,
        "isFinalInvokeForWindow": call.is_final,
        "isWindowTerminatedEarly": call.is_terminated_early,
    })
    .to_string();
    text + &rest.replacen('{', ",", 1)
}

/// Length of a value as JSON text.
pub(super) fn json_bytes(value: &Value) -> usize {
    struct Length(usize);
    impl io::Write for Length {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut length = Length(0);
    let mut writer = serde_json::Serializer::new(&mut length);
    match value.serialize(&mut writer) {
        Ok(()) => length.0,
        // Neither a JSON value nor a counter fails; the largest length is the safe answer.
        Err(_) => usize::MAX,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_epoch_millis;

    #[test]
    fn an_event_of_a_window_has_the_members_of_aws() {
        let window = Window::at(from_epoch_millis(1_767_225_600_000), 120);
        let call = WindowCall {
            window: &window,
            shard: "shardId-1",
            stream_arn: "stream-arn",
            is_final: true,
            is_terminated_early: false,
        };
        assert_eq!(
            event(&[], Some(call)),
            concat!(
                r#"{"Records":[],"window":{"start":"2026-01-01T00:00:00Z","#,
                r#""end":"2026-01-01T00:02:00Z"},"state":{},"shardId":"shardId-1","#,
                r#""eventSourceARN":"stream-arn","isFinalInvokeForWindow":true,"#,
                r#""isWindowTerminatedEarly":false}"#
            )
        );
    }

    #[test]
    fn the_length_of_json_is_that_of_its_text() {
        let value = json!({ "a": [1, "ü", null] });
        assert_eq!(json_bytes(&value), value.to_string().len());
    }
}
