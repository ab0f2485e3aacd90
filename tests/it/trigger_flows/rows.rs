//! That `tests/triggers/README.md` names what there is, and leaves nothing out.

use std::collections::BTreeSet;
use std::path::Path;

use super::{facts, files};
use crate::tidy::texts;

const LINES_MIN: usize = 100;

/// What stands in the last column of every line.
fn proofs(page: &str) -> Vec<&str> {
    let rows = page.lines().filter_map(|it| it.strip_prefix("| "));
    let cells = rows.filter_map(|it| it.strip_suffix(" |")?.rsplit_once(" | "));
    let proofs: Vec<&str> = cells.map(|(_, proofs)| proofs).collect();
    let is_head = |it: &&str| *it != "proved by";
    proofs.into_iter().filter(is_head).collect()
}

#[test]
fn every_line_about_triggers_has_a_proof_and_every_flow_a_line() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("tests/triggers/README.md")).unwrap();
    let flows: BTreeSet<String> = files()
        .iter()
        .flat_map(|it| facts(it).into_keys())
        .collect();
    let rows = ["parameters", "passing", "refusals", "replies"].map(crate::trigger_rows::rows);
    let mut known: BTreeSet<String> = rows.iter().flat_map(|it| facts(it).into_keys()).collect();
    known.extend(flows.iter().cloned());
    let sources = texts(&["tests/it", "src/mapping"]);
    let is_test = |name: &str| {
        let head = format!("fn {name}(");
        sources.iter().any(|(_, text)| text.contains(&head))
    };
    let mut named = BTreeSet::new();
    let mut missing = Vec::new();
    let lines = proofs(&page);
    for proof in lines.iter().flat_map(|it| it.split("; ")) {
        let is_there = match proof.strip_prefix('`').and_then(|it| it.strip_suffix('`')) {
            Some(test) => is_test(test),
            None => known.contains(proof),
        };
        if !is_there {
            missing.push(proof);
        }
        named.insert(proof.to_owned());
    }
    let unnamed: Vec<&String> = flows.difference(&named).collect();
    assert!(missing.is_empty(), "there is no proof {missing:#?}");
    assert!(unnamed.is_empty(), "no line names {unnamed:#?}");
    assert!(lines.len() >= LINES_MIN, "{}", lines.len());
}
