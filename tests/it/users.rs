//! Users, their keys and policies, and versions of managed policies.

use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_iam::Client;
use aws_sdk_iam::types::{PolicyEvaluationDecisionType as Evaluation, StatusType, Tag};
use waterwheel::clock::Clock;
use waterwheel::engine::call::Principal;
use waterwheel::engine::{EngineHost, Options};

use crate::lab::fast_folder;
use crate::roles::{MANAGED, TRUST, refusal, root};
use crate::tables::make;
use crate::wire::{between, sts, world};

const READ: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"dynamodb:GetItem","Resource":"arn:aws:dynamodb:*:*:table/${aws:username}-*"}]}"#;

/// Settings of a program that signs with this key.
fn signing_with(host: &EngineHost, key: &str) -> SdkConfig {
    let credentials = Credentials::new(key, "secret", None, None, "test");
    let config = host.engine().sdk_config(&Principal::Root);
    config
        .into_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build()
}

async fn user(iam: &Client, name: &str) -> String {
    iam.create_user().user_name(name).send().await.unwrap();
    key(iam, name).await
}

async fn key(iam: &Client, user: &str) -> String {
    let made = iam.create_access_key().user_name(user).send().await;
    let key = made.unwrap().access_key.unwrap();
    assert!(key.access_key_id.starts_with("AKIA") && key.access_key_id.len() == 20);
    assert_eq!(key.secret_access_key.len(), 40);
    key.access_key_id
}

async fn reads(host: &EngineHost, key: &str, table: &str) -> String {
    let dynamodb = aws_sdk_dynamodb::Client::new(&signing_with(host, key));
    let id = aws_sdk_dynamodb::types::AttributeValue::S("1".to_owned());
    let get = dynamodb.get_item().table_name(table).key("pk", id);
    match get.send().await {
        Ok(_) => "fine".to_owned(),
        Err(error) => refusal::<(), _>(Err(error)).2,
    }
}

#[tokio::test]
async fn a_request_signed_with_a_users_key_is_the_users_and_judged() {
    let host = world();
    let iam = root(&host);
    for table in ["jo-orders", "orders"] {
        make(host.engine(), table, false, serde_json::json!({})).await;
    }
    let jo = user(&iam, "jo").await;
    let denied = "User: arn:aws:iam::123456789012:user/jo is not authorized to perform: dynamodb:GetItem on resource: arn:aws:dynamodb:us-east-1:123456789012:table/jo-orders because no identity-based policy allows the dynamodb:GetItem action";
    assert_eq!(reads(&host, &jo, "jo-orders").await, denied);
    let put = iam.put_user_policy().user_name("jo").policy_name("read");
    put.policy_document(READ).send().await.unwrap();
    assert_eq!(reads(&host, &jo, "jo-orders").await, "fine");
    assert_eq!(
        reads(&host, &jo, "orders").await,
        denied.replace("jo-orders", "orders")
    );

    let form = "Action=GetCallerIdentity&Version=2011-06-15".to_owned();
    let (_, me) = sts(&host, &jo, form).await;
    assert_eq!(
        between(&me, "<Arn>", "</Arn>"),
        "arn:aws:iam::123456789012:user/jo"
    );
    assert!(between(&me, "<UserId>", "</UserId>").starts_with("AIDA"));

    let used = iam.get_access_key_last_used().access_key_id(&jo).send();
    let used = used.await.unwrap();
    assert_eq!(used.user_name(), Some("jo"));
    assert_eq!(used.access_key_last_used.unwrap().service_name, "sts");

    let may = |action: &str, arn: &str| {
        let simulate = iam.simulate_principal_policy();
        simulate
            .policy_source_arn("arn:aws:iam::123456789012:user/jo")
            .action_names(action)
            .resource_arns(arn)
            .send()
    };
    let own = "arn:aws:dynamodb:us-east-1:123456789012:table/jo-orders";
    let answer = may("dynamodb:GetItem", own).await.unwrap();
    let result = &answer.evaluation_results()[0];
    assert_eq!(result.eval_decision, Evaluation::Allowed);
    assert_eq!(
        result.matched_statements()[0].source_policy_id(),
        Some("read")
    );
    let answer = may("dynamodb:PutItem", own).await.unwrap();
    assert_eq!(
        answer.evaluation_results()[0].eval_decision,
        Evaluation::ImplicitDeny
    );
}

