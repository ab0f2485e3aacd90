//! The one integration binary: what a user of the program or of an SDK would see.

mod port;
mod tidy;
mod wire;
