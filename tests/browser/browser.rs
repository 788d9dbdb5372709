//! A browser as the tests use it: tabs, elements by CSS selector, what a page says and logs.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::chromedriver::Chromedriver;
use crate::wire::Wire;

/// How long a page may take to show what a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

/// WebDriver's name for an element's id.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

pub(crate) struct Browser {
    wire: Wire,
    session: String,
    process: u64,
    // Dropped in this order: the driver ends before its files go.
    _driver: Chromedriver,
    _home: TempDir,
}

/// What a person's browser differs in.
#[derive(Default)]
pub(crate) struct Habits {
    pub(crate) french: bool,
    pub(crate) no_script: bool,
}

impl Browser {
    /// Opens a browser that has never been anywhere.
    pub(crate) fn open() -> Self {
        Self::with(&Habits::default())
    }

    pub(crate) fn with(habits: &Habits) -> Self {
        let home = TempDir::new().unwrap();
        let driver = Chromedriver::start(home.path());
        let wire = Wire::to(driver.port);
        let wanted = capabilities(habits, &home.path().join("profile"));
        let made = wire.command("POST", "/session", &wanted).unwrap();
        Self {
            wire,
            session: made["sessionId"].as_str().unwrap().to_owned(),
            process: made["capabilities"]["goog:processID"].as_u64().unwrap(),
            _driver: driver,
            _home: home,
        }
    }

    fn try_to(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let path = format!("/session/{}{path}", self.session);
        self.wire.command(method, &path, body)
    }

    fn get(&self, path: &str) -> Value {
        self.try_to("GET", path, &Value::Null).unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.try_to("POST", path, body)
            .unwrap_or_else(|error| panic!("POST {path} {body}: {error}"))
    }

    /// Goes to an address and waits until the page is there.
    pub(crate) fn go(&self, address: &str) {
        self.post("/url", &json!({ "url": address }));
    }

