//! Cases of policy evaluation as tables: a policy, a request, the expected decision.

use super::*;

const TABLE: &str = "arn:aws:dynamodb:us-east-1:111122223333:table/Orders";
const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:111122223333:table/Orders/stream/2026-01-01T00:00:00.000";
const QUEUE: &str = "arn:aws:sqs:us-east-1:111122223333:dead-letters";

fn statements(text: &str) -> Vec<Statement> {
    let document = format!("{{\"Version\":\"2012-10-17\",\"Statement\":{text}}}");
    parse("p", &document).unwrap().statements
}

fn context() -> Context {
    Context::default()
        .with("aws:RequestedRegion", "us-east-1")
        .with("aws:PrincipalTag/team", "Orders")
        .with("aws:userid", "AROAEXAMPLE:fn")
        .with("dynamodb:LeadingKeys", "cust-7")
        .with("aws:SourceIp", "203.0.113.9")
}

/// `allowed`, `explicitDeny` or `implicitDeny`, and by which statement.
fn verdict(text: &str, action: &str, resource: &str) -> String {
    match evaluate(&statements(text), action, resource, &context()) {
        Decision::Allowed { statement, .. } => format!("allowed by {statement}"),
        Decision::ExplicitDeny { statement, .. } => format!("denied by {statement}"),
        Decision::ImplicitDeny { .. } => "silent".to_owned(),
    }
}

fn check(cases: &[(&str, &str, &str, &str)]) {
    for (text, action, resource, expected) in cases {
        assert_eq!(
            verdict(text, action, resource),
            *expected,
            "{text} {action} {resource}"
        );
    }
}

