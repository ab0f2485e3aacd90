//! The one integration binary: what a user of the program or of an SDK would see.

// Lints know tests by this attribute, and let them unwrap.
#[cfg(test)]
mod aliases;
#[cfg(test)]
mod away;
#[cfg(test)]
mod aws;
#[cfg(test)]
mod backups;
#[cfg(test)]
mod buckets;
#[cfg(test)]
mod capacity;
#[cfg(test)]
mod cases;
#[cfg(test)]
mod console;
#[cfg(test)]
mod contention;
#[cfg(test)]
mod control;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod delays;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod denied;
#[cfg(test)]
mod door;
#[cfg(test)]
mod driver;
#[cfg(test)]
mod folders_panel;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod gate;
#[cfg(test)]
mod hold_panel;
#[cfg(test)]
mod jumps;
#[cfg(test)]
mod key_attributes;
#[cfg(test)]
mod lab;
#[cfg(test)]
mod letters;
#[cfg(test)]
mod local_cloud;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod mappings;
#[cfg(test)]
mod metrics_tab;
#[cfg(test)]
mod model;
#[cfg(test)]
mod moving;
#[cfg(test)]
mod panels;
#[cfg(test)]
mod partiql;
#[cfg(test)]
mod permissions;
#[cfg(test)]
mod policy_kinds;
#[cfg(test)]
mod poller;
#[cfg(test)]
mod port;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod queues;
#[cfg(test)]
mod render;
#[cfg(test)]
mod restart;
#[cfg(test)]
mod roles;
#[cfg(test)]
mod roles_panel;
#[cfg(test)]
mod runtimes;
#[cfg(test)]
mod sdks;
#[cfg(test)]
mod shards;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod story;
#[cfg(test)]
mod stream_tab;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod table_changes;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod tables_panel;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod topic_refusals;
#[cfg(test)]
mod topics;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod trigger_flows;
#[cfg(test)]
mod trigger_roles;
#[cfg(test)]
mod trigger_rows;
#[cfg(test)]
mod ttl;
#[cfg(test)]
mod tutorial_ui;
#[cfg(test)]
mod unseen;
#[cfg(test)]
mod users;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod versions_panel;
#[cfg(test)]
mod walkthrough;
#[cfg(test)]
mod whatif;
#[cfg(test)]
mod whatif_page;
#[cfg(test)]
mod wire;
