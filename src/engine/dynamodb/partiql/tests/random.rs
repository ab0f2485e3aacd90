//! Statements that nobody would write: the parser and what follows it may refuse them, but never fail.

use fastrand::Rng;

use super::super::ast::{Action, Statement};
use super::super::conditions::condition;
use super::super::parse;
use super::super::updates::update;
use super::super::values::{Parameters, value};
use crate::engine::dynamodb::value::{Attribute, Number};

const INPUTS: usize = 30_000;

const PIECES: [&str; 78] = [
    "SELECT",
    "*",
    "FROM",
    "t",
    "\"t\"",
    ".",
    "WHERE",
    "pk",
    "=",
    "'a'",
    "AND",
    "OR",
    "NOT",
    "IN",
    "[",
    "]",
    "(",
    ")",
    ",",
    "BETWEEN",
    "IS",
    "MISSING",
    "NULL",
    "ORDER",
    "BY",
    "DESC",
    "LIMIT",
    "INSERT",
    "INTO",
    "VALUE",
    "{",
    "}",
    ":",
    "1",
    "-",
    "1.5e3",
    "<<",
    ">>",
    "?",
    "UPDATE",
    "SET",
    "REMOVE",
    "DELETE",
    "RETURNING",
    "ALL",
    "OLD",
    "NEW",
    "MODIFIED",
    "EXISTS",
    "size",
    "begins_with",
    "contains",
    "attribute_exists",
    "attribute_type",
    "list_append",
    "set_add",
    "set_delete",
    "+",
    "<",
    "<=",
    ">",
    "<>",
    "!=",
    "||",
    "true",
    "false",
    "STRING",
    "DOUBLE",
    ";",
    "--x\n",
    "/*x*/",
    "''",
    "\"\"",
    "#",
    "\u{e9}",
    "LIKE",
    "count",
    "AS",
];

const STATEMENTS: [&str; 6] = [
    "SELECT pk, a.b[0] FROM \"t\".\"i\" WHERE pk = 'a' AND (n BETWEEN 1 AND 2 OR NOT begins_with(sk, ?)) ORDER BY sk",
    "INSERT INTO t VALUE {'pk': 'a', 'l': [1, {'m': <<'x', 'y'>>}], 'n': null}",
    "UPDATE t SET a = a + 1, b = list_append(b, [?]) REMOVE c SET d = set_add(d, <<1>>) WHERE pk = 'a' AND n IN (1, 2)",
    "DELETE FROM t WHERE pk = ? AND attribute_type(n, 'N') RETURNING ALL OLD *",
    "FROM t WHERE pk = 'a' AND size(s) > 3 SET a = {'x': -.5} RETURNING MODIFIED NEW *",
    "EXISTS(SELECT * FROM t WHERE pk = 'a' AND n IS NOT MISSING)",
];

#[test]
fn random_statements_are_answered() {
    let mut random = Rng::with_seed(9);
    let mut accepted = 0;
    for _ in 0..INPUTS {
        let text = match random.u8(0..4) {
            0 => pieces(&mut random),
            1 => letters(&mut random),
            _ => changed(&mut random),
        };
        match parse(&text) {
            Err(fault) => assert_eq!(fault.code, "ValidationException", "{text}"),
            Ok(statement) => {
                accepted += 1;
                assert_eq!(parse(&text), Ok(statement.clone()), "{text}");
                fill(&statement, &mut random);
            }
        }
    }
    assert!(accepted > INPUTS / 20, "only {accepted} were statements");
}

/// Tokens in any order.
fn pieces(random: &mut Rng) -> String {
    let count = random.usize(0..24);
    let pieces = (0..count).map(|_| random.choice(PIECES).unwrap_or_default());
    pieces.collect::<Vec<_>>().join(" ")
}

fn letters(random: &mut Rng) -> String {
    let count = random.usize(0..40);
    let letters = (0..count).map(|_| match random.u8(0..3) {
        0 => random.char(..),
        1 => random.alphanumeric(),
        _ => random
            .choice("'\"<>[](){}.,?*/-+=;: \n".as_bytes())
            .map_or(' ', |it| char::from(*it)),
    });
    letters.collect()
}

/// A statement with some of its words replaced, doubled or gone.
fn changed(random: &mut Rng) -> String {
    let statement = random.choice(STATEMENTS).unwrap_or_default();
    let mut words: Vec<&str> = statement
        .split_inclusive([' ', '(', ',', ')', '.', '['])
        .collect();
    for _ in 0..random.usize(0..3) {
        let at = random.usize(0..words.len());
        match random.u8(0..3) {
            0 => words[at] = random.choice(PIECES).unwrap_or_default(),
            1 => words.insert(at, words[random.usize(0..words.len())]),
            _ if words.len() > 1 => drop(words.remove(at)),
            _ => (),
        }
    }
    words.concat()
}

/// Fills in parameters of any type and reads every part.
fn fill(statement: &Statement, random: &mut Rng) {
    let values: Vec<Attribute> = (0..statement.parameters)
        .map(|_| match random.u8(0..4) {
            0 => Attribute::S("text".to_owned()),
            1 => Attribute::N(Number::from(random.i64(..))),
            2 => Attribute::L(vec![Attribute::Null]),
            _ => Attribute::Bool(true),
        })
        .collect();
    let parameters = Parameters(&values);
    let (changes, expr) = match &statement.action {
        Action::Select(select) | Action::Exists(select) => (None, select.condition.as_ref()),
        Action::Update(update) => (Some(&update.changes), update.condition.as_ref()),
        Action::Delete(delete) => (None, delete.condition.as_ref()),
        Action::Insert(insert) => {
            drop(value(&insert.value, parameters));
            (None, None)
        }
    };
    drop(expr.map(|it| condition(it, parameters)));
    drop(changes.map(|it| update(it, parameters)));
}
