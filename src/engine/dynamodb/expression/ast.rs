//! Document paths: the part of the tree that conditions, updates and projections share.

use std::fmt;

use crate::engine::dynamodb::value::{Attribute, Item};

/// One step of a document path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// Into a map.
    Name(String),
    /// Into a list.
    Index(usize),
}

/// `a.b[3]`: a top-level attribute and the way down from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    head: String,
    rest: Vec<Element>,
}

impl Path {
    /// A whole top-level attribute.
    pub fn top(name: impl Into<String>) -> Self {
        Self {
            head: name.into(),
            rest: Vec::new(),
        }
    }

    /// The parsers' paths always start with a name.
    pub(in crate::engine::dynamodb) fn from_elements(mut elements: Vec<Element>) -> Self {
        let rest = elements.split_off(elements.len().min(1));
        let head = match elements.pop() {
            Some(Element::Name(name)) => name,
            Some(Element::Index(_)) | None => String::new(),
        };
        Self { head, rest }
    }

    /// The top-level attribute.
    pub fn head(&self) -> &str {
        &self.head
    }

    /// The way down from the top-level attribute; empty for the attribute itself.
    pub fn rest(&self) -> &[Element] {
        &self.rest
    }

    pub fn is_nested(&self) -> bool {
        !self.rest.is_empty()
    }

    /// What stands there, if anything does.
    pub fn find<'a>(&self, item: &'a Item) -> Option<&'a Attribute> {
        let top = item.get(&self.head)?;
        self.rest.iter().try_fold(top, step)
    }

    /// The map or list that holds (or would hold) its last element; `None` when there is none of the right kind.
    /// A top-level attribute has no parent and gives `None`.
    pub(super) fn find_parent_mut<'a>(&self, item: &'a mut Item) -> Option<&'a mut Attribute> {
        let (last, before) = self.rest.split_last()?;
        let top = item.get_mut(&self.head)?;
        let parent = before.iter().try_fold(top, step_mut)?;
        match (&*parent, last) {
            (Attribute::M(_), Element::Name(_)) | (Attribute::L(_), Element::Index(_)) => {
                Some(parent)
            }
            _ => None,
        }
    }
}

/// `[a, b, [3]]`, as errors print it.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}", self.head)?;
        for element in &self.rest {
            match element {
                Element::Name(name) => write!(f, ", {name}")?,
                Element::Index(index) => write!(f, ", [{index}]")?,
            }
        }
        f.write_str("]")
    }
}

fn step<'a>(from: &'a Attribute, element: &Element) -> Option<&'a Attribute> {
    match (from, element) {
        (Attribute::M(map), Element::Name(name)) => map.get(name),
        (Attribute::L(list), Element::Index(index)) => list.get(*index),
        _ => None,
    }
}

fn step_mut<'a>(from: &'a mut Attribute, element: &Element) -> Option<&'a mut Attribute> {
    match (from, element) {
        (Attribute::M(map), Element::Name(name)) => map.get_mut(name),
        (Attribute::L(list), Element::Index(index)) => list.get_mut(*index),
        _ => None,
    }
}
