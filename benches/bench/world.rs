//! What is measured stands here: authy-sim, the stacks, the mappings, the CA files, the relay.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pam_authy::pam_app::write_stack;
use tempfile::TempDir;

use crate::Fault;
use crate::relay::Relay;

/// The token that the simulator takes from now on, as often as it comes.
pub(crate) const TOKEN: &str = "1234567";
/// The round trip of the long line.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(100);
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A simulator and a folder with everything that logins need.
pub(crate) struct World {
    pub(crate) module: PathBuf,
    pub(crate) folder: TempDir,
    sim: Child,
    url: String,
    key: String,
    _relay: Relay,
}

impl World {
    pub(crate) fn new(module: &Path) -> Result<Self, Fault> {
        let folder = tempfile::tempdir()?;
        let mut sim = Command::new(env!("CARGO_BIN_EXE_authy-sim"))
            .args(["--with-parent", "--stop-after", "1800", "--dir"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        let said = sim.stdout.take().ok_or("authy-sim has no output")?;
        BufReader::new(said).read_line(&mut url)?;
        let url = url.trim().to_owned();
        let port = url.rsplit(':').next().ok_or("no port")?.parse()?;
        let config = fs::read_to_string(folder.path().join("config.toml"))?;
        let key = config.split('"').nth(1).ok_or("no key")?.to_owned();
        let world = Self {
            module: module.to_owned(),
            folder,
            sim,
            url,
            key,
            _relay: Relay::start(port, ROUND_TRIP / 2),
        };
        world.arm()?;
        world.write_files(&config)?;
        world.write_stacks()?;
        Ok(world)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Enrolls a person and has every verify answered with a yes.
    fn arm(&self) -> Result<(), Fault> {
        self.post(
            "/phone/users",
            r#"{"authy_id":1635,"email":"alice@example.com"}"#,
        )?;
        self.post(
            "/faults",
            r#"{"match":{"path":"/verify/"},"times":0,"status":200,
                "body":"{\"token\":\"is valid\",\"success\":\"true\"}"}"#,
        )
    }

    fn post(&self, path: &str, body: &str) -> Result<(), Fault> {
        let control = fs::read_to_string(self.path("control.url"))?;
        let address = control.trim().trim_start_matches("http://").to_owned();
        let mut stream = TcpStream::connect(&address)?;
        write!(
            stream,
            "POST {path} HTTP/1.0\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        match answer.split(' ').nth(1) {
            Some("200") => Ok(()),
            _ => Err(format!("authy-sim answered {answer}").into()),
        }
    }

    /// The configurations, the mappings of 10 and of 100 000, the CA file of a whole system.
    fn write_files(&self, config: &str) -> Result<(), Fault> {
        let (one, all) = (self.path("ca.pem"), self.path("ca-all.pem"));
        let roots = fs::read_to_string(SYSTEM_CA).unwrap_or_default();
        fs::write(&all, roots + &fs::read_to_string(&one)?)?;
        let near = self.url.clone();
        let far = format!("https://127.0.0.1:{}", self._relay.port);
        let on = |text: &str, warm: bool| {
            text.replace("[authy]\n", &format!("[authy]\nwarm_up = {warm}\n"))
        };
        let with_all = config.replace(&*one.to_string_lossy(), &all.to_string_lossy());
        let slow = config.replace(&near, &far);
        for (name, text) in [
            ("warm.toml", on(config, true)),
            ("cold.toml", on(config, false)),
            ("all.toml", on(&with_all, true)),
            ("far-warm.toml", on(&slow, true)),
            ("far-cold.toml", on(&slow, false)),
        ] {
            fs::write(self.path(name), text)?;
            fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o600))?;
        }
        for (name, people) in [("10.toml", 10), ("100000.toml", 100_000)] {
            let mut text = String::from("[users]\n");
            for number in 1..people {
                text.push_str(&format!("user{number:06} = {}\n", 2000 + number));
                if number == people / 2 {
                    text.push_str("alice = 1635\n");
                }
            }
            fs::write(self.path(name), text)?;
            // Ends with an error where this authyctl has no index to write.
            let _ = Command::new(env!("CARGO_BIN_EXE_authyctl"))
                .arg("--users")
                .arg(self.path(name))
                .arg("index")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()?;
        }
        Ok(())
    }

    /// One stack for each row.
    fn write_stacks(&self) -> Result<(), Fault> {
        let ours = |config: &str, users: &str| {
            let (config, users) = (self.path(config), self.path(users));
            format!(
                "{} config={} users={}",
                self.module.display(),
                config.display(),
                users.display()
            )
        };
        let script = self.path("ask.sh");
        fs::write(
            &script,
            format!(
                "#!/bin/sh\nread -r token\nexec {}\n",
                self.curl_line("ca.pem", "\"$token\"")
            ),
        )?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
        let google = self.path("google.secret");
        fs::write(&google, crate::rows::GOOGLE_FILE)?;
        fs::set_permissions(&google, fs::Permissions::from_mode(0o400))?;
        for (service, line) in [
            ("permit", "pam_permit.so".to_owned()),
            ("warm", ours("warm.toml", "10.toml")),
            ("cold", ours("cold.toml", "10.toml")),
            ("all", ours("all.toml", "10.toml")),
            ("many", ours("warm.toml", "100000.toml")),
            ("far-warm", ours("far-warm.toml", "10.toml")),
            ("far-cold", ours("far-cold.toml", "10.toml")),
            (
                "exec",
                format!("pam_exec.so quiet expose_authtok {}", script.display()),
            ),
            (
                "google",
                format!(
                    "pam_google_authenticator.so secret={} user={} no_increment_hotp",
                    google.display(),
                    crate::rows::own_name()?
                ),
            ),
            ("duo", "pam_duo.so".to_owned()),
        ] {
            write_stack(
                self.folder.path(),
                service,
                &[format!("auth required {line}")],
            )?;
        }
        Ok(())
    }

    /// The verify request as a command line of curl's.
    pub(crate) fn curl_line(&self, ca: &str, token: &str) -> String {
        let (ca, url, key) = (self.path(ca), &self.url, &self.key);
        format!(
            "curl -sf -o /dev/null --cacert {} -H 'X-Authy-API-Key: {key}' {url}/protected/json/verify/{token}/1635?force=true",
            ca.display()
        )
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.sim.kill();
        let _ = self.sim.wait();
    }
}
