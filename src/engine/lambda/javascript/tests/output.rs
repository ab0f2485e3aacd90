//! What programs write.

use serde_json::{Value, json};

use super::{blueprint, invocation, lines, run, run_with};
use crate::engine::lambda::environment::{ExecutionEnvironment as _, Level, LogFormat};
use crate::engine::lambda::javascript::JavaScript;

/// The texts of the lines a body writes, without time, request and level.
async fn written(body: &str) -> Vec<String> {
    let ran = run(&format!("exports.handler = async (event) => {{ {body} }}")).await;
    let texts = lines(&ran).into_iter().map(|line| {
        let text = line.splitn(4, '\t').nth(3);
        text.unwrap_or(line).replace('\r', "\n")
    });
    texts.collect()
}

#[tokio::test(start_paused = true)]
async fn a_line_names_time_request_and_level() {
    let source = "exports.handler = async () => { console.log('a'); console.info('b'); console.warn('c'); console.error('d'); console.debug('e'); console.trace('f'); process.stdout.write('raw\\n') }";
    let ran = run(source).await;
    let at = "2026-01-01T00:00:00.000Z\tr-1";
    assert_eq!(
        lines(&ran),
        [
            format!("{at}\tINFO\ta"),
            format!("{at}\tINFO\tb"),
            format!("{at}\tWARN\tc"),
            format!("{at}\tERROR\td"),
            format!("{at}\tDEBUG\te"),
            format!("{at}\tTRACE\tf"),
            "raw".to_owned(),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_call_writes_one_line_with_returns_for_its_breaks() {
    let ran = run(
        "exports.handler = async () => console.log('one\\ntwo', JSON.stringify({ a: 1 }, null, 2))",
    )
    .await;
    assert_eq!(
        lines(&ran),
        ["2026-01-01T00:00:00.000Z\tr-1\tINFO\tone\rtwo {\r  \"a\": 1\r}"]
    );
}

#[tokio::test(start_paused = true)]
async fn values_look_as_they_do_in_node() {
    for (value, shown) in [
        (
            "1, 'a', true, null, undefined, 10n, Symbol('s')",
            "1 a true null undefined 10n Symbol(s)",
        ),
        (
            "{ a: 1, b: 'x', c: [1, 'y'] }",
            "{ a: 1, b: 'x', c: [ 1, 'y' ] }",
        ),
        (
            "{ a: { b: { c: { d: 1 } } } }",
            "{ a: { b: { c: [Object] } } }",
        ),
        ("[[[[1]]]]", "[ [ [ [Array] ] ] ]"),
        ("[], {}, [{}]", "[] {} [ {} ]"),
        (
            "new Map([['k', { n: 1 }]]), new Set([1, 'x'])",
            "Map(1) { 'k' => { n: 1 } } Set(2) { 1, 'x' }",
        ),
        ("new Date(0), /x/g", "1970-01-01T00:00:00.000Z /x/g"),
        (
            "function named() {}, () => {}, class A {}",
            "[Function: named] [Function (anonymous)] [class A]",
        ),
        (
            "'%s has %d of %j', 'x', 2, { a: 1 }, 'rest'",
            "x has 2 of {\"a\":1} rest",
        ),
        (
            "(() => { const a = { n: 1 }; a.self = a; return a })()",
            "<ref *1> { n: 1, self: [Circular *1] }",
        ),
        (
            "Array.from({ length: 10 }, (_, i) => i)",
            "[\n  0, 1, 2, 3, 4,\n  5, 6, 7, 8, 9\n]",
        ),
        (
            "Promise.resolve(1), new Promise(() => {})",
            "Promise { 1 } Promise { <pending> }",
        ),
        (
            "async () => {}, function* () {}",
            "[AsyncFunction (anonymous)] [GeneratorFunction (anonymous)]",
        ),
        (
            "{ get x() { return 1 }, [Symbol('k')]: \"it's\", 'a-b': -0 }",
            "{ x: [Getter], 'a-b': -0, [Symbol(k)]: \"it's\" }",
        ),
        (
            "new Uint8Array([1, 2]), Buffer.from('a')",
            "Uint8Array(2) [ 1, 2 ] <Buffer 61>",
        ),
        (
            "Object.create(null), new (class Foo { x = 1 })()",
            "[Object: null prototype] {} Foo { x: 1 }",
        ),
        (
            "{ text: 'x'.repeat(60), more: 'y'.repeat(20) }",
            "{\n  text: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',\n  more: 'yyyyyyyyyyyyyyyyyyyy'\n}",
        ),
        ("'\\ud800 \\0'", "\u{fffd} \0"),
        ("", ""),
    ] {
        assert_eq!(
            written(&format!("console.log({value})")).await,
            [shown],
            "{value}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn errors_are_shown_with_their_stack() {
    let shown = written("const e = new TypeError('no'); e.code = 'E1'; console.log(e); console.log({ e: new Error('in') })").await;
    let first: Vec<&str> = shown[0].lines().collect();
    assert_eq!(first[0], "TypeError: no");
    assert!(first[1].starts_with("    at exports.handler (/var/task/index.js:1:"));
    assert_eq!(first[2..], ["  code: 'E1'", "}"]);
    assert!(shown[1].starts_with("{\n  e: Error: in\n      at exports.handler"));
}

#[tokio::test(start_paused = true)]
async fn a_stream_record_is_shown_as_in_node() {
    let source = "exports.handler = async (event) => { for (const r of event.Records) console.log('DynamoDB Record: %j', r.dynamodb); console.log(event) }";
    let event = json!({ "Records": [{ "eventName": "INSERT", "dynamodb": { "Keys": { "id": { "S": "1" } } } }] });
    let ran = run_with(blueprint(&[("index.js", source)]), event).await;
    let shown = lines(&ran);
    assert!(shown[0].ends_with("INFO\tDynamoDB Record: {\"Keys\":{\"id\":{\"S\":\"1\"}}}"));
    assert!(
        shown[1].ends_with("INFO\t{ Records: [ { eventName: 'INSERT', dynamodb: [Object] } ] }"),
        "{}",
        shown[1]
    );
}

#[tokio::test(start_paused = true)]
async fn the_smaller_tools_of_the_console_work() {
    let body = "console.group('g'); console.log('in\\nside'); console.groupEnd(); console.count(); console.count(); console.assert(1 === 2, 'math'); console.time('t'); await new Promise(r => setTimeout(r, 1500)); console.timeEnd('t'); console.dir({ a: 1 })";
    assert_eq!(
        written(body).await,
        [
            "g",
            "  in\n  side",
            "default: 1",
            "default: 2",
            "Assertion failed: math",
            "t: 1.500s",
            "{ a: 1 }",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_log_without_end_is_cut_with_a_note() {
    let source = "exports.handler = async () => { const line = 'x'.repeat(1024 * 1024); for (let i = 0; i < 50; i++) console.log(line) }";
    let ran = run(source).await;
    assert_eq!(ran.lines.len(), 5);
    assert!(lines(&ran)[4].starts_with("The log of this invocation is full"));
}

#[tokio::test(start_paused = true)]
async fn lines_of_the_start_have_no_request() {
    let source = "console.log('start'); setTimeout(() => console.log('later'), 1); exports.handler = async () => console.log('run')";
    let mut environment = JavaScript::new(blueprint(&[("index.js", source)]));
    let ran = environment.invoke(invocation(&json!({}))).await;
    let init = ran.init.as_ref().unwrap();
    assert_eq!(
        init.lines[0].1,
        "2026-01-01T00:00:00.000Z\tundefined\tINFO\tstart"
    );
    assert_eq!(lines(&ran), ["2026-01-01T00:00:00.000Z\tr-1\tINFO\trun"]);
}

#[tokio::test(start_paused = true)]
async fn lines_may_be_json() {
    let source = "console.log('start'); exports.handler = async () => { console.debug('no'); console.info('two %d', 1); console.warn({ a: [1] }); console.log('x', { b: 2 }); console.error(new TypeError('bad')); throw new Error('end') }";
    let mut blueprint = blueprint(&[("index.js", source)]);
    blueprint.log_format = LogFormat::Json(Level::Info);
    let ran = run_with(blueprint, json!({})).await;
    let parsed = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let init = ran.init.as_ref().unwrap();
    let at = "2026-01-01T00:00:00.000Z";
    assert_eq!(
        parsed(&init.lines[0].1),
        json!({ "timestamp": at, "level": "INFO", "message": "start" })
    );
    let seen: Vec<Value> = lines(&ran).into_iter().map(parsed).collect();
    assert_eq!(
        seen[0],
        json!({ "timestamp": at, "level": "INFO", "requestId": "r-1", "message": "two 1" })
    );
    assert_eq!(
        (&seen[1]["level"], &seen[1]["message"]),
        (&json!("WARN"), &json!({ "a": [1] }))
    );
    assert_eq!(seen[2]["message"], "x { b: 2 }");
    assert_eq!(seen[3]["message"]["errorType"], "TypeError");
    assert_eq!(seen[3]["message"]["stackTrace"][0], "TypeError: bad");
    assert_eq!(seen[4]["message"]["errorMessage"], "end");
    assert_eq!(seen.len(), 5);
}
