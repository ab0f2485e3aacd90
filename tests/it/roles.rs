//! IAM as its SDK sees it: roles, their policies, and what they let a role do.

use aws_sdk_iam::Client;
use aws_sdk_iam::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_iam::types::{PolicyEvaluationDecisionType as Evaluation, Tag};
use percent_encoding::percent_decode_str;
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, iam};

use crate::wire::world;

pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
pub(crate) const MANAGED: &str =
    "arn:aws:iam::aws:policy/service-role/AWSLambdaDynamoDBExecutionRole";
const STREAM: &str =
    "arn:aws:dynamodb:us-east-1:123456789012:table/Orders/stream/2026-01-01T00:00:00.000";

pub(crate) fn root(host: &EngineHost) -> Client {
    Client::new(&host.engine().sdk_config(&Principal::Root))
}

pub(crate) async fn role(iam: &Client, name: &str) {
    let made = iam
        .create_role()
        .role_name(name)
        .assume_role_policy_document(TRUST);
    made.send().await.unwrap();
}

pub(crate) async fn inline(iam: &Client, role: &str, name: &str, statement: &str) {
    let document = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    let put = iam.put_role_policy().role_name(role).policy_name(name);
    put.policy_document(document).send().await.unwrap();
}

/// Status, code and message of what AWS would refuse.
pub(crate) fn refusal<T: std::fmt::Debug, E: ProvideErrorMetadata + std::fmt::Debug>(
    result: Result<T, SdkError<E>>,
) -> (u16, String, String) {
    let error = result.unwrap_err();
    let status = error.raw_response().unwrap().status().as_u16();
    let error = error.as_service_error().unwrap();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    (status, text(error.code()), text(error.message()))
}

#[tokio::test]
async fn a_role_comes_back_as_it_was_made() {
    let host = world();
    let iam = root(&host);
    let tag = Tag::builder().key("team").value("orders").build().unwrap();
    let made = iam
        .create_role()
        .role_name("reader")
        .path("/service/")
        .description("reads & writes <streams>")
        .max_session_duration(7200)
        .assume_role_policy_document(TRUST)
        .tags(tag)
        .send()
        .await
        .unwrap();
    let made = made.role.unwrap();
    assert_eq!(made.arn, "arn:aws:iam::123456789012:role/service/reader");
    assert!(made.role_id.starts_with("AROA") && made.role_id.len() == 21);
    let got = iam.get_role().role_name("reader").send().await.unwrap();
    let got = got.role.unwrap();
    assert_eq!(got.description(), Some("reads & writes <streams>"));
    assert_eq!(got.max_session_duration, Some(7200));
    assert_eq!(got.create_date, made.create_date);
    assert_eq!(got.tags()[0].value, "orders");
    let document = got.assume_role_policy_document.unwrap();
    assert!(document.starts_with("%7B%22Version%22%3A"));
    assert_eq!(percent_decode_str(&document).decode_utf8().unwrap(), TRUST);

    let other = TRUST.replace("lambda", "ec2");
    let update = iam.update_assume_role_policy().role_name("reader");
    update.policy_document(&other).send().await.unwrap();
    let update = iam.update_role().role_name("reader").description("new");
    update.send().await.unwrap();
    let untag = iam.untag_role().role_name("reader").tag_keys("team");
    untag.send().await.unwrap();
    let got = iam.get_role().role_name("reader").send().await.unwrap();
    let got = got.role.unwrap();
    assert_eq!((got.description(), got.tags().len()), (Some("new"), 0));
    host.engine().read(|state| {
        let role = &state.roles["reader"];
        assert!(iam::trusts_service(role, "ec2.amazonaws.com"));
        assert!(!iam::trusts_service(role, "lambda.amazonaws.com"));
    });
}

