//! A way to a server that can be cut so that neither end is told.

use askara_gate::store::redis::Address;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

pub(crate) struct Cable {
    port: u16,
    cuts: watch::Sender<()>,
}

impl Cable {
    /// To a port of loopback.
    pub(crate) async fn to(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let cuts = watch::Sender::new(());
        let all_cuts = cuts.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut cut = all_cuts.subscribe();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        // Both stay open, and nothing goes through any more.
                        _ = cut.changed() => std::future::pending().await,
                    }
                });
            }
        });
        Self { port: own, cuts }
    }

    /// Cuts the connections that there are; new ones work.
    pub(crate) fn cut(&self) {
        self.cuts.send_replace(());
    }

    pub(crate) fn address(&self) -> Address {
        Address { host: String::from("127.0.0.1"), port: self.port }
    }
}
