//! Programs that end badly: each ends as on Lambda, and leaves neither a process nor a file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aws_sdk_lambda::Client as Lambda;
use waterwheel::clock::Clock;

use super::{Source, has, invoke};
use crate::lab::TRUST;
use crate::port::Serving;
use crate::wire::over_the_port;

/// A program that serves, with a folder for temporary files of its own.
struct World {
    serving: Serving,
    temporary: tempfile::TempDir,
    lambda: Lambda,
}

impl World {
    async fn start() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let serving = Serving::start_in(temporary.path());
        let config = over_the_port(&serving.endpoint);
        let role = aws_sdk_iam::Client::new(&config);
        let role = role.create_role().role_name("worker");
        role.assume_role_policy_document(TRUST)
            .send()
            .await
            .unwrap();
        Self {
            lambda: Lambda::new(&config),
            serving,
            temporary,
        }
    }

    /// Processes and files that are there because of this world, but for the program that serves it.
    fn traces(&self) -> (BTreeSet<u32>, Vec<PathBuf>) {
        let folder = self.temporary.path();
        let files = std::fs::read_dir(folder).unwrap();
        let files = files.map(|entry| entry.unwrap().path()).collect();
        let mut processes = processes_of(folder);
        processes.remove(&self.serving.id());
        (processes, files)
    }

    /// The table store of a killed program is not looked at.
    async fn has_no_traces_soon(&self) {
        let clock = Clock::real();
        let of_functions =
            |file: &PathBuf| file.to_string_lossy().contains("waterwheel-functions-");
        for _ in 0..200 {
            let (processes, files) = self.traces();
            if processes.is_empty() && !files.iter().any(of_functions) {
                return;
            }
            clock.sleep(Duration::from_millis(50)).await;
        }
        panic!("left behind: {:?}", self.traces());
    }

    async fn delete(&self, name: &str) {
        let delete = self.lambda.delete_function().function_name(name);
        delete.send().await.unwrap();
    }

    /// The program answers others while a function does what it does.
    async fn stays_responsive(&self) {
        let (clock, began) = (Clock::real(), Clock::real().now());
        for _ in 0..20 {
            self.lambda.list_functions().send().await.unwrap();
        }
        let took = clock.now().duration_since(began).unwrap();
        assert!(took < Duration::from_secs(2), "{took:?}");
    }
}

fn processes_of(folder: &Path) -> BTreeSet<u32> {
    let folder = folder.to_str().unwrap();
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|it| it.file_name().to_str()?.parse().ok());
    let is_ours = |pid: &u32| {
        let read = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let told = [read("environ"), read("cmdline")].concat();
        String::from_utf8_lossy(&told).contains(folder)
    };
    pids.filter(is_ours).collect()
}

struct Case {
    name: &'static str,
    python: &'static str,
    node: &'static str,
    /// The type of the error, and what its message ends with.
    error: Option<(&'static str, &'static str)>,
}

const CASES: [Case; 8] = [
    Case {
        name: "kill",
        python: "os.kill(os.getpid(), 9)",
        node: "process.kill(process.pid, 'SIGKILL'); await forever",
        error: Some((
            "Runtime.ExitError",
            "Error: Runtime exited with error: signal: killed",
        )),
    },
    Case {
        name: "hang",
        python: "while True: pass",
        node: "while (true);",
        error: Some(("Sandbox.Timedout", "Task timed out after 2.00 seconds")),
    },
    Case {
        name: "fork",
        python: "[subprocess.Popen(['sleep', '600'], start_new_session=at % 2) for at in range(10)]",
        node: "for (let at = 0; at < 10; at += 1) spawn('sleep', ['600'], { detached: at % 2 > 0, stdio: 'ignore' })",
        error: None,
    },
    Case {
        name: "fork-and-hang",
        python: "[subprocess.Popen(['sh', '-c', 'sleep 600 & sleep 600']) for _ in range(10)]; time.sleep(600)",
        node: "for (let at = 0; at < 10; at += 1) spawn('sh', ['-c', 'sleep 600 & sleep 600'], { detached: true }); await forever",
        error: Some(("Sandbox.Timedout", "Task timed out after 2.00 seconds")),
    },
    Case {
        name: "exit",
        python: "os._exit(0)",
        node: "process.exit(0)",
        error: Some((
            "Runtime.ExitError",
            "Error: Runtime exited without providing a reason",
        )),
    },
    Case {
        name: "large",
        python: "return 'x' * 7_000_000",
        node: "return 'x'.repeat(7_000_000)",
        error: Some((
            "Function.ResponseSizeTooLarge",
            "exceeded maximum allowed payload size (6291556 bytes).",
        )),
    },
    Case {
        name: "files",
        python: "open(os.path.join(tempfile.gettempdir(), 'left'), 'w').write('x')",
        node: "fs.writeFileSync(path.join(os.tmpdir(), 'left'), 'x')",
        error: None,
    },
    Case {
        name: "memory",
        python: "x = bytearray(600 << 20); x[::4096] = b'x' * len(x[::4096]); time.sleep(600)",
        node: "const x = Buffer.alloc(600 << 20, 1); await forever",
        error: Some((
            "Runtime.OutOfMemory",
            "Error: Runtime exited with error: signal: killed",
        )),
    },
];

