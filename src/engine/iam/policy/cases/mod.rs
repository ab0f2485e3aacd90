//! Cases of policy evaluation as tables in the files beside this one. Each row begins with the rule of AWS's IAM User
//! Guide that it comes from; `rules.txt` says where that stands and what it says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::*;

const RULES: &str = include_str!("rules.txt");
/// Whole policies: which statement decides.
const STATEMENTS: &str = include_str!("statements.txt");
const VERSIONS: &str = include_str!("versions.txt");
const CONDITIONS: &str = include_str!("conditions.txt");
/// All kinds of policies together.
const KINDS: &str = include_str!("kinds.txt");
const PRINCIPALS: &str = include_str!("principals.txt");
/// What is refused before it is ever judged.
const DOCUMENTS: &str = include_str!("documents.txt");
const TRUST: &str = include_str!("trust.txt");

const TABLES: [&str; 7] = [
    STATEMENTS, VERSIONS, CONDITIONS, KINDS, PRINCIPALS, DOCUMENTS, TRUST,
];

const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/Orders";
const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:111122223333:table/Orders/stream/2026-01-01T00:00:00.000";
const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:dead-letters";

/// The cells of every row.
fn rows(table: &str) -> impl Iterator<Item = Vec<&str>> {
    table
        .lines()
        .filter(|row| !row.is_empty() && !row.starts_with('#'))
        .map(|row| row.split('|').map(str::trim).collect())
}

#[test]
fn every_case_names_a_rule_and_every_rule_has_a_case() {
    let known: BTreeMap<&str, &str> = rows(RULES).map(|cells| (cells[0], cells[1])).collect();
    let tried: BTreeSet<&str> = TABLES
        .iter()
        .flat_map(|table| rows(table).map(|cells| cells[0]))
        .collect();
    assert!(known.values().all(|page| page.contains(".html")));
    assert!(tried.iter().copied().eq(known.keys().copied()), "{tried:?}");
    let count: usize = TABLES.iter().map(|table| rows(table).count()).sum();
    assert!(count >= 150, "{count} cases");
}

fn context() -> Context {
    let mut context = Context::default()
        .with("aws:RequestedRegion", "us-east-1")
        .with("aws:PrincipalTag/team", "Orders")
        .with("aws:PrincipalTag/odd", "O*")
        .with("aws:PrincipalTag/price", "5$")
        .with("aws:PrincipalTag/session", "fn")
        .with("aws:userid", "AROAEXAMPLE:fn")
        .with("aws:username", "jo")
        .with("aws:SourceIp", "203.0.113.9")
        .with("dynamodb:LeadingKeys", "jo");
    context.set(
        "dynamodb:Attributes",
        vec!["jo".to_owned(), "total".to_owned()],
    );
    context
}

/// `T`, `I`, `S` and `Q`, also with something behind them, are ARNs.
fn arn(short: &str) -> String {
    let index = format!("{TABLE}/index/ByDay");
    for (letter, arn) in [('T', TABLE), ('I', &index), ('S', STREAM), ('Q', QUEUE)] {
        if let Some(rest) = short.strip_prefix(letter) {
            return format!("{arn}{rest}");
        }
    }
    short.to_owned()
}

