//! A real Chromium without a window, driven by WebDriver (<https://www.w3.org/TR/webdriver2/>).
//!
//! Elements are awaited by the driver itself, and the end of a page is: nothing here sleeps.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use data_encoding::BASE64;
use serde_json::Value;
use serde_json::json;
use tempfile::TempDir;

use super::endpoint::Endpoint;
use super::http::Http;
use super::log::Log;
use super::message::HttpRequest;
use super::message::Transport;
use super::warden::Warden;

/// How long an element may take to appear, or a page to go.
const PATIENCE: Duration = Duration::from_secs(50);

/// The key under which WebDriver names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// One browser at a time: each is several processes, and a machine that starts three at once may
/// take longer for each of their steps than their driver waits.
static TURN: Mutex<()> = Mutex::new(());

/// The browser and its driver, for one test.
pub(crate) struct Browser {
    driver: Child,
    http: Http,
    /// `/session/<id>`.
    session: String,
    _warden: Warden,
    folder: TempDir,
    _turn: MutexGuard<'static, ()>,
}

impl Browser {
    /// A browser whose user reads this language, and to whom `host` is at this address.
    #[track_caller]
    pub(crate) fn start(language: &str, host: &str, address: &Endpoint) -> Self {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let prefix = "weaved-chromium-";
        let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            // What both leave behind goes with the folder.
            .env("TMPDIR", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            panic!(
                "these tests need a real Chromium: apt-get install chromium chromium-driver, \
                 or `make test`"
            );
        };
        let warden = Warden::over(driver.id(), Some(folder.path()));
        let said = Log::collect(driver.stdout.take().unwrap());
        let port: Option<u16> = said.wait_for(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        let port = port.unwrap_or_else(|| panic!("no port: {}", said.text()));
        let mut browser = Self {
            driver,
            http: Http::new(Endpoint::Tcp(([127, 0, 0, 1], port).into()), ""),
            session: String::new(),
            _warden: warden,
            folder,
            _turn: turn,
        };
        let data = browser.folder.path().join("data");
        let arguments = [
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-gpu".to_owned(),
            // Nothing but the server under test is spoken to, and without TLS.
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-features=HttpsUpgrades,HttpsFirstBalancedMode,\
             HttpsFirstBalancedModeAutoEnable,LocalNetworkAccessChecks"
                .to_owned(),
            "--no-proxy-server".to_owned(),
            format!(
                "--host-resolver-rules=MAP {host}:80 {address},EXCLUDE 127.0.0.1,MAP * ~NOTFOUND"
            ),
            format!("--lang={language}"),
            format!("--accept-lang={language}"),
            format!("--user-data-dir={}", data.display()),
        ];
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"implicit": PATIENCE.as_millis(), "script": PATIENCE.as_millis()},
        }}});
        let start = || browser.command("POST", "/session", &wanted);
        // A browser that did not come up says nothing of the pages.
        let made = start().or_else(|_| start()).unwrap();
        browser.session = format!("/session/{}", made["sessionId"].as_str().unwrap());
        // So that what comes is kept.
        browser.tools("Network.enable", &json!({}));
        browser.tools("Emulation.setScrollbarsHidden", &json!({"hidden": true}));
        browser.tools(
            "Browser.setDownloadBehavior",
            &json!({"behavior": "allow", "downloadPath": browser.downloads(), "eventsEnabled": true}),
        );
        browser
    }

    /// A command of the driver; an error is WebDriver's word for it, and what it says besides.
    fn command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let request = HttpRequest::new(method, path)
            .header("Content-Type", "application/json; charset=utf-8");
        let request = match method {
            "POST" => request.body(body.to_string()),
            _ => request,
        };
        let answer = self.http.send(&request);
        let mut value: Value = serde_json::from_slice(&answer.body).unwrap();
        let value = value["value"].take();
        match answer.status {
            200 => Ok(value),
            _ => Err(format!("{}: {}", value["error"], value["message"])),
        }
    }

    #[track_caller]
    fn post(&self, tail: &str, body: &Value) -> Value {
        let path = format!("{}{tail}", self.session);
        match self.command("POST", &path, body) {
            Ok(value) => value,
            Err(error) => panic!("{tail} {body:.200}: {error}\n{}", self.source()),
        }
    }

    fn get(&self, tail: &str) -> Result<Value, String> {
        self.command("GET", &format!("{}{tail}", self.session), &Value::Null)
    }

    /// A command of Chromium's own protocol.
    #[track_caller]
    fn tools(&self, name: &str, parameters: &Value) -> Value {
        let body = json!({"cmd": name, "params": parameters});
        self.post("/goog/cdp/execute", &body)
    }

    /// Opens a page.
    #[track_caller]
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// The address of the page.
    pub(crate) fn url(&self) -> String {
        self.get("/url").unwrap().as_str().unwrap().to_owned()
    }

    /// The page as the browser understood it, for messages.
    fn source(&self) -> String {
        let source = self.get("/source").unwrap_or_default();
        source
            .as_str()
            .unwrap_or_default()
            .chars()
            .take(4000)
            .collect()
    }

    #[track_caller]
    fn find(&self, css: &str) -> String {
        let wanted = json!({"using": "css selector", "value": css});
        let path = format!("{}/element", self.session);
        let until = Instant::now() + PATIENCE;
        loop {
            match self.command("POST", &path, &wanted) {
                Ok(found) => return found[ELEMENT].as_str().unwrap().to_owned(),
                // The page that was looked at has just made room for the next.
                Err(error) if !error.contains("no such element") && Instant::now() < until => {}
                Err(error) => panic!("{css}: {error}\n{}", self.source()),
            }
        }
    }

    /// What the element shows.
    #[track_caller]
    pub(crate) fn text(&self, css: &str) -> String {
        let id = self.find(css);
        let text = self.get(&format!("/element/{id}/text")).unwrap();
        text.as_str().unwrap().to_owned()
    }

    /// A property of the element.
    #[track_caller]
    pub(crate) fn property(&self, css: &str, name: &str) -> String {
        let id = self.find(css);
        let value = self.get(&format!("/element/{id}/property/{name}")).unwrap();
        value.as_str().unwrap_or_default().to_owned()
    }

    /// Types into a field what then is all that stands in it.
    #[track_caller]
    pub(crate) fn fill(&self, css: &str, text: &str) {
        let id = self.find(css);
        self.post(&format!("/element/{id}/clear"), &json!({}));
        self.post(&format!("/element/{id}/value"), &json!({ "text": text }));
    }

    /// Chooses an entry of a list by what it shows.
    #[track_caller]
    pub(crate) fn choose(&self, css: &str, text: &str) {
        let id = self.find(css);
        self.post(&format!("/element/{id}/value"), &json!({ "text": text }));
    }

    /// Clicks on what leads to no other page.
    #[track_caller]
    pub(crate) fn click(&self, css: &str) {
        let id = self.find(css);
        self.post(&format!("/element/{id}/click"), &json!({}));
    }

    /// Clicks on what leads to another page, and waits until this one is gone.
    #[track_caller]
    pub(crate) fn press(&self, css: &str) {
        let page = self.find("html");
        self.click(css);
        let until = Instant::now() + PATIENCE;
        while self.get(&format!("/element/{page}/name")).is_ok() {
            assert!(Instant::now() < until, "{css}: still\n{}", self.source());
            std::thread::yield_now();
        }
        self.find("body > main");
    }

    /// What a function of this body returns.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.post("/execute/sync", &body)
    }

    /// What a function of this body gives to the last of its arguments, in the end.
    #[track_caller]
    pub(crate) fn run_until_called(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.post("/execute/async", &body)
    }

    /// Goes into a frame.
    #[track_caller]
    pub(crate) fn enter(&self, css: &str) {
        let id = self.find(css);
        self.post("/frame", &json!({"id": {ELEMENT: id}}));
    }

    /// Shows pages as on a screen that is so wide, to somebody who likes this colour scheme.
    #[track_caller]
    pub(crate) fn look(&self, width: u32, scheme: &str) {
        self.tools(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false}),
        );
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.tools(
            "Emulation.setEmulatedMedia",
            &json!({ "features": [feature] }),
        );
    }

    /// The whole page, as PNG.
    #[track_caller]
    pub(crate) fn screenshot(&self, file: &Path) {
        let size = self.tools("Page.getLayoutMetrics", &json!({}));
        let size = &size["cssContentSize"];
        let clip = json!({
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1,
        });
        let shot = self.tools(
            "Page.captureScreenshot",
            &json!({"captureBeyondViewport": true, "clip": clip}),
        );
        let png = BASE64.decode(shot["data"].as_str().unwrap().as_bytes());
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, png.unwrap()).unwrap();
    }

    /// The page as it came.
    #[track_caller]
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let tree = self.tools("Page.getFrameTree", &json!({}));
        // By which the browser also knows the request that led here.
        let asked = json!({"requestId": tree["frameTree"]["frame"]["loaderId"]});
        let content = self.tools("Network.getResponseBody", &asked);
        let text = content["body"].as_str().unwrap().as_bytes();
        match content["base64Encoded"].as_bool() {
            Some(true) => BASE64.decode(text).unwrap(),
            _ => text.to_vec(),
        }
    }

    /// What the console says since this was asked last: scripts, styles and frames that a policy
    /// forbids, above all. Answers that are errors by their status are not meant.
    pub(crate) fn complaints(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().unwrap().iter();
        let entries = entries.filter(|entry| entry["source"] != "network");
        entries.map(Value::to_string).collect()
    }

    fn downloads(&self) -> PathBuf {
        self.folder.path().join("downloads")
    }

    /// A file that is saved under this name, as soon as all of it is there.
    #[track_caller]
    pub(crate) fn downloaded(&self, name: &str) -> String {
        let until = Instant::now() + PATIENCE;
        let file = self.downloads().join(name);
        loop {
            // An empty file keeps the name free until that with all of it is given the name.
            let text = fs::read_to_string(&file).unwrap_or_default();
            if !text.is_empty() {
                return text;
            }
            assert!(Instant::now() < until, "{name} was not saved");
            std::thread::yield_now();
        }
    }
}

impl Drop for Browser {
    /// The driver ends its browser with the session.
    fn drop(&mut self) {
        if !self.session.is_empty() {
            let _ = self
                .http
                .exchange(&HttpRequest::new("DELETE", &self.session));
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
