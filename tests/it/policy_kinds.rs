//! Policies of all kinds together: boundaries, policies of sessions, of tables and of streams, and trust.

use aws_sdk_iam::types::PolicyEvaluationDecisionType as Evaluation;
use serde_json::{Value, json};
use waterwheel::engine::EngineHost;
use waterwheel::engine::call::Principal;

use crate::roles::{TRUST, inline, refusal, role, root};
use crate::tables::{call, call_as, make};
use crate::wire::{between, sts, world};

const TABLE: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/orders";
const GET: &str = r#"{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"*"}"#;
const PUT: &str = r#"{"Effect":"Allow","Action":"dynamodb:PutItem","Resource":"*"}"#;

fn document(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

fn session(role: &str) -> Principal {
    Principal::Role {
        role: role.to_owned(),
        session: "s".to_owned(),
    }
}

/// What a read of the table says to somebody: `fine`, or why not.
async fn reads(host: &EngineHost, who: &Principal) -> String {
    let key = json!({ "TableName": "orders", "Key": { "pk": { "S": "1" } } });
    why(call_as(host.engine(), who, "GetItem", key).await)
}

fn why(answer: Result<Value, Value>) -> String {
    match answer {
        Ok(_) => "fine".to_owned(),
        Err(error) => {
            let words = error["Message"].as_str().or(error["message"].as_str());
            let words = words.unwrap().to_owned();
            let at = words.find("because").or(words.find("with an explicit"));
            words[at.unwrap_or_default()..].to_owned()
        }
    }
}

/// Gives the table a policy of its own.
async fn open_table(host: &EngineHost, statements: &Value) {
    let policy = json!({ "Version": "2012-10-17", "Statement": statements });
    let put = json!({ "ResourceArn": TABLE, "Policy": policy.to_string() });
    call(host.engine(), "PutResourcePolicy", put).await.unwrap();
}

fn statement(effect: &str, principal: &str) -> Value {
    json!({ "Effect": effect, "Principal": { "AWS": principal }, "Action": "dynamodb:GetItem", "Resource": TABLE })
}

#[tokio::test]
async fn a_role_may_do_what_its_policies_and_its_boundary_allow() {
    let host = world();
    let iam = root(&host);
    make(host.engine(), "orders", false, json!({})).await;
    let create = iam.create_policy().policy_name("limit");
    let made = create.policy_document(document(PUT)).send().await;
    let limit = made.unwrap().policy.unwrap().arn.unwrap();
    let create = iam.create_role().role_name("reader");
    let create = create.assume_role_policy_document(TRUST);
    create.permissions_boundary(&limit).send().await.unwrap();
    let reader = session("reader");
    let no_identity =
        "because no identity-based policy allows the dynamodb:GetItem action".to_owned();
    let no_boundary = no_identity.replace("identity-based policy", "permissions boundary");
    assert_eq!(reads(&host, &reader).await, no_identity);
    inline(&iam, "reader", "p", GET).await;
    assert_eq!(reads(&host, &reader).await, no_boundary);

    let got = iam.get_role().role_name("reader").send().await.unwrap();
    let boundary = got.role.unwrap().permissions_boundary.unwrap();
    assert_eq!(boundary.permissions_boundary_arn(), Some(limit.as_str()));
    let (_, code, _) = refusal(iam.delete_policy().policy_arn(&limit).send().await);
    assert_eq!(code, "DeleteConflict");
    let entities = iam.list_entities_for_policy().policy_arn(&limit);
    let entities = entities.send().await.unwrap();
    assert_eq!(entities.policy_roles()[0].role_name(), Some("reader"));

    let simulate = iam.simulate_principal_policy();
    let simulate = simulate
        .policy_source_arn("arn:aws:iam::123456789012:role/reader")
        .action_names("dynamodb:GetItem");
    let answer = simulate.send().await.unwrap();
    let result = &answer.evaluation_results()[0];
    assert_eq!(result.eval_decision, Evaluation::ImplicitDeny);
    let detail = result.permissions_boundary_decision_detail();
    assert!(!detail.unwrap().allowed_by_permissions_boundary());

    let version = iam.create_policy_version().policy_arn(&limit);
    let version = version.policy_document(document(GET)).set_as_default(true);
    version.send().await.unwrap();
    assert_eq!(reads(&host, &reader).await, "fine");
    let bound = iam.put_role_permissions_boundary().role_name("reader");
    let denies = iam.create_policy().policy_name("denies");
    let denies = denies.policy_document(document(&GET.replace("Allow", "Deny")));
    let denies = denies.send().await.unwrap().policy.unwrap().arn.unwrap();
    bound.permissions_boundary(denies).send().await.unwrap();
    assert_eq!(
        reads(&host, &reader).await,
        "with an explicit deny in a permissions boundary"
    );
    let unbound = iam.delete_role_permissions_boundary().role_name("reader");
    unbound.send().await.unwrap();
    assert_eq!(reads(&host, &reader).await, "fine");
}

#[tokio::test]
async fn a_tables_own_policy_lets_in_and_shuts_out() {
    let host = world();
    let iam = root(&host);
    make(host.engine(), "orders", false, json!({})).await;
    role(&iam, "reader").await;
    let reader = session("reader");
    let role_arn = "arn:aws:iam::123456789012:role/reader";
    let account = "arn:aws:iam::123456789012:root";
    let nobody = "because no identity-based policy allows the dynamodb:GetItem action";
    for (statements, expected) in [
        (json!([statement("Allow", role_arn)]), "fine"),
        (json!([statement("Allow", "*")]), "fine"),
        (json!([statement("Allow", account)]), nobody),
        (
            json!([statement("Allow", &role_arn.replace("reader", "x"))]),
            nobody,
        ),
        (
            json!([statement("Allow", role_arn), statement("Deny", account)]),
            "with an explicit deny in a resource-based policy",
        ),
    ] {
        open_table(&host, &statements).await;
        assert_eq!(reads(&host, &reader).await, expected, "{statements}");
    }
    // The account itself is shut out too, but not from its policy.
    let denied = "with an explicit deny in a resource-based policy";
    assert_eq!(reads(&host, &Principal::Root).await, denied);
    let delete = json!({ "ResourceArn": TABLE });
    let delete = call(host.engine(), "DeleteResourcePolicy", delete);
    delete.await.unwrap();
    assert_eq!(reads(&host, &Principal::Root).await, "fine");
    assert_eq!(reads(&host, &reader).await, nobody);
}

#[tokio::test]
async fn a_streams_own_policy_lets_a_role_read_it() {
    let host = world();
    let iam = root(&host);
    let stream =
        json!({ "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" } });
    make(host.engine(), "orders", false, stream).await;
    role(&iam, "reader").await;
    let table = json!({ "TableName": "orders" });
    let table = call(host.engine(), "DescribeTable", table).await.unwrap();
    let arn = &table["Table"]["LatestStreamArn"];
    let describe = || async {
        let asked = json!({ "StreamArn": arn });
        why(call_as(host.engine(), &session("reader"), "DescribeStream", asked).await)
    };
    assert!(describe().await.contains("no identity-based policy"));
    let policy = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": { "AWS": "arn:aws:iam::123456789012:role/reader" },
        "Action": "dynamodb:DescribeStream",
        "Resource": arn,
    }] });
    let put = json!({ "ResourceArn": arn, "Policy": policy.to_string() });
    call(host.engine(), "PutResourcePolicy", put).await.unwrap();
    assert_eq!(describe().await, "fine");
}

