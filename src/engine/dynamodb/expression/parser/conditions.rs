//! The grammar of conditions: precedence by a stack, so that parentheses and `NOT` cost no recursion.

use super::super::lexer::Kind;
use super::super::syntax::{Condition, Leaf, Operand, Operator};
use super::{COMPARATORS, Parser};
use crate::engine::call::Fault;

/// What waits on the stack for the condition to its right.
enum Pending<'t> {
    Open,
    Not,
    And(Condition<'t>),
    Or(Condition<'t>),
}

impl<'t> Parser<'t> {
    pub(super) fn condition(&mut self) -> Result<Condition<'t>, Fault> {
        let mut stack = Vec::new();
        loop {
            if self.take_word("NOT") {
                stack.push(Pending::Not);
                continue;
            }
            if self.take_symbol("(") {
                stack.push(Pending::Open);
                continue;
            }
            let leaf = self.leaf(&mut stack)?;
            if let Some(whole) = self.after_condition(Condition::Leaf(leaf), &mut stack)? {
                return Ok(whole);
            }
        }
    }

    /// A comparison or a call; parentheses that turn out to hold only its first operand leave the stack.
    fn leaf(&mut self, stack: &mut Vec<Pending<'t>>) -> Result<Leaf<'t>, Fault> {
        let mut first = self.bare_operand()?;
        loop {
            let token = self.token();
            if let Some(comparator) = COMPARATORS.iter().find(|it| token.is_symbol(it)) {
                self.next();
                let operands = vec![first, self.operand()?];
                let operator = Operator::Comparator(comparator);
                return Ok(Leaf { operator, operands });
            }
            if self.take_word("BETWEEN") {
                let low = self.operand()?;
                if !self.take_word("AND") {
                    return Err(self.error());
                }
                return Ok(Leaf {
                    operator: Operator::Between,
                    operands: vec![first, low, self.operand()?],
                });
            }
            if self.take_word("IN") {
                self.expect_symbol("(")?;
                let mut operands = vec![first];
                operands.extend(self.list(Self::operand)?);
                self.expect_symbol(")")?;
                return Ok(Leaf {
                    operator: Operator::In,
                    operands,
                });
            }
            if token.is_symbol(")") && matches!(stack.last(), Some(Pending::Open)) {
                stack.pop();
                self.next();
                self.grouped_path_tail(&mut first)?;
                continue;
            }
            return match first {
                Operand::Call(call) => Ok(Leaf {
                    operator: Operator::Function(call.name),
                    operands: call.operands,
                }),
                Operand::Path(_) | Operand::Value(_) => Err(self.error()),
            };
        }
    }

    /// Joins a finished condition with what waits for it. Gives the whole at the end of the text.
    fn after_condition(
        &mut self,
        mut condition: Condition<'t>,
        stack: &mut Vec<Pending<'t>>,
    ) -> Result<Option<Condition<'t>>, Fault> {
        loop {
            while matches!(stack.last(), Some(Pending::Not)) {
                stack.pop();
                condition = Condition::Not(Box::new(condition));
            }
            if self.take_word("AND") {
                condition = join_and(condition, stack);
                stack.push(Pending::And(condition));
                return Ok(None);
            }
            if self.take_word("OR") {
                condition = join_or(join_and(condition, stack), stack);
                stack.push(Pending::Or(condition));
                return Ok(None);
            }
            condition = join_or(join_and(condition, stack), stack);
            if self.token().is_symbol(")") && matches!(stack.last(), Some(Pending::Open)) {
                stack.pop();
                self.next();
            } else if self.token().kind == Kind::End && stack.is_empty() {
                return Ok(Some(condition));
            } else {
                return Err(self.error());
            }
        }
    }
}

fn join_and<'t>(right: Condition<'t>, stack: &mut Vec<Pending<'t>>) -> Condition<'t> {
    match stack.pop() {
        Some(Pending::And(left)) => Condition::And(join(left, right, |it| match it {
            Condition::And(all) => Ok(all),
            other => Err(other),
        })),
        other => {
            stack.extend(other);
            right
        }
    }
}

fn join_or<'t>(right: Condition<'t>, stack: &mut Vec<Pending<'t>>) -> Condition<'t> {
    match stack.pop() {
        Some(Pending::Or(left)) => Condition::Or(join(left, right, |it| match it {
            Condition::Or(all) => Ok(all),
            other => Err(other),
        })),
        other => {
            stack.extend(other);
            right
        }
    }
}

/// Both sides in one list, so that a long chain makes no deep tree.
fn join<'t>(
    left: Condition<'t>,
    right: Condition<'t>,
    open: fn(Condition<'t>) -> Result<Vec<Condition<'t>>, Condition<'t>>,
) -> Vec<Condition<'t>> {
    let mut all = open(left).unwrap_or_else(|one| vec![one]);
    match open(right) {
        Ok(more) => all.extend(more),
        Err(one) => all.push(one),
    }
    all
}
