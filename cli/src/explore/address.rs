//! Where to listen.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use anyhow::{Context, anyhow};

/// An IP address or `localhost`, and a port.
///
/// # Errors
///
/// One line that says how an address is written.
pub(super) fn parse(text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => port.parse().ok().map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
        None => text.parse().ok(),
    };
    let example = match text.parse::<u16>() {
        Ok(port) => format!("127.0.0.1:{port}"),
        Err(_) => match text.parse::<IpAddr>() {
            Ok(ip) => SocketAddr::new(ip, 3000).to_string(),
            Err(_) => "127.0.0.1:3000".to_owned(),
        },
    };
    address.ok_or_else(|| format!("an address is an IP address and a port, such as {example}"))
}

/// Listens at `address`, before anything that takes time.
///
/// # Errors
///
/// One line that says what is in the way and what to do.
pub(super) fn listen(address: SocketAddr) -> anyhow::Result<TcpListener> {
    use std::io::ErrorKind;

    TcpListener::bind(address).map_err(|error| {
        let (ip, port) = (address.ip(), address.port());
        let what = match error.kind() {
            ErrorKind::AddrInUse => format!("port {port} of {ip} is in use"),
            ErrorKind::AddrNotAvailable => format!("{ip} is no address of this machine"),
            ErrorKind::PermissionDenied => format!("port {port} is not for everybody"),
            _ => return anyhow!(error).context(format!("cannot listen at {address}")),
        };
        let any = SocketAddr::new(
            if error.kind() == ErrorKind::AddrNotAvailable { Ipv4Addr::LOCALHOST.into() } else { ip },
            0,
        );
        anyhow!("{what}: choose another address with --addr, or any free port with --addr {any}")
    })
}

/// A free port: the one after `ours` if possible.
///
/// # Errors
///
/// If none is free.
pub(super) fn beside(ours: SocketAddr) -> anyhow::Result<SocketAddr> {
    let free =
        |port| TcpListener::bind(SocketAddr::new(ours.ip(), port)).and_then(|found| found.local_addr());
    let next = ours.port().checked_add(1).and_then(|port| free(port).ok());
    next.map_or_else(|| free(0), Ok).context("no port is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_none_are_answered_with_one_that_is() {
        for (text, expected) in [
            ("3001", "such as 127.0.0.1:3001"),
            ("0.0.0.0", "such as 0.0.0.0:3000"),
            ("::1", "such as [::1]:3000"),
            ("localhost", "such as 127.0.0.1:3000"),
            ("localhost:70000", "such as 127.0.0.1:3000"),
        ] {
            assert!(parse(text).unwrap_err().ends_with(expected), "{text}");
        }
        assert_eq!(parse("localhost:3001").unwrap().to_string(), "127.0.0.1:3001");
    }

    #[test]
    fn the_port_after_ours_is_passed_over_if_it_is_in_use() {
        let ours = listen("127.0.0.1:0".parse().unwrap()).unwrap().local_addr().unwrap();
        let Some(next) = ours.port().checked_add(1) else { return };
        let taken = TcpListener::bind(SocketAddr::new(ours.ip(), next));
        let beside = beside(ours).unwrap();
        assert!(taken.is_err() || beside.port() != next);
    }
}
