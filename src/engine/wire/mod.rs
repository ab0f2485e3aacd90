//! Which wire a request is on; one `Call` in, one answer out.
