//! The image, as `deploy/container/build` makes it: what is in it, and its process. It takes a whole
//! build, so that tests/long has it.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::UdpSocket;

use crate::harness::{App, ask, gateway, public};
use crate::pod::{Content, Pod};
use crate::program::{at_top, run};
use crate::sidecar::gate_toml;

/// Of the layer, compressed; an image that grows should not do so unseen.
const MOST_BYTES: u64 = 8 << 20;
/// Of the process at rest. Most of it are pages of the program, which a node can take back.
const MOST_KIB: u64 = 10 * 1024;
/// Nobody's, and of this machine alone.
const NAME_SERVER: &str = "127.77.0.53";

/// An image layout, unpacked.
struct Image {
    folder: TempDir,
    manifest: Value,
    config: Value,
}

impl Image {
    fn built() -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("image.tar");
        let made = run(&at_top("deploy/container/build"), &[file.to_str().unwrap()], "");
        assert!(made.well, "{}", made.said());
        unpack(&file, folder.path());
        fs::remove_file(file).unwrap();
        let index = parsed(&folder.path().join("index.json"));
        let (manifest, config) = (Value::Null, Value::Null);
        let mut image = Self { folder, manifest, config };
        image.manifest = parsed(&image.blob(&index["manifests"][0]));
        image.config = parsed(&image.blob(&image.manifest["config"]));
        image
    }

    /// A blob that is what its descriptor says.
    fn blob(&self, descriptor: &Value) -> std::path::PathBuf {
        let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
        let file = self.folder.path().join("blobs/sha256").join(digest);
        let summed = run(Path::new("sha256sum"), &[file.to_str().unwrap()], "");
        assert!(summed.stdout.starts_with(digest), "{}", summed.said());
        assert_eq!(Some(fs::metadata(&file).unwrap().len()), descriptor["size"].as_u64());
        file
    }

    fn content(&self) -> Content {
        let layers = self.manifest["layers"].as_array().unwrap();
        assert_eq!(layers.len(), 1);
        let content = Content::empty();
        unpack(&self.blob(&layers[0]), content.path());
        content
    }
}

#[tokio::test]
#[ignore = "tests/long/image runs it"]
async fn it_holds_one_static_program_that_runs_in_a_pod() {
    let image = Image::built();
    what_it_says_of_itself(&image);
    what_is_in_it(&image);
    its_process(&image).await;
}

fn what_it_says_of_itself(image: &Image) {
    let config = &image.config["config"];
    assert_eq!(config["User"], "65532:65532", "a number, so that runAsNonRoot can be judged");
    assert_eq!(config["Entrypoint"], json!(["/askara-gate"]));
    assert_eq!(config["Cmd"], json!(["run", "--config", "/etc/askara-gate/gate.toml"]));
    let layer = &image.manifest["layers"][0];
    let bytes = layer["size"].as_u64().unwrap();
    println!("the image has {bytes} bytes, compressed");
    assert!(bytes <= MOST_BYTES, "{bytes}");
}

fn what_is_in_it(image: &Image) {
    let content = image.content();
    let root = content.path().to_str().unwrap();
    let found = run(Path::new("find"), &[root, "-type", "f", "-printf", "%P %m\n"], "");
    let mut files: Vec<_> = found.stdout.lines().collect();
    files.sort_unstable();
    let wanted = ["LICENSE 644", "askara-gate 755", "etc/ssl/certs/ca-certificates.crt 644"];
    assert_eq!(files, wanted);
    let program = content.path().join("askara-gate");
    let demo = run(&program, &["demo", "--help"], "");
    assert!(!demo.well, "the demo lets everybody in: {}", demo.said());
}

/// It looks names up without a library, believes the authorities of the image, and needs little.
async fn its_process(image: &Image) {
    let content = image.content();
    let app = App::start().await;
    // An app over TLS, by a name that only a name server knows.
    let behind = gateway().with_route(public("/", &app)).over_tls().start().await;
    let authorities = content.path().join("etc/ssl/certs/ca-certificates.crt");
    let own = fs::read_to_string(behind.home().join("tls.crt")).unwrap();
    fs::write(&authorities, fs::read_to_string(&authorities).unwrap() + &own).unwrap();
    fs::write(content.path().join("etc/resolv.conf"), format!("nameserver {NAME_SERVER}\n"))
        .unwrap();
    answer_names().await;
    let port = behind.origin().port().unwrap();
    let upstream = format!(
        "https://app.internal.example:{port}\"\naccess = \"public\"\nupstream_tls = {{ server_name \
         = \"127.0.0.1\" }} #\""
    );
    let command = image.config["config"]["Cmd"].as_array().unwrap();
    let command: Vec<_> = command.iter().map(|word| word.as_str().unwrap()).collect();
    let changes = [("http://127.0.0.1:3000", upstream.as_str())];
    let mut pod = Pod::start(content, &command, &gate_toml(), &changes).await;
    assert_eq!(pod.admin("/healthz").await, Some(200));
    let kib: u64 = pod.status("VmRSS").trim_end_matches(" kB").parse().unwrap();
    println!("at rest the process has {kib} KiB, {} of them its own", pod.status("RssAnon"));
    assert!(kib <= MOST_KIB, "{kib}");
    let answer = pod.send(ask("GET", "/").header("host", "wiki.example.com")).await;
    assert_eq!(answer.status, 200, "{}\n{}", answer.text(), pod.output());
    assert_eq!(app.requests().len(), 1);
    pod.signal("TERM");
    pod.until("leaving", "/readyz", 503).await;
    // The whole of it, as the manifest says: ten seconds, and nothing runs.
    assert_eq!(pod.exit_code(Duration::from_secs(15)).await, Some(0));
    assert!(!pod.output().contains("WARN"), "{}", pod.output());
}

/// A name server that knows one address for every name, and none of IPv6. It ends with the test.
async fn answer_names() {
    let socket = UdpSocket::bind((NAME_SERVER, 53)).await;
    let socket = socket.expect("port 53 is root's, and another test's while that runs");
    tokio::spawn(async move {
        let mut question = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut question).await {
            if let Some(answer) = named(&question[..length]) {
                let _ = socket.send_to(&answer, from).await;
            }
        }
    });
}

/// The answer to a question; none to what is cut off.
fn named(asked: &[u8]) -> Option<Vec<u8>> {
    // RFC 1035 4.1: twelve bytes of head, the name, its type and class.
    let end = 12 + asked.get(12..)?.iter().position(|&byte| byte == 0)? + 5;
    let is_v4 = *asked.get(end - 4..end - 2)? == [0, 1];
    let mut answer = asked.get(..end)?.to_vec();
    answer[2..12].copy_from_slice(&[0x85, 0x80, 0, 1, 0, u8::from(is_v4), 0, 0, 0, 0]);
    if is_v4 {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}

fn parsed(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn unpack(file: &Path, folder: &Path) {
    let arguments = ["--extract", "--file", file.to_str().unwrap(), "--directory"];
    let unpacked =
        run(Path::new("tar"), &[&arguments[..], &[folder.to_str().unwrap()]].concat(), "");
    assert!(unpacked.well, "{}", unpacked.said());
}
