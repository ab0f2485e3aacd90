//! Buckets and objects as a client without an SDK sees them: paths, headers, XML.

mod listing;

use bytes::Bytes;
use http::{HeaderMap, Response};

use crate::clock::{Clock, Mode, from_epoch_millis};
use crate::engine::call::Principal;
use crate::engine::faults::{Kind, Rule};
use crate::engine::state::{Grants, Role};
use crate::engine::{EngineHost, Options};

struct World {
    host: EngineHost,
    key: String,
}

impl World {
    fn new() -> Self {
        // 2026-01-01T00:00:00Z, however long a busy machine takes.
        let clock = Clock::at(from_epoch_millis(1_767_225_600_000));
        clock.set(Mode::Manual);
        Self::of(Options::temporary(clock))
    }

    fn of(options: Options) -> Self {
        let host = EngineHost::open(options).unwrap();
        let key = host.engine().issue_key(&Principal::Root);
        Self { host, key }
    }

    /// With a bucket `b`.
    async fn with_bucket() -> Self {
        let world = Self::new();
        assert_eq!(world.ask("PUT", "/b12", &[], "").await.status(), 200);
        world
    }

    /// Requests are a role's from now on.
    fn becomes(&mut self, allowed: &str) {
        let role = Role {
            name: "worker".to_owned(),
            arn: "arn:aws:iam::123456789012:role/worker".to_owned(),
            id: "AROA".to_owned(),
            path: "/".to_owned(),
            created: self.host.engine().clock().now(),
            description: None,
            max_session_secs: 3600,
            trust_policy: String::new(),
            grants: Grants {
                inline: [("p".to_owned(), allowed.to_owned())].into(),
                ..Grants::default()
            },
        };
        let engine = self.host.engine();
        engine
            .change(|state| {
                state.roles.insert(role.name.clone(), role);
                Ok(())
            })
            .unwrap();
        self.key = engine.issue_key(&Principal::Role {
            role: "worker".to_owned(),
            session: "s".to_owned(),
        });
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Response<Bytes> {
        let scope = format!("{}/20260101/us-east-1/s3/aws4_request", self.key);
        let signature =
            format!("AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=00");
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("Host", "localhost")
            .header("Authorization", signature);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Bytes::from(body.to_owned())).unwrap();
        self.host.engine().handle(request).await
    }

    async fn put(&self, keys: &[&str]) {
        for key in keys {
            let done = self.ask("PUT", &format!("/b12/{key}"), &[], "x").await;
            assert_eq!(done.status(), 200);
        }
    }

    /// Status and code of a refusal.
    async fn refused(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String) {
        let response = self.ask(method, path, headers, body).await;
        let text = text(&response);
        let code = between(&text, "<Code>", "</Code>").unwrap_or_default();
        (response.status().as_u16(), code)
    }

