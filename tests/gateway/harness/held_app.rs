//! An app in the test's own hands: it answers when the test says so, with the test's own bytes.

use tokio::net::{TcpListener, TcpStream};

use super::raw_upstream::read_head;
use super::route::Listens;

pub(crate) struct HeldApp {
    url: String,
    listener: TcpListener,
}

impl HeldApp {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { url, listener }
    }

    /// Waits for a request on a new connection, and reads its head.
    pub(crate) async fn asked(&self) -> TcpStream {
        let (mut socket, _) = self.listener.accept().await.unwrap();
        read_head(&mut socket).await.expect("the head of a request");
        socket
    }
}

impl Listens for HeldApp {
    fn url(&self) -> String {
        self.url.clone()
    }
}