/// Asks STS for a session of a role; its key, or the error's code.
async fn assume(host: &EngineHost, key: &str, role: &str, more: &str) -> Result<String, String> {
    let form = format!(
        "Action=AssumeRole&Version=2011-06-15&RoleSessionName=me&RoleArn=arn:aws:iam::123456789012:role/{role}{more}"
    );
    let (status, xml) = sts(host, key, form).await;
    if status == 200 {
        return Ok(between(&xml, "<AccessKeyId>", "</AccessKeyId>").to_owned());
    }
    Err(between(&xml, "<Code>", "</Code>").to_owned())
}

#[tokio::test]
async fn a_session_may_do_what_its_role_and_its_own_policies_allow() {
    let host = world();
    let iam = root(&host);
    make(host.engine(), "orders", false, json!({})).await;
    let trust = TRUST.replace(
        r#"{"Service":"lambda.amazonaws.com"}"#,
        r#"{"AWS":"123456789012"}"#,
    );
    let create = iam.create_role().role_name("reader");
    let create = create.assume_role_policy_document(trust).send();
    create.await.unwrap();
    inline(&iam, "reader", "p", &format!("{GET},{PUT}")).await;
    let create = iam.create_policy().policy_name("gets");
    let create = create.policy_document(document(GET)).send();
    create.await.unwrap();
    let encoded = |statement: &str| {
        let document = document(statement);
        percent_encoding::utf8_percent_encode(&document, percent_encoding::NON_ALPHANUMERIC)
            .to_string()
    };
    let read = |key: String| {
        let host = &host;
        async move {
            let form = json!({ "TableName": "orders", "Key": { "pk": { "S": "1" } } });
            why(crate::tables::call_with(host.engine(), &key, "GetItem", form).await)
        }
    };
    let any = "AKIAANYKEY";
    let whole = assume(&host, any, "reader", "").await.unwrap();
    assert_eq!(read(whole).await, "fine");
    let puts = format!("&Policy={}", encoded(PUT));
    let limited = assume(&host, any, "reader", &puts).await.unwrap();
    assert_eq!(
        read(limited).await,
        "because no session policy allows the dynamodb:GetItem action"
    );
    let arn = "&PolicyArns.member.1.arn=arn:aws:iam::123456789012:policy/gets";
    let both = format!("{puts}{arn}");
    let both = assume(&host, any, "reader", &both).await.unwrap();
    assert_eq!(read(both).await, "fine");
    let denies = GET.replace("Allow", "Deny");
    let denies = format!("&Policy={}{arn}", encoded(&denies));
    let denied = assume(&host, any, "reader", &denies).await.unwrap();
    assert_eq!(
        read(denied).await,
        "with an explicit deny in a session policy"
    );
    assert_eq!(
        assume(&host, any, "reader", "&Policy=%7B%7D").await,
        Err("MalformedPolicyDocument".to_owned())
    );
}

