//! A headless Chromium that a test controls through pipes (`--remote-debugging-pipe`).
//!
//! Each message of the Chrome DevTools Protocol is JSON followed by a NUL byte. The browser uses
//! the network only for the page that it opens. tests/peers uses it for the simulator's phone page.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The names of the program, the smaller variant first.
const PROGRAMS: [&str; 4] = [
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "headless_shell",
];

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    next: u64,
    _folder: TempDir,
}

impl Browser {
    /// Starts the browser and opens `url`. The browser is killed after 120 s.
    pub(crate) fn open(url: &str) -> Self {
        let program = PROGRAMS.into_iter().find(|name| is_installed(name));
        let program = program.expect("chromium is not installed: see scripts/peers.sh");
        let folder = tempfile::tempdir().unwrap();
        let pipes = ["in", "out"].map(|name| folder.path().join(name));
        assert!(
            Command::new("mkfifo")
                .args(&pipes)
                .status()
                .unwrap()
                .success()
        );
        let line = format!(
            "exec {program} --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
             --no-first-run --remote-debugging-pipe --user-data-dir={}/profile \
             --window-size=480,500 3<{} 4>{}",
            folder.path().display(),
            pipes[0].display(),
            pipes[1].display()
        );
        let child = Command::new("timeout")
            .args(["120", "bash", "-c", &line])
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = OpenOptions::new().write(true).open(&pipes[0]).unwrap();
        let from = BufReader::new(File::open(&pipes[1]).unwrap());
        let mut browser = Self {
            child,
            to,
            from,
            session: String::new(),
            next: 0,
            _folder: folder,
        };
        let page = browser.ask("Target.createTarget", &json!({"url": url}));
        let params = json!({"targetId": page["targetId"], "flatten": true});
        let attached = browser.ask("Target.attachToTarget", &params);
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        browser
    }

    /// Sends a command and waits for its answer; skips events.
    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let mut message = json!({"id": self.next, "method": method, "params": params});
        if !self.session.is_empty() {
            message["sessionId"] = json!(self.session);
        }
        self.to
            .write_all(format!("{message}\0").as_bytes())
            .unwrap();
        loop {
            let mut bytes = Vec::new();
            let length = self.from.read_until(0, &mut bytes).unwrap();
            assert!(length > 0, "the browser has exited");
            let answer: Value = serde_json::from_slice(&bytes[..length - 1]).unwrap();
            if answer["id"] == self.next {
                assert!(answer["error"].is_null(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// Evaluates JavaScript in the page and returns its value.
    pub(crate) fn value(&mut self, script: &str) -> Value {
        let params = json!({"expression": script, "returnByValue": true});
        self.ask("Runtime.evaluate", &params)["result"]["value"].clone()
    }

    /// Moves the mouse to the centre of the first element that matches `selector`, and clicks.
    pub(crate) fn click(&mut self, selector: &str) {
        let script = format!(
            "(() => {{ const box = document.querySelector('{selector}').getBoundingClientRect(); \
             return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        let at = self.value(&script);
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let button = if kind == "mouseMoved" { "none" } else { "left" };
            let event =
                json!({"type": kind, "x": at[0], "y": at[1], "button": button, "clickCount": 1});
            self.ask("Input.dispatchMouseEvent", &event);
        }
    }

    /// Returns a screenshot of the page as PNG.
    pub(crate) fn screenshot(&mut self) -> Vec<u8> {
        let answer = self.ask("Page.captureScreenshot", &json!({"format": "png"}));
        STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }
}

fn is_installed(program: &str) -> bool {
    let mut which = Command::new("sh");
    which.args(["-c", &format!("command -v {program} >/dev/null")]);
    which.status().unwrap().success()
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self
            .to
            .write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let _ = self.child.wait();
    }
}
