//! The engine as the SDK's HTTP client: door 1, no socket. Knows no service.
