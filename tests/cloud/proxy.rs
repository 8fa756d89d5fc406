//! A server between client and store that turns requests down.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// Passes requests on, but for those that it was told to turn down. Ends with the process.
pub struct Proxy {
    pub endpoint: String,
    heard: Arc<Mutex<Vec<String>>>,
}

/// Answered with 503: so many, of those that are meant by their first line.
#[derive(Clone, Copy)]
pub struct TurnedDown {
    pub is_meant: fn(&str) -> bool,
    pub times: usize,
}

impl Proxy {
    /// In front of `server`, a host and a port.
    #[expect(clippy::disallowed_methods, reason = "a server; what it answers does not depend on its threads")]
    pub fn before(server: String, turned_down: TurnedDown) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::<Mutex<Vec<String>>>::default();
        let proxy = Self { endpoint, heard: Arc::clone(&heard) };
        thread::spawn(move || {
            for client in listener.incoming() {
                let (server, heard) = (server.clone(), Arc::clone(&heard));
                // A client that hangs up in the middle is no matter of the test.
                thread::spawn(move || serve(client?, &server, &heard, turned_down));
            }
        });
        proxy
    }

    /// How many requests with this in their first line have come.
    pub fn heard(&self, part: &str) -> usize {
        self.heard.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }
}

/// One request, one connection: it is said to be the last one.
fn serve(
    mut client: TcpStream,
    server: &str,
    heard: &Mutex<Vec<String>>,
    turned_down: TurnedDown,
) -> io::Result<()> {
    let mut from_client = BufReader::new(client.try_clone()?);
    let (mut head, mut body_bytes) = (Vec::new(), 0);
    loop {
        let mut line = String::new();
        from_client.read_line(&mut line)?;
        if let Some(length) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            body_bytes = length.trim().parse().map_err(io::Error::other)?;
        }
        if line.trim().is_empty() {
            break;
        }
        if !line.to_ascii_lowercase().starts_with("connection:") {
            head.push(line);
        }
    }
    let mut body = vec![0; body_bytes];
    from_client.read_exact(&mut body)?;

    let first = head.first().cloned().unwrap_or_default();
    let meant = {
        let mut heard = heard.lock().unwrap();
        heard.push(first.clone());
        heard.iter().filter(|line| (turned_down.is_meant)(line)).count()
    };
    if (turned_down.is_meant)(&first) && meant <= turned_down.times {
        return client.write_all(b"HTTP/1.1 503 Slow Down\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    }
    let mut server = TcpStream::connect(server)?;
    server.write_all(head.concat().as_bytes())?;
    server.write_all(b"connection: close\r\n\r\n")?;
    server.write_all(&body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    client.write_all(&answer)
}
