//! The engine on a loopback port: door 2. The only listener but the Runtime API.
