//! An nginx process with a folder and a port of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// How long nginx may take to listen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A port of loopback that is held by a socket that never listens, so that nobody else takes it;
/// who listens there with SO_REUSEPORT may.
pub(crate) struct Port {
    pub(crate) number: u16,
    _held: Socket,
}

impl Port {
    pub(crate) fn reserve() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_port(true).unwrap();
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        socket.bind(&any.into()).unwrap();
        let number = socket.local_addr().unwrap().as_socket().unwrap().port();
        Self { number, _held: socket }
    }
}

pub(crate) struct Nginx {
    child: Child,
    home: TempDir,
    port: Port,
}

impl Nginx {
    /// Prepares a folder, lets `furnish` fill it, and serves `server` (the body of a `server`
    /// block without its `listen`; `listen_as` follows the address, such as `ssl`).
    pub(crate) fn start(listen_as: &str, server: &str, furnish: impl FnOnce(&Path)) -> Self {
        Self::with_http("", listen_as, server, furnish)
    }

    /// The same with more in the `http` block, such as an `upstream`.
    pub(crate) fn with_http(
        http: &str,
        listen_as: &str,
        server: &str,
        furnish: impl FnOnce(&Path),
    ) -> Self {
        let home = TempDir::new().unwrap();
        let port = Port::reserve();
        furnish(home.path());
        let config = config(&port, http, listen_as, server);
        fs::write(home.path().join("nginx.conf"), config).unwrap();
        let child = Command::new("nginx")
            .arg("-p")
            .arg(home.path())
            .args(["-c", "nginx.conf", "-e", "error.log"])
            .stdin(Stdio::null())
            .spawn()
            .expect("nginx starts (Debian: apt-get install nginx)");
        let nginx = Self { child, home, port };
        nginx.wait_for_port();
        nginx
    }

    fn wait_for_port(&self) {
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port.number)).is_err() {
            assert!(Instant::now() < deadline, "nginx: {}", self.log("error.log"));
            thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.number
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port.number)
    }

    /// What it wrote into a log file so far.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- nginx, errors ---\n{}", self.log("error.log"));
            eprintln!("--- nginx, access ---\n{}", self.log("access.log"));
        }
    }
}

/// One process in the foreground, which ends by its id and runs as whoever runs the tests; every
/// path lies in its folder. The access log tells connections apart.
fn config(port: &Port, http: &str, listen_as: &str, server: &str) -> String {
    let listen = format!("127.0.0.1:{} {listen_as} reuseport", port.number);
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 2048; }}
http {{
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    default_type application/octet-stream;
    types {{ text/plain txt; }}
    log_format told '$connection $connection_requests $status $request';
    access_log access.log told;
    map $http_upgrade $connection_header {{ default upgrade; '' ''; }}
{http}
    server {{
        listen {listen};
{server}
    }}
}}
"
    )
}
