//! The command line: a window, or `serve`.

fn main() -> anyhow::Result<()> {
    Ok(())
}
