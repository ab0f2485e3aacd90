//! An attribute while it is being edited: what was typed, right or wrong. Pure.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Names and their values, in the order they are shown.
pub type Members = Vec<(String, Node)>;

/// A value with its type. Numbers and binaries are kept as typed, binaries in base64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    S(String),
    N(String),
    B(String),
    Bool(bool),
    Null,
    M(Members),
    L(Vec<Self>),
    Ss(Vec<String>),
    Ns(Vec<String>),
    Bs(Vec<String>),
}

/// The types of DynamoDB, in the order they are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Type {
    S,
    N,
    B,
    Bool,
    Null,
    M,
    L,
    Ss,
    Ns,
    Bs,
}

impl Type {
    pub const ALL: [Self; 10] = [
        Self::S,
        Self::N,
        Self::B,
        Self::Bool,
        Self::Null,
        Self::M,
        Self::L,
        Self::Ss,
        Self::Ns,
        Self::Bs,
    ];

    /// As DynamoDB writes it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::S => "S",
            Self::N => "N",
            Self::B => "B",
            Self::Bool => "BOOL",
            Self::Null => "NULL",
            Self::M => "M",
            Self::L => "L",
            Self::Ss => "SS",
            Self::Ns => "NS",
            Self::Bs => "BS",
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Self::S => "String",
            Self::N => "Number",
            Self::B => "Binary",
            Self::Bool => "Boolean",
            Self::Null => "Null",
            Self::M => "Map",
            Self::L => "List",
            Self::Ss => "String set",
            Self::Ns => "Number set",
            Self::Bs => "Binary set",
        }
    }

    /// The type of a set's elements.
    pub fn element(self) -> Option<Self> {
        match self {
            Self::Ss => Some(Self::S),
            Self::Ns => Some(Self::N),
            Self::Bs => Some(Self::B),
            _ => None,
        }
    }

    fn empty(self) -> Node {
        match self {
            Self::S => Node::S(String::new()),
            Self::N => Node::N("0".to_owned()),
            Self::B => Node::B(String::new()),
            Self::Bool => Node::Bool(false),
            Self::Null => Node::Null,
            Self::M => Node::M(Vec::new()),
            Self::L => Node::L(Vec::new()),
            Self::Ss => Node::Ss(vec![String::new()]),
            Self::Ns => Node::Ns(vec!["0".to_owned()]),
            Self::Bs => Node::Bs(vec![String::new()]),
        }
    }
}

impl Node {
    pub fn kind(&self) -> Type {
        match self {
            Self::S(_) => Type::S,
            Self::N(_) => Type::N,
            Self::B(_) => Type::B,
            Self::Bool(_) => Type::Bool,
            Self::Null => Type::Null,
            Self::M(_) => Type::M,
            Self::L(_) => Type::L,
            Self::Ss(_) => Type::Ss,
            Self::Ns(_) => Type::Ns,
            Self::Bs(_) => Type::Bs,
        }
    }

    /// Members or elements, where it has any.
    pub fn size(&self) -> Option<usize> {
        match self {
            Self::M(members) => Some(members.len()),
            Self::L(elements) => Some(elements.len()),
            Self::Ss(set) | Self::Ns(set) | Self::Bs(set) => Some(set.len()),
            _ => None,
        }
    }

    /// The same as another type, as far as that has a meaning; otherwise that type's empty value.
    #[must_use]
    pub fn retyped(self, to: Type) -> Self {
        if self.kind() == to {
            return self;
        }
        match (self, to) {
            (Self::S(text) | Self::B(text) | Self::N(text), Type::S) => Self::S(text),
            (Self::S(text), Type::N) if number_problem(text.trim()).is_none() => {
                Self::N(text.trim().to_owned())
            }
            (Self::S(text), Type::Bool) => Self::Bool(text == "true"),
            (Self::S(text), Type::B) => Self::B(STANDARD.encode(text)),
            (Self::Bool(flag), Type::S) => Self::S(flag.to_string()),
            (Self::M(members), Type::L) => Self::L(members.into_iter().map(|it| it.1).collect()),
            (Self::L(elements), Type::M) => {
                let numbered = elements.into_iter().enumerate();
                Self::M(numbered.map(|(nth, it)| (nth.to_string(), it)).collect())
            }
            (Self::Ss(set) | Self::Ns(set), Type::Ss) => Self::Ss(set),
            (Self::Ss(set), Type::Ns) if set.iter().all(|it| number_problem(it).is_none()) => {
                Self::Ns(set)
            }
            (Self::Ss(set), Type::L) => Self::L(set.into_iter().map(Self::S).collect()),
            (Self::Ns(set), Type::L) => Self::L(set.into_iter().map(Self::N).collect()),
            (Self::L(elements), Type::Ss | Type::Ns) if !elements.is_empty() => {
                set_of(elements, to)
            }
            (single @ (Self::S(_) | Self::N(_)), Type::L) => Self::L(vec![single]),
            (Self::S(text), Type::Ss) => Self::Ss(vec![text]),
            (Self::N(text), Type::Ns) => Self::Ns(vec![text]),
            (_, to) => to.empty(),
        }
    }
}

fn set_of(elements: Vec<Node>, to: Type) -> Node {
    let wanted = to.element().unwrap_or(Type::S);
    let mut set = Vec::new();
    for element in elements {
        match element.retyped(wanted) {
            Node::S(text) | Node::N(text) if !set.contains(&text) => set.push(text),
            _ => (),
        }
    }
    if to == Type::Ns {
        Node::Ns(set)
    } else {
        Node::Ss(set)
    }
}

/// What is wrong with a place in the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// `items[0].sku`
    pub path: String,
    pub message: String,
}

