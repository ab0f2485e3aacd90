//! The parser of PartiQL: every text is read or refused.

use waterwheel::engine::dynamodb::partiql;

use super::{any_text, check, damaged, soup};

const VALID: &[&str] = &[
    "SELECT * FROM \"orders\".\"by_state\" WHERE pk = 'a' AND n BETWEEN 1 AND 2.5e1 ORDER BY n DESC",
    "SELECT a, b.c[0], \"d\" FROM orders WHERE pk IN ['a', ?] AND NOT (begins_with(\"s\", 'x') OR n <> -1)",
    "INSERT INTO orders VALUE {'pk': 'a', 'm': {'l': [1, ?, NULL, true, MISSING], 's': <<'x', 'y'>>}}",
    "UPDATE orders SET a = a + 1 SET m.b[2] = list_append(l, [1]) REMOVE c WHERE pk = 'a' RETURNING ALL NEW *",
    "DELETE FROM \"orders\" WHERE pk = 'it''s' AND attribute_type(a, 'S') RETURNING ALL OLD *",
    "EXISTS(SELECT * FROM orders WHERE pk = 'a' AND a IS NOT MISSING)",
];

const PIECES: &[&str] = &[
    "SELECT",
    "INSERT INTO",
    "UPDATE",
    "DELETE FROM",
    "FROM",
    "WHERE",
    "SET",
    "REMOVE",
    "VALUE",
    "RETURNING ALL OLD *",
    "ORDER BY",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "IS",
    "MISSING",
    "NULL",
    "*",
    "?",
    ",",
    ".",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "<<",
    ">>",
    "'",
    "''",
    "\"",
    "\"\"",
    "'a'",
    "\"a\"",
    "a",
    "pk",
    "1",
    "-1",
    "1e500",
    "0.5",
    ":",
    "=",
    "<>",
    "<=",
    "+",
    "-",
    "size(a)",
    "begins_with(",
    "EXISTS(",
    "--",
    "/*",
    "`",
    "é",
    "\0",
    "\n",
    "((((((((",
    "[[[[[[[[",
];

fn read(text: &str) {
    if let Err(fault) = partiql::parse(text) {
        assert_eq!(
            (fault.status, fault.code),
            (400, "ValidationException"),
            "{text}"
        );
        assert!(!fault.message.is_empty());
    }
}

#[test]
fn any_text_is_a_statement_or_refused() {
    check(
        300,
        &(any_text(), soup(PIECES), damaged(VALID, PIECES)),
        |(any, soup, damaged)| {
            for text in [any, soup, damaged] {
                read(&text);
            }
            Ok(())
        },
    );
}

#[test]
fn statements_that_nest_without_end_are_refused() {
    let where_ = "SELECT * FROM t WHERE ";
    let value = "INSERT INTO t VALUE ";
    for (start, open, close) in [
        (where_, "(", ")"),
        (where_, "NOT ", "a = 1"),
        (where_, "a = 1 AND ", "a = 1"),
        (where_, "size(", ")"),
        (where_, "a[0].", "a = 1"),
        (where_, "a IN [", "]"),
        (where_, "- ", "1"),
        (where_, "EXISTS(SELECT * FROM t WHERE ", ")"),
        (value, "{'a': ", "}"),
        (value, "[", "]"),
        (value, "<<", ">>"),
        (value, "{'a': [", "]}"),
    ] {
        for depth in [300, 100_000] {
            read(&format!(
                "{start}{}{}",
                open.repeat(depth),
                close.repeat(depth)
            ));
        }
    }
}