/// Actions, resources, the action asked for, on what, expected. `T`, `S` and `Q` are the constants above.
const MATCHES: &str = "
* | * | dynamodb:PutItem | T | yes
dynamodb:* | * | dynamodb:PutItem | T | yes
dynamodb:* | * | dynamodb:ListTables | * | yes
dynamodb:* | * | lambda:InvokeFunction | * | no
dynamodb:Get* | * | dynamodb:GetRecords | S | yes
dynamodb:Get* | * | dynamodb:PutItem | T | no
DynamoDB:getitem | * | dynamodb:GetItem | T | yes
dynamodb:?etItem | * | dynamodb:GetItem | T | yes
dynamodb:?etItem | * | dynamodb:BatchGetItem | T | no
sqs:*, dynamodb:PutItem | * | dynamodb:PutItem | T | yes
dynamodb* | * | dynamodb:PutItem | T | yes
*:PutItem | * | dynamodb:PutItem | T | yes
dynamodb:PutItem* | * | dynamodb:PutItem | T | yes
dynamodb:* | arn:aws:dynamodb:us-east-1:111122223333:table/Orders | dynamodb:PutItem | T | yes
dynamodb:* | arn:aws:dynamodb:us-east-1:111122223333:table/Orders | dynamodb:GetRecords | S | no
dynamodb:* | arn:aws:dynamodb:us-east-1:111122223333:table/Orders* | dynamodb:GetRecords | S | yes
dynamodb:* | arn:aws:dynamodb:*:*:table/*/stream/* | dynamodb:GetRecords | S | yes
dynamodb:* | arn:aws:dynamodb:*:*:table/*/stream/* | dynamodb:PutItem | T | no
dynamodb:* | arn:aws:dynamodb:*:table/Orders | dynamodb:PutItem | T | yes
dynamodb:* | arn:aws:dynamodb:*:444455556666:table/* | dynamodb:PutItem | T | no
dynamodb:* | arn:aws:dynamodb:eu-*:*:table/* | dynamodb:PutItem | T | no
dynamodb:* | arn:aws-cn:dynamodb:*:*:table/* | dynamodb:PutItem | T | no
dynamodb:* | arn:aws:dynamodb:*:*:table/orders | dynamodb:PutItem | T | no
dynamodb:* | arn:aws:dynamodb:*:*:table/Order? | dynamodb:PutItem | T | yes
dynamodb:* | arn:aws:dynamodb:*:*:index/Orders | dynamodb:PutItem | T | no
dynamodb:* | arn:aws:dynamodb | dynamodb:PutItem | T | yes
dynamodb:* | arn:aws:sqs:* | dynamodb:PutItem | T | no
dynamodb:ListStreams | arn:aws:dynamodb:*:*:table/* | dynamodb:ListStreams | * | no
sqs:SendMessage | arn:aws:sqs:*:*:other, arn:aws:sqs:*:*:dead-* | sqs:SendMessage | Q | yes
sqs:SendMessage | arn:aws:sqs:*:*:dead-?etters | sqs:SendMessage | Q | yes
sqs:SendMessage | arn:aws:sqs:us-east-1:111122223333:dead-letters-2 | sqs:SendMessage | Q | no
";

#[test]
fn actions_and_resources_match_by_wildcards() {
    let list = |texts: &str| {
        let quoted: Vec<String> = texts.split(", ").map(|it| format!("\"{it}\"")).collect();
        quoted.join(",")
    };
    for row in MATCHES.lines().filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let (actions, resources) = (list(cells[0]), list(cells[1]));
        let policy =
            format!(r#"{{"Effect":"Allow","Action":[{actions}],"Resource":[{resources}]}}"#);
        let resource = match cells[3] {
            "T" => TABLE,
            "S" => STREAM,
            "Q" => QUEUE,
            other => other,
        };
        let expected = if cells[4] == "yes" {
            "allowed by statement 1"
        } else {
            "silent"
        };
        assert_eq!(verdict(&policy, cells[2], resource), expected, "{row}");
    }
}

#[test]
fn a_deny_beats_every_allow_wherever_it_stands() {
    let allow = r#"{"Sid":"Everything","Effect":"Allow","Action":"*","Resource":"*"}"#;
    let deny = r#"{"Sid":"NoDeletes","Effect":"Deny","Action":"*:Delete*","Resource":"*"}"#;
    let before = format!("[{deny},{allow}]");
    let after = format!("[{allow},{deny}]");
    check(&[
        (&before, "dynamodb:DeleteItem", TABLE, "denied by NoDeletes"),
        (&after, "dynamodb:DeleteItem", TABLE, "denied by NoDeletes"),
        (&before, "dynamodb:PutItem", TABLE, "allowed by Everything"),
        (deny, "dynamodb:DeleteItem", TABLE, "denied by NoDeletes"),
        (deny, "dynamodb:PutItem", TABLE, "silent"),
    ]);
}

#[test]
fn the_first_statement_that_allows_is_named() {
    let two = r#"[{"Effect":"Allow","Action":"sqs:*","Resource":"*"},
                  {"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"*"},
                  {"Sid":"Late","Effect":"Allow","Action":"dynamodb:*","Resource":"*"}]"#;
    check(&[
        (two, "dynamodb:PutItem", TABLE, "allowed by statement 2"),
        (two, "dynamodb:GetItem", TABLE, "allowed by Late"),
    ]);
}

#[test]
fn what_is_left_out_is_not_allowed_and_not_denied() {
    let not_action = r#"{"Effect":"Allow","NotAction":["iam:*","sts:*"],"Resource":"*"}"#;
    let not_resource = r#"{"Effect":"Allow","Action":"dynamodb:*",
        "NotResource":["arn:aws:dynamodb:*:*:table/Secret*","arn:aws:dynamodb:*:*:table/Private"]}"#;
    let deny_others = r#"[{"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","NotAction":"dynamodb:*","Resource":"*"}]"#;
    let secret = "arn:aws:dynamodb:us-east-1:111122223333:table/Secrets";
    check(&[
        (
            not_action,
            "dynamodb:PutItem",
            TABLE,
            "allowed by statement 1",
        ),
        (not_action, "iam:CreateRole", "*", "silent"),
        (not_action, "IAM:createrole", "*", "silent"),
        (
            not_resource,
            "dynamodb:PutItem",
            TABLE,
            "allowed by statement 1",
        ),
        (not_resource, "dynamodb:PutItem", secret, "silent"),
        (
            deny_others,
            "dynamodb:PutItem",
            TABLE,
            "allowed by statement 1",
        ),
        (
            deny_others,
            "sqs:SendMessage",
            QUEUE,
            "denied by statement 2",
        ),
    ]);
}

#[test]
fn every_condition_must_hold() {
    let under = |condition: &str| {
        format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#)
    };
    for (condition, expected) in [
        ("{}", true),
        (
            r#"{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}"#,
            true,
        ),
        (
            r#"{"StringEquals":{"AWS:requestedregion":["eu-west-1","us-east-1"]}}"#,
            true,
        ),
        (
            r#"{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}"#,
            false,
        ),
        (
            r#"{"StringEquals":{"aws:RequestedRegion":"us-east-1"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"}}"#,
            true,
        ),
        (
            r#"{"StringEquals":{"aws:RequestedRegion":"us-east-1"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
            false,
        ),
        (
            r#"{"StringEquals":{"aws:RequestedRegion":"us-east-1","aws:PrincipalTag/team":"Ops"}}"#,
            false,
        ),
        (r#"{"Bool":{"aws:SecureTransport":true}}"#, false),
        (r#"{"BoolIfExists":{"aws:SecureTransport":"true"}}"#, true),
        (r#"{"Null":{"aws:MultiFactorAuthAge":"true"}}"#, true),
        (
            r#"{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["cust-7"]}}"#,
            true,
        ),
        (
            r#"{"ForAllValues:StringEquals":{"dynamodb:LeadingKeys":["cust-8"]}}"#,
            false,
        ),
        (r#"{"StringLike":{"aws:userid":"AROAEXAMPLE:*"}}"#, true),
        (
            r#"{"NumericLessThan":{"aws:MultiFactorAuthAge":3600}}"#,
            false,
        ),
    ] {
        let found = verdict(&under(condition), "dynamodb:PutItem", TABLE);
        assert_eq!(found.starts_with("allowed"), expected, "{condition}");
    }
}

#[test]
fn variables_stand_for_the_request_and_only_in_new_policies() {
    let own = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/team}"}"#;
    let unknown = r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/none}*"}"#;
    let not_unknown = r#"{"Effect":"Deny","Action":"*","NotResource":"arn:aws:dynamodb:*:*:table/${aws:PrincipalTag/none}"}"#;
    let other = TABLE.replace("Orders", "Parts");
    check(&[
        (own, "dynamodb:PutItem", TABLE, "allowed by statement 1"),
        (own, "dynamodb:PutItem", &other, "silent"),
        (unknown, "dynamodb:PutItem", TABLE, "silent"),
        (not_unknown, "dynamodb:PutItem", TABLE, "silent"),
    ]);
    for version in ["", r#""Version":"2008-10-17","#] {
        let old = format!("{{{version}\"Statement\":{own}}}");
        let statements = parse("old", &old).unwrap().statements;
        let found = evaluate(&statements, "dynamodb:PutItem", TABLE, &context());
        assert!(!found.is_allowed(), "{version}");
    }
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

/// A principal, who asks (`lambda` or a session of the role `reader`), expected.
const PRINCIPALS: &str = r#"
{"Service":"lambda.amazonaws.com"} | lambda | yes
{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]} | lambda | yes
{"Service":"ec2.amazonaws.com"} | lambda | no
{"AWS":"111122223333","Service":"lambda.amazonaws.com"} | lambda | yes
{"AWS":"111122223333"} | lambda | no
"*" | lambda | yes
"*" | session | yes
{"AWS":"*"} | session | yes
{"AWS":"111122223333"} | session | yes
{"AWS":"arn:aws:iam::111122223333:root"} | session | yes
{"AWS":"arn:aws:iam::444455556666:root"} | session | no
{"AWS":"arn:aws:iam::111122223333:role/reader"} | session | yes
{"AWS":"arn:aws:iam::111122223333:role/service/reader"} | session | yes
{"AWS":"arn:aws:iam::111122223333:role/writer"} | session | no
{"AWS":"arn:aws:sts::111122223333:assumed-role/reader/fn"} | session | yes
{"AWS":"arn:aws:sts::111122223333:assumed-role/reader/other"} | session | no
"#;

#[test]
fn principals_are_services_accounts_roles_and_their_sessions() {
    for row in PRINCIPALS.lines().filter(|row| !row.is_empty()) {
        let cells: Vec<&str> = row.split(" | ").collect();
        let who = match cells[1] {
            "lambda" => Who::Service("lambda.amazonaws.com"),
            _ => Who::Arn("arn:aws:sts::111122223333:assumed-role/reader/fn"),
        };
        let trust = statements(&format!(
            r#"{{"Effect":"Allow","Principal":{},"Action":"sts:AssumeRole"}}"#,
            cells[0]
        ));
        let found = evaluate_for(&trust, who, "sts:AssumeRole", "*", &context());
        assert_eq!(found.is_allowed(), cells[2] == "yes", "{row}");
    }
    let not = r#"{"Effect":"Deny","NotPrincipal":{"Service":"lambda.amazonaws.com"},"Action":"*"}"#;
    let ec2 = Who::Service("ec2.amazonaws.com");
    let found = evaluate_for(&statements(not), ec2, "sts:AssumeRole", "*", &context());
    assert_eq!(found.as_str(), "explicitDeny");
}

/// A document and what its refusal says.
const MALFORMED: &str = r#"
{ | EOF while parsing
[] | a policy is a JSON object
{} | Statement is missing
{"Statement":[]} | Statement must be an object or a list
{"Statements":[]} | unknown element Statements
{"Version":"2012-10-18","Statement":{}} | must be version 2012-10-17 or greater
{"Statement":{"Action":"*","Resource":"*"}} | statement 1: Effect is missing
{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}} | Effect is "allow"; it must be Allow or Deny
{"Statement":{"Effect":"Allow","Resource":"*"}} | Policy statement must contain actions.
{"Statement":{"Effect":"Allow","Action":"*"}} | Policy statement must contain resources.
{"Statement":{"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"}} | exclude each other
{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}} | Action must be a text or a list of texts
{"Statement":{"Effect":"Allow","Action":"GetItem","Resource":"*"}} | must be prefaced by a vendor
{"Statement":{"Effect":"Allow","Action":"dynamo db:GetItem","Resource":"*"}} | Vendor dynamo db is not valid
{"Statement":{"Effect":"Allow","Action":"*","Resource":"Orders"}} | Resource Orders must be in ARN format or "*".
{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Resouces":"*"}} | unknown element Resouces
{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqual":{"a:b":"c"}}}} | Invalid Condition type : StringEqual.
{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":"c"}}} | must be an object of keys and values
{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Sid":"a b"}} | must be alpha-numeric
{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}]} | must be unique
{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}} | should not specify a principal
"#;

#[test]
fn a_malformed_document_says_what_is_wrong() {
    for row in MALFORMED.lines().filter(|row| !row.is_empty()) {
        let (text, expected) = row.split_once(" | ").unwrap();
        let refused = parse("p", text).and_then(|policy| check_identity(&policy));
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

/// A trust policy and what its refusal says.
const NO_TRUST: &str = r#"
{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}} | Missing required field Principal
{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}} | Has prohibited field Resource
{"Statement":{"Effect":"Allow","Principal":"*","Action":"dynamodb:PutItem"}} | must only specify STS AssumeRole actions
{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}} | must only specify STS AssumeRole actions
{"Statement":{"Effect":"Allow","Principal":{"Service":"lambda"},"Action":"sts:AssumeRole"}} | Invalid principal in policy: "SERVICE":"lambda"
{"Statement":{"Effect":"Allow","Principal":{"Servce":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}} | not Servce
{"Statement":{"Effect":"Allow","Principal":"me","Action":"sts:AssumeRole"}} | Principal must be
"#;

#[test]
fn a_trust_policy_names_principals_and_no_resources() {
    let trust = |text: &str| parse("p", text).and_then(|policy| check_trust(&policy));
    let good = r#"{"Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    assert_eq!(trust(good), Ok(()));
    for row in NO_TRUST.lines().filter(|row| !row.is_empty()) {
        let (text, expected) = row.split_once(" | ").unwrap();
        let error = trust(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}