#[tokio::test]
async fn a_key_that_is_inactive_or_deleted_is_refused() {
    let host = world();
    let iam = root(&host);
    make(host.engine(), "jo-orders", false, serde_json::json!({})).await;
    let jo = user(&iam, "jo").await;
    let policy = "arn:aws:iam::aws:policy/AWSLambdaInvocation-DynamoDB";
    let attach = iam.attach_user_policy().user_name("jo").policy_arn(policy);
    attach.send().await.unwrap();
    let put = iam.put_user_policy().user_name("jo").policy_name("read");
    put.policy_document(READ).send().await.unwrap();
    let status = |status: StatusType| {
        let update = iam.update_access_key().user_name("jo");
        update.access_key_id(&jo).status(status).send()
    };
    let invalid = "The security token included in the request is invalid.";
    assert_eq!(reads(&host, &jo, "jo-orders").await, "fine");
    status(StatusType::Inactive).await.unwrap();
    assert_eq!(reads(&host, &jo, "jo-orders").await, invalid);
    let listed = iam.list_access_keys().user_name("jo").send().await.unwrap();
    let listed = &listed.access_key_metadata()[0];
    assert_eq!(listed.status(), Some(&StatusType::Inactive));
    status(StatusType::Active).await.unwrap();
    assert_eq!(reads(&host, &jo, "jo-orders").await, "fine");

    let delete = || iam.delete_user().user_name("jo").send();
    for words in [
        "must delete access keys first.",
        "must detach all policies first.",
        "must delete policies first.",
    ] {
        let (status, code, message) = refusal(delete().await);
        assert_eq!((status, code.as_str()), (409, "DeleteConflict"));
        assert_eq!(message, format!("Cannot delete entity, {words}"));
        if words.contains("keys") {
            let delete = iam.delete_access_key().user_name("jo").access_key_id(&jo);
            delete.send().await.unwrap();
        } else if words.contains("detach") {
            let detach = iam.detach_user_policy().user_name("jo").policy_arn(policy);
            detach.send().await.unwrap();
        } else {
            let delete = iam.delete_user_policy().user_name("jo");
            delete.policy_name("read").send().await.unwrap();
        }
    }
    delete().await.unwrap();
    // Also in a world where keys that nobody ever had are the account's.
    assert_eq!(reads(&host, &jo, "jo-orders").await, invalid);
    assert_eq!(reads(&host, "AKIAANYKEY", "jo-orders").await, "fine");
}

#[tokio::test]
async fn users_keys_and_versions_are_there_after_a_restart() {
    let folder = fast_folder();
    let open = || {
        let options = Options {
            folder: Some(folder.path().to_owned()),
            ..Options::temporary(Clock::real())
        };
        EngineHost::open(options).unwrap()
    };
    let host = open();
    let iam = root(&host);
    make(host.engine(), "jo-orders", false, serde_json::json!({})).await;
    let tag = Tag::builder().key("team").value("orders").build().unwrap();
    let create = iam.create_user().user_name("jo").path("/staff/").tags(tag);
    create.send().await.unwrap();
    let jo = key(&iam, "jo").await;
    let create = iam.create_policy().policy_name("read");
    let made = create.policy_document(MANAGED_NOTHING).send().await;
    let arn = made.unwrap().policy.unwrap().arn.unwrap();
    let attach = iam.attach_user_policy().user_name("jo").policy_arn(&arn);
    attach.send().await.unwrap();
    let bound = iam.put_user_permissions_boundary().user_name("jo");
    bound.permissions_boundary(&arn).send().await.unwrap();
    assert!(
        reads(&host, &jo, "jo-orders")
            .await
            .contains("no identity-based policy")
    );
    let version = iam.create_policy_version().policy_arn(&arn);
    let version = version.policy_document(READ).set_as_default(true);
    let made = version.send().await.unwrap().policy_version.unwrap();
    assert_eq!(made.version_id(), Some("v2"));
    assert!(made.is_default_version());
    assert_eq!(reads(&host, &jo, "jo-orders").await, "fine");
    drop(iam);
    host.close().await;

    let host = open();
    let iam = root(&host);
    assert_eq!(reads(&host, &jo, "jo-orders").await, "fine");
    let jo = iam.get_user().user_name("jo").send().await.unwrap();
    let jo = jo.user.unwrap();
    assert_eq!(jo.arn, "arn:aws:iam::123456789012:user/staff/jo");
    assert_eq!(jo.tags()[0].value, "orders");
    let boundary = jo.permissions_boundary.unwrap();
    assert_eq!(boundary.permissions_boundary_arn(), Some(arn.as_str()));
    let policy = iam.get_policy().policy_arn(&arn).send().await.unwrap();
    let policy = policy.policy.unwrap();
    assert_eq!(policy.default_version_id(), Some("v2"));
    assert_eq!(policy.permissions_boundary_usage_count, Some(1));
}

