//! WebSockets end with their session (C-80), at whichever replica it is ended and whichever they
//! are open through.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::ends::{SOON, command, signed_in};
use crate::harness::*;
use crate::stage::*;

type Socket = WebSocketStream<TcpStream>;

/// One through each replica.
async fn open(stage: &Stage, visitor: &Visitor) -> Vec<Socket> {
    let mut sockets = Vec::new();
    for gate in stage.gates() {
        let url = format!("ws://{}/ws", stage.origin().authority());
        let mut request = url.into_client_request().unwrap();
        request.headers_mut().insert("cookie", visitor.session_line().parse().unwrap());
        sockets.push(client_async(request, gate.connect().await).await.unwrap().0);
    }
    sockets
}

/// They are closed as against policy within a second of `since`.
async fn closed(sockets: Vec<Socket>, since: Instant) {
    for (number, mut socket) in sockets.into_iter().enumerate() {
        let said = timeout(SOON.saturating_sub(since.elapsed()), socket.next()).await;
        let Ok(Some(Ok(Message::Close(Some(frame))))) = said else {
            panic!("C-80, replica {number}: {said:?}");
        };
        assert_eq!(u16::from(frame.code), 1008, "C-80, replica {number}");
    }
}

async fn still_open(sockets: Vec<Socket>) {
    for mut socket in sockets {
        let quiet = timeout(Duration::from_millis(50), socket.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
    }
}

#[tokio::test]
async fn c80_signing_out_closes_the_web_sockets_of_all_replicas() {
    for configuration in [Coordinated, Stored] {
        let (stage, people) = signed_in(configuration, 2).await;
        let mine = open(&stage, &people[0]).await;
        let others = open(&stage, &people[1]).await;
        let leave = ask("POST", "/oauth2/sign_out").same_origin();
        assert!(people[0].send(leave).await.status < 400);
        closed(mine, Instant::now()).await;
        still_open(others).await;
    }
}

#[tokio::test]
async fn c80_the_operators_end_closes_the_web_sockets_of_all_replicas() {
    for configuration in [Coordinated, Stored] {
        let (stage, people) = signed_in(configuration, 2).await;
        let mine = open(&stage, &people[0]).await;
        let others = open(&stage, &people[1]).await;
        let (code, _, stderr) = command(&stage, &["revoke", "--user", "visitor-0"]);
        assert_eq!(code, Some(0), "{stderr}");
        closed(mine, Instant::now()).await;
        still_open(others).await;
    }
}
