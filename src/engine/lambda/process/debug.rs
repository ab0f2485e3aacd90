//! A debugger for one function: how its interpreter is told, and whether one is attached.

use std::ffi::OsString;
use std::str::FromStr;

/// Which function listens for a debugger, and where on 127.0.0.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debug {
    pub function: String,
    pub port: u16,
}

/// Where debuggers of Node look first; those of Python are told.
const PORT: u16 = 9229;

impl FromStr for Debug {
    type Err = String;

    /// `NAME` or `NAME:PORT`; 9229 unless said otherwise.
    fn from_str(text: &str) -> Result<Self, String> {
        let (function, port) = match text.rsplit_once(':') {
            None => (text, PORT),
            Some((function, port)) => {
                let port = port.parse().ok().filter(|port| *port > 0);
                (function, port.ok_or("the port is not from 1 to 65535")?)
            }
        };
        if function.is_empty() {
            return Err("there is no name of a function".to_owned());
        }
        Ok(Self {
            function: function.to_owned(),
            port,
        })
    }
}

impl Debug {
    /// What Node is told.
    pub(super) fn node(&self) -> OsString {
        format!("--inspect=127.0.0.1:{}", self.port).into()
    }

    /// What Python is told before its program; it needs the module debugpy.
    pub(super) fn python(&self) -> [OsString; 6] {
        let address = format!("127.0.0.1:{}", self.port);
        [
            "-X",
            "frozen_modules=off",
            "-m",
            "debugpy",
            "--listen",
            &address,
        ]
        .map(OsString::from)
    }

    /// Whether a debugger is attached: nothing takes too long then. Where the system does not tell, one always is.
    #[cfg(target_os = "linux")]
    pub(super) fn is_attached(&self) -> bool {
        let connections = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
        has_connection(&connections, self.port)
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn is_attached(&self) -> bool {
        true
    }
}

/// Lines of `/proc/net/tcp`: number, own address, other address, state in hexadecimal.
#[cfg(target_os = "linux")]
fn has_connection(connections: &str, port: u16) -> bool {
    const ESTABLISHED: &str = "01";
    let own = format!("0100007F:{port:04X}");
    connections.lines().any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        fields.next() == Some(&own) && fields.nth(1) == Some(ESTABLISHED)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_is_named_with_or_without_a_port() {
        let parsed = |text: &str| text.parse::<Debug>().map(|it| (it.function, it.port));
        assert_eq!(parsed("f"), Ok(("f".to_owned(), 9229)));
        assert_eq!(parsed("f:5678"), Ok(("f".to_owned(), 5678)));
        for wrong in ["", ":1", "f:0", "f:x", "f:99999"] {
            assert!(parsed(wrong).is_err(), "{wrong}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn only_a_connection_counts_as_a_debugger() {
        let listens = "   0: 0100007F:240D 00000000:0000 0A 00000000:00000000";
        let connected = "   1: 0100007F:240D 0100007F:C000 01 00000000:00000000";
        let other = "   2: 0100007F:C000 0100007F:240D 01 00000000:00000000";
        assert!(!has_connection(&[listens, other].join("\n"), 9229));
        assert!(has_connection(
            &[listens, other, connected].join("\n"),
            9229
        ));
    }
}
