//! The grammar of updates.

use super::super::lexer::Kind;
use super::super::syntax::{Action, Operand, Section, Source, Update};
use super::Parser;
use crate::engine::call::Fault;

impl<'t> Parser<'t> {
    pub(super) fn update(&mut self) -> Result<Update<'t>, Fault> {
        let mut update = Update {
            sections: Vec::new(),
            actions: Vec::new(),
        };
        while self.token().kind != Kind::End {
            let Some(section) = Section::ALL
                .into_iter()
                .find(|it| self.take_word(it.name()))
            else {
                return Err(self.error());
            };
            update.sections.push(section);
            update.actions.extend(self.list(|it| it.action(section))?);
        }
        Ok(update)
    }

    fn action(&mut self, section: Section) -> Result<Action<'t>, Fault> {
        let path = self.path()?;
        Ok(match section {
            Section::Set => {
                self.expect_symbol("=")?;
                Action::Set(path, self.source()?)
            }
            Section::Remove => Action::Remove(path),
            Section::Add => Action::Add(path, self.value()?),
            Section::Delete => Action::Delete(path, self.value()?),
        })
    }

    fn value(&mut self) -> Result<&'t str, Fault> {
        if self.token().kind == Kind::Value {
            Ok(self.next().text)
        } else {
            Err(self.error())
        }
    }

    /// `operand`, `operand + operand` or either in parentheses.
    fn source(&mut self) -> Result<Source<'t>, Fault> {
        if !self.take_symbol("(") {
            let left = self.operand()?;
            return self.sum(left);
        }
        let left = self.operand()?;
        let inner = self.sum(left)?;
        self.expect_symbol(")")?;
        match inner {
            Source::Operand(left) => self.sum(left),
            whole => Ok(whole),
        }
    }

    fn sum(&mut self, left: Operand<'t>) -> Result<Source<'t>, Fault> {
        Ok(if self.take_symbol("+") {
            Source::Plus(left, self.operand()?)
        } else if self.take_symbol("-") {
            Source::Minus(left, self.operand()?)
        } else {
            Source::Operand(left)
        })
    }
}
