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

/// A key of the keyboard.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Key {
    Tab,
    Enter,
    Space,
}

/// A browser with one page.
pub(crate) struct Browser {
    child: Child,
    to: File,
    from: BufReader<File>,
    session: String,
    next: u64,
    /// Where the mouse is.
    mouse: Value,
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
             --window-size=480,980 3<{} 4>{}",
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
            mouse: json!([0, 0]),
            _folder: folder,
        };
        let page = browser.ask("Target.createTarget", &json!({"url": url}));
        let params = json!({"targetId": page["targetId"], "flatten": true});
        let attached = browser.ask("Target.attachToTarget", &params);
        browser.session = attached["sessionId"].as_str().unwrap().to_owned();
        // A headless page is in no window that could have the focus.
        browser.ask(
            "Emulation.setFocusEmulationEnabled",
            &json!({"enabled": true}),
        );
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

    /// Evaluates JavaScript in the page and returns its value, or that of its promise.
    pub(crate) fn value(&mut self, script: &str) -> Value {
        let params = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        self.ask("Runtime.evaluate", &params)["result"]["value"].clone()
    }

    /// Presses a key, and releases it.
    pub(crate) fn press(&mut self, key: Key) {
        self.hold(key);
        self.release(key);
    }

    /// Presses a key.
    pub(crate) fn hold(&mut self, key: Key) {
        self.key_event("keyDown", key);
    }

    /// Releases a key.
    pub(crate) fn release(&mut self, key: Key) {
        self.key_event("keyUp", key);
    }

    fn key_event(&mut self, kind: &str, key: Key) {
        let (name, code, number, text) = match key {
            Key::Tab => ("Tab", "Tab", 9, ""),
            Key::Enter => ("Enter", "Enter", 13, "\r"),
            Key::Space => (" ", "Space", 32, " "),
        };
        let text = if kind == "keyDown" { text } else { "" };
        let event = json!({
            "type": kind, "key": name, "code": code, "windowsVirtualKeyCode": number, "text": text,
        });
        self.ask("Input.dispatchKeyEvent", &event);
    }

    /// Presses Tab until the element that has the focus matches `selector`.
    pub(crate) fn tab_to(&mut self, selector: &str) {
        for _ in 0..60 {
            if self.value(&format!("document.activeElement.matches('{selector}')")) == true {
                return;
            }
            self.press(Key::Tab);
        }
        panic!("Tab does not reach {selector}");
    }

    /// Types a text into the element that has the focus, in place of what it has.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.value("document.activeElement.select()");
        self.ask("Input.insertText", &json!({"text": text}));
    }

    /// Prefers `light` or `dark`, as a person does in the settings of their system.
    pub(crate) fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.ask("Emulation.setEmulatedMedia", &json!({"features": features}));
    }

    /// Returns role and name of each element as a screen reader gets them.
    pub(crate) fn names(&mut self) -> Vec<(String, String)> {
        let tree = self.ask("Accessibility.getFullAXTree", &json!({}));
        let nodes = tree["nodes"].as_array().unwrap().iter();
        let seen = nodes.filter(|node| node["ignored"] != true);
        let text = |node: &Value, member: &str| {
            let value = node[member]["value"].as_str();
            value.unwrap_or_default().to_owned()
        };
        seen.map(|node| (text(node, "role"), text(node, "name")))
            .collect()
    }

    /// Moves the mouse to the centre of the first element that matches `selector`, and clicks.
    pub(crate) fn click(&mut self, selector: &str) {
        self.press_mouse(selector);
        self.release_mouse();
    }

    /// Moves the mouse to the centre of that element, and presses its button.
    pub(crate) fn press_mouse(&mut self, selector: &str) {
        let script = format!(
            "(async () => {{ const found = document.querySelector('{selector}'); \
             found.scrollIntoView({{block: 'nearest'}}); \
             for (let frames = 2; frames; frames--) await new Promise(requestAnimationFrame); \
             const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; }})()"
        );
        self.mouse = self.value(&script);
        self.mouse_event("mouseMoved", "none");
        self.mouse_event("mousePressed", "left");
    }

    /// Releases the button of the mouse.
    pub(crate) fn release_mouse(&mut self) {
        self.mouse_event("mouseReleased", "left");
    }

    fn mouse_event(&mut self, kind: &str, button: &str) {
        let (x, y) = (&self.mouse[0], &self.mouse[1]);
        let event = json!({"type": kind, "x": x, "y": y, "button": button, "clickCount": 1});
        self.ask("Input.dispatchMouseEvent", &event);
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
