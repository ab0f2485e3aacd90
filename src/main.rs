//! The command line: a window, or `serve`.

use std::io::Write as _;
use std::process::ExitCode;

use lexopt::prelude::*;
use waterwheel::clock::Clock;
use waterwheel::engine::{Options, server};

const HELP: &str = "\
Waterwheel: DynamoDB tables, their streams and the functions they trigger

  waterwheel                                    open the window
  waterwheel serve [--port N] [--data FOLDER]   a simulated AWS on http://127.0.0.1:N, 8700 unless said otherwise,
                                                kept in FOLDER, or forgotten at the end
  waterwheel --help | --version
";

fn main() -> ExitCode {
    let Err(error) = run() else {
        return ExitCode::SUCCESS;
    };
    let misused = error.is::<lexopt::Error>();
    writeln!(std::io::stderr(), "waterwheel: {error}").ok();
    ExitCode::from(1 + u8::from(misused))
}

fn run() -> anyhow::Result<()> {
    let mut arguments = lexopt::Parser::from_env();
    let (mut serves, mut port, mut data) = (false, server::PORT, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Short('h') | Long("help") => return say(HELP),
            Short('V') | Long("version") => {
                return say(concat!("waterwheel ", env!("CARGO_PKG_VERSION"), "\n"));
            }
            Value(word) if word == "serve" && !serves => serves = true,
            Long("port") if serves => port = arguments.value()?.parse()?,
            Long("data") if serves => data = Some(arguments.value()?.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    if !serves {
        return waterwheel::ui::run().map_err(anyhow::Error::msg);
    }
    let listening = |endpoint: &str| {
        say(&format!("waterwheel listening on {endpoint}\n")).ok();
    };
    tokio::runtime::Runtime::new()?.block_on(async {
        let mut options = Options::temporary(Clock::real());
        options.folder = data;
        Ok(server::serve(options, port, listening).await?)
    })
}

fn say(text: &str) -> anyhow::Result<()> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