#[tokio::test]
async fn refusals_have_the_words_of_aws() {
    let host = world();
    let iam = root(&host);
    role(&iam, "reader").await;
    let create = |name: &str, trust: &str| {
        let create = iam.create_role().role_name(name);
        create.assume_role_policy_document(trust).send()
    };
    let (status, code, message) = refusal(create("Reader", TRUST).await);
    assert_eq!((status, code.as_str()), (409, "EntityAlreadyExists"));
    assert_eq!(message, "Role with name Reader already exists.");
    let (status, code, message) = refusal(create("a b", TRUST).await);
    assert_eq!((status, code.as_str()), (400, "ValidationError"));
    assert!(message.contains("The specified value for roleName is invalid"));
    let (_, _, message) = refusal(create(&"x".repeat(65), TRUST).await);
    assert!(message.contains("Member must have length less than or equal to 64"));
    let (status, code, message) = refusal(create("other", "{\"Statement\": [}").await);
    assert_eq!((status, code.as_str()), (400, "MalformedPolicyDocument"));
    assert!(message.contains("line 1 column 16"), "{message}");
    let no_principal = TRUST.replace(r#""Principal":{"Service":"lambda.amazonaws.com"},"#, "");
    let (_, code, message) = refusal(create("other", &no_principal).await);
    assert_eq!(code, "MalformedPolicyDocument");
    assert!(message.contains("Principal"), "{message}");
    let (status, code, message) = refusal(iam.get_role().role_name("none").send().await);
    assert_eq!((status, code.as_str()), (404, "NoSuchEntity"));
    assert_eq!(message, "The role with name none cannot be found.");
    let attach = iam.attach_role_policy().role_name("reader");
    let unknown = "arn:aws:iam::aws:policy/NoSuchPolicy";
    let (status, code, message) = refusal(attach.policy_arn(unknown).send().await);
    assert_eq!((status, code.as_str()), (404, "NoSuchEntity"));
    assert!(message.ends_with("does not exist or is not attachable."));
    let put = iam.put_role_policy().role_name("reader").policy_name("p");
    let (_, code, message) = refusal(put.policy_document("{}").send().await);
    assert_eq!(code, "MalformedPolicyDocument");
    assert!(message.contains("Statement is missing"), "{message}");
}

#[tokio::test]
async fn a_role_is_deleted_only_without_policies() {
    let host = world();
    let iam = root(&host);
    role(&iam, "reader").await;
    inline(
        &iam,
        "reader",
        "own",
        r#"{"Effect":"Allow","Action":"sqs:*","Resource":"*"}"#,
    )
    .await;
    let attach = iam.attach_role_policy().role_name("reader");
    attach.policy_arn(MANAGED).send().await.unwrap();
    let delete = || iam.delete_role().role_name("reader").send();
    let (status, code, message) = refusal(delete().await);
    assert_eq!((status, code.as_str()), (409, "DeleteConflict"));
    assert_eq!(
        message,
        "Cannot delete entity, must detach all policies first."
    );
    let detach = || {
        iam.detach_role_policy()
            .role_name("reader")
            .policy_arn(MANAGED)
            .send()
    };
    detach().await.unwrap();
    assert_eq!(refusal(detach().await).1, "NoSuchEntity");
    let (_, _, message) = refusal(delete().await);
    assert_eq!(message, "Cannot delete entity, must delete policies first.");
    let gone = iam
        .delete_role_policy()
        .role_name("reader")
        .policy_name("own");
    gone.send().await.unwrap();
    let profiles = iam.list_instance_profiles_for_role().role_name("reader");
    assert!(profiles.send().await.unwrap().instance_profiles.is_empty());
    delete().await.unwrap();
    assert_eq!(refusal(delete().await).0, 404);
}

#[tokio::test]
async fn lists_come_in_pages() {
    let host = world();
    let iam = root(&host);
    for name in ["a", "b", "c", "d", "e"] {
        role(&iam, name).await;
    }
    let first = iam.list_roles().max_items(2).send().await.unwrap();
    assert!(first.is_truncated);
    assert_eq!(first.roles.len(), 2);
    let mut names = Vec::new();
    let mut pages = iam
        .list_roles()
        .max_items(2)
        .into_paginator()
        .items()
        .send();
    while let Some(role) = pages.next().await {
        names.push(role.unwrap().role_name);
    }
    assert_eq!(names.concat(), "abcde");
    let aws = aws_sdk_iam::types::PolicyScopeType::Aws;
    let policies = iam.list_policies().scope(aws).send().await.unwrap();
    let names: Vec<_> = policies
        .policies()
        .iter()
        .filter_map(|it| it.policy_name())
        .collect();
    assert!(
        names.contains(&"AWSLambdaDynamoDBExecutionRole"),
        "{names:?}"
    );
}

#[tokio::test]
async fn policies_are_attached_listed_and_read() {
    let host = world();
    let iam = root(&host);
    role(&iam, "reader").await;
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*"}}"#;
    let create = || {
        iam.create_policy()
            .policy_name("mine")
            .policy_document(document)
    };
    let made = create().description("all of it").send().await.unwrap();
    let made = made.policy.unwrap();
    let arn = made.arn().unwrap();
    assert_eq!(arn, "arn:aws:iam::123456789012:policy/mine");
    assert!(made.policy_id().unwrap().starts_with("ANPA"));
    assert_eq!(refusal(create().send().await).1, "EntityAlreadyExists");
    for arn in [MANAGED, arn] {
        let attach = iam.attach_role_policy().role_name("reader");
        attach.policy_arn(arn).send().await.unwrap();
    }
    let attached = iam.list_attached_role_policies().role_name("reader");
    let attached = attached.send().await.unwrap();
    let names: Vec<_> = attached
        .attached_policies()
        .iter()
        .filter_map(|it| it.policy_name())
        .collect();
    assert_eq!(names, ["AWSLambdaDynamoDBExecutionRole", "mine"]);
    let version = iam.get_policy_version().policy_arn(arn).version_id("v1");
    let version = version.send().await.unwrap().policy_version.unwrap();
    let read = percent_decode_str(version.document().unwrap())
        .decode_utf8()
        .unwrap();
    assert_eq!(read, document);
    let got = iam.get_policy().policy_arn(arn).send().await.unwrap();
    assert_eq!(got.policy.unwrap().attachment_count, Some(1));
    let users = iam
        .list_entities_for_policy()
        .policy_arn(arn)
        .send()
        .await
        .unwrap();
    assert_eq!(users.policy_roles()[0].role_name(), Some("reader"));
    let (_, code, _) = refusal(iam.delete_policy().policy_arn(arn).send().await);
    assert_eq!(code, "DeleteConflict");
    inline(
        &iam,
        "reader",
        "own",
        r#"{"Effect":"Deny","Action":"sqs:*","Resource":"*"}"#,
    )
    .await;
    let listed = iam
        .list_role_policies()
        .role_name("reader")
        .send()
        .await
        .unwrap();
    assert_eq!(listed.policy_names, ["own"]);
    let own = iam.get_role_policy().role_name("reader").policy_name("own");
    let own = own.send().await.unwrap().policy_document;
    assert!(
        percent_decode_str(&own)
            .decode_utf8()
            .unwrap()
            .contains("\"Deny\"")
    );
}

#[tokio::test]
async fn a_simulation_says_which_statement_decides() {
    let host = world();
    let iam = root(&host);
    role(&iam, "reader").await;
    inline(
        &iam,
        "reader",
        "streams",
        r#"{"Effect":"Allow","Action":"dynamodb:Get*","Resource":"arn:aws:dynamodb:*:*:table/Orders/stream/*"},
           {"Effect":"Deny","Action":"dynamodb:GetShardIterator","Resource":"*"}"#,
    )
    .await;
    let simulated = iam
        .simulate_principal_policy()
        .policy_source_arn("arn:aws:iam::123456789012:role/reader")
        .action_names("dynamodb:GetRecords")
        .action_names("dynamodb:GetShardIterator")
        .action_names("dynamodb:DescribeStream")
        .resource_arns(STREAM)
        .send()
        .await
        .unwrap();
    let results = simulated.evaluation_results();
    let decisions: Vec<_> = results.iter().map(|it| it.eval_decision.clone()).collect();
    let expected = [
        Evaluation::Allowed,
        Evaluation::ExplicitDeny,
        Evaluation::ImplicitDeny,
    ];
    assert_eq!(decisions, expected);
    assert_eq!(results[0].eval_resource_name(), Some(STREAM));
    let by = &results[0].matched_statements()[0];
    assert_eq!(by.source_policy_id(), Some("streams"));
    let denied = &results[1].matched_statements()[0];
    assert_eq!(denied.start_position().unwrap().line, 2);
    assert!(results[2].matched_statements().is_empty());

    let conditional = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}}}"#;
    let custom = || {
        let custom = iam.simulate_custom_policy().policy_input_list(conditional);
        custom.action_names("sqs:SendMessage")
    };
    let without = custom().send().await.unwrap();
    let result = &without.evaluation_results()[0];
    assert_eq!(result.eval_decision, Evaluation::ImplicitDeny);
    assert_eq!(result.missing_context_values(), ["aws:RequestedRegion"]);
    let region = aws_sdk_iam::types::ContextEntry::builder()
        .context_key_name("aws:RequestedRegion")
        .context_key_values("eu-west-1")
        .context_key_type(aws_sdk_iam::types::ContextKeyTypeEnum::String)
        .build();
    let with = custom().context_entries(region).send().await.unwrap();
    assert_eq!(
        with.evaluation_results()[0].eval_decision,
        Evaluation::Allowed
    );
}