const MANAGED_NOTHING: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sqs:SendMessage","Resource":"*"}]}"#;

#[tokio::test]
async fn a_policy_has_versions_and_the_default_one_counts() {
    let host = world();
    let iam = root(&host);
    let create = iam.create_policy().policy_name("p");
    let made = create.policy_document(READ).send().await.unwrap();
    let arn = made.policy.unwrap().arn.unwrap();
    let more = || {
        let version = iam.create_policy_version().policy_arn(&arn);
        version.policy_document(MANAGED_NOTHING).send()
    };
    for number in 2..=5 {
        let made = more().await.unwrap().policy_version.unwrap();
        assert_eq!(made.version_id(), Some(format!("v{number}").as_str()));
        assert!(!made.is_default_version());
    }
    let (status, code, _) = refusal(more().await);
    assert_eq!((status, code.as_str()), (409, "LimitExceeded"));
    let listed = iam.list_policy_versions().policy_arn(&arn).send().await;
    let listed = listed.unwrap();
    let shown: Vec<_> = listed
        .versions()
        .iter()
        .map(|it| (it.version_id().unwrap(), it.is_default_version()))
        .collect();
    assert_eq!(
        shown,
        [
            ("v5", false),
            ("v4", false),
            ("v3", false),
            ("v2", false),
            ("v1", true)
        ]
    );
    let delete = |version: &str| {
        let delete = iam.delete_policy_version().policy_arn(&arn);
        delete.version_id(version).send()
    };
    let (status, code, message) = refusal(delete("v1").await);
    assert_eq!((status, code.as_str()), (409, "DeleteConflict"));
    assert_eq!(message, "Cannot delete the default version of a policy.");
    let default = iam.set_default_policy_version().policy_arn(&arn);
    default.version_id("v3").send().await.unwrap();
    delete("v1").await.unwrap();
    assert_eq!(refusal(delete("v1").await).0, 404);
    // Numbers are not used again.
    delete("v5").await.unwrap();
    let made = more().await.unwrap().policy_version.unwrap();
    assert_eq!(made.version_id(), Some("v6"));
    let get = iam.get_policy_version().policy_arn(&arn).version_id("v3");
    let got = get.send().await.unwrap().policy_version.unwrap();
    assert!(got.is_default_version() && got.document().unwrap().contains("sqs"));
    let (_, code, message) = refusal(iam.delete_policy().policy_arn(&arn).send().await);
    assert_eq!(code, "DeleteConflict");
    assert!(message.starts_with("This policy has more than one version."));
    for version in ["v2", "v4", "v6"] {
        delete(version).await.unwrap();
    }
    iam.delete_policy().policy_arn(&arn).send().await.unwrap();
    let aws = iam.create_policy_version().policy_arn(MANAGED);
    let (status, code, _) = refusal(aws.policy_document(READ).send().await);
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
}

