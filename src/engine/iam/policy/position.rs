//! Where the statements of a document stand in its text. Pure.

/// Line and column of the first and last character, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub start: (usize, usize),
    pub end: (usize, usize),
}

/// The spans of the statements of a document that has been parsed before, in their order.
pub fn statement_spans(document: &str) -> Vec<Span> {
    let mut walk = Walk::default();
    for next in document.chars() {
        walk.step(next);
    }
    walk.spans
}

/// A position in the text and how deep it is nested.
#[derive(Default)]
struct Walk {
    line: usize,
    column: usize,
    depth: usize,
    is_in_text: bool,
    is_escaped: bool,
    /// The text being read, or the last one read.
    text: String,
    /// The value of `Statement` is being read.
    is_in_statement: bool,
    start: Option<(usize, usize, usize)>,
    spans: Vec<Span>,
}

impl Walk {
    fn step(&mut self, next: char) {
        self.column += 1;
        if self.is_in_text {
            self.step_text(next);
        } else {
            self.step_structure(next);
        }
        if next == '\n' {
            self.line += 1;
            self.column = 0;
        }
    }

    fn step_text(&mut self, next: char) {
        match next {
            _ if self.is_escaped => self.is_escaped = false,
            '\\' => self.is_escaped = true,
            '"' => self.is_in_text = false,
            other => self.text.push(other),
        }
    }

    fn step_structure(&mut self, next: char) {
        let here = (self.line + 1, self.column);
        match next {
            '"' => {
                self.is_in_text = true;
                self.text.clear();
            }
            ':' if self.depth == 1 => self.is_in_statement = self.text == "Statement",
            ',' if self.depth == 1 => self.is_in_statement = false,
            '{' | '[' => {
                self.depth += 1;
                if next == '{' && self.is_in_statement && self.start.is_none() {
                    self.start = Some((here.0, here.1, self.depth));
                }
            }
            '}' | ']' => {
                if let Some((line, column, depth)) = self.start
                    && depth == self.depth
                {
                    self.start = None;
                    self.spans.push(Span {
                        start: (line, column),
                        end: here,
                    });
                }
                self.depth = self.depth.saturating_sub(1);
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_statement_has_its_place() {
        let text = "{\n  \"Id\": \"a{\\\"\",\n  \"Statement\": [\n    {\"Condition\": {\"a\": {}}},\n    {\n    }\n  ]\n}";
        let spans = statement_spans(text);
        assert_eq!(spans.len(), 2);
        assert_eq!((spans[0].start, spans[0].end), ((4, 5), (4, 28)));
        assert_eq!((spans[1].start, spans[1].end), ((5, 5), (6, 5)));
        let one = statement_spans(r#"{"Statement":{"Effect":"Allow"},"Version":"2012-10-17"}"#);
        assert_eq!(one.len(), 1);
        assert_eq!((one[0].start, one[0].end), ((1, 14), (1, 31)));
    }
}