async fn all_cases(runtime: &str) {
    let world = World::start().await;
    for case in &CASES {
        let python = format!(
            "import os, subprocess, tempfile, time\ndef handler(event, context):\n    if not event.get('again'):\n        {}\n    return 'fine'\n",
            case.python
        );
        let node = format!(
            "const {{ spawn }} = require('child_process'); const fs = require('fs'), os = require('os'), path = require('path');\nexports.handler = async (event) => {{ const forever = new Promise((done) => setTimeout(done, 600000)); if (!event.again) {{ {}; }} setTimeout(() => 0, 0); return 'fine'; }};",
            case.node
        );
        let is_python = runtime.starts_with("python");
        let files = [if is_python {
            ("index.py", python.as_str())
        } else {
            ("index.js", node.as_str())
        }];
        let source = Source {
            runtime,
            handler: "index.handler",
            files: &files,
        };
        source
            .create_with(&world.lambda, case.name, |it| it.timeout(2))
            .await;
        let called = invoke(&world.lambda, case.name, "{}");
        let (answer, ()) = tokio::join!(called, world.stays_responsive());
        match case.error {
            None => assert_eq!(answer.payload, "\"fine\"", "{} {answer:?}", case.name),
            Some((kind, message)) => {
                let got = answer.json();
                assert_eq!(got["errorType"], kind, "{} {answer:?}", case.name);
                assert!(
                    got["errorMessage"].as_str().unwrap().ends_with(message),
                    "{got}"
                );
            }
        }
        let again = invoke(&world.lambda, case.name, r#"{"again": 1}"#).await;
        assert_eq!(again.payload, "\"fine\"", "{} {again:?}", case.name);
        world.delete(case.name).await;
        // The guard and the folder of the runtimes stay as long as the program serves.
        let clock = Clock::real();
        for _ in 0..200 {
            if world.traces().0.len() <= 1 {
                break;
            }
            clock.sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(world.traces().0.len(), 1, "{}", case.name);
    }
    let mut world = world;
    world.serving.end("-TERM");
    assert_eq!(world.traces(), Default::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_python_leaves_nothing_behind() {
    if has("python3") {
        all_cases("python3.13").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_javascript_leaves_nothing_behind() {
    if has("node") {
        all_cases("nodejs22.x").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_output_is_cut_and_said_to_be() {
    if !has("python3") {
        return;
    }
    let world = World::start().await;
    let code = "import sys\ndef handler(event, context):\n    for _ in range(1024):\n        sys.stdout.write('x' * 1023 * 100 + '\\n')\n    print('the end')\n    return 1\n";
    let files = [("index.py", code)];
    let source = Source {
        runtime: "python3.13",
        handler: "index.handler",
        files: &files,
    };
    source.create(&world.lambda, "flood").await;
    let called = invoke(&world.lambda, "flood", "{}");
    let (answer, ()) = tokio::join!(called, world.stays_responsive());
    assert_eq!(answer.payload, "1");
    assert!(
        answer.log.contains("The log of this invocation is full"),
        "{}",
        answer.log
    );
    assert!(!answer.log.contains("the end"));
    assert!(answer.log.contains("REPORT"));
    let again = invoke(&world.lambda, "flood", "{}").await;
    assert!(!again.is_cold());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_utf8_is_shown_as_what_it_is() {
    if !has("python3") {
        return;
    }
    let world = World::start().await;
    let code = "import sys\ndef handler(event, context):\n    sys.stdout.buffer.write(b'a\\xffb\\n')\n    return b'\"\\xff\"' if event else '\\ud800'\n";
    let files = [("index.py", code)];
    let source = Source {
        runtime: "python3.13",
        handler: "index.handler",
        files: &files,
    };
    source.create(&world.lambda, "bytes").await;
    let answer = invoke(&world.lambda, "bytes", "1").await;
    assert_eq!(
        (answer.payload.as_str(), answer.is_error),
        ("\"\u{fffd}\"", false)
    );
    assert_eq!(answer.lines(), ["a\u{fffd}b"]);
    let answer = invoke(&world.lambda, "bytes", "0").await;
    assert_eq!(answer.json()["errorType"], "Runtime.MarshalError");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_program_takes_its_functions_with_it() {
    if !has("python3") {
        return;
    }
    let mut world = World::start().await;
    let code = "import subprocess\ndef handler(event, context):\n    subprocess.Popen(['sleep', '600'])\n    if event: \n        while True: pass\n    return 1\n";
    let files = [("index.py", code)];
    let source = Source {
        runtime: "python3.13",
        handler: "index.handler",
        files: &files,
    };
    source.create(&world.lambda, "idle").await;
    source.create(&world.lambda, "busy").await;
    assert_eq!(invoke(&world.lambda, "idle", "0").await.payload, "1");
    let lambda = world.lambda.clone();
    let busy = tokio::spawn(async move {
        lambda
            .invoke()
            .function_name("busy")
            .payload(aws_sdk_lambda::primitives::Blob::new("1"))
            .send()
            .await
            .is_ok()
    });
    let clock = Clock::real();
    // The guard, two functions and what each of them started.
    while world.traces().0.len() < 5 {
        clock.sleep(Duration::from_millis(20)).await;
    }
    world.serving.kill();
    assert!(!busy.await.unwrap());
    world.has_no_traces_soon().await;
}
