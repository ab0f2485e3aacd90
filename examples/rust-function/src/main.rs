//! Logs every change that a DynamoDB stream brings. `cargo build --release` makes the `bootstrap` of a package for
//! `provided.al2023`. With the variable `QUIET` it logs nothing.

use aws_lambda_events::event::dynamodb::Event;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}

async fn handle(event: LambdaEvent<Event>) -> Result<usize, Error> {
    let is_quiet = std::env::var_os("QUIET").is_some();
    for record in event.payload.records.iter().filter(|_| !is_quiet) {
        println!("{}", record.event_id);
        println!("{}", record.event_name);
        println!("DynamoDB Record: {:?}", record.change);
    }
    Ok(event.payload.records.len())
}
