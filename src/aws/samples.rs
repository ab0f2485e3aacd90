//! Code and events to begin with, from `assets/`. Data only.

/// A function to begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Template {
    pub name: &'static str,
    /// One sentence.
    pub about: &'static str,
    /// `nodejs22.x`
    pub runtime: &'static str,
    pub handler: &'static str,
    /// Path in the package.
    pub path: &'static str,
    pub text: &'static str,
}

/// An event to test a function with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub name: &'static str,
    /// Indented JSON.
    pub text: &'static str,
}

/// The first one suits a trigger on any stream.
pub const TEMPLATES: &[Template] = &[
    Template {
        name: "Log each record",
        about: "Logs the id, the kind and the content of every change",
        runtime: "nodejs22.x",
        handler: "index.handler",
        path: "index.js",
        text: include_str!("../../assets/handlers/process-records.js"),
    },
    Template {
        name: "Log each record (Python)",
        about: "Logs the id, the kind and the content of every change",
        runtime: "python3.13",
        handler: "lambda_function.handler",
        path: "lambda_function.py",
        text: include_str!("../../assets/handlers/process-records.py"),
    },
    Template {
        name: "Report failed records",
        about: "Reports the first record that fails, so that only the rest is tried again",
        runtime: "nodejs22.x",
        handler: "index.handler",
        path: "index.mjs",
        text: include_str!("../../assets/handlers/report-failures.mjs"),
    },
    Template {
        name: "Count over a window",
        about: "Carries a count through a tumbling window",
        runtime: "nodejs22.x",
        handler: "index.handler",
        path: "index.mjs",
        text: include_str!("../../assets/handlers/count-window.mjs"),
    },
    Template {
        name: "Blank",
        about: "Answers with its event",
        runtime: "nodejs22.x",
        handler: "index.handler",
        path: "index.mjs",
        text: include_str!("../../assets/handlers/blank.mjs"),
    },
];

/// The first one holds an insert, a modify and a remove.
pub const EVENTS: &[Event] = &[
    Event {
        name: "DynamoDB update",
        text: include_str!("../../assets/events/dynamodb-update.json"),
    },
    Event {
        name: "Empty",
        text: "{}\n",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_json_and_the_first_has_three_records() {
        let parsed: Vec<serde_json::Value> = EVENTS
            .iter()
            .map(|it| serde_json::from_str(it.text).unwrap())
            .collect();
        let names: Vec<_> = parsed[0]["Records"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["eventName"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["INSERT", "MODIFY", "REMOVE"]);
    }

    #[test]
    fn every_template_names_a_handler_in_its_file() {
        for template in TEMPLATES {
            let (module, function) = template.handler.split_once('.').unwrap();
            assert!(template.path.starts_with(module), "{}", template.name);
            assert!(template.text.contains(function), "{}", template.name);
        }
    }
}
