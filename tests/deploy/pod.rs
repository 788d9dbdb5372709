//! A container as Kubernetes would run it: as user 65532, which may nothing more, in a file system of
//! its own that can't be written, with the configuration and the secrets of a manifest in it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;
use url::Url;

use crate::harness::{Answer, Ask, Kept, Line, Port, ask, random_hex, wait};
use crate::manifest::write_secrets;

/// Every step needs no right that the test's own user has not: name spaces of its own give them. The
/// last one takes them away again, as a user that is not root keeps none.
const RUN: &str = r#"
set -eu
root=$1 content=$2 settings=$3 secrets=$4
shift 4
mount -t tmpfs -o mode=755 tmpfs "$root"
cp -a "$content/." "$root/"
mkdir -p "$root/etc/askara-gate" "$root/run/secrets/askara-gate"
mount --bind "$settings" "$root/etc/askara-gate"
mount --bind "$secrets" "$root/run/secrets/askara-gate"
mount -o remount,ro "$root"
exec unshare --user --map-user=65532 --map-group=65532 --root="$root" --wd=/ -- /askara-gate "$@"
"#;

/// What a container is made of.
pub(crate) struct Content {
    folder: TempDir,
}

pub(crate) struct Pod {
    child: Kept,
    secrets: PathBuf,
    front: Port,
    admin: Port,
    // What the process sees goes after the process.
    _home: TempDir,
    _content: Content,
}

impl Content {
    /// Nothing yet.
    pub(crate) fn empty() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    /// The program of this build, with the libraries that it is linked to.
    pub(crate) fn of_this_build() -> Self {
        let content = Self::empty();
        let program = env!("CARGO_BIN_EXE_askara-gate");
        fs::copy(program, content.path().join("askara-gate")).unwrap();
        let listed = Command::new("ldd").arg(program).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        for library in listed.split_whitespace().filter(|word| word.starts_with('/')) {
            let to = content.path().join(library.trim_start_matches('/'));
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::copy(library, to).unwrap();
        }
        content
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

impl Pod {
    /// Starts `askara-gate` with the arguments of a manifest, and waits until it is ready. Addresses
    /// and ports are the test's: for each pair, the first text must be there and becomes the second.
    pub(crate) async fn start(
        content: Content,
        arguments: &[&str],
        settings: &str,
        changes: &[(&str, &str)],
    ) -> Self {
        let (front, admin) = (Port::reserve(), Port::reserve());
        let [public, private] = [&front, &admin].map(|port| format!("127.0.0.1:{}", port.number));
        let own = [("0.0.0.0:4180", public.as_str()), ("0.0.0.0:4190", private.as_str())];
        let settings = own.iter().chain(changes).fold(settings.to_owned(), |text, (from, to)| {
            assert_eq!(text.matches(from).count(), 1, "{from}");
            text.replace(from, to)
        });
        let home = TempDir::new().unwrap();
        let [root, etc, secrets] = ["root", "etc", "secrets"].map(|name| home.path().join(name));
        [&root, &etc, &secrets].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
        fs::write(etc.join("gate.toml"), settings).unwrap();
        mount(&secrets);
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "bash", "-c", RUN, "pod"]);
        command.args([&root, content.path(), &etc, &secrets]).args(arguments);
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("KUBERNETES_SERVICE_HOST", "10.96.0.1");
        let child = Kept::spawn(&mut command, "the gateway");
        let mut pod = Self { child, secrets, front, admin, _home: home, _content: content };
        pod.until("ready", "/readyz", 200).await;
        pod
    }

    /// Waits until the admin port answers so.
    pub(crate) async fn until(&mut self, what: &str, path: &str, status: u16) {
        for _ in 0..500 {
            if let Some(ended) = self.child.ended() {
                panic!("not {what}: it ended with {ended}");
            }
            if self.admin(path).await == Some(status) {
                return;
            }
            wait(20).await;
        }
        panic!("not {what} within ten seconds");
    }

    /// The status of an answer on the admin port; none where nobody listens.
    pub(crate) async fn admin(&self, path: &str) -> Option<u16> {
        let mut line = Line::open(&at(&self.admin), None).await.ok()?;
        Some(line.begin(ask("GET", path)).await.ok()?.status().as_u16())
    }

    /// Asks at the port that the Service leads to, by a connection of its own.
    pub(crate) async fn send(&self, ask: Ask) -> Answer {
        Line::open(&at(&self.front), None).await.unwrap().send(ask).await
    }

    /// Replaces the secrets as the kubelet does: all at once, by one link.
    pub(crate) fn replace_secrets(&self) {
        mount(&self.secrets);
    }

    pub(crate) fn output(&self) -> String {
        self.child.output()
    }

    /// A line of what the system tells of the process.
    pub(crate) fn status(&self, name: &str) -> String {
        let file = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(file).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect(name);
        line.trim_matches([':', ' ', '\t']).to_owned()
    }

    /// How the file system is mounted that it sees as its root.
    pub(crate) fn root_options(&self) -> String {
        let mounts = fs::read_to_string(format!("/proc/{}/mounts", self.child.id())).unwrap();
        let root = mounts.lines().find(|line| line.split(' ').nth(1) == Some("/")).unwrap();
        root.split(' ').nth(3).unwrap().to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        self.child.signal(name);
    }

    pub(crate) async fn exit_code(&mut self, within: Duration) -> Option<i32> {
        self.child.exit_code(within).await
    }
}

/// Lays secrets into a folder as the kubelet does: files are links through `..data`, which leads to
/// the newest version.
fn mount(folder: &Path) {
    let version = format!("..{}", random_hex(8));
    fs::create_dir(folder.join(&version)).unwrap();
    write_secrets(&folder.join(&version));
    let (next, data) = (folder.join("..data_tmp"), folder.join("..data"));
    symlink(&version, &next).unwrap();
    fs::rename(next, &data).unwrap();
    for name in ["client.secret", "session.key"] {
        let link = folder.join(name);
        if fs::symlink_metadata(&link).is_err() {
            symlink(Path::new("..data").join(name), link).unwrap();
        }
    }
}

fn at(port: &Port) -> Url {
    format!("http://127.0.0.1:{}", port.number).parse().unwrap()
}
