//! Starts authy-sim and uses its control address.
//!
//! Nearly every integration test has a [`Sim`] of its own, in a temporary folder. Its methods read
//! the simulated phones, arm faults, and return the requests that authy-sim received.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use pam_authy::client::http::{Pem, Roots};

use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

/// A running simulator; dropping it kills its process.
pub(crate) struct Sim {
    child: Child,
    folder: TempDir,
    control: String,
    agent: Agent,
}

impl Sim {
    /// Starts a simulator in a new folder, with one person, 1635, who has no app.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with further arguments.
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (child, control) = spawn(folder.path(), arguments);
        // A connection that the simulator is closing must not be used again.
        let config = Agent::config_builder()
            .max_idle_connections(0)
            .proxy(None)
            .http_status_as_error(false);
        let agent = config
            .timeout_global(Some(Duration::from_secs(10)))
            .build()
            .new_agent();
        let sim = Self {
            child,
            folder,
            control,
            agent,
        };
        sim.post(
            "/phone/users",
            &json!({"authy_id": 1635, "email": "alice@example.com"}),
        );
        sim
    }

    /// Kills the simulator, and starts another one with the same folder.
    pub(crate) fn restart(&mut self, arguments: &[&str]) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        (self.child, self.control) = spawn(self.folder.path(), arguments);
    }

    /// Returns its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Returns the path of a file in the simulator's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The simulator's own CA.
    pub(crate) fn roots(&self) -> Roots {
        Roots::new(Pem {
            name: "ca.pem".to_owned(),
            bytes: fs::read(self.path("ca.pem")).unwrap(),
        })
    }

    /// Returns the simulator's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the URL of the API.
    pub(crate) fn url(&self) -> String {
        let config = fs::read_to_string(self.path("config.toml")).unwrap();
        let line = config
            .lines()
            .find(|line| line.starts_with("url = "))
            .unwrap();
        line.split('"').nth(1).unwrap().to_owned()
    }

    /// Returns the control URL (plain HTTP) of the phones, the faults and the log of requests.
    pub(crate) fn control(&self) -> &str {
        &self.control
    }

    /// Returns the API key.
    pub(crate) fn key(&self) -> String {
        let config = fs::read_to_string(self.path("config.toml")).unwrap();
        config.split('"').nth(1).unwrap().to_owned()
    }

    /// Returns a value of the simulated account at Twilio, by its name in twilio.env.
    pub(crate) fn twilio(&self, name: &str) -> String {
        let text = fs::read_to_string(self.path("twilio.env")).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap().to_owned()
    }

    /// Sends a POST to the control address and returns the answer, which must have status 200.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let url = format!("{}{path}", self.control);
        let mut answer = self
            .agent
            .post(&url)
            .header("Content-Type", "application/json")
            .send(&body.to_string())
            .unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{path}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Sends a GET to the control address and returns the answer.
    pub(crate) fn get(&self, path: &str) -> Value {
        let mut answer = self
            .agent
            .get(&format!("{}{path}", self.control))
            .call()
            .unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    /// Issues a token of the person that is valid once.
    pub(crate) fn token(&self, id: u64) -> String {
        let answer = self.post(&format!("/phone/users/{id}/token"), &json!({}));
        answer["token"].as_str().unwrap().to_owned()
    }

    /// Returns the token of the last message in the person's inbox.
    pub(crate) fn last_sms(&self, id: u64) -> Option<String> {
        let phones = self.get("/phone.json");
        let users = phones["users"].as_array().unwrap();
        let user = users.iter().find(|user| user["authy_id"] == id)?;
        Some(
            user["inbox"].as_array()?.last()?["token"]
                .as_str()?
                .to_owned(),
        )
    }

    /// Waits up to 10 s for the person's next push, approves or denies it, and returns it as the
    /// phone showed it.
    pub(crate) fn decide(&self, id: u64, approve: bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            if let Some(pending) = self.pending_push(id) {
                let uuid = pending["uuid"].as_str().unwrap();
                self.post(
                    &format!("/phone/approvals/{uuid}"),
                    &json!({"approve": approve}),
                );
                return pending;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("no push arrived");
    }

    /// Returns the pending push on the person's phone.
    pub(crate) fn pending_push(&self, id: u64) -> Option<Value> {
        let phones = self.get("/phone.json");
        let users = phones["users"].as_array()?;
        let user = users.iter().find(|user| user["authy_id"] == id)?;
        let approvals = user["approvals"].as_array()?;
        approvals
            .iter()
            .find(|approval| approval["status"] == "pending")
            .cloned()
    }

    /// Changes the person's settings.
    pub(crate) fn change(&self, id: u64, change: &Value) {
        self.post(&format!("/phone/users/{id}"), change);
    }

    /// Arms a fault.
    pub(crate) fn fault(&self, fault: &Value) {
        self.post("/faults", fault);
    }

    /// Disarms all faults.
    pub(crate) fn forget_faults(&self) {
        let url = format!("{}/faults", self.control);
        self.agent.delete(&url).call().unwrap();
    }

    /// Makes authy-sim answer every verify request with this status and body.
    pub(crate) fn answer_verify(&self, status: u16, body: &str) {
        self.fault(
            &json!({"match": {"path": "/verify/"}, "times": 0, "status": status, "body": body}),
        );
    }

    /// Returns the paths of all API requests so far, in order.
    pub(crate) fn requests(&self) -> Vec<String> {
        let all = self.get("/requests.json");
        let requests = all["requests"].as_array().unwrap();
        requests
            .iter()
            .map(|request| request["path"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Returns the number of API requests whose path contains `part`.
    pub(crate) fn count(&self, part: &str) -> usize {
        self.requests()
            .iter()
            .filter(|path| path.contains(part))
            .count()
    }

    /// Returns the lines of the log. Waits up to 3 s for the first line that `wanted` accepts, and
    /// then until no further line arrives.
    pub(crate) fn log(&self, wanted: impl Fn(&str) -> bool) -> Vec<String> {
        let deadline = Instant::now() + Duration::from_secs(3);
        loop {
            let text = fs::read_to_string(self.path("log.txt")).unwrap_or_default();
            let has_wanted = text.lines().any(&wanted);
            std::thread::sleep(Duration::from_millis(if has_wanted { 50 } else { 10 }));
            // The line of another login that has ended may arrive shortly after the first.
            let later = fs::read_to_string(self.path("log.txt")).unwrap_or_default();
            if (has_wanted && later == text) || Instant::now() > deadline {
                return later.lines().map(str::to_owned).collect();
            }
        }
    }
}

/// Starts the program; returns it and its control URL once it is ready.
fn spawn(folder: &Path, arguments: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_authy-sim"))
        .args(["--with-parent", "--stop-after", "1200"])
        .args(arguments)
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    assert!(url.starts_with("https://"), "authy-sim printed {url:?}");
    let control = fs::read_to_string(folder.join("control.url")).unwrap();
    (child, control.trim().to_owned())
}

impl Drop for Sim {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