/// `allow dynamodb:*, sqs:* on not T if StringEquals aws:username jo and …`
fn statement(short: &str) -> Value {
    let (effect, rest) = short.split_once(' ').unwrap();
    let (rest, conditions) = match rest.split_once(" if ") {
        Some((rest, conditions)) => (rest, conditions),
        None => (rest, ""),
    };
    let (actions, resources) = rest.split_once(" on ").unwrap();
    let mut made = Map::new();
    let effect = if effect == "allow" { "Allow" } else { "Deny" };
    made.insert("Effect".to_owned(), json!(effect));
    for (element, list) in [("Action", actions), ("Resource", resources)] {
        let (element, list) = match list.strip_prefix("not ") {
            Some(list) => (format!("Not{element}"), list),
            None => (element.to_owned(), list),
        };
        // Defaults of variables have commas too.
        let list: Vec<String> = if list.contains('{') && !list.starts_with('*') {
            vec![list.to_owned()]
        } else {
            list.split(", ").map(arn).collect()
        };
        made.insert(element, json!(list));
    }
    let mut operators = Map::new();
    for condition in conditions.split(" and ").filter(|it| !it.is_empty()) {
        let (operator, rest) = condition.split_once(' ').unwrap();
        let (key, values) = rest.split_once(' ').unwrap();
        let values: Vec<&str> = if values.contains('{') {
            vec![values]
        } else {
            values.split(", ").collect()
        };
        let keys = operators
            .entry(operator.to_owned())
            .or_insert_with(|| json!({}));
        keys[key] = json!(values);
    }
    if !operators.is_empty() {
        made.insert("Condition".to_owned(), Value::Object(operators));
    }
    Value::Object(made)
}

fn policy(version: &str, statements: &Value) -> Vec<Statement> {
    let mut document = json!({ "Statement": statements });
    if !version.is_empty() {
        document["Version"] = json!(version);
    }
    parse("p", &document.to_string()).unwrap().statements
}

/// `allowed by 2`, `denied by 1` or `silent`.
fn shown(decision: &Decision) -> String {
    let number = |statement: &String| statement.replace("statement ", "");
    match decision {
        Decision::Allowed { statement, .. } => format!("allowed by {}", number(statement)),
        Decision::ExplicitDeny { statement, .. } => format!("denied by {}", number(statement)),
        Decision::ImplicitDeny { .. } => "silent".to_owned(),
    }
}

#[test]
fn statements_decide_as_aws_says() {
    for cells in rows(STATEMENTS) {
        let statements: Vec<Value> = cells[1].split(" ; ").map(statement).collect();
        let statements = policy("2012-10-17", &json!(statements));
        let (action, resource) = cells[2].split_once(' ').unwrap();
        let decision = evaluate(&statements, action, &arn(resource), &context());
        assert_eq!(shown(&decision), cells[3], "{cells:?}");
    }
}

#[test]
fn only_new_policies_know_variables() {
    for cells in rows(VERSIONS) {
        let statement = json!({ "Effect": "Allow", "Action": "*", "Resource": cells[2] });
        let statements = policy(cells[1], &statement);
        let decision = evaluate(&statements, "dynamodb:PutItem", TABLE, &context());
        assert_eq!(shown(&decision), cells[3], "{cells:?}");
    }
}

#[test]
fn conditions_hold_as_aws_says() {
    for cells in rows(CONDITIONS) {
        let list = |cell: &str| -> Vec<String> { cell.split(", ").map(str::to_owned).collect() };
        let condition = Condition::new(cells[1], "a:key", list(cells[2])).unwrap();
        let mut context = Context::default();
        match cells[3] {
            "-" => (),
            "()" => context.set("a:key", Vec::new()),
            values => context.set("a:key", list(values)),
        }
        let holds = condition.holds(&context, true);
        assert_eq!(holds, cells[4] == "yes", "{cells:?}");
    }
}

/// ARNs of those who call, and of those who are named.
fn named(who: &str) -> &str {
    match who {
        "user" => "arn:aws:iam::111122223333:user/jo",
        "session" => "arn:aws:sts::111122223333:assumed-role/reader/fn",
        "role" => "arn:aws:iam::111122223333:role/reader",
        "account" | "root" => "arn:aws:iam::111122223333:root",
        "id" => "111122223333",
        "other" => "arn:aws:iam::111122223333:user/other",
        "anyone" => "*",
        other => panic!("{other}"),
    }
}

