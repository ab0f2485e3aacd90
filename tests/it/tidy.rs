//! The house rules: which module may name which, where foreign crates may show, how files look.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Top-level modules and the ones each may name beside itself; the table of `docs/architecture.md`.
const ARROWS: [(&str, &[&str]); 8] = [
    ("arn", &[]),
    ("clock", &[]),
    ("ids", &[]),
    ("mapping", &["arn", "clock", "ids"]),
    ("engine", &["mapping", "arn", "clock", "ids"]),
    ("aws", &["engine", "mapping", "arn", "clock", "ids"]),
    ("ui", &["aws", "mapping", "arn"]),
    ("main", &["ui", "engine", "clock"]),
];

/// Foreign crates and the only paths below `src/` whose files may name them.
const FENCES: [(&[&str], &[&str]); 5] = [
    (
        &["egui", "eframe", "egui_extras", "egui_table"],
        &["ui/", "main.rs"],
    ),
    (&["fjall"], &["engine/store/"]),
    (&["notify"], &["engine/lambda/follow.rs"]),
    (&["rquickjs"], &["engine/lambda/javascript"]),
    (
        &["hyper", "hyper_util"],
        &["engine/server.rs", "engine/lambda/process"],
    ),
];

/// Only these may hold clients of the SDK; everyone else asks their verbs.
const CLIENTS: [&str; 2] = ["aws/", "mapping/poller"];

const LINES_MAX: usize = 600;

#[test]
fn modules_name_only_what_lies_below_them() {
    let mut wrong = Vec::new();
    for file in sources() {
        let module = file.module();
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == module) else {
            assert_eq!(
                file.path, "lib.rs",
                "{} is in no module of the table",
                file.path
            );
            continue;
        };
        let known = |name: &str| ARROWS.iter().any(|(it, _)| *it == name);
        for named in file.names_of_ours() {
            if known(&named) && named != module && !allowed.contains(&named.as_str()) {
                wrong.push(format!("src/{} names {named}", file.path));
            }
        }
    }
    assert!(wrong.is_empty(), "forbidden arrows:\n{}", wrong.join("\n"));
}

#[test]
fn foreign_crates_stay_behind_their_fences() {
    let mut wrong = Vec::new();
    for file in sources() {
        for (crates, places) in FENCES {
            let inside = places.iter().any(|place| file.path.starts_with(place));
            for name in crates
                .iter()
                .filter(|name| !inside && file.names_crate(name))
            {
                wrong.push(format!("src/{} names {name}", file.path));
            }
        }
        if !CLIENTS.iter().any(|place| file.path.starts_with(place)) && file.names_a_client() {
            wrong.push(format!("src/{} holds a client of the SDK", file.path));
        }
        if file.module() == "ui"
            && file.path != "ui/remote.rs"
            && file.code.contains("tokio::spawn")
        {
            wrong.push(format!("src/{} spawns; only ui/remote.rs may", file.path));
        }
    }
    assert!(wrong.is_empty(), "fences crossed:\n{}", wrong.join("\n"));
}

#[test]
fn wires_do_not_touch_the_state() {
    for file in sources()
        .iter()
        .filter(|it| it.path.starts_with("engine/wire/"))
    {
        let words: BTreeSet<&str> = file.code.split(|it: char| !is_word(it)).collect();
        assert!(!words.contains("State"), "src/{} names State", file.path);
        assert!(!words.contains("Store"), "src/{} names Store", file.path);
    }
}

