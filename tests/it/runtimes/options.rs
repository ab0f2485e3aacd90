//! What can be chosen of processes: a sandbox, a debugger.

use std::process::Command;
use std::time::Duration;

use waterwheel::engine::lambda::process::Debug;

use super::{Source, has, invoke, options};
use crate::lab::Lab;

const CODE: &str = "import os, time\ndef handler(event, context):\n    time.sleep(event.get('secs', 0))\n    def can_write(path):\n        try:\n            open(path, 'w').close()\n            return True\n        except OSError:\n            return False\n    there = os.path.exists(event.get('path', '/'))\n    return [there, can_write('/usr/x'), can_write('/var/task/x'), can_write('/tmp/x'), os.getcwd(), sorted(os.listdir(os.path.expanduser('~')))]\n";

fn source<'a>(files: &'a [(&'a str, &'a str)]) -> Source<'a> {
    Source {
        runtime: "python3.13",
        handler: "app.handler",
        files,
    }
}

/// Whether a sandbox can be made here: some systems do not let users do so.
fn has_sandbox() -> bool {
    let mut bwrap = Command::new("bwrap");
    let tried = bwrap.args(["--unshare-pid", "--ro-bind", "/", "/", "true"]);
    let is_there = tried.status().is_ok_and(|it| it.success());
    if !is_there {
        #[expect(clippy::print_stderr, reason = "a skipped test has to say so")]
        {
            eprintln!("skipped: no sandbox of bubblewrap's here");
        }
    }
    is_there
}

#[tokio::test(flavor = "multi_thread")]
async fn an_isolated_function_sees_nothing_of_its_user_and_writes_nowhere_else() {
    if !has("python3") || !has_sandbox() {
        return;
    }
    let mut options = options();
    options.processes.as_mut().unwrap().isolated = true;
    let lab = Lab::with(options);
    lab.role("worker").await;
    source(&[("app.py", CODE)])
        .create(&lab.lambda, "caged")
        .await;
    let project = serde_json::json!({ "path": env!("CARGO_MANIFEST_DIR") });
    let answer = invoke(&lab.lambda, "caged", &project.to_string()).await;
    let got = answer.json();
    let home = std::env::home_dir().unwrap();
    if env!("CARGO_MANIFEST_DIR").starts_with(home.to_str().unwrap()) {
        assert_eq!(got[0], false);
    }
    assert_eq!(
        (&got[1], &got[2], &got[3]),
        (&false.into(), &false.into(), &true.into())
    );
    assert_eq!(got[4], "/var/task");
    assert!(got[5].as_array().unwrap().len() <= 1, "{got}");
    let report = answer.log.lines().last().unwrap().to_owned();
    let (_, used) = report.split_once("Max Memory Used: ").unwrap();
    let megabytes: u32 = used.split(' ').next().unwrap().parse().unwrap();
    assert!(megabytes > 5, "{report}");
    lab.close().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_takes_too_long_while_a_debugger_is_attached() {
    if !has("node") {
        return;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut options = options();
    options.processes.as_mut().unwrap().debug = Some(Debug {
        function: "debugged".to_owned(),
        port,
    });
    let lab = Lab::with(options);
    lab.role("worker").await;
    let code = "exports.handler = async (event) => { await new Promise((done) => setTimeout(done, event.millis)); return 1; };";
    let files = [("index.js", code)];
    let source = Source {
        runtime: "nodejs22.x",
        handler: "index.handler",
        files: &files,
    };
    for name in ["debugged", "other"] {
        source
            .create_with(&lab.lambda, name, |it| it.timeout(1))
            .await;
        let answer = invoke(&lab.lambda, name, r#"{"millis": 0}"#).await;
        assert_eq!(answer.payload, "1");
    }
    let debugger = tokio::net::TcpStream::connect(("127.0.0.1", port))
        .await
        .unwrap();
    let late = r#"{"millis": 1500}"#;
    assert_eq!(invoke(&lab.lambda, "debugged", late).await.payload, "1");
    assert!(invoke(&lab.lambda, "other", late).await.is_error);
    drop(debugger);
    lab.clock.sleep(Duration::from_millis(200)).await;
    assert!(invoke(&lab.lambda, "debugged", late).await.is_error);
    lab.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_runtime_that_cannot_be_run_says_what_is_missing() {
    let lab = super::world().await;
    let cases = [
        ("java21", "aws-lambda-java-runtime-interface-client"),
        ("go1.x", "provided.al2023"),
        ("python2.7", "python3"),
    ];
    for (runtime, words) in cases {
        let files = [("x.txt", "")];
        let source = Source {
            runtime,
            handler: "x.y",
            files: &files,
        };
        let name = runtime.replace('.', "-");
        source.create(&lab.lambda, &name).await;
        let got = invoke(&lab.lambda, &name, "{}").await.json();
        assert_eq!(got["errorType"], "Runtime.Unavailable");
        assert!(
            got["errorMessage"].as_str().unwrap().contains(words),
            "{got}"
        );
    }
    lab.close().await;
}