#[tokio::test]
async fn refusals_about_users_have_the_words_of_aws() {
    let host = world();
    let iam = root(&host);
    let jo = user(&iam, "jo").await;
    user(&iam, "al").await;
    let (status, code, message) = refusal(iam.create_user().user_name("Jo").send().await);
    assert_eq!((status, code.as_str()), (409, "EntityAlreadyExists"));
    assert_eq!(message, "User with name Jo already exists.");
    let (status, code, message) = refusal(iam.get_user().user_name("none").send().await);
    assert_eq!((status, code.as_str()), (404, "NoSuchEntity"));
    assert_eq!(message, "The user with name none cannot be found.");
    key(&iam, "jo").await;
    let third = iam.create_access_key().user_name("jo").send().await;
    let (status, code, message) = refusal(third);
    assert_eq!((status, code.as_str()), (409, "LimitExceeded"));
    assert_eq!(message, "Cannot exceed quota for AccessKeysPerUser: 2");
    let other = iam.delete_access_key().user_name("al").access_key_id(&jo);
    let (status, code, message) = refusal(other.send().await);
    assert_eq!((status, code.as_str()), (404, "NoSuchEntity"));
    assert_eq!(
        message,
        format!("The Access Key with id {jo} cannot be found.")
    );
    let get = iam.get_user_policy().user_name("jo").policy_name("p");
    let (_, code, message) = refusal(get.send().await);
    assert_eq!(code, "NoSuchEntity");
    assert_eq!(message, "The user policy with name p cannot be found.");
    let big = READ.replace("${aws:username}-*", &"x".repeat(2100));
    let put = iam.put_user_policy().user_name("jo").policy_name("p");
    let (status, code, message) = refusal(put.policy_document(big).send().await);
    assert_eq!((status, code.as_str()), (409, "LimitExceeded"));
    assert_eq!(
        message,
        "Maximum policy size of 2048 bytes exceeded for user jo"
    );
    let bound = iam.put_user_permissions_boundary().user_name("jo");
    let none = "arn:aws:iam::123456789012:policy/none";
    let (status, code, message) = refusal(bound.permissions_boundary(none).send().await);
    assert_eq!((status, code.as_str()), (404, "NoSuchEntity"));
    assert_eq!(
        message,
        format!("Scope ARN: {none} does not exist or is not attachable.")
    );
    let (_, code, message) = refusal(iam.create_access_key().send().await);
    assert_eq!(code, "ValidationError");
    assert_eq!(
        message,
        "Must specify userName when calling with non-User credentials"
    );
}

#[tokio::test]
async fn a_user_is_renamed_listed_and_tagged_and_may_ask_about_themselves() {
    let host = world();
    let iam = root(&host);
    let jo = user(&iam, "jo").await;
    key(&iam, "jo").await;
    let rename = iam.update_user().user_name("jo").new_user_name("joan");
    rename.new_path("/staff/").send().await.unwrap();
    let joan = iam.get_user().user_name("joan").send().await.unwrap();
    assert_eq!(
        joan.user.unwrap().arn,
        "arn:aws:iam::123456789012:user/staff/joan"
    );
    let form = "Action=GetCallerIdentity&Version=2011-06-15".to_owned();
    let (_, me) = sts(&host, &jo, form).await;
    assert!(between(&me, "<Arn>", "</Arn>").ends_with(":user/staff/joan"));
    let staff = iam.list_users().path_prefix("/staff/").send().await;
    assert_eq!(staff.unwrap().users()[0].user_name, "joan");
    let tag = Tag::builder().key("team").value("x").build().unwrap();
    let tagged = iam.tag_user().user_name("joan").tags(tag).send();
    tagged.await.unwrap();
    let tags = iam.list_user_tags().user_name("joan").send().await;
    assert_eq!(tags.unwrap().tags()[0].key, "team");
    // Who is a user may ask about themselves without a name.
    let put = iam.put_user_policy().user_name("joan").policy_name("self");
    let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:GetUser","iam:ListAccessKeys"],"Resource":"arn:aws:iam::*:user/staff/${aws:username}"}]}"#;
    put.policy_document(own).send().await.unwrap();
    let joan = Client::new(&signing_with(&host, &jo));
    let me = joan.get_user().send().await.unwrap().user.unwrap();
    assert_eq!(me.user_name, "joan");
    let keys = joan.list_access_keys().send().await.unwrap();
    assert_eq!(keys.access_key_metadata().len(), 2);
    let (status, code, _) = refusal(joan.list_users().send().await);
    assert_eq!((status, code.as_str()), (403, "AccessDenied"));
    let role = joan.create_role().role_name("r");
    let role = role.assume_role_policy_document(TRUST).send().await;
    assert_eq!(refusal(role).0, 403);
}
