//! Which rows are chosen, by the rules of every list: click, Ctrl-click, Shift-click, arrows. Pure.

use std::collections::BTreeSet;

/// Chosen rows of one list, the row the keyboard is on, and where a Shift-range began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    rows: BTreeSet<u64>,
    cursor: Option<u64>,
    anchor: Option<u64>,
}

impl Selection {
    /// Exactly this row.
    pub fn one(row: u64) -> Self {
        let mut selection = Self::default();
        selection.set(row);
        selection
    }

    pub fn contains(&self, row: u64) -> bool {
        self.rows.contains(&row)
    }

    /// Chosen rows, ascending.
    pub fn rows(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.rows.iter().copied()
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The row the keyboard is on: details beside a list show this one.
    pub fn cursor(&self) -> Option<u64> {
        self.cursor
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Only this row.
    pub fn set(&mut self, row: u64) {
        self.rows = BTreeSet::from([row]);
        self.cursor = Some(row);
        self.anchor = Some(row);
    }

    /// In or out, the others stay.
    pub fn toggle(&mut self, row: u64) {
        if !self.rows.remove(&row) {
            self.rows.insert(row);
        }
        self.cursor = Some(row);
        self.anchor = Some(row);
    }

    /// Everything from where the range began to this row.
    pub fn extend_to(&mut self, row: u64) {
        let from = self.anchor.unwrap_or(row);
        self.rows = (from.min(row)..=from.max(row)).collect();
        self.cursor = Some(row);
        self.anchor = Some(from);
    }

    pub fn all(&mut self, total: u64) {
        self.rows = (0..total).collect();
        self.cursor = self.cursor.or_else(|| total.checked_sub(1));
        self.anchor = Some(0);
    }

    /// A click with these modifiers.
    pub fn click(&mut self, row: u64, modifiers: egui::Modifiers) {
        if modifiers.shift {
            self.extend_to(row);
        } else if modifiers.command {
            self.toggle(row);
        } else {
            self.set(row);
        }
    }

    /// Up or down by this many rows; the row it ends on.
    pub fn step(&mut self, by: i64, extend: bool, total: u64) -> Option<u64> {
        let last = total.checked_sub(1)?;
        let to = match self.cursor {
            None if by < 0 => last,
            None => 0,
            Some(at) => at.saturating_add_signed(by).min(last),
        };
        if extend {
            self.extend_to(to);
        } else {
            self.set(to);
        }
        Some(to)
    }

    /// The first `count` rows are gone: a ring dropped its oldest.
    pub fn drop_first(&mut self, count: u64) {
        let moved = |row: u64| row.checked_sub(count);
        self.rows = self.rows.iter().copied().filter_map(moved).collect();
        self.cursor = self.cursor.and_then(moved);
        self.anchor = self.anchor.and_then(moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::Modifiers;

    fn rows(selection: &Selection) -> Vec<u64> {
        selection.rows().collect()
    }

    #[test]
    fn shift_click_chooses_from_the_last_click_on_either_side() {
        let mut selection = Selection::default();
        selection.click(4, Modifiers::NONE);
        selection.click(6, Modifiers::SHIFT);
        assert_eq!(rows(&selection), [4, 5, 6]);
        selection.click(2, Modifiers::SHIFT);
        assert_eq!(rows(&selection), [2, 3, 4]);
    }

    #[test]
    fn control_click_adds_and_takes_away() {
        let mut selection = Selection::one(1);
        selection.click(3, Modifiers::COMMAND);
        selection.click(1, Modifiers::COMMAND);
        assert_eq!(rows(&selection), [3]);
    }

    #[test]
    fn arrows_stop_at_both_ends_and_start_at_the_near_one() {
        let mut selection = Selection::default();
        assert_eq!(selection.step(1, false, 3), Some(0));
        assert_eq!(selection.step(-1, false, 3), Some(0));
        assert_eq!(selection.step(9, false, 3), Some(2));
        assert_eq!(Selection::default().step(-1, false, 3), Some(2));
        assert_eq!(Selection::default().step(1, false, 0), None);
    }

    #[test]
    fn rows_keep_their_identity_when_a_ring_drops_its_oldest() {
        let mut selection = Selection::one(5);
        selection.extend_to(7);
        selection.drop_first(6);
        assert_eq!(rows(&selection), [0, 1]);
        assert_eq!(selection.cursor(), Some(1));
    }
}
