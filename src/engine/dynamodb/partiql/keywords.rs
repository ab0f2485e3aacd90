//! The reserved words of PartiQL: names spelled like them need quotes.
//!
//! The words of SQL-92 (without the parts of a date) and those PartiQL adds.

use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The word in lower case, if it is reserved; case makes no difference.
pub(super) fn find(word: &str) -> Option<&'static str> {
    // No keyword is longer, so that most names are told apart without a copy.
    const LONGEST: usize = 17;
    if word.len() > LONGEST {
        return None;
    }
    let word = word.to_ascii_lowercase();
    KEYWORDS.get(word.as_str()).copied()
}

/// Reserved words that name a function where a parenthesis follows.
pub(super) fn is_function(keyword: &str) -> bool {
    FUNCTIONS.contains(&keyword)
}

/// Words that stand between two operands.
pub(super) fn is_operator(keyword: &str) -> bool {
    [
        "and",
        "or",
        "is",
        "in",
        "like",
        "between",
        "union",
        "except",
        "intersect",
    ]
    .contains(&keyword)
}

static KEYWORDS: LazyLock<BTreeSet<&str>> =
    LazyLock::new(|| WORDS.split_ascii_whitespace().collect());

const FUNCTIONS: [&str; 21] = [
    "avg",
    "bit_length",
    "cast",
    "char_length",
    "character_length",
    "coalesce",
    "convert",
    "count",
    "exists",
    "extract",
    "lower",
    "max",
    "min",
    "nullif",
    "octet_length",
    "position",
    "size",
    "substring",
    "sum",
    "trim",
    "upper",
];

const WORDS: &str = "
absolute action add all allocate alter and any are as asc assertion at authorization avg bag begin between bit
bit_length blob bool boolean both by cascade cascaded case cast catalog char char_length character
character_length check clob close coalesce collate collation column commit conflict connect connection
constraint constraints continue convert corresponding count create cross current current_date current_time
current_timestamp current_user cursor date deallocate dec decimal declare default deferrable deferred delete
desc describe descriptor diagnostics disconnect distinct do domain double drop else end escape except exception
exec execute exists external extract false fetch first float for foreign found from full get global go goto
grant group having identity immediate in index indicator initially inner input insensitive insert int integer
intersect interval into is isolation join key language last leading left let level like limit list local lower
match max min missing modified module names national natural nchar new next no not nothing null nullif numeric
octet_length of old on only open option or order outer output overlaps pad partial pivot position precision
prepare preserve primary prior privileges procedure public read real references relative remove restrict
returning revoke right rollback rows schema scroll section select session session_user set sexp size smallint
some space sql sqlcode sqlerror sqlstate string struct substring sum symbol system_user table temporary then
time timestamp to trailing transaction translate translation trim true tuple union unique unknown unpivot
update upper usage user using value values varchar varying view when whenever where with work write zone
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_are_found_in_any_case() {
        for word in ["SELECT", "select", "Missing", "inner", "size", "date"] {
            assert_eq!(find(word), Some(word.to_lowercase().as_str()), "{word}");
        }
        for word in [
            "data",
            "name",
            "kind",
            "status",
            "year",
            "pk",
            "attribute_exists",
        ] {
            assert_eq!(find(word), None, "{word}");
        }
        assert!(WORDS.split_ascii_whitespace().all(|it| it.len() <= 17));
        assert!(FUNCTIONS.iter().all(|it| find(it) == Some(it)));
    }
}
