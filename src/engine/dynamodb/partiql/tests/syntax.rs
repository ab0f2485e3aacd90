//! What parses, and the words for what does not.

use super::super::ast::{Action, Change, Node};
use super::super::parse;
use crate::engine::dynamodb::expression::ast::Path;

const MALFORMED: &str = "Statement wasn't well formed, can't be processed: ";

fn words(text: &str) -> String {
    match parse(text) {
        Ok(statement) => format!("accepted: {statement:?}"),
        Err(fault) => {
            assert_eq!((fault.status, fault.code), (400, "ValidationException"));
            fault.message
        }
    }
}

#[test]
fn statements_of_every_kind_parse() {
    for text in [
        "SELECT * FROM t",
        "select pk, a.b[0].\"c d\", x['y'] from \"t\".\"by_kind\" where pk = ? order by pk, sk desc;",
        "SELECT * FROM \"t\" WHERE pk IN ['a', 'b'] AND (a BETWEEN 1 AND 2 OR NOT b IS MISSING)",
        "SELECT * FROM t WHERE pk NOT IN ('a') AND size(s) >= 3 AND a IS NOT DOUBLE PRECISION",
        "SELECT * FROM t -- all of it\nWHERE /* one */ pk = 'it''s'",
        "INSERT INTO t VALUE {'pk': 'a', 'l': [1, {'m': <<'x', 'y'>>}], 'n': null, 'f': FALSE, 'd': -.5e1}",
        "INSERT INTO t VALUE ?",
        "UPDATE t SET a = 1, b.c[2] = list_append(b.c, [2]) REMOVE d SET e = e + 1 WHERE pk = 'a' RETURNING ALL NEW *",
        "FROM t WHERE pk = 'a' SET c = 1 REMOVE a RETURNING MODIFIED OLD *",
        "DELETE FROM t WHERE pk = 'a' AND n > 1 RETURNING ALL OLD *",
        "EXISTS(SELECT * FROM t WHERE pk = 'a' AND n = 1)",
    ] {
        parse(text).unwrap_or_else(|fault| panic!("{text}: {}", fault.message));
    }
}

#[test]
fn parameters_are_counted_as_they_stand() {
    let statement = parse("UPDATE t SET a = ? WHERE pk = ? AND b IN [?, ?]").unwrap();
    assert_eq!(statement.parameters, 4);
    let Action::Update(update) = statement.action else {
        panic!("no update");
    };
    let Change::Set(path, value) = &update.changes[0] else {
        panic!("no assignment");
    };
    assert_eq!(path, &Path::top("a"));
    assert_eq!(value.node, Node::Parameter(0));
}

const MALFORMED_STATEMENTS: &[(&str, &str)] = &[
    ("", "Unexpected term"),
    ("  ", "Unexpected term"),
    (
        "SLECT * FROM \"t\" WHERE pk = 'a'",
        "Expected data manipulation",
    ),
    ("SELECTT * FROMM \"t\"", "Unexpected token after expression"),
    (
        "UPDATE Payment-table SET a = 1 WHERE pk = 'a'",
        "Expected data manipulation",
    ),
    ("UPDATE t WHERE pk = 'a'", "Expected data manipulation"),
    ("FROM t WHERE pk = 'a'", "Expected data manipulation"),
    (
        "SELECT * FROM t WHERE pk = 1 foo",
        "Unexpected token after expression",
    ),
    (
        "SELECT * FROM t WHERE pk = 1 e5",
        "Unexpected token after expression",
    ),
    (
        "SELECT * FROM t WHERE pk = 1)",
        "Unexpected token after expression",
    ),
    (
        "SELECT * FROM t ORDER BY pk WHERE pk = 1",
        "Unexpected token after expression",
    ),
    (
        "SELECT * FROM t; SELECT * FROM t",
        "Unexpected token after expression",
    ),
    (
        "INSERT INTO t VALUE {'pk': 1} foo",
        "Unexpected token after expression",
    ),
    (
        "INSERT INTO t x VALUE {'pk': 1}",
        "Unexpected token after expression",
    ),
    ("INSERT INTO t (key, a) VALUES (?, ?)", "Unexpected keyword"),
    (
        "UPDATE t SET a = 9 WHERE pk = 1 foo",
        "Unexpected token after expression",
    ),
    (
        "DELETE FROM t WHERE pk = 1 ORDER BY pk",
        "Unexpected token after expression",
    ),
    (
        "FROM t SET c = 1 WHERE pk = 'a'",
        "Unexpected token after expression",
    ),
    ("SELECT * FROM t WHERE pk = 1e2147483648", ""),
    ("SELECT * FROM t WHERE pk = 1 # note", ""),
    ("SELECT * FROM \"t", ""),
    ("SELECT * FROM t WHERE", "Unexpected term"),
    ("SELECT * FROM t WHERE;", "Unexpected term"),
    ("UPDATE t SET a = 1 WHERE", "Unexpected term"),
    ("SELECT * FROM t WHERE NOT", "Unexpected term"),
    ("SELECT * FROM t WHERE (", "Unexpected term"),
    ("SELECT * FROM", "Unexpected term"),
    (
        "SELECT * FROM t WHERE pk = 'a' AND",
        "Missing right-hand side expression of infix operator",
    ),
    (
        "SELECT * FROM t WHERE pk = 'a' OR",
        "Missing right-hand side expression of infix operator",
    ),
    ("SELECT * FROM t WHERE ORDER BY pk", "Unexpected keyword"),
    (
        "SELECT * FROM t WHERE pk = 'a' AND x IS FOO",
        "Expected type name",
    ),
    ("SELECT * FROM t WHERE IS NULL", "Unexpected operator"),
    ("SELECT * FROM t WHERE pk = LIKE", "Unexpected operator"),
    ("DELETE FROM", "Expected identifier for simple path"),
    ("DELETE FROM;", "Expected identifier for simple path"),
    (
        "DELETE FROM WHERE pk = 'a'",
        "Expected identifier for simple path",
    ),
    (
        "UPDATE t SET date = 1 WHERE pk = 'a'",
        "Expected identifier for simple path",
    ),
    ("SELECT payload.size FROM t", "Invalid path dot component"),
    (
        "SELECT * FROM t WHERE attribute_exists(m.inner)",
        "Invalid path dot component",
    ),
];

