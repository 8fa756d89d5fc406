//! HTTP: a few addresses, answered one after the other. Nothing is kept between requests; a path is in
//! the address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, anyhow};
use tiny_http::{Header, Method, Request, Response};

use super::address;
use super::view::View;
use crate::Verdict;

/// A server that listens.
pub(super) struct Server {
    http: tiny_http::Server,
    address: SocketAddr,
}

/// An answer: its type, what it is to be saved as, and its bytes.
type Answer = (&'static str, Option<&'static str>, Vec<u8>);

impl Server {
    /// # Errors
    ///
    /// If the address is taken, or is not one of this machine's.
    pub(super) fn bind(address: SocketAddr) -> anyhow::Result<Self> {
        let http = tiny_http::Server::from_listener(address::listen(address)?, None)
            .map_err(|error| anyhow!("{error}").context(format!("cannot listen at {address}")))?;
        let address = http.server_addr().to_ip().context("the server listens at no address")?;
        Ok(Self { http, address })
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until the process ends.
    #[allow(clippy::disallowed_methods)] // It lives as long as the process.
    pub(super) fn serve(self, view: Arc<View>) -> anyhow::Result<Verdict> {
        let surveyor = Arc::clone(&view);
        thread::spawn(move || surveyor.survey());
        loop {
            let request = self.http.recv().context("cannot listen any more")?;
            respond(request, &view, self.address);
        }
    }
}

fn respond(request: Request, view: &View, address: SocketAddr) {
    // A page of somebody else may not talk to us by a name of its own for this machine.
    let host = request.headers().iter().find(|header| header.field.equiv("Host"));
    let known = host.is_none_or(|host| {
        let name = host.value.as_str();
        !address.ip().is_loopback()
            || name == address.to_string()
            || name == format!("localhost:{}", address.port())
    });
    let answer = if known && *request.method() == Method::Get { answer(request.url(), view) } else { None };
    let (status, (kind, name, bytes)) = match answer {
        Some(Ok(answer)) => (200, answer),
        Some(Err(error)) => (404, ("text/plain; charset=utf-8", None, format!("{error:#}").into_bytes())),
        None => (404, ("text/plain; charset=utf-8", None, b"there is nothing here".to_vec())),
    };
    let mut response = Response::from_data(bytes).with_status_code(status);
    let headers = [
        Some(("Content-Type", kind.to_owned())),
        Some(("Cache-Control", "no-store".to_owned())),
        name.map(|name| ("Content-Disposition", format!("attachment; filename=\"{name}\""))),
    ];
    for (field, value) in headers.into_iter().flatten() {
        if let Ok(header) = Header::from_bytes(field, value) {
            response.add_header(header);
        }
    }
    // Whoever asked is gone.
    let _ = request.respond(response);
}

fn answer(url: &str, view: &View) -> Option<anyhow::Result<Answer>> {
    const JSON: &str = "application/json";
    let html = |page: String| Ok(("text/html; charset=utf-8", None, page.into_bytes()));
    if url == "/" {
        return Some(html(view.page()));
    }
    if url == "/survey" {
        return Some(view.progress().map(|json| (JSON, None, json)));
    }
    if let Some(positions) = url.strip_prefix("/path/") {
        let (positions, at) =
            positions.split_once("@").map_or((positions, None), |(path, at)| (path, Some(at)));
        return Some(view.path(positions, at).map(|json| (JSON, None, json)));
    }
    if let Some(positions) = url.strip_prefix("/save/") {
        return Some(view.save(positions).map(|json| (JSON, Some("path.json"), json)));
    }
    url.strip_prefix("/report/").map(|positions| view.report(positions).and_then(html))
}