#[tokio::test]
async fn who_is_trusted_by_name_needs_no_policy_and_who_is_trusted_by_account_does() {
    let host = world();
    let iam = root(&host);
    iam.create_user().user_name("jo").send().await.unwrap();
    let made = iam.create_access_key().user_name("jo").send().await;
    let jo = made.unwrap().access_key.unwrap().access_key_id;
    for (name, principal) in [
        ("named", "arn:aws:iam::123456789012:user/jo"),
        ("account", "123456789012"),
        ("other", "arn:aws:iam::123456789012:user/al"),
    ] {
        let trust = TRUST.replace(
            r#"{"Service":"lambda.amazonaws.com"}"#,
            &format!(r#"{{"AWS":"{principal}"}}"#),
        );
        let create = iam.create_role().role_name(name);
        let create = create.assume_role_policy_document(trust).send();
        create.await.unwrap();
    }
    let denied = Err("AccessDenied".to_owned());
    assert!(assume(&host, &jo, "named", "").await.is_ok());
    assert_eq!(assume(&host, &jo, "account", "").await, denied);
    let all = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#;
    let put = iam.put_user_policy().user_name("jo").policy_name("p");
    put.policy_document(all).send().await.unwrap();
    assert!(assume(&host, &jo, "account", "").await.is_ok());
    assert_eq!(assume(&host, &jo, "other", "").await, denied);
    let put = iam.put_user_policy().user_name("jo").policy_name("p");
    let put = put.policy_document(all.replace("Allow", "Deny"));
    put.send().await.unwrap();
    assert_eq!(assume(&host, &jo, "named", "").await, denied);
}
