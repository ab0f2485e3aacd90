//! How well a few typed letters fit a name. Pure.

/// A fit: higher is better, and which characters of the name were meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fit {
    pub(super) score: i32,
    pub(super) at: Vec<usize>,
}

const START_OF_WORD: i32 = 8;
const NEXT_TO_LAST: i32 = 9;
const START_OF_NAME: i32 = 10;
const SAME_CASE: i32 = 1;

/// The letters of `typed` in their order within `name`, the best way to find them; `None` when they are not all there.
/// Spaces in `typed` are ignored.
pub(super) fn fit(typed: &str, name: &str) -> Option<Fit> {
    let wanted: Vec<char> = typed.chars().filter(|it| !it.is_whitespace()).collect();
    let letters: Vec<char> = name.chars().collect();
    if wanted.is_empty() {
        return Some(Fit {
            score: 0,
            at: Vec::new(),
        });
    }
    if wanted.len() > letters.len() {
        return None;
    }
    // best[i] is the best fit of the letters so far that ends at letter i.
    let mut best: Vec<Option<Fit>> = vec![None; letters.len()];
    for (nth, want) in wanted.iter().enumerate() {
        let mut next: Vec<Option<Fit>> = vec![None; letters.len()];
        let mut before: Option<Fit> = None;
        for here in 0..letters.len() {
            if same(*want, letters[here]) {
                next[here] = reach(nth, here, *want, &letters, &best, before.as_ref());
            }
            before = better(before, best[here].clone());
        }
        best = next;
    }
    let length = i32::try_from(letters.len()).unwrap_or(i32::MAX);
    let mut found = best.into_iter().flatten().max_by_key(|fit| fit.score)?;
    // Among equals the shorter name is meant.
    found.score = found.score * 64 - length.min(63);
    Some(found)
}

fn reach(
    nth: usize,
    here: usize,
    want: char,
    letters: &[char],
    best: &[Option<Fit>],
    before: Option<&Fit>,
) -> Option<Fit> {
    let mut worth = i32::from(letters[here] == want) * SAME_CASE;
    if here == 0 {
        worth += START_OF_NAME;
    } else if starts_word(letters[here - 1], letters[here]) {
        worth += START_OF_WORD;
    }
    if nth == 0 {
        return Some(Fit {
            score: worth,
            at: vec![here],
        });
    }
    let joined = here
        .checked_sub(1)
        .and_then(|last| best[last].clone())
        .map(|mut fit| {
            fit.score += NEXT_TO_LAST;
            fit
        });
    let mut fit = better(joined, before.cloned())?;
    fit.score += worth;
    fit.at.push(here);
    Some(fit)
}

fn better(one: Option<Fit>, other: Option<Fit>) -> Option<Fit> {
    match (&one, &other) {
        (Some(a), Some(b)) if b.score > a.score => other,
        (None, _) => other,
        _ => one,
    }
}

fn same(one: char, other: char) -> bool {
    one == other || one.to_lowercase().eq(other.to_lowercase())
}

fn starts_word(before: char, here: char) -> bool {
    !before.is_alphanumeric() && here.is_alphanumeric()
        || before.is_lowercase() && here.is_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(typed: &str, names: &[&str]) -> Vec<String> {
        let mut found: Vec<_> = names
            .iter()
            .filter_map(|name| Some((fit(typed, name)?.score, (*name).to_owned())))
            .collect();
        found.sort_by_key(|(score, _)| -score);
        found.into_iter().map(|(_, name)| name).collect()
    }

    #[test]
    fn letters_must_come_in_order() {
        assert!(fit("odr", "Orders").is_some());
        assert!(fit("rdo", "Orders").is_none());
        assert!(fit("orderss", "Orders").is_none());
    }

    #[test]
    fn starts_of_words_and_neighbours_count_more() {
        assert_eq!(
            order("oo", &["footnote", "orders-other", "on-order"])[0],
            "on-order"
        );
        assert_eq!(order("order", &["o-r-d-e-r-s", "Orders"])[0], "Orders");
        assert_eq!(order("nt", &["Footnote", "New table…"])[0], "New table…");
    }

    #[test]
    fn the_meant_letters_are_told() {
        assert_eq!(fit("nt", "New table").map(|it| it.at), Some(vec![0, 4]));
    }

    #[test]
    fn nothing_typed_fits_everything_and_prefers_nothing() {
        assert_eq!(fit("  ", "Orders").map(|it| it.score), Some(0));
    }
}