    pub(crate) fn address(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    /// Says whether the page has such an element now.
    pub(crate) fn has(&self, css: &str) -> bool {
        self.find(css).is_ok()
    }

    fn find(&self, css: &str) -> Result<String, String> {
        let by = json!({ "using": "css selector", "value": css });
        let found = self.try_to("POST", "/element", &by)?;
        // A window that is about to close answers with nothing.
        found[ELEMENT].as_str().map(str::to_owned).ok_or_else(|| found.to_string())
    }

    /// Waits for an element and returns the id that the driver knows it by.
    fn element(&self, css: &str) -> String {
        let mut found = String::new();
        self.until(&format!("an element {css}"), || self.find(css).map(|id| found = id).is_ok());
        found
    }

    pub(crate) fn wait_for(&self, css: &str) {
        self.element(css);
    }

    /// Waits until the condition holds; fails with what the page says instead.
    pub(crate) fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds() {
            if Instant::now() > deadline {
                let page = self.try_to("GET", "/source", &Value::Null);
                panic!("no {what} at {}: {page:?}", self.address());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The text that a person sees in an element. A page that changes meanwhile is read again.
    pub(crate) fn text(&self, css: &str) -> String {
        let mut text = String::new();
        self.until(&format!("text in {css}"), || {
            let path = format!("/element/{}/text", self.element(css));
            let read = self.try_to("GET", &path, &Value::Null);
            read.map(|value| text = value.as_str().unwrap().to_owned()).is_ok()
        });
        text
    }

    pub(crate) fn wait_for_text(&self, css: &str, part: &str) {
        self.until(&format!("{part:?} in {css}"), || self.text(css).contains(part));
    }

    pub(crate) fn click(&self, css: &str) {
        let id = self.element(css);
        self.post(&format!("/element/{id}/click"), &json!({}));
    }

    /// Empties a field and types into it.
    pub(crate) fn fill(&self, css: &str, text: &str) {
        let id = self.element(css);
        self.post(&format!("/element/{id}/clear"), &json!({}));
        self.post(&format!("/element/{id}/value"), &json!({ "text": text }));
    }

    /// Chooses a file of this machine in a field for files.
    pub(crate) fn choose_file(&self, css: &str, path: &Path) {
        let id = self.element(css);
        self.post(&format!("/element/{id}/value"), &json!({ "text": path.to_str().unwrap() }));
    }

    /// Every window and tab.
    pub(crate) fn tabs(&self) -> Vec<String> {
        let all = self.get("/window/handles");
        all.as_array().unwrap().iter().map(|tab| tab.as_str().unwrap().to_owned()).collect()
    }

    /// Has the browser forget its cookies for this page's host.
    pub(crate) fn forget_cookies(&self) {
        self.try_to("DELETE", "/cookie", &Value::Null).unwrap();
    }

    /// Saves a picture of what is shown in the build's folder and says where.
    pub(crate) fn picture(&self, name: &str) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        fs::create_dir_all(&folder).unwrap();
        let picture = self.get("/screenshot");
        let bytes = STANDARD.decode(picture.as_str().unwrap()).unwrap();
        fs::write(folder.join(format!("{name}.png")), bytes).unwrap();
    }

    /// Runs a script in the page and returns what it returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// Runs a script that hands its result to the function that is its last argument.
    pub(crate) fn run_async(&self, script: &str) -> Value {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// In the order of the alphabet.
    pub(crate) fn cookie_names(&self) -> Vec<String> {
        let cookies = self.get("/cookie");
        let names = cookies.as_array().unwrap().iter();
        let mut names: Vec<_> =
            names.map(|cookie| cookie["name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    /// The tab in front.
    pub(crate) fn tab(&self) -> String {
        self.get("/window").as_str().unwrap().to_owned()
    }

    /// Opens an empty tab and goes on in it.
    pub(crate) fn new_tab(&self) -> String {
        let made = self.post("/window/new", &json!({ "type": "tab" }));
        let tab = made["handle"].as_str().unwrap().to_owned();
        self.switch_to(&tab);
        tab
    }

    pub(crate) fn switch_to(&self, tab: &str) {
        self.post("/window", &json!({ "handle": tab }));
    }

    /// Shows pages as a screen of this width does from now on.
    pub(crate) fn narrow_to(&self, width: u32) {
        let screen =
            json!({ "width": width, "height": 740, "deviceScaleFactor": 1, "mobile": false });
        let command = "Emulation.setDeviceMetricsOverride";
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": screen }));
    }

    /// What the console said since the last call.
    pub(crate) fn console(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({ "type": "browser" }));
        let entries = entries.as_array().unwrap().iter();
        entries.map(|entry| format!("{} {}", entry["level"], entry["message"])).collect()
    }

    /// Saves a picture of every tab and says where.
    fn save_pictures(&self) {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser");
        let _ = fs::create_dir_all(&folder);
        let name = thread::current().name().unwrap_or("test").replace(':', "-");
        let tabs = self.try_to("GET", "/window/handles", &Value::Null);
        for (n, tab) in tabs.iter().flat_map(|tabs| tabs.as_array()).flatten().enumerate() {
            let _ = self.try_to("POST", "/window", &json!({ "handle": tab }));
            let Ok(picture) = self.try_to("GET", "/screenshot", &Value::Null) else {
                continue;
            };
            let file = folder.join(format!("{name}-{n}.png"));
            let bytes = STANDARD.decode(picture.as_str().unwrap_or_default());
            if fs::write(&file, bytes.unwrap_or_default()).is_ok() {
                eprintln!("what the browser showed: {}", file.display());
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if thread::panicking() {
            self.save_pictures();
        }
        // Quitting ends all of the browser's processes; one that hangs is killed by its id.
        let path = format!("/session/{}", self.session);
        if self.wire.command("DELETE", &path, &Value::Null).is_err() {
            let id = self.process.to_string();
            let _ = std::process::Command::new("kill").args(["-s", "KILL", &id]).status();
        }
    }
}

fn capabilities(habits: &Habits, profile: &Path) -> Value {
    let language = if habits.french { "fr" } else { "en" };
    let scripts = if habits.no_script { 2 } else { 1 };
    json!({ "capabilities": { "alwaysMatch": {
        "browserName": "chrome",
        // Gateways behind TLS make their certificates themselves.
        "acceptInsecureCerts": true,
        "goog:loggingPrefs": { "browser": "ALL" },
        "goog:chromeOptions": {
            "args": [
                "--headless=new",
                // A test runs as root in a container, where the browser has no sandbox of its own.
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--no-first-run",
                "--disable-background-networking",
                // A proxy's recipe is for this name.
                "--host-resolver-rules=MAP app.example.com 127.0.0.1",
                format!("--lang={language}"),
                format!("--user-data-dir={}", profile.display()),
            ],
            "prefs": {
                "intl.accept_languages": language,
                "profile.managed_default_content_settings.javascript": scripts,
            },
        },
    } } })
}