    /// Keys and common prefixes of a page, and the rest of it.
    async fn list(&self, query: &str) -> (Vec<String>, Vec<String>, String) {
        let response = self.ask("GET", &format!("/b12?{query}"), &[], "").await;
        let text = text(&response);
        let all = |name: &str| {
            let (open, close) = (format!("<{name}>"), format!("</{name}>"));
            let parts = text.split(&open).skip(1);
            parts
                .map(|it| it.split(&close).next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let groups = all("CommonPrefixes")
            .iter()
            .map(|it| between(it, "<Prefix>", "</Prefix>").unwrap())
            .collect();
        (all("Key"), groups, text)
    }
}

fn text(response: &Response<Bytes>) -> String {
    String::from_utf8(response.body().to_vec()).unwrap()
}

fn between(text: &str, from: &str, to: &str) -> Option<String> {
    let (_, rest) = text.split_once(from)?;
    Some(rest.split_once(to)?.0.to_owned())
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers.get(name).map_or("", |it| it.to_str().unwrap())
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn a_bucket_is_made_found_listed_and_removed() {
    let world = World::with_bucket().await;
    let head = world.ask("HEAD", "/b12", &[], "").await;
    assert_eq!(head.status(), 200);
    assert_eq!(header(head.headers(), "x-amz-bucket-region"), "us-east-1");
    // Making it again changes nothing in the oldest region.
    assert_eq!(world.ask("PUT", "/b12", &[], "").await.status(), 200);
    let listed = text(&world.ask("GET", "/", &[], "").await);
    assert_eq!(between(&listed, "<Name>", "</Name>").unwrap(), "b12");
    assert!(listed.contains("<CreationDate>2026-01-01T00:00:00.000Z"));
    let location = text(&world.ask("GET", "/b12?location", &[], "").await);
    assert!(location.ends_with("</LocationConstraint>"), "{location}");
    world.put(&["k"]).await;
    assert_eq!(
        world.refused("DELETE", "/b12", &[], "").await,
        refusal(409, "BucketNotEmpty")
    );
    assert_eq!(world.ask("DELETE", "/b12/k", &[], "").await.status(), 204);
    assert_eq!(world.ask("DELETE", "/b12", &[], "").await.status(), 204);
    assert_eq!(
        world.refused("GET", "/b12/k", &[], "").await,
        refusal(404, "NoSuchBucket")
    );
    assert_eq!(world.ask("HEAD", "/b12", &[], "").await.status(), 404);
}

#[tokio::test]
async fn names_of_buckets_follow_the_rules() {
    let world = World::new();
    for name in [
        "ab",
        "Abc",
        "a_b",
        "a..b",
        "-ab",
        "ab-",
        "1.2.3.4",
        "xn--abc",
        "abc--x-s3",
    ] {
        assert_eq!(
            world.refused("PUT", &format!("/{name}"), &[], "").await,
            refusal(400, "InvalidBucketName"),
            "{name}"
        );
    }
    assert_eq!(world.ask("PUT", "/a.b-3", &[], "").await.status(), 200);
}

#[tokio::test]
async fn buckets_are_made_in_the_region_of_the_world_only() {
    const TO: &str = "<CreateBucketConfiguration><LocationConstraint>REGION</LocationConstraint></CreateBucketConfiguration>";
    let world = World::new();
    let to = |region| TO.replace("REGION", region);
    assert_eq!(
        world.refused("PUT", "/b12", &[], &to("eu-west-1")).await,
        refusal(400, "IllegalLocationConstraintException")
    );
    assert_eq!(
        world.refused("PUT", "/b12", &[], &to("us-east-1")).await,
        refusal(400, "InvalidLocationConstraint")
    );
    let mut options = Options::temporary(Clock::real());
    options.account.region = "eu-west-1".to_owned();
    let world = World::of(options);
    assert_eq!(
        world.refused("PUT", "/b12", &[], "").await,
        refusal(400, "IllegalLocationConstraintException")
    );
    let made = world.ask("PUT", "/b12", &[], &to("eu-west-1")).await;
    assert_eq!(made.status(), 200);
    let again = world.refused("PUT", "/b12", &[], &to("eu-west-1")).await;
    assert_eq!(again, refusal(409, "BucketAlreadyOwnedByYou"));
    let location = text(&world.ask("GET", "/b12?location", &[], "").await);
    assert!(location.contains(">eu-west-1</LocationConstraint>"));
}

#[tokio::test]
async fn an_object_comes_back_with_what_it_was_put_with() {
    let world = World::with_bucket().await;
    let given = [
        ("content-type", "text/plain"),
        ("content-encoding", "aws-chunked,gzip"),
        ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
        ("x-amz-meta-color", "red"),
    ];
    let body = "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
    let put = world.ask("PUT", "/b12/a/k%20", &given, body).await;
    assert_eq!(put.status(), 200);
    let etag = "\"5eb63bbbe01eeed093cb22bb8f5acdc3\"";
    assert_eq!(header(put.headers(), "etag"), etag);
    assert_eq!(header(put.headers(), "x-amz-checksum-crc32"), "DUoRhQ==");
    let got = world
        .ask(
            "GET",
            "/b12/a/k%20",
            &[("x-amz-checksum-mode", "ENABLED")],
            "",
        )
        .await;
    assert_eq!(text(&got), "hello world");
    for (name, value) in [
        ("etag", etag),
        ("content-type", "text/plain"),
        ("content-encoding", "gzip"),
        ("content-length", "11"),
        ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT"),
        ("x-amz-meta-color", "red"),
        ("x-amz-checksum-crc32", "DUoRhQ=="),
        ("accept-ranges", "bytes"),
    ] {
        assert_eq!(header(got.headers(), name), value, "{name}");
    }
    let head = world.ask("HEAD", "/b12/a/k%20", &[], "").await;
    assert_eq!(header(head.headers(), "content-length"), "11");
    assert!(head.body().is_empty());
    let renamed = "/b12/a/k%20?response-content-type=text%2Fcsv";
    let got = world.ask("GET", renamed, &[], "").await;
    assert_eq!(header(got.headers(), "content-type"), "text/csv");
}

#[tokio::test]
async fn a_part_of_an_object_is_read_by_its_range() {
    let world = World::with_bucket().await;
    world.ask("PUT", "/b12/k", &[], "0123456789").await;
    for (range, part, told) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
        ("bytes=-99", "0123456789", "bytes 0-9/10"),
    ] {
        let got = world.ask("GET", "/b12/k", &[("range", range)], "").await;
        assert_eq!((got.status().as_u16(), text(&got)), (206, part.to_owned()));
        assert_eq!(header(got.headers(), "content-range"), told);
    }
    for whole in ["bytes=4-2", "bytes=a-b", "lines=1-2", "bytes=0-1,3-4"] {
        let got = world.ask("GET", "/b12/k", &[("range", whole)], "").await;
        assert_eq!(
            (got.status().as_u16(), got.body().len()),
            (200, 10),
            "{whole}"
        );
    }
    for beyond in ["bytes=10-", "bytes=-0"] {
        assert_eq!(
            world
                .refused("GET", "/b12/k", &[("range", beyond)], "")
                .await,
            refusal(416, "InvalidRange")
        );
    }
}

#[tokio::test]
async fn conditions_are_judged_before_anything_is_read_or_written() {
    let world = World::with_bucket().await;
    world.put(&["k"]).await;
    let etag = "\"9dd4e461268c8034f5c8564e155c67a6\"";
    let now = "Thu, 01 Jan 2026 00:00:00 GMT";
    for (name, value, status) in [
        ("if-match", etag, 200),
        ("if-match", "\"other\"", 412),
        ("if-none-match", etag, 304),
        ("if-none-match", "\"other\"", 200),
        ("if-modified-since", now, 304),
        ("if-modified-since", "Wed, 31 Dec 2025 23:59:59 GMT", 200),
        ("if-unmodified-since", now, 200),
        ("if-unmodified-since", "Wed, 31 Dec 2025 23:59:59 GMT", 412),
    ] {
        let got = world.ask("GET", "/b12/k", &[(name, value)], "").await;
        assert_eq!(got.status(), status, "{name}: {value}");
    }
    let once = [("if-none-match", "*")];
    assert_eq!(
        world.refused("PUT", "/b12/k", &once, "y").await,
        refusal(412, "PreconditionFailed")
    );
    assert_eq!(world.ask("PUT", "/b12/new", &once, "y").await.status(), 200);
    let stale = [("if-match", "\"other\"")];
    assert_eq!(
        world.refused("PUT", "/b12/k", &stale, "y").await,
        refusal(412, "PreconditionFailed")
    );
    assert_eq!(
        world.refused("PUT", "/b12/none", &stale, "y").await,
        refusal(404, "NoSuchKey")
    );
    assert_eq!(text(&world.ask("GET", "/b12/k", &[], "").await), "x");
}

#[tokio::test]
async fn a_body_that_differs_from_its_sums_is_refused() {
    let world = World::with_bucket().await;
    let zeros = "0".repeat(64);
    for (name, value, code) in [
        ("content-md5", "nope", "InvalidDigest"),
        ("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc32", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc32c", "AAAAAA==", "BadDigest"),
        ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=", "BadDigest"),
        ("x-amz-checksum-sha1", "AAAA", "BadDigest"),
        ("x-amz-checksum-sha256", "AAAA", "BadDigest"),
        ("x-amz-content-sha256", &zeros, "XAmzContentSHA256Mismatch"),
    ] {
        assert_eq!(
            world
                .refused("PUT", "/b12/k", &[(name, value)], "hello")
                .await,
            refusal(400, code),
            "{name}"
        );
    }
    let right = [
        ("content-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
        ("x-amz-checksum-crc32", "NhCmhg=="),
        ("x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
    ];
    assert_eq!(
        world.ask("PUT", "/b12/k", &right, "hello").await.status(),
        200
    );
}

#[tokio::test]
async fn what_is_not_there_is_refused_and_never_left_out_silently() {
    let world = World::with_bucket().await;
    for (header, code, status) in [
        ("x-amz-copy-source", "NotImplemented", 501),
        ("x-amz-tagging", "NotImplemented", 501),
        ("x-amz-acl", "AccessControlListNotSupported", 400),
    ] {
        assert_eq!(
            world.refused("PUT", "/b12/k", &[(header, "x")], "").await,
            refusal(status, code)
        );
    }
    assert_eq!(
        world.refused("POST", "/b12/k?uploads", &[], "").await,
        refusal(501, "NotImplemented")
    );
    assert_eq!(
        world.refused("GET", "/b12/k?versionId=1", &[], "").await,
        refusal(400, "InvalidArgument")
    );
    let long = format!("/b12/{}", "k".repeat(1025));
    assert_eq!(
        world.refused("PUT", &long, &[], "").await,
        refusal(400, "KeyTooLongError")
    );
    let large = "x".repeat(2100);
    assert_eq!(
        world
            .refused("PUT", "/b12/k", &[("x-amz-meta-a", &large)], "")
            .await,
        refusal(400, "MetadataTooLarge")
    );
    let other = [("x-amz-expected-bucket-owner", "210987654321")];
    assert_eq!(
        world.refused("PUT", "/b12/k", &other, "").await,
        refusal(403, "AccessDenied")
    );
}

#[tokio::test]
async fn many_objects_are_deleted_at_once() {
    let world = World::with_bucket().await;
    world.put(&["a", "b", "c"]).await;
    let body = "<Delete><Object><Key>a</Key></Object><Object><Key>none</Key></Object></Delete>";
    let done = text(&world.ask("POST", "/b12?delete", &[], body).await);
    assert!(done.contains("<Deleted><Key>a</Key></Deleted><Deleted><Key>none</Key></Deleted>"));
    let quiet = "<Delete><Object><Key>b</Key></Object><Quiet>true</Quiet></Delete>";
    let done = text(&world.ask("POST", "/b12?delete", &[], quiet).await);
    assert!(!done.contains("Deleted>"), "{done}");
    assert_eq!(world.list("list-type=2").await.0, ["c"]);
    for wrong in ["", "<Delete></Delete>", "<Delete><Object/></Delete>"] {
        assert_eq!(
            world.refused("POST", "/b12?delete", &[], wrong).await,
            refusal(400, "MalformedXML")
        );
    }
}

#[tokio::test]
async fn a_role_may_what_its_policies_say() {
    let mut world = World::with_bucket().await;
    world.put(&["in/a", "out/b"]).await;
    world.becomes(
        r#"{"Version":"2012-10-17","Statement":[
            {"Effect":"Allow","Action":["s3:PutObject","s3:GetObject","s3:DeleteObject"],"Resource":"arn:aws:s3:::b12/in/*"},
            {"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::b12","Condition":{"StringLike":{"s3:prefix":"in/*"}}}]}"#,
    );
    let denied = || refusal(403, "AccessDenied");
    assert_eq!(world.ask("PUT", "/b12/in/c", &[], "x").await.status(), 200);
    let refused = world.ask("PUT", "/b12/out/c", &[], "x").await;
    assert_eq!(refused.status(), 403);
    assert!(
        text(&refused).contains(
            "<Message>User: arn:aws:sts::123456789012:assumed-role/worker/s is not authorized to perform: \
             s3:PutObject on resource: &quot;arn:aws:s3:::b12/out/c&quot; because no identity-based policy \
             allows the s3:PutObject action</Message>"
        ),
        "{}",
        text(&refused)
    );
    // Without s3:ListBucket nobody learns that an object is missing.
    assert_eq!(
        world.refused("GET", "/b12/in/none", &[], "").await,
        denied()
    );
    assert_eq!(
        world.refused("GET", "/b12?list-type=2", &[], "").await,
        denied()
    );
    assert_eq!(world.refused("GET", "/", &[], "").await, denied());
    assert_eq!(
        world.list("list-type=2&prefix=in/").await.0,
        ["in/a", "in/c"]
    );
    let body = "<Delete><Object><Key>in/a</Key></Object><Object><Key>out/b</Key></Object></Delete>";
    let done = text(&world.ask("POST", "/b12?delete", &[], body).await);
    assert!(
        done.contains("<Deleted><Key>in/a</Key></Deleted>"),
        "{done}"
    );
    assert!(done.contains("<Error><Key>out/b</Key><Code>AccessDenied</Code>"));
}

#[tokio::test(start_paused = true)]
async fn faults_strike_and_calls_are_told_of() {
    let world = World::with_bucket().await;
    let faults = world.host.engine().faults();
    faults.set(1, vec![Rule::always("s3:PutObject", Kind::Throttle)]);
    assert_eq!(
        world.refused("PUT", "/b12/k", &[], "x").await,
        refusal(503, "SlowDown")
    );
    faults.set(1, vec![Rule::always("s3:*", Kind::InternalError)]);
    assert_eq!(
        world.refused("GET", "/b12/k", &[], "").await,
        refusal(500, "InternalError")
    );
    let calls = world.host.engine().recent_calls();
    let told: Vec<_> = calls
        .iter()
        .map(|call| {
            (
                call.service,
                call.operation,
                call.subject.as_str(),
                call.status,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("s3", "CreateBucket", "b12", 200),
            ("s3", "PutObject", "b12", 503),
            ("s3", "GetObject", "b12", 500),
        ]
    );
}

#[tokio::test]
async fn keys_nobody_issued_are_refused_where_they_are_strict() {
    let mut options = Options::temporary(Clock::real());
    options.strict_keys = true;
    let mut world = World::of(options);
    "AKIANOBODY".clone_into(&mut world.key);
    assert_eq!(
        world.refused("GET", "/", &[], "").await,
        refusal(403, "InvalidAccessKeyId")
    );
}

#[tokio::test]
async fn objects_survive_the_end_of_the_world() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        folder: Some(folder.path().to_owned()),
        ..Options::temporary(Clock::real())
    };
    let world = World::of(options());
    world.ask("PUT", "/b12", &[], "").await;
    world.put(&["k"]).await;
    world.host.close().await;
    let world = World::of(options());
    assert_eq!(text(&world.ask("GET", "/b12/k", &[], "").await), "x");
}
