//! Projections: some paths of an item, in the item's own shape.
//!
//! <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ProjectionExpressions.html>

use std::collections::BTreeMap;

use super::ast::{Element, Path};
use super::placeholders::{Placeholders, check_words};
use super::{invalid, parser};
use crate::engine::call::Fault;
use crate::engine::dynamodb::value::{Attribute, Item};

/// Paths that do not overlap.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Projection {
    paths: Vec<Path>,
    top: BTreeMap<String, Branch>,
}

/// What is wanted below a point of a document.
#[derive(Clone, Debug, PartialEq)]
enum Branch {
    Whole,
    Names(BTreeMap<String, Self>),
    Indexes(BTreeMap<usize, Self>),
}

/// Reads a projection; `kind` is `ProjectionExpression`.
pub fn parse(
    kind: &'static str,
    text: &str,
    placeholders: &mut Placeholders,
) -> Result<Projection, Fault> {
    let written = parser::projection(kind, text)?;
    written.iter().try_for_each(|it| check_words(kind, it))?;
    let paths = written
        .iter()
        .map(|it| placeholders.path(kind, it))
        .collect::<Result<Vec<_>, _>>()?;
    check_paths(kind, &paths)?;
    Ok(Projection::new(paths))
}

impl Projection {
    /// Of paths that do not overlap (of two that do, the later one wins).
    pub fn new(paths: Vec<Path>) -> Self {
        let mut top = BTreeMap::new();
        for path in &paths {
            let branch = top
                .entry(path.head().to_owned())
                .or_insert_with(|| Branch::start(path.rest()));
            branch.insert(path.rest());
        }
        Self { paths, top }
    }

    /// As written.
    pub fn paths(&self) -> &[Path] {
        &self.paths
    }

    /// The wanted parts that exist; lists close up in the order of their indexes.
    pub fn apply(&self, item: &Item) -> Item {
        self.top
            .iter()
            .filter_map(|(name, branch)| Some((name.clone(), branch.pick(item.get(name)?)?)))
            .collect()
    }
}

impl Branch {
    fn start(rest: &[Element]) -> Self {
        match rest.first() {
            None => Self::Whole,
            Some(Element::Name(_)) => Self::Names(BTreeMap::new()),
            Some(Element::Index(_)) => Self::Indexes(BTreeMap::new()),
        }
    }

    fn insert(&mut self, rest: &[Element]) {
        let Some((first, rest)) = rest.split_first() else {
            *self = Self::Whole;
            return;
        };
        let below = match (&mut *self, first) {
            (Self::Names(names), Element::Name(name)) => names
                .entry(name.clone())
                .or_insert_with(|| Self::start(rest)),
            (Self::Indexes(indexes), Element::Index(index)) => {
                indexes.entry(*index).or_insert_with(|| Self::start(rest))
            }
            _ => return,
        };
        below.insert(rest);
    }

    fn pick(&self, from: &Attribute) -> Option<Attribute> {
        match (self, from) {
            (Self::Whole, from) => Some(from.clone()),
            (Self::Names(names), Attribute::M(map)) => {
                let picked: Item = names
                    .iter()
                    .filter_map(|(name, it)| Some((name.clone(), it.pick(map.get(name)?)?)))
                    .collect();
                (!picked.is_empty()).then_some(Attribute::M(picked))
            }
            (Self::Indexes(indexes), Attribute::L(list)) => {
                let picked: Vec<Attribute> = indexes
                    .iter()
                    .filter_map(|(index, it)| it.pick(list.get(*index)?))
                    .collect();
                (!picked.is_empty()).then_some(Attribute::L(picked))
            }
            _ => None,
        }
    }
}

/// Refuses paths of which one contains another, then paths that take one thing for a map and for a list.
pub(in crate::engine::dynamodb) fn check_paths(
    kind: &'static str,
    paths: &[Path],
) -> Result<(), Fault> {
    for relation in [Relation::Overlap, Relation::Conflict] {
        for (at, two) in paths.iter().enumerate() {
            let earlier = paths.iter().take(at);
            if let Some(one) = earlier.into_iter().find(|one| relate(one, two) == relation) {
                let verb = match relation {
                    Relation::Overlap => "overlap",
                    Relation::Conflict | Relation::Apart => "conflict",
                };
                return Err(invalid(
                    kind,
                    format_args!(
                        "Two document paths {verb} with each other; must remove or rewrite one of these paths; path one: {one}, path two: {two}"
                    ),
                ));
            }
        }
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Relation {
    /// Nothing in common, or only a beginning.
    Apart,
    Overlap,
    Conflict,
}

fn relate(one: &Path, two: &Path) -> Relation {
    if one.head() != two.head() {
        return Relation::Apart;
    }
    for pair in one.rest().iter().zip(two.rest()) {
        match pair {
            (Element::Name(left), Element::Name(right)) if left == right => (),
            (Element::Index(left), Element::Index(right)) if left == right => (),
            (Element::Name(_), Element::Index(_)) | (Element::Index(_), Element::Name(_)) => {
                return Relation::Conflict;
            }
            _ => return Relation::Apart,
        }
    }
    Relation::Overlap
}
