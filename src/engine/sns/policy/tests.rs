//! Filter policies: what AWS refuses, and what passes.

use serde_json::json;

use super::*;

fn refusal(policy: &str, scope: Scope) -> Option<String> {
    check(policy, scope, Place::Change).err().map(|fault| {
        assert_eq!((fault.status, fault.code), (400, "InvalidParameter"));
        fault.message
    })
}

/// Whether a policy lets a body pass.
fn body(policy: &str, body: &Value) -> bool {
    assert_eq!(refusal(policy, Scope::MessageBody), None, "{policy}");
    let subscription = BTreeMap::from([
        ("FilterPolicy".to_owned(), policy.to_owned()),
        ("FilterPolicyScope".to_owned(), "MessageBody".to_owned()),
    ]);
    passes(&subscription, &body.to_string(), &Map::new())
}

/// Whether a policy lets attributes pass, each as its type and text.
fn attributes(policy: &str, given: &[(&str, &str, &str)]) -> bool {
    assert_eq!(refusal(policy, Scope::MessageAttributes), None, "{policy}");
    let subscription = BTreeMap::from([("FilterPolicy".to_owned(), policy.to_owned())]);
    let given = given
        .iter()
        .map(|(name, kind, text)| {
            let value = json!({ "DataType": kind, "StringValue": text });
            ((*name).to_owned(), value)
        })
        .collect();
    passes(&subscription, "not looked at", &given)
}

