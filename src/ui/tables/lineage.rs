//! The order of shards in a list that shows their descent, and the lines beside it. Pure.

use std::collections::BTreeMap;

use crate::aws::shards::ShardRow;

/// A shard's place in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Its place among the shards.
    pub(super) nth: usize,
    /// Column of its dot.
    pub(super) column: usize,
    pub(super) lines: Vec<Line>,
}

/// A piece of a line within one row, in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// From top to bottom.
    Through(usize),
    /// From the top to the dot.
    Up(usize),
    /// From the dot to the bottom.
    Down(usize),
    /// From the top, and at the middle to the dot in the next column; to the bottom, too, where more children follow.
    Branch { column: usize, goes_on: bool },
}

/// A shard that waits for its row.
struct Next {
    nth: usize,
    column: usize,
    entry: Option<Line>,
    /// Columns with lines beside this row, and beside those of its descendants.
    beside: Vec<usize>,
    below: Vec<usize>,
}

/// Children follow their parent; the only child stays in its column, several stand in the next one.
pub(super) fn places(shards: &[ShardRow]) -> Vec<Place> {
    let by_id: BTreeMap<&str, usize> = (shards.iter().enumerate())
        .map(|(nth, it)| (it.id.as_str(), nth))
        .collect();
    let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut waiting = Vec::new();
    for (nth, shard) in shards.iter().enumerate() {
        let parent = shard.parent.as_deref().and_then(|it| by_id.get(it));
        match parent {
            Some(parent) if *parent != nth => children.entry(*parent).or_default().push(nth),
            _ => waiting.push(Next {
                nth,
                column: 0,
                entry: None,
                beside: Vec::new(),
                below: Vec::new(),
            }),
        }
    }
    waiting.reverse();
    let mut places = Vec::new();
    while let Some(next) = waiting.pop() {
        let mut lines: Vec<Line> = next.beside.iter().map(|it| Line::Through(*it)).collect();
        lines.extend(next.entry);
        let all = children.get(&next.nth).map_or(&[][..], Vec::as_slice);
        if !all.is_empty() {
            lines.push(Line::Down(next.column));
        }
        waiting.extend(followers(&next, all));
        places.push(Place {
            nth: next.nth,
            column: next.column,
            lines,
        });
    }
    places
}

/// The children of a shard, the last one first: that is how they are taken.
fn followers(parent: &Next, children: &[usize]) -> Vec<Next> {
    let column = parent.column;
    let of = |(at, nth): (usize, &usize)| {
        let goes_on = at + 1 < children.len();
        let is_only = children.len() == 1;
        let mut below = parent.below.clone();
        if goes_on {
            below.push(column);
        }
        Next {
            nth: *nth,
            column: if is_only { column } else { column + 1 },
            entry: Some(if is_only {
                Line::Up(column)
            } else {
                Line::Branch { column, goes_on }
            }),
            beside: parent.below.clone(),
            below,
        }
    };
    children
        .iter()
        .enumerate()
        .rev()
        .map(|(at, nth)| of((at, nth)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shards(all: &[(&str, Option<&str>)]) -> Vec<ShardRow> {
        let row = |(id, parent): &(&str, Option<&str>)| ShardRow {
            id: (*id).to_owned(),
            parent: parent.map(str::to_owned),
            is_open: false,
            kept: None,
        };
        all.iter().map(row).collect()
    }

    fn order(all: &[(&str, Option<&str>)]) -> Vec<(String, usize)> {
        let shards = shards(all);
        let places = places(&shards);
        let named = places
            .iter()
            .map(|it| (shards[it.nth].id.clone(), it.column));
        named.collect()
    }

    fn named(all: &[(&str, usize)]) -> Vec<(String, usize)> {
        all.iter()
            .map(|(id, column)| ((*id).to_owned(), *column))
            .collect()
    }

    #[test]
    fn children_stand_under_their_parents() {
        let split = [
            ("a", None),
            ("b", None),
            ("a1", Some("a")),
            ("b1", Some("b")),
            ("b2", Some("b")),
            ("b1x", Some("b1")),
        ];
        let expected = [
            ("a", 0),
            ("a1", 0),
            ("b", 0),
            ("b1", 1),
            ("b1x", 1),
            ("b2", 1),
        ];
        assert_eq!(order(&split), named(&expected));
    }

    #[test]
    fn a_shard_whose_parent_is_gone_begins_a_line_of_its_own() {
        let orphan = [("b", Some("a")), ("c", Some("b"))];
        assert_eq!(order(&orphan), named(&[("b", 0), ("c", 0)]));
        assert_eq!(order(&[("a", Some("a"))]), named(&[("a", 0)]));
    }

    #[test]
    fn lines_run_past_the_descendants_of_all_but_the_last_child() {
        let shards = shards(&[
            ("a", None),
            ("b", Some("a")),
            ("b1", Some("b")),
            ("c", Some("a")),
            ("c1", Some("c")),
        ]);
        let lines: Vec<Vec<Line>> = places(&shards).into_iter().map(|it| it.lines).collect();
        let branch = |goes_on| Line::Branch { column: 0, goes_on };
        assert_eq!(
            lines,
            [
                vec![Line::Down(0)],
                vec![branch(true), Line::Down(1)],
                vec![Line::Through(0), Line::Up(1)],
                vec![branch(false), Line::Down(1)],
                vec![Line::Up(1)],
            ]
        );
    }
}