/// A policy that allows, denies or is silent; `None` where there is none.
fn policy_that(does: &str) -> Option<Vec<Statement>> {
    let short = match does {
        "-" => return None,
        "silent" => "allow sqs:* on *",
        "allow" => "allow dynamodb:PutItem on T",
        "deny" => "deny dynamodb:PutItem on T",
        other => panic!("{other}"),
    };
    Some(policy("2012-10-17", &statement(short)))
}

/// `allow user, deny not account+user`
fn resource_policy(cell: &str) -> Vec<Statement> {
    let parts = cell.split(", ").filter(|it| *it != "-");
    let statements: Vec<Value> = parts
        .map(|part| {
            let (does, whom) = part.split_once(' ').unwrap();
            let mut made = statement(&format!("{does} dynamodb:PutItem on T"));
            let (element, whom) = match whom.strip_prefix("not ") {
                Some(whom) => ("NotPrincipal", whom),
                None => ("Principal", whom),
            };
            let whom: Vec<&str> = whom.split('+').map(named).collect();
            made[element] = json!({ "AWS": whom });
            made
        })
        .collect();
    if statements.is_empty() {
        return Vec::new();
    }
    policy("2012-10-17", &json!(statements))
}

#[test]
fn policies_of_all_kinds_decide_together() {
    for cells in rows(KINDS) {
        let identity = policy_that(cells[2]).unwrap_or_default();
        let resource = resource_policy(cells[3]);
        let (boundary, session) = (policy_that(cells[4]), policy_that(cells[5]));
        let policies = Policies {
            identity: &identity,
            resource: &resource,
            boundary: boundary.as_deref(),
            session: session.as_deref(),
        };
        let who = Who::Arn(named(cells[1]));
        let judged = judge(&policies, who, "dynamodb:PutItem", TABLE, &context());
        let kind = format!("{:?}", judged.kind).to_lowercase();
        let decision = shown(&judged.decision);
        let decision = decision.split(' ').next().unwrap();
        assert_eq!(format!("{decision} {kind}"), cells[6], "{cells:?}");
    }
}

#[test]
fn principals_are_services_accounts_users_roles_and_sessions() {
    for cells in rows(PRINCIPALS) {
        let who = match cells[2] {
            "lambda" => Who::Service("lambda.amazonaws.com"),
            other => Who::Arn(named(other)),
        };
        let principal: Value = serde_json::from_str(cells[1]).unwrap();
        let trust =
            json!({ "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" });
        let trust = policy("2012-10-17", &trust);
        let found = evaluate_for(&trust, who, "sts:AssumeRole", "*", &context());
        assert_eq!(found.is_allowed(), cells[3] == "yes", "{cells:?}");
    }
}

#[test]
fn a_malformed_document_says_what_is_wrong() {
    type Check = fn(&Policy) -> Result<(), Malformed>;
    for (table, check) in [
        (DOCUMENTS, check_identity as Check),
        (TRUST, check_trust as Check),
    ] {
        for cells in rows(table) {
            let refused = parse("p", cells[1]).and_then(|policy| check(&policy));
            let refused = refused.err().map(|it| it.to_string());
            match (&refused, cells[2]) {
                (None, "") => (),
                (Some(words), expected) if !expected.is_empty() => {
                    assert!(words.contains(expected), "{cells:?}: {words}");
                }
                _ => panic!("{cells:?}: {refused:?}"),
            }
        }
    }
}

#[test]
fn a_statement_goes_by_its_sid() {
    let text = json!([
        { "Sid": "Late", "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*" },
        { "Sid": "NoDeletes", "Effect": "Deny", "Action": "*:Delete*", "Resource": "*" },
    ]);
    let statements = policy("2012-10-17", &text);
    let decide = |action: &str| shown(&evaluate(&statements, action, TABLE, &context()));
    assert_eq!(decide("dynamodb:GetItem"), "allowed by Late");
    assert_eq!(decide("dynamodb:DeleteItem"), "denied by NoDeletes");
}

