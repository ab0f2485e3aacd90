//! Statements as tables of cases, and at random.

mod random;
mod syntax;