/// Policies, why they are refused, and the column it is told of; recorded from AWS.
const REFUSED: &[(&str, &str, u32)] = &[
    (
        r#"{"key":[["value"]]}"#,
        "Match value must be String, number, true, false, or null",
        10,
    ),
    (
        r#"{"key":[{"wrong-operator":true}]}"#,
        "Unrecognized match type wrong-operator",
        31,
    ),
    (
        r#"{"key":[{"suffix":"value","prefix":"value2"}]}"#,
        "Only one key allowed in match expression",
        37,
    ),
    (r#"{"key":[]}"#, "Empty arrays are not allowed", 10),
    (
        r#"{"key":[{"suffix":100}]}"#,
        "suffix match pattern must be a string",
        22,
    ),
    (
        r#"{"key":[{"suffix":null}]}"#,
        "suffix match pattern must be a string",
        23,
    ),
    (
        r#"{"key":{"suffix":"value"}}"#,
        r#""suffix" must be an object or an array"#,
        19,
    ),
    (
        r#"{"key":[{"suffix":[]}]}"#,
        "suffix match pattern must be a string",
        20,
    ),
    (
        r#"{"key":[{"suffix":["test","test2"]}]}"#,
        "suffix match pattern must be a string",
        20,
    ),
    (
        r#"{"key":{"suffix":"value","prefix":"value"}}"#,
        r#""suffix" must be an object or an array"#,
        19,
    ),
    (
        r#"{"key":{"not-an-operator":"value"}}"#,
        r#""not-an-operator" must be an object or an array"#,
        28,
    ),
    (
        r#"{"key":[{"cidr":["bad-filter"]}]}"#,
        "prefix match pattern must be a string",
        18,
    ),
    (
        r#"{"key":[{"numeric":[]}]}"#,
        "Invalid member in numeric match: ]",
        22,
    ),
    (
        r#"{"key":[{"numeric":["operator"]}]}"#,
        "Unrecognized numeric range operator: operator",
        32,
    ),
    (
        r#"{"key":[{"numeric":[1,"<="]}]}"#,
        "Invalid member in numeric match: 1",
        22,
    ),
    (
        r#"{"key":[{"numeric":["=","000"]}]}"#,
        "Value of equals must be numeric",
        26,
    ),
    (
        r#"{"key":[{"numeric":[">="]}]}"#,
        "Value of >= must be numeric",
        26,
    ),
    (
        r#"{"key":[{"numeric":["<",100,">",10]}]}"#,
        "Too many elements in numeric expression",
        30,
    ),
    (
        r#"{"key":[{"numeric":[">=",1,">",2]}]}"#,
        "Bad numeric range operator: >",
        31,
    ),
    (
        r#"{"key":[{"numeric":[">",3,"<",1]}]}"#,
        "Bottom must be less than top",
        33,
    ),
    (
        r#"{"key":[{"numeric":[">",20,"<="]}]}"#,
        "Value of <= must be numeric",
        33,
    ),
    (
        r#"{"key":[{"numeric":[">",20,30]}]}"#,
        "Bad value in numeric range: 30",
        30,
    ),
    (
        r#"{"key":[{"numeric":[">",20,"test"]}]}"#,
        "Bad numeric range operator: test",
        34,
    ),
    (
        r#"{"key":[{"numeric":[">","20","<","30"]}]}"#,
        "Value of > must be numeric",
        26,
    ),
    (
        r#"{"key":[{"numeric":[">",20,"<","30"]}]}"#,
        "Value of < must be numeric",
        33,
    ),
    (
        r#"{"key":[{"numeric":[">",20,"<",30,"<",50]}]}"#,
        "Too many terms in numeric range expression",
        36,
    ),
    (
        r#"{"key":[{"exists":null}]}"#,
        "exists match pattern must be either true or false.",
        23,
    ),
    (
        r#"{"key":[{"exists":"no"}]}"#,
        "exists match pattern must be either true or false.",
        20,
    ),
    (
        r#"{"key_a":"value_one"}"#,
        r#""key_a" must be an object or an array"#,
        11,
    ),
    (
        r#"{"key":[{"anything-but":{"wrong-operator":null}}]}"#,
        "Unsupported anything-but pattern: wrong-operator",
        47,
    ),
    (
        r#"{"key":[{"anything-but":{"suffix":"test"}}]}"#,
        "Unsupported anything-but pattern: suffix",
        36,
    ),
    (
        r#"{"key":[{"anything-but":{"exists":false}}]}"#,
        "Unsupported anything-but pattern: exists",
        40,
    ),
    (
        r#"{"key":[{"anything-but":{"prefix":false}}]}"#,
        "prefix match pattern must be a string",
        40,
    ),
];

#[test]
fn a_policy_is_refused_with_the_place_of_the_trouble() {
    for (policy, reason, column) in REFUSED {
        let expected = format!(
            "Invalid parameter: FilterPolicy: {reason}\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: {column}]"
        );
        assert_eq!(
            refusal(policy, Scope::MessageBody),
            Some(expected),
            "{policy}"
        );
    }
}

/// Recorded from AWS.
#[test]
fn ranges_of_addresses_are_refused_without_a_place() {
    let cases = [
        ("bad-filter", "Malformed CIDR, one '/' required"),
        ("bad-filter/64", "Nonstandard IP address: bad-filter"),
        (
            "bad-filter/",
            "Malformed CIDR, mask bits must be an integer",
        ),
        ("xx.11.xx/8", "Nonstandard IP address: xx.11.xx"),
        (
            "xxxx:db8:1234:1a00::/64",
            "Nonstandard IP address: xxxx:db8:1234:1a00::",
        ),
    ];
    for (range, reason) in cases {
        let policy = json!({ "key": [{ "cidr": range }] }).to_string();
        let expected = format!("Invalid parameter: FilterPolicy: {reason}");
        assert_eq!(refusal(&policy, Scope::MessageBody), Some(expected));
    }
}

#[test]
fn a_policy_has_five_keys_and_a_hundred_and_fifty_combinations() {
    let four = ["1", "2", "3", "4"];
    let three = ["1", "2", "3"];
    let policy = json!({"a": {"b": {"c": four}}, "d": {"e": three}, "f": three}).to_string();
    let complex = "Invalid parameter: FilterPolicy: Filter policy is too complex";
    assert_eq!(
        refusal(&policy, Scope::MessageBody).as_deref(),
        Some(complex)
    );
    let policy = json!({"a": {"b": {"c": four}}, "d": {"e": three}}).to_string();
    assert_eq!(refusal(&policy, Scope::MessageBody), None);
    let either = json!({"$or": [{"a": four}, {"b": three}], "c": four, "d": four}).to_string();
    assert_eq!(refusal(&either, Scope::MessageAttributes), None);
    let either = json!({"$or": [{"a": four}, {"b": four}], "c": four, "d": four, "e": four});
    assert_eq!(
        refusal(&either.to_string(), Scope::MessageAttributes).as_deref(),
        Some(complex)
    );
    let one = ["x"];
    let policy = json!({"a": one, "b": one, "c": one, "d": one, "e": one, "f": one}).to_string();
    assert_eq!(
        refusal(&policy, Scope::MessageAttributes).as_deref(),
        Some("Invalid parameter: FilterPolicy: Filter policy can not have more than 5 keys")
    );
    let deep = format!("{}[\"x\"]{}", "{\"a\":".repeat(5000), "}".repeat(5000));
    assert_eq!(refusal(&deep, Scope::MessageBody).as_deref(), Some(complex));
}

#[test]
fn attributes_have_no_attributes_of_their_own() {
    let policy = r#"{"object":{"key":[{"prefix":"auto-"}]}}"#;
    let refused = check(policy, Scope::MessageAttributes, Place::Creation).unwrap_err();
    assert_eq!(
        refused.message,
        "Invalid parameter: Attributes Reason: Filter policy scope MessageAttributes does not support nested filter policy"
    );
    assert_eq!(refusal(policy, Scope::MessageBody), None);
}

#[test]
fn attributes_match_by_their_type() {
    let range = r#"{"n":[{"numeric":[">",0,"<=",100]}]}"#;
    assert!(attributes(range, &[("n", "Number", "100")]));
    assert!(!attributes(range, &[("n", "Number", "100.5")]));
    assert!(!attributes(range, &[("n", "String", "50")]));
    assert!(!attributes(range, &[]));
    assert!(attributes(r#"{"n":[3.0]}"#, &[("n", "Number", "3")]));
    assert!(!attributes(r#"{"n":["3"]}"#, &[("n", "Number", "3")]));
    let store = r#"{"store":["value1"]}"#;
    assert!(attributes(store, &[("store", "String", "value1")]));
    assert!(attributes(
        store,
        &[("store", "String.Array", r#"["value1","value2"]"#)]
    ));
    assert!(!attributes(
        store,
        &[("store", "String.Array", r#"["value2","value3"]"#)]
    ));
    assert!(!attributes(store, &[("store", "String.Array", "value1")]));
    let absent = r#"{"store":[{"exists":false}]}"#;
    assert!(attributes(absent, &[("other", "String", "x")]));
    assert!(!attributes(absent, &[("store", "Number", "9")]));
    let blob = Map::from_iter([(
        "store".to_owned(),
        json!({"DataType": "Binary", "BinaryValue": "AgME"}),
    )]);
    let subscription = BTreeMap::from([("FilterPolicy".to_owned(), absent.to_owned())]);
    assert!(passes(&subscription, "", &blob));
}

#[test]
fn every_operator_says_yes_and_no() {
    let cases = [
        (r#"{"a":["x"]}"#, json!("x"), json!("y")),
        (r#"{"a":[null]}"#, Value::Null, json!("null")),
        (r#"{"a":[true]}"#, json!(true), json!(false)),
        (r#"{"a":[{"prefix":"au"}]}"#, json!("auto"), json!("bauto")),
        (r#"{"a":[{"suffix":"to"}]}"#, json!("auto"), json!("autos")),
        (
            r#"{"a":[{"equals-ignore-case":"Ab"}]}"#,
            json!("aB"),
            json!("b"),
        ),
        (r#"{"a":[{"anything-but":"x"}]}"#, json!("y"), json!("x")),
        (
            r#"{"a":[{"anything-but":["x","y"]}]}"#,
            json!("z"),
            json!("y"),
        ),
        (r#"{"a":[{"anything-but":[1,2]}]}"#, json!(3), json!(2.0)),
        (
            r#"{"a":[{"anything-but":{"prefix":"au"}}]}"#,
            json!("bau"),
            json!("auto"),
        ),
        (r#"{"a":[{"numeric":["=",3]}]}"#, json!(3.0), json!("3")),
        (r#"{"a":[{"numeric":["<",3]}]}"#, json!(2.9), json!(3)),
        (r#"{"a":[{"numeric":["<=",3]}]}"#, json!(3), json!(3.1)),
        (r#"{"a":[{"numeric":[">=",3]}]}"#, json!(3), json!(2.9)),
        (r#"{"a":[{"exists":true}]}"#, json!(""), json!({"b": 1})),
        (
            r#"{"a":[{"cidr":"10.0.0.0/24"}]}"#,
            json!("10.0.0.255"),
            json!("10.0.1.0"),
        ),
        (
            r#"{"a":[{"cidr":"2001:db8:1234:1a00::/64"}]}"#,
            json!("2001:0db8:1234:1a00:0000:0000:0000:0000"),
            json!("2001:0db8:123f:1a01:0000:0000:0000:0000"),
        ),
        (r#"{"a":["z",{"prefix":"x"}]}"#, json!("xy"), json!("yx")),
    ];
    for (policy, yes, no) in cases {
        assert!(body(policy, &json!({ "a": yes })), "{policy} {yes}");
        assert!(!body(policy, &json!({ "a": no })), "{policy} {no}");
    }
}

#[test]
fn alternatives_may_stand_at_any_depth() {
    let either = r#"{"$or":[{"metricName":["CPU"]},{"namespace":["EC2"]}],"detail":{"scope":["Service"],"$or":[{"source":["watch"]},{"type":["Alarm"]}]}}"#;
    let detail = |kind: &str, value: &str| json!({"scope": "Service", kind: value});
    assert!(body(
        either,
        &json!({"metricName": "CPU", "detail": detail("source", "watch")})
    ));
    assert!(body(
        either,
        &json!({"namespace": "EC2", "detail": detail("type", "Alarm")})
    ));
    assert!(!body(
        either,
        &json!({"namespace": "EC2", "detail": detail("type", "CPU")})
    ));
    assert!(!body(either, &json!({"detail": detail("type", "Alarm")})));
    assert!(!body(
        either,
        &json!({"metricName": "CPU", "detail": {"scope": "Service"}})
    ));
}

/// The events are AWS's own examples and cases that were recorded.
#[test]
fn bodies_match_below_lists_and_dots() {
    let records = r#"{"Records":{"s3":{"object":{"key":[{"prefix":"auto-"}]}},"eventName":[{"prefix":"ObjectCreated:"}]}}"#;
    let record = |name: &str, object: Value| json!({"eventName": name, "s3": {"object": object}});
    let auto = json!({"key": "auto-insurance-2314.xml"});
    let home = json!({"key": "home-insurance-2314.xml"});
    let put = "ObjectCreated:Put";
    let gone = "ObjectRemoved:Delete";
    assert!(body(
        records,
        &json!({"Records": [record(put, auto.clone())]})
    ));
    assert!(!body(
        records,
        &json!({"Records": [record(gone, auto.clone())]})
    ));
    assert!(!body(
        records,
        &json!({"Records": [record(put, home.clone())]})
    ));
    // Both wishes must hold for the same element.
    let mixed = json!({"Records": [record(gone, auto.clone()), record(put, home.clone())]});
    assert!(!body(records, &mixed));
    let nested = json!({"Records": [record(put, json!([[auto]])), record(gone, home)]});
    assert!(body(records, &nested));

    let dotted = r#"{"object.nested.test":["x"]}"#;
    for yes in [
        json!({"object": {"nested": {"test": "x"}}}),
        json!({"object.nested.test": "x"}),
        json!({"object.nested": {"test": "x"}}),
        json!({"object": {"nested.test": "x"}}),
        json!({"object": {"nested": {"test": "y"}}, "object.nested": {"test": "x"}}),
    ] {
        assert!(body(dotted, &yes), "{yes}");
    }
    assert!(!body(dotted, &json!({"object": {"nested": {"test": "y"}}})));

    let empty = r#"{"detail":{"version":[""]}}"#;
    assert!(body(
        empty,
        &json!({"resources": [], "detail": {"version": "", "other": null}})
    ));
    let subscription = BTreeMap::from([
        (
            "FilterPolicy".to_owned(),
            r#"{"a":[{"exists":false}]}"#.to_owned(),
        ),
        ("FilterPolicyScope".to_owned(), "MessageBody".to_owned()),
    ]);
    assert!(passes(&subscription, "{}", &Map::new()));
    for no_object in ["text", "\"text\"", "[]", "1"] {
        assert!(
            !passes(&subscription, no_object, &Map::new()),
            "{no_object}"
        );
    }
}

#[test]
fn a_subscription_without_a_policy_hears_of_everything() {
    assert!(passes(&BTreeMap::new(), "x", &Map::new()));
}