fn statements(text: &str) -> Vec<Statement> {
    policy("2012-10-17", &serde_json::from_str(text).unwrap())
}

#[test]
fn a_near_miss_says_what_differs() {
    let on = |resource: &str| {
        format!(
            r#"{{"Effect":"Allow","Action":["dynamodb:GetRecords","dynamodb:GetShardIterator"],"Resource":"{resource}"}}"#
        )
    };
    let any = |action: &str| format!(r#"{{"Effect":"Allow","Action":{action},"Resource":"*"}}"#);
    for (statement, expected) in [
        (on("arn:aws:dynamodb:us-east-1:111122223333:table/Order/stream/*"), "the table name differs (Order, not Orders)"),
        (on("arn:aws:dynamodb:us-east-1:111122223333:table/orders/stream/*"), "the table name differs in upper and lower case (orders, not Orders)"),
        (on("arn:aws:dynamodb:us-east-1:111122223333:table/Orders"), "it ends before /stream"),
        (on("arn:aws:dynamodb:us-east-1:111122223333:table/Orders/stream/2025-*"), "the stream label differs (2025-*, not 2026-01-01T00:00:00.000)"),
        (on("arn:aws:dynamodb:eu-west-1:111122223333:table/Orders/stream/*"), "the region differs (eu-west-1, not us-east-1)"),
        (on("arn:aws:dynamodb:us-east-1:444455556666:table/Orders/stream/*"), "the account differs (444455556666, not 111122223333)"),
        (any(r#""dynamodb:GetRecord""#), "allows dynamodb:GetRecord on it, not dynamodb:GetRecords"),
        (any(r#"["dynamodb:PutItem","dynamodb:ListStreams","sqs:*"]"#), "allows only dynamodb:PutItem, dynamodb:ListStreams on it"),
        (r#"{"Effect":"Allow","NotAction":"dynamodb:Get*","Resource":"*"}"#.to_owned(), "leaves this action out: NotAction dynamodb:Get*"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}"#.to_owned(), "aws:RequestedRegion StringEquals eu-west-1; the request has us-east-1"),
        (r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}"#.to_owned(), "aws:SecureTransport Bool true; the request has none"),
    ] {
        let decision = evaluate(&statements(&statement), "dynamodb:GetRecords", STREAM, &context());
        let Decision::ImplicitDeny { closest: Some(near) } = decision else {
            panic!("{statement}: {decision:?}");
        };
        assert!(near.why.contains(expected), "{} lacks {expected}", near.why);
        assert_eq!((near.policy.as_str(), near.statement.as_str()), ("p", "statement 1"));
    }
}

#[test]
fn the_nearest_statement_is_named_and_strangers_are_not() {
    let several = r#"[
        {"Sid":"Table","Effect":"Allow","Action":"dynamodb:GetRecords","Resource":"arn:aws:dynamodb:us-east-1:111122223333:table/Parts/stream/*"},
        {"Sid":"Region","Effect":"Allow","Action":"dynamodb:GetRecords","Resource":"arn:aws:dynamodb:eu-west-1:444455556666:table/Parts"},
        {"Sid":"Denies","Effect":"Deny","Action":"dynamodb:GetRecords","Resource":"arn:aws:dynamodb:us-east-1:111122223333:table/Order/stream/*"}]"#;
    let near = |text: &str, action: &str, resource: &str| match evaluate(
        &statements(text),
        action,
        resource,
        &context(),
    ) {
        Decision::ImplicitDeny { closest } => closest.map(|near| near.statement),
        other => panic!("{other:?}"),
    };
    assert_eq!(
        near(several, "dynamodb:GetRecords", STREAM).as_deref(),
        Some("Table")
    );
    assert_eq!(near(several, "sqs:SendMessage", QUEUE), None);
    assert_eq!(
        evaluate(&[], "a:b", "*", &context()),
        Decision::ImplicitDeny { closest: None }
    );
}
