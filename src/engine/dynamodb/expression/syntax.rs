//! What an expression says before its placeholders are looked up and its meaning is checked. Data only.

/// One step of a document path as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step<'t> {
    /// A name written out; may be a reserved word.
    Word(&'t str),
    /// `#name`.
    Placeholder(&'t str),
    /// Digits; may be out of range.
    Index(&'t str),
}

/// `a.#b[3]`: never empty, never starts with an index.
pub(super) type Path<'t> = Vec<Step<'t>>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Operand<'t> {
    Path(Path<'t>),
    /// `:value`.
    Value(&'t str),
    Call(Call<'t>),
}

/// A function and its operands, known or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Call<'t> {
    pub(super) name: &'t str,
    pub(super) operands: Vec<Operand<'t>>,
}

/// What a leaf of a condition does with its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator<'t> {
    /// `=`, `<>`, `<`, `<=`, `>`, `>=`.
    Comparator(&'t str),
    Between,
    In,
    Function(&'t str),
}

impl<'t> Operator<'t> {
    /// As AWS names it in errors.
    pub(super) fn name(self) -> &'t str {
        match self {
            Self::Comparator(name) | Self::Function(name) => name,
            Self::Between => "BETWEEN",
            Self::In => "IN",
        }
    }
}

/// A comparison or a function that is true or false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf<'t> {
    pub(super) operator: Operator<'t>,
    pub(super) operands: Vec<Operand<'t>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition<'t> {
    Leaf(Leaf<'t>),
    Not(Box<Self>),
    /// Two or more.
    And(Vec<Self>),
    /// Two or more.
    Or(Vec<Self>),
}

impl<'t> Condition<'t> {
    /// The leaves from left to right.
    pub(super) fn leaves(&self) -> Vec<&Leaf<'t>> {
        match self {
            Self::Leaf(leaf) => vec![leaf],
            Self::Not(inner) => inner.leaves(),
            Self::And(all) | Self::Or(all) => all.iter().flat_map(Self::leaves).collect(),
        }
    }
}

/// The clause an action of an update stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Section {
    Set,
    Remove,
    Add,
    Delete,
}

impl Section {
    pub(super) const ALL: [Self; 4] = [Self::Set, Self::Remove, Self::Add, Self::Delete];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Set => "SET",
            Self::Remove => "REMOVE",
            Self::Add => "ADD",
            Self::Delete => "DELETE",
        }
    }
}

/// The right-hand side of a `SET`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source<'t> {
    Operand(Operand<'t>),
    Plus(Operand<'t>, Operand<'t>),
    Minus(Operand<'t>, Operand<'t>),
}

impl<'t> Source<'t> {
    pub(super) fn operands(&self) -> Vec<&Operand<'t>> {
        match self {
            Self::Operand(one) => vec![one],
            Self::Plus(left, right) | Self::Minus(left, right) => vec![left, right],
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action<'t> {
    Set(Path<'t>, Source<'t>),
    Remove(Path<'t>),
    /// `ADD path :value`.
    Add(Path<'t>, &'t str),
    /// `DELETE path :value`.
    Delete(Path<'t>, &'t str),
}

impl<'t> Action<'t> {
    /// What it changes.
    pub(super) fn path(&self) -> &Path<'t> {
        match self {
            Self::Set(path, _)
            | Self::Remove(path)
            | Self::Add(path, _)
            | Self::Delete(path, _) => path,
        }
    }

    /// What it reads on its right-hand side.
    pub(super) fn operands(&self) -> Vec<&Operand<'t>> {
        match self {
            Self::Set(_, source) => source.operands(),
            Self::Remove(_) | Self::Add(..) | Self::Delete(..) => Vec::new(),
        }
    }
}

/// An update expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Update<'t> {
    /// As written; may name one twice.
    pub(super) sections: Vec<Section>,
    pub(super) actions: Vec<Action<'t>>,
}

/// Calls `look` for every operand, arguments before the call they belong to.
pub(super) fn walk<'a, 't, E>(
    operand: &'a Operand<'t>,
    look: &mut impl FnMut(&'a Operand<'t>) -> Result<(), E>,
) -> Result<(), E> {
    if let Operand::Call(call) = operand {
        for inner in &call.operands {
            walk(inner, look)?;
        }
    }
    look(operand)
}
