//! Where expressions stop being expressions: syntax, size, depth, parentheses.

use serde_json::json;

use super::super::placeholders::Placeholders;
use super::super::projection;
use super::{check, refusal};

/// `text => what follows "Syntax error; "`.
const CONDITIONS: &str = r##"
a x b => token: "x", near: "a x b"
a-b => token: "-", near: "a-b"
a = = :v => token: "=", near: "= = :v"
a =  => token: "<EOF>", near: "="
a => token: "<EOF>", near: "a"
:v1 => token: "<EOF>", near: ":v1"
attribute_not_exists( => token: "<EOF>", near: "("
attribute_exists() => token: ")", near: "()"
price is not set => token: "is", near: "price is not"
a > 4 => token: "4", near: "> 4"
a in b => token: "b", near: "in b"
a in (b,c,) => token: ")", near: ",)"
a in () => token: ")", near: "()"
a > between => token: "between", near: "> between"
a between b or c => token: "or", near: "b or c"
a = b AND => token: "<EOF>", near: "AND"
AND a = b => token: "AND", near: "AND a"
(a = b => token: "<EOF>", near: "b"
a = b) => token: ")", near: "b)"
(a = b)) => token: ")", near: "))"
(NOT a) = b => token: ")", near: "a) ="
a AND b => token: "AND", near: "a AND b"
c!=:c => token: "!", near: "c!="
_a = b => token: "_", near: "_a"
a = ß => token: "ß", near: "= ß"
#% = a => token: "#", near: "#%"
a > :v.b => token: ".", near: ":v.b"
b[:a] > a => token: ":a", near: "[:a]"
b[] > a => token: "]", near: "[] >"
attribute_exists(a..b) => token: ".", near: "..b"
attribute_exists(bill#no.sum) => token: "#no", near: "bill#no."
size(tags).n > a => token: ".", near: ").n"
(size(tags))[1] = a => token: "[", near: ")[1"
(sum)between(low.(est))and(high) => token: "(", near: ".(est"
(sum)between(low)and((high) => token: "<EOF>", near: ")"
a.b(c) = d => token: "(", near: "b(c"
NOT => token: "<EOF>", near: "NOT"
(a = b)(c = d) => token: "(", near: ")(c"
"##;

const UPDATES: &str = r#"
PLEASE SET a => token: "PLEASE", near: "PLEASE SET"
ADD visits : n => token: ":", near: "visits : n"
SET => token: "<EOF>", near: "SET"
SET _x = :v => token: "_", near: "SET _x"
SET a = :v, => token: "<EOF>", near: ","
set a => token: "<EOF>", near: "a"
set a=set => token: "set", near: "=set"
set :a = b => token: ":a", near: "set :a ="
set a = b c => token: "c", near: "b c"
set a = b * c => token: "*", near: "b * c"
set a = b + c + d => token: "+", near: "c + d"
set a = (b + c) + d => token: "+", near: ") + d"
set a = f(b + c) => token: "+", near: "b + c"
set a[1] = 1 => token: "1", near: "= 1"
set (a = b) => token: "(", near: "set (a"
set a = (b.c).d => token: ".", near: ").d"
set if_not_exists(a, b) = a => token: "(", near: "if_not_exists(a"
remove a b => token: "b", near: "a b"
remove a = b => token: "=", near: "a = b"
remove :a => token: ":a", near: "remove :a"
add a b => token: "b", near: "a b"
delete a = :b => token: "=", near: "a = :b"
"#;

const PROJECTIONS: &str = r#"
??? => token: "?", near: "??"
a b => token: "b", near: "a b"
a, => token: "<EOF>", near: ","
,a => token: ",", near: ",a"
a,,b => token: ",", near: ",,b"
:a => token: ":a", near: ":a"
l[a] => token: "a", near: "[a]"
(a) => token: "(", near: "(a"
size(a) => token: "(", near: "size(a"
"#;

#[test]
fn a_syntax_error_shows_the_token_and_its_neighbours() {
    for (kind, cases) in [
        ("ConditionExpression", CONDITIONS),
        ("FilterExpression", CONDITIONS),
        ("UpdateExpression", UPDATES),
        ("ProjectionExpression", PROJECTIONS),
    ] {
        for (text, words) in cases.lines().filter_map(|it| it.split_once(" => ")) {
            let words = format!("Syntax error; {words}");
            assert_eq!(refusal(kind, text, &json!({}), &json!({})), words, "{text}");
        }
    }
}

#[test]
fn an_expression_may_be_neither_empty_nor_longer_than_four_kilobytes() {
    let none = json!({});
    for kind in [
        "ConditionExpression",
        "FilterExpression",
        "UpdateExpression",
        "ProjectionExpression",
    ] {
        check(
            kind,
            &none,
            &none,
            &[
                ("", "The expression can not be empty;"),
                (" \n", "The expression can not be empty;"),
            ],
        );
    }
    let long = "a".repeat(4097);
    let words = "Expression size has exceeded the maximum allowed size; expression size: 4097";
    check("FilterExpression", &none, &none, &[(long.as_str(), words)]);
    check(
        "ProjectionExpression",
        &none,
        &none,
        &[(long.as_str(), words)],
    );
    let words = "Expression size has exceeded the maximum allowed size;";
    check("UpdateExpression", &none, &none, &[(long.as_str(), words)]);
    let allowed = "a".repeat(4096);
    assert!(
        projection::parse(
            "ProjectionExpression",
            &allowed,
            &mut Placeholders::default()
        )
        .is_ok()
    );
}

#[test]
fn depth_ends_in_a_refusal_and_never_in_a_crash() {
    let none = json!({});
    let operators = "The expression contains too many operators; operator count: 301";
    let redundant = "The expression has redundant parentheses;";
    let not = format!("{}a < b", "not ".repeat(1000));
    let or = format!("a<b{}{}", " or (a<b".repeat(454), ")".repeat(454));
    let chain = format!("a<b{}", " or a<b".repeat(454));
    let parentheses = format!("{}a<b{}", "(".repeat(2046), ")".repeat(2046));
    check(
        "ConditionExpression",
        &none,
        &none,
        &[
            (not.as_str(), operators),
            (or.as_str(), operators),
            (chain.as_str(), operators),
            (parentheses.as_str(), redundant),
            (
                "(".repeat(4096).as_str(),
                r#"Syntax error; token: "<EOF>", near: "(""#,
            ),
        ],
    );
    let calls = format!("a < {}b{}", "f(".repeat(1355), ")".repeat(1355));
    assert!(refusal("ConditionExpression", &calls, &none, &none).ends_with("function: f"));
    let path = format!("a{}", ".b".repeat(32));
    let words = "The document path has too many nesting levels; nesting levels: 33";
    check(
        "ProjectionExpression",
        &none,
        &none,
        &[(path.as_str(), words)],
    );
}

#[test]
fn redundant_parentheses_are_refused() {
    let words = "The expression has redundant parentheses;";
    let none = json!({});
    check(
        "FilterExpression",
        &none,
        &none,
        &[
            ("((a = b))", words),
            ("a=b and a > ((b))", words),
            ("(n)between(((low.x)).y)and(high)", words),
            ("a > nonsense((:v), ((b)))", words),
            ("a=b OR ((b=c AND c=d))", words),
            ("NOT ((b=c OR (c=d OR d=e)))", words),
            ("((attribute_exists(a)))", words),
            ("NOT ((a = b))", words),
        ],
    );
    check(
        "UpdateExpression",
        &none,
        &none,
        &[("SET a = ((b))", words)],
    );
}