#[test]
fn every_file_says_what_it_is_for_and_stays_short() {
    let mut wrong = Vec::new();
    for (path, text) in texts(&["src", "tests", "examples", "benches"]) {
        if path.extension().is_none_or(|it| it != "rs") {
            continue;
        }
        let shown = path.display();
        if !text.starts_with("//! ") {
            wrong.push(format!("{shown} does not begin with //!"));
        }
        let lines = text.lines().count();
        if lines > LINES_MAX {
            wrong.push(format!("{shown} has {lines} lines, more than {LINES_MAX}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_names_the_machine_it_was_written_on() {
    // Put together here, so that this file passes its own test.
    let homes = [
        ["/ro", "ot/"],
        ["/wo", "rk/"],
        ["/ho", "me/"],
        ["C:\\", "Users\\"],
    ];
    let mut wrong = Vec::new();
    for (path, text) in texts(&["."]) {
        for home in homes.map(|parts| parts.concat()) {
            if text.contains(&home) {
                wrong.push(format!("{} names {home}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dependencies_come_from_the_public_registry() {
    let lock = fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let public = "registry+https://github.com/rust-lang/crates.io-index";
    for line in lock.lines() {
        if let Some(source) = line.strip_prefix("source = ") {
            assert_eq!(source.trim_matches('"'), public);
        }
    }
    let twice = ["hyper 0", "aws-lc-sys", "openssl-sys"];
    for name in twice {
        let (name, version) = name.split_once(' ').unwrap_or((name, ""));
        let entry = format!("name = \"{name}\"\nversion = \"{version}");
        let found = lock.match_indices(&entry).any(|(at, _)| {
            let rest = &lock[at + entry.len()..];
            version.is_empty() || rest.starts_with('.')
        });
        assert!(
            !found,
            "{name} {version} is back: a default feature of the SDK was left on"
        );
    }
}

#[test]
fn the_parser_of_this_test_sees_every_form_of_naming() {
    let file = Source {
        path: "engine/iam/mod.rs".to_owned(),
        code: strip(
            "use crate::{arn::Arn, clock};\n// crate::ui is only spoken of\nuse super::super::mapping::Record;\n\
             fn f() { crate::ids::Ids::random(); let s = \"crate::aws\"; super::Engine; }",
        ),
    };
    let named = file.names_of_ours();
    let expected = ["arn", "clock", "ids", "mapping"].map(str::to_owned);
    assert_eq!(named, BTreeSet::from(expected));
    let hyperactive = Source {
        path: "x.rs".to_owned(),
        code: strip("hyperactive::run(); // hyper::x"),
    };
    assert!(!hyperactive.names_crate("hyper"));
}

struct Source {
    /// Below `src/`, with `/`.
    path: String,
    /// Without comments and string literals.
    code: String,
}

impl Source {
    fn module(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// First segments after `crate::`, `waterwheel::`, or as many `super::` as lead to the top.
    fn names_of_ours(&self) -> BTreeSet<String> {
        let mut named = BTreeSet::new();
        for root in ["crate::", "waterwheel::"] {
            for rest in after_words(&self.code, root) {
                named.extend(first_segments(rest));
            }
        }
        let depth = self.path.split('/').filter(|it| *it != "mod.rs").count();
        for rest in after_words(&self.code, &"super::".repeat(depth)) {
            named.extend(first_segments(rest));
        }
        named
    }

    fn names_crate(&self, name: &str) -> bool {
        let path = format!("{name}::");
        let import = format!("use {name}");
        after_words(&self.code, &path).next().is_some()
            || after_words(&self.code, &import).any(|rest| !rest.starts_with(is_word))
    }

    fn names_a_client(&self) -> bool {
        // Tests of the engine ask it as users do.
        let code = self.code.split("#[cfg(test)]").next().unwrap_or_default();
        after_words(code, "aws_sdk_").any(|rest| {
            let end = rest
                .find([';', '(', ')', ',', ' ', '>'])
                .unwrap_or(rest.len());
            let path = rest[..end].split("::").skip(1).collect::<Vec<_>>();
            path.first() == Some(&"Client")
        })
    }
}

/// What follows each place where `word` begins and no longer word goes on.
fn after_words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    code.match_indices(word).filter_map(move |(at, _)| {
        let before = code[..at].chars().next_back();
        let alone = before.is_none_or(|it| !is_word(it) && it != ':');
        alone.then(|| &code[at + word.len()..])
    })
}

/// `arn` of `arn::Arn`; `arn` and `clock` of `{arn::Arn, clock}`.
fn first_segments(path: &str) -> Vec<String> {
    let segment = |text: &str| -> String {
        let text = text.trim_start();
        text.chars().take_while(|it| is_word(*it)).collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![segment(path)];
    };
    let mut depth = 0_usize;
    let mut segments = vec![segment(group)];
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => segments.push(segment(&group[at + 1..])),
            _ => (),
        }
    }
    segments
}

fn is_word(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// Code without comments and string literals, line by line; good enough for formatted code.
fn strip(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        let mut quoted = false;
        let mut escaped = false;
        let mut previous = ' ';
        for char in line.chars() {
            if !quoted && char == '/' && previous == '/' {
                code.pop();
                break;
            }
            if quoted {
                quoted = escaped || char != '"';
                escaped = !escaped && char == '\\';
            } else if char == '"' && previous != '\'' {
                quoted = true;
            } else {
                code.push(char);
            }
            previous = char;
        }
        code.push('\n');
    }
    code
}

fn sources() -> Vec<Source> {
    let src = root().join("src");
    let rust = |path: &Path| path.extension().is_some_and(|it| it == "rs");
    let files = texts(&["src"]).into_iter().filter(|(path, _)| rust(path));
    let sources = files.map(|(path, text)| Source {
        path: path
            .strip_prefix(&src)
            .unwrap()
            .components()
            .map(|it| it.as_os_str().to_string_lossy())
            .collect::<Vec<_>>()
            .join("/"),
        code: strip(&text),
    });
    sources.collect()
}

/// Every text file below these folders, but for what is built and what version control keeps.
pub(crate) fn texts(folders: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|it| root().join(it)).collect();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                if name != "target" && name != ".git" {
                    folders.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path)
                && name != ".git"
            {
                found.push((path, text));
            }
        }
    }
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