#[tokio::test]
async fn a_session_does_what_its_role_may_and_no_more() {
    let host = world();
    let iam = root(&host);
    role(&iam, "reader").await;
    inline(
        &iam,
        "reader",
        "p",
        r#"{"Effect":"Allow","Action":"iam:GetRole","Resource":"*"},
        {"Effect":"Deny","Action":"iam:DeleteRole","Resource":"*"},
        {"Effect":"Allow","Action":"iam:ListRoleTags","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01"}}},
        {"Effect":"Allow","Action":"iam:GetRolePolicy","Resource":"*","Condition":{"DateLessThan":{"aws:CurrentTime":"2020-01-01"}}}"#,
    )
    .await;
    let session = Principal::Role {
        role: "reader".to_owned(),
        session: "fn".to_owned(),
    };
    let config = host.engine().sdk_config(&session);
    let reader = Client::new(&config);
    reader.get_role().role_name("reader").send().await.unwrap();
    let (status, code, message) =
        refusal(reader.list_role_policies().role_name("reader").send().await);
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    assert_eq!(
        message,
        "User: arn:aws:sts::123456789012:assumed-role/reader/fn is not authorized to perform: iam:ListRolePolicies on resource: arn:aws:iam::123456789012:role/reader because no identity-based policy allows the iam:ListRolePolicies action"
    );
    let tags = reader.list_role_tags().role_name("reader");
    tags.send().await.unwrap();
    let past = reader
        .get_role_policy()
        .role_name("reader")
        .policy_name("p");
    assert_eq!(refusal(past.send().await).1, "AccessDenied");
    let (_, _, message) = refusal(reader.delete_role().role_name("reader").send().await);
    assert!(message.ends_with("with an explicit deny in an identity-based policy"));
    let queues = aws_sdk_sqs::Client::new(&config);
    let error = queues
        .create_queue()
        .queue_name("q")
        .send()
        .await
        .unwrap_err();
    let error = error.into_service_error();
    assert_eq!(error.code(), Some("AccessDeniedException"));
    assert!(
        error
            .message()
            .unwrap()
            .contains("sqs:createqueue on resource: arn:aws:sqs:us-east-1:123456789012:q")
    );
}
