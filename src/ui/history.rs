//! Where the user has been: back and forward, as in a browser.

use super::cx::Route;

/// Longest way back.
const STEPS_MAX: usize = 100;

/// A line of routes and a place in it.
#[derive(Debug, Default)]
pub(super) struct History {
    line: Vec<Route>,
    /// Index of the current route; meaningless while the line is empty.
    at: usize,
}

impl History {
    pub(super) fn current(&self) -> Option<&Route> {
        self.line.get(self.at)
    }

    /// Goes to a new place; the way forward is forgotten. What is done at the place one is at leads nowhere else.
    pub(super) fn push(&mut self, route: Route) {
        if let Some(current) = self.line.get_mut(self.at)
            && current.place() == route.place()
        {
            *current = route;
            return;
        }
        self.line.truncate(self.at + 1);
        self.line.push(route);
        if self.line.len() > STEPS_MAX {
            self.line.remove(0);
        }
        self.at = self.line.len() - 1;
    }

    pub(super) fn back(&mut self) -> Option<Route> {
        self.at = self.at.checked_sub(1)?;
        self.current().map(Route::place)
    }

    pub(super) fn forward(&mut self) -> Option<Route> {
        self.line.get(self.at + 1)?;
        self.at += 1;
        self.current().map(Route::place)
    }

    pub(super) fn can_go_back(&self) -> bool {
        self.at > 0
    }

    pub(super) fn can_go_forward(&self) -> bool {
        self.at + 1 < self.line.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_somewhere_after_going_back_forgets_the_way_forward() {
        let mut history = History::default();
        for route in [Route::Overview, Route::Tables, Route::Roles] {
            history.push(route);
        }
        assert_eq!(history.back(), Some(Route::Tables));
        assert_eq!(history.forward(), Some(Route::Roles));
        assert_eq!(history.forward(), None);
        history.back();
        history.push(Route::Logs);
        assert!(!history.can_go_forward());
        assert_eq!(history.back(), Some(Route::Tables));
        assert_eq!(history.back(), Some(Route::Overview));
        assert_eq!(history.back(), None);
    }

    #[test]
    fn the_same_place_twice_is_one_step() {
        let mut history = History::default();
        history.push(Route::Tables);
        history.push(Route::Tables);
        assert!(!history.can_go_back());
    }
}
