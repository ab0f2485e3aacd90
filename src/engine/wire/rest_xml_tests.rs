//! What a request of S3 is about, and how its answers look.

use super::*;
use crate::engine::call::{Reply, Run, any_resource};

const fn row_of(name: &'static str, http: &'static str) -> Operation {
    Operation {
        name,
        http,
        action: "",
        resource: any_resource,
        run: Run::Data(|_, _| Ok(Value::Null.into())),
    }
}

const ROWS: [Operation; 5] = [
    row_of("ListBuckets", "GET /"),
    row_of("ListObjects", "GET /{Bucket}"),
    row_of("ListObjectsV2", "GET /{Bucket}?list-type"),
    row_of("GetObject", "GET /{Bucket}/{Key}"),
    row_of("DeleteObjects", "POST /{Bucket}?delete"),
];

fn head(method: &str, host: &str, path: &str) -> Parts {
    let request = http::Request::builder().method(method).uri(path);
    request
        .header("Host", host)
        .body(())
        .unwrap()
        .into_parts()
        .0
}

fn name_of(method: &str, host: &str, path: &str) -> Result<&'static str, &'static str> {
    let found = row(&head(method, host, path), &ROWS);
    found.map(|row| row.name).map_err(|fault| fault.code)
}

fn bucket_and_key(host: &str, path: &str) -> (String, String) {
    let Target { bucket, key } = target(&head("GET", host, path)).unwrap();
    (bucket, key)
}

#[test]
fn method_depth_and_subresource_name_the_operation() {
    let host = "localhost:8700";
    assert_eq!(name_of("GET", host, "/"), Ok("ListBuckets"));
    assert_eq!(name_of("GET", host, "/b"), Ok("ListObjects"));
    assert_eq!(name_of("GET", host, "/b/?prefix=a"), Ok("ListObjects"));
    assert_eq!(
        name_of("GET", host, "/b?list-type=2&prefix=acl"),
        Ok("ListObjectsV2")
    );
    assert_eq!(
        name_of("GET", host, "/b/a/c?x-id=GetObject"),
        Ok("GetObject")
    );
    assert_eq!(name_of("POST", host, "/b?delete"), Ok("DeleteObjects"));
    assert_eq!(name_of("GET", host, "/b?acl"), Err("NotImplemented"));
    assert_eq!(name_of("POST", host, "/b/k?uploads"), Err("NotImplemented"));
    assert_eq!(name_of("PATCH", host, "/b/k"), Err("MethodNotAllowed"));
    assert_eq!(name_of("GET", host, "/b/%ff"), Err("InvalidURI"));
}

#[test]
fn a_bucket_is_in_the_host_or_in_the_path() {
    let pair = |bucket: &str, key: &str| (bucket.to_owned(), key.to_owned());
    for host in [
        "localhost:8700",
        "127.0.0.1:8700",
        "[::1]:8700",
        "s3.localhost",
        "s3.us-east-1.amazonaws.com",
        "s3-us-west-2.amazonaws.com",
    ] {
        assert_eq!(bucket_and_key(host, "/b/a/c"), pair("b", "a/c"), "{host}");
    }
    for host in [
        "b.localhost:8700",
        "b.s3.localhost",
        "b.s3.us-east-1.amazonaws.com",
        "b.s3-us-west-2.amazonaws.com",
        "B.S3.amazonaws.com",
    ] {
        assert_eq!(bucket_and_key(host, "/a/c"), pair("b", "a/c"), "{host}");
        assert_eq!(bucket_and_key(host, "/"), pair("b", ""), "{host}");
    }
    assert_eq!(
        bucket_and_key("my.s3.dots.s3.eu-west-1.amazonaws.com", "/k"),
        pair("my.s3.dots", "k")
    );
}

#[test]
fn keys_keep_every_character() {
    let key = |path| bucket_and_key("localhost", path).1;
    assert_eq!(key("/b/a%20b+c%2Fd//e/"), "a b+c/d//e/");
    assert_eq!(key("/b/%E2%82%AC"), "€");
    assert_eq!(key("/b//"), "/");
}

#[test]
fn headers_and_parameters_are_members() {
    let request = http::Request::put("/b/k?x-id=PutObject&X-Amz-Signature=00&max-keys=3")
        .header("Authorization", "secret")
        .header("Content-Type", "text/plain")
        .header("If-None-Match", "*")
        .header("x-amz-meta-Color", "red")
        .header("x-amz-meta-color", "blue")
        .header("x-amz-storage-class", "GLACIER");
    let head = request.body(()).unwrap().into_parts().0;
    let (members, payload) = input(&head, &Bytes::from("<not xml")).unwrap();
    assert_eq!(
        members,
        json!({
            "XId": "PutObject", "MaxKeys": "3", "ContentType": "text/plain", "IfNoneMatch": "*",
            "Metadata": {"color": "red,blue"}, "StorageClass": "GLACIER", "Bucket": "b", "Key": "k",
        })
    );
    assert_eq!(payload, "<not xml");
}

