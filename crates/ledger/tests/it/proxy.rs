//! A connection that goes wrong: what lies between a ledger and its server.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

/// What happens to what the server says.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    /// It is passed on.
    Pass,
    /// It is passed on late.
    Delay,
    /// It is thrown away, and the connection stays.
    Swallow,
    /// It ends the connection.
    Cut,
    /// No new connection is made, and those that are there end with the server's next word.
    Refuse,
}

pub(crate) struct Proxy {
    mode: Arc<AtomicU8>,
    pub(crate) port: u16,
}

/// How late [`Mode::Delay`] is.
const DELAY: Duration = Duration::from_millis(60);

impl Proxy {
    /// A proxy before the server at `host:port`. It lives as long as the test.
    pub(crate) fn before(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mode = Arc::new(AtomicU8::new(Mode::Pass as u8));
        let told = mode.clone();
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                if told.load(Ordering::SeqCst) == Mode::Refuse as u8 {
                    continue;
                }
                let server = TcpStream::connect(&*server).unwrap();
                let (up, down) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                thread::spawn(move || pump(up, down, None));
                let told = told.clone();
                thread::spawn(move || pump(server, client, Some(&told)));
            }
        });
        Self { mode, port }
    }

    pub(crate) fn set(&self, mode: Mode) {
        self.mode.store(mode as u8, Ordering::SeqCst);
    }
}

fn pump(mut from: TcpStream, mut to: TcpStream, mode: Option<&AtomicU8>) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count) = from.read(&mut buffer) {
        let mode = mode.map_or(Mode::Pass as u8, |mode| mode.load(Ordering::SeqCst));
        if count == 0 || mode == Mode::Cut as u8 || mode == Mode::Refuse as u8 {
            break;
        }
        if mode == Mode::Swallow as u8 {
            continue;
        }
        if mode == Mode::Delay as u8 {
            thread::sleep(DELAY);
        }
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