#[test]
fn malformed_statements_are_refused_in_the_words_of_aws() {
    for (text, detail) in MALFORMED_STATEMENTS {
        assert_eq!(words(text), format!("{MALFORMED}{detail}"), "{text}");
    }
}

const UNSUPPORTED: &[(&str, &str)] = &[
    (
        "SELECT * FROM t x WHERE pk = 'a'",
        "Aliasing is not supported",
    ),
    (
        "SELECT * FROM t AS x WHERE pk = 'a'",
        "Aliasing is not supported",
    ),
    (
        "UPDATE t x SET a = 3 WHERE pk = 'a'",
        "Aliasing is not supported",
    ),
    (
        "DELETE FROM t x WHERE pk = 'a'",
        "Aliasing is not supported",
    ),
    ("x IS INT4", "Unsupported operation: IsType"),
    ("x IS CHARACTER VARYING", "Unsupported operation: IsType"),
    (
        "SELECT COUNT(*) FROM t",
        "Unexpected path component at 1:8:5",
    ),
    (
        "SELECT attribute_exists(a) FROM t",
        "Unexpected path component at 1:8:16",
    ),
    (
        "SELECT *, a FROM t",
        "Other attributes should not be present in the projection when '*' is used.",
    ),
    (
        "SELECT * FROM a, b",
        "Only select from a single table or index is supported.",
    ),
    (
        "SELECT * FROM a JOIN b",
        "Only select from a single table or index is supported.",
    ),
    (
        "SELECT * FROM t LIMIT 1",
        "Unsupported clause: LIMIT at 1:17:5",
    ),
    (
        "SELECT * FROM t GROUP BY a",
        "Unsupported clause: GROUP BY at 1:17:5",
    ),
    (
        "SELECT * FROM \"t\".\"i\".\"x\" WHERE pk = 'a'",
        "A path may contain at most 2 components in the FROM clause",
    ),
    (
        "SELECT * FROM \"t\".\"\"",
        "Path component cannot be an empty string",
    ),
    (
        "SELECT * FROM \"\"",
        "Path component cannot be an empty string",
    ),
    (
        "UPDATE t.i SET a = 1 WHERE pk = 'a'",
        "This operation is not supported on an index",
    ),
    (
        "DELETE FROM t.i WHERE pk = 'a'",
        "This operation is not supported on an index",
    ),
    (
        "INSERT INTO t.i VALUE {'pk': 'a'}",
        "FROM clause may only contain a single table name",
    ),
    (
        "DELETE FROM t WHERE pk = 'a' RETURNING MODIFIED OLD *",
        "Invalid returning clause: RETURNING MODIFIED OLD *. Only RETURNING ALL OLD * is allowed in DELETE \
         statements.",
    ),
];

#[test]
fn what_dynamodb_does_not_do_is_refused_in_the_words_of_aws() {
    for (text, message) in UNSUPPORTED {
        assert_eq!(words(text), *message, "{text}");
    }
}

#[test]
fn deep_nesting_is_refused_and_never_crashes() {
    // Half of what a thread has by default: the statement is not all that stands on it.
    let thread = std::thread::Builder::new().stack_size(1024 * 1024);
    thread.spawn(nest_deeply).unwrap().join().unwrap();
}

fn nest_deeply() {
    for (open, inner, close) in [
        ("(", "a = 1", ")"),
        ("NOT ", "a = 1", ""),
        ("NOT (", "a = 1", ")"),
        ("a = [", "1", "]"),
        ("a = {'b': ", "1", "}"),
        ("a = <<", "1", ">>"),
        ("size(", "a", ")"),
        ("a IN (", "1", ")"),
        ("a = - ", "1", ""),
        ("a + ", "1", ""),
        ("a IN ", "[1]", ""),
        ("EXISTS(SELECT * FROM t WHERE ", "a = 1", ")"),
        ("FROM t WHERE ", "a = 1", ""),
    ] {
        for levels in [1, 10, 99, 10_000] {
            let (open, close) = (open.repeat(levels), close.repeat(levels));
            let text = format!("SELECT * FROM t WHERE {open}{inner}{close}");
            match parse(&text) {
                Ok(statement) => assert_eq!(statement.clone(), statement),
                Err(fault) => assert!(fault.message.starts_with(MALFORMED), "{}", fault.message),
            }
        }
        let text = format!("SELECT * FROM t WHERE {}{inner}", open.repeat(4_000));
        let refused = words(&text);
        assert_eq!(
            refused,
            format!("{MALFORMED}Expression is nested too deeply"),
            "{open}"
        );
    }
}