#[test]
fn trailers_are_members_and_pieces_are_gone() {
    let request = http::Request::put("/b/k")
        .header("content-encoding", "aws-chunked")
        .header("x-amz-trailer", "x-amz-checksum-crc32");
    let head = request.body(()).unwrap().into_parts().0;
    let body = "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n";
    let (members, payload) = input(&head, &Bytes::from(body)).unwrap();
    assert_eq!(members["ChecksumCrc32"], "NhCmhg==");
    assert_eq!(payload, "hello");
}

#[test]
fn the_body_of_a_bucket_is_xml() {
    let head = head("POST", "localhost", "/b?delete");
    let read = |body: &'static str| input(&head, &Bytes::from(body));
    let (members, _) = read(
        "<Delete xmlns=\"x\"><Object><Key>a&amp;b</Key></Object><Object><Key> c </Key></Object>\
         <Quiet>true</Quiet></Delete>",
    )
    .unwrap();
    assert_eq!(
        members["Delete"],
        json!({"Object": [{"Key": ["a&b"]}, {"Key": [" c "]}], "Quiet": ["true"]})
    );
    let entities = "<!DOCTYPE d [<!ENTITY e \"x\">]><Delete>&e;</Delete>";
    for malformed in ["<Delete>", "{}", entities] {
        assert_eq!(read(malformed).unwrap_err().code, "MalformedXML");
    }
    let deep = "<a>".repeat(500_000);
    assert_eq!(
        input(&head, &Bytes::from(deep)).unwrap_err().code,
        "MalformedXML"
    );
}

#[test]
fn lists_are_elements_side_by_side() {
    let value =
        json!({"R": {"Key": ["a<b", "c\u{1}"], "None": [], "Nil": null, "On": true, "N": 3}});
    let response = encode("ListObjects", Ok(value.into()), "id-1");
    assert_eq!(
        response.body(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<R xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">\
         <Key>a&lt;b</Key><Key>c\u{fffd}</Key><On>true</On><N>3</N></R>"
    );
    assert_eq!(response.headers()["x-amz-request-id"], "id-1");
    assert_eq!(response.headers()["content-type"], "application/xml");
}

#[test]
fn errors_name_what_they_are_about() {
    let mut fault = Fault::new(404, "NoSuchKey", "The specified key does not exist.");
    fault.extra = Some(json!({ "Key": "k" }));
    let response = encode("GetObject", Err(fault.clone()), "id-2");
    assert_eq!(response.status(), 404);
    assert_eq!(
        response.body(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
         <Message>The specified key does not exist.</Message><Key>k</Key><RequestId>id-2</RequestId>\
         <HostId>waterwheel</HostId></Error>"
    );
    let response = encode("HeadObject", Err(fault), "id-2");
    assert_eq!(
        (response.status().as_u16(), response.body().len()),
        (404, 0)
    );
}

#[test]
fn an_object_goes_out_as_it_is() {
    let reply = Reply {
        status: 200,
        headers: vec![
            ("content-type".into(), "text/plain".to_owned()),
            ("x-amz-meta-color".into(), "red".to_owned()),
        ],
        body: Body::Blob(Bytes::from("a<b")),
    };
    let response = encode("GetObject", Ok(reply), "id-3");
    assert_eq!(response.body(), "a<b");
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(response.headers()["x-amz-meta-color"], "red");
}

#[test]
fn presigned_and_former_signatures_name_their_key() {
    let key = |request: http::request::Builder| {
        let head = request.body(()).unwrap().into_parts().0;
        let key = access_key(&head).map(Cow::into_owned);
        (is_signed(&head), key)
    };
    let presigned = "/b/k?X-Amz-Credential=AKIA1%2F20260101%2Fus-east-1%2Fs3%2Faws4_request";
    let found = (true, Some("AKIA1".to_owned()));
    assert_eq!(key(http::Request::get(presigned)), found);
    let former = "/b/k?AWSAccessKeyId=AKIA1&Signature=x&Expires=1";
    assert_eq!(key(http::Request::get(former)), found);
    let header = http::Request::get("/b/k").header("Authorization", "AWS AKIA1:x");
    assert_eq!(key(header), found);
    assert_eq!(key(http::Request::get("/b/k")), (false, None));
}