/// Everything that DynamoDB would refuse and that this tree can tell.
pub fn flaws(members: &Members) -> Vec<Flaw> {
    let mut found = Vec::new();
    members_flaws(members, "", &mut found);
    found
}

/// What is wrong with a binary as typed.
pub fn binary_problem(text: &str) -> Option<&'static str> {
    STANDARD
        .decode(text.trim())
        .is_err()
        .then_some("Not base64")
}

/// What is wrong with a number: DynamoDB keeps 38 digits between 1E-130 and 9.99…E+125.
pub fn number_problem(text: &str) -> Option<&'static str> {
    const DIGITS_MAX: usize = 38;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, 0),
        Some((mantissa, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) => (mantissa, exponent),
            Err(_) => return Some("Not a number"),
        },
    };
    let digits = mantissa.strip_prefix(['-', '+']).unwrap_or(mantissa);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|it| it.is_ascii_digit()) {
        return Some("Not a number");
    }
    let significant = all.trim_start_matches('0');
    if significant.is_empty() {
        return None;
    }
    if significant.trim_end_matches('0').len() > DIGITS_MAX {
        return Some("More than 38 digits");
    }
    // The power of ten of the first significant digit.
    let leading = all.len() - significant.len();
    let place = |it: usize| i32::try_from(it).unwrap_or(i32::MAX);
    let magnitude = place(whole.len()) - 1 - place(leading) + exponent;
    match magnitude {
        126.. => Some("Larger than 9.99E+125"),
        ..=-131 => Some("Smaller than 1E-130"),
        _ => None,
    }
}

/// `path.name`
pub fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

fn members_flaws(members: &Members, path: &str, found: &mut Vec<Flaw>) {
    for (nth, (name, node)) in members.iter().enumerate() {
        let here = join(path, name);
        let mut flaw = |message: &str| {
            found.push(Flaw {
                path: here.clone(),
                message: message.to_owned(),
            });
        };
        if name.is_empty() && path.is_empty() {
            flaw("An attribute needs a name");
        }
        if members[..nth].iter().any(|(other, _)| other == name) {
            flaw("Another attribute has this name");
        }
        node_flaws(node, &here, found);
    }
}

fn node_flaws(node: &Node, path: &str, found: &mut Vec<Flaw>) {
    let mut flaw = |message: &str| {
        found.push(Flaw {
            path: path.to_owned(),
            message: message.to_owned(),
        });
    };
    match node {
        Node::N(text) => {
            number_problem(text).map(&mut flaw);
        }
        Node::B(text) => {
            binary_problem(text).map(&mut flaw);
        }
        Node::M(members) => members_flaws(members, path, found),
        Node::L(elements) => {
            for (nth, element) in elements.iter().enumerate() {
                node_flaws(element, &format!("{path}[{nth}]"), found);
            }
        }
        Node::Ss(set) | Node::Ns(set) | Node::Bs(set) => {
            if set.is_empty() {
                flaw("A set needs at least one element");
            }
            for (nth, text) in set.iter().enumerate() {
                if set[..nth].contains(text) {
                    flaw("A set has every element once");
                }
                match node {
                    Node::Ns(_) => number_problem(text).map(&mut flaw),
                    Node::Bs(_) => binary_problem(text).map(&mut flaw),
                    _ => None,
                };
            }
        }
        Node::S(_) | Node::Bool(_) | Node::Null => (),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_38_digits_and_a_magnitude() {
        for fine in [
            "0",
            "-1.50",
            "1E-130",
            "9.9999999999999999999999999999999999999E+125",
            "100000000000000000000000000000000000000000",
            "0.00000",
            "+7",
        ] {
            assert_eq!(number_problem(fine), None, "{fine}");
        }
        for (text, why) in [
            ("", "Not a number"),
            ("1,5", "Not a number"),
            ("1e", "Not a number"),
            ("1E126", "Larger than 9.99E+125"),
            ("1E-131", "Smaller than 1E-130"),
            (
                "123456789012345678901234567890123456789",
                "More than 38 digits",
            ),
        ] {
            assert_eq!(number_problem(text), Some(why), "{text}");
        }
    }

    #[test]
    fn a_change_of_type_keeps_what_has_a_meaning() {
        let text = |it: &str| Node::S(it.to_owned());
        assert_eq!(text("12").retyped(Type::N), Node::N("12".to_owned()));
        assert_eq!(text("no").retyped(Type::N), Node::N("0".to_owned()));
        assert_eq!(Node::Bool(true).retyped(Type::S), text("true"));
        let list = Node::L(vec![text("a"), text("b"), text("a")]);
        let set = Node::Ss(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(list.retyped(Type::Ss), set);
        assert_eq!(set.retyped(Type::L), Node::L(vec![text("a"), text("b")]));
        let map = Node::M(vec![("x".to_owned(), Node::Null)]);
        assert_eq!(map.retyped(Type::L), Node::L(vec![Node::Null]));
    }

    #[test]
    fn flaws_name_their_place() {
        let members = vec![
            ("id".to_owned(), Node::S(String::new())),
            ("id".to_owned(), Node::Null),
            (
                "items".to_owned(),
                Node::L(vec![Node::M(vec![(
                    "qty".to_owned(),
                    Node::N("two".to_owned()),
                )])]),
            ),
            ("tags".to_owned(), Node::Ss(Vec::new())),
            ("photo".to_owned(), Node::B("?".to_owned())),
        ];
        let found: Vec<_> = flaws(&members)
            .into_iter()
            .map(|it| format!("{}: {}", it.path, it.message))
            .collect();
        assert_eq!(
            found,
            [
                "id: Another attribute has this name",
                "items[0].qty: Not a number",
                "tags: A set needs at least one element",
                "photo: Not base64",
            ]
        );
    }
}
