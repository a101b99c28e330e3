//! The environment of the measurements: authy-sim, the stacks, the mappings, the CA files and the
//! relay.
//!
//! Everything is in one temporary folder, which is removed at the end; authy-sim is killed then
//! too.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pam_authy::pam_app::write_stack;
use tempfile::TempDir;

use crate::Error;
use crate::load::write_people;
use crate::relay::Relay;
use crate::service::{Service, served_line, write_served_stacks};
use crate::totp::{KEY, base32};

/// The names of the programs in the folder.
pub(crate) const MODULE: &str = "pam_authy.so";
pub(crate) const ENGINE: &str = "pam_authyd";
pub(crate) const FIRST_EDITION: &str = "first_edition.so";
/// The code that each login types; authy-sim accepts it every time.
pub(crate) const CODE: &str = "1234567";
/// The round trip time through the relay.
pub(crate) const ROUND_TRIP: Duration = Duration::from_millis(100);
/// The CA certificates of the system, as Debian installs them.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";

/// A simulator and a folder with everything that logins need.
pub(crate) struct Testbed {
    pub(crate) folder: TempDir,
    /// Whether there is a module of the first edition.
    pub(crate) has_first_edition: bool,
    /// `None` where it cannot be measured.
    pub(crate) service: Option<Service>,
    pub(crate) sim: Child,
    url: String,
    key: String,
    _relay: Relay,
}

impl Testbed {
    /// Starts authy-sim and the relay, copies the programs, and writes every file.
    pub(crate) fn new(
        module: &Path,
        engine: &Path,
        first_edition: Option<&Path>,
    ) -> Result<Self, Error> {
        let folder = tempfile::tempdir()?;
        let mut sim = Command::new(env!("CARGO_BIN_EXE_authy-sim"))
            .args(["--with-parent", "--stop-after", "1800", "--dir"])
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut url = String::new();
        let stdout = sim.stdout.take().ok_or("authy-sim has no output")?;
        BufReader::new(stdout).read_line(&mut url)?;
        let url = url.trim().to_owned();
        let port = url
            .rsplit(':')
            .next()
            .ok_or("authy-sim printed no port")?
            .parse()?;
        let config = fs::read_to_string(folder.path().join("config.toml"))?;
        let key = config
            .split('"')
            .nth(1)
            .ok_or("config.toml has no key")?
            .to_owned();
        let mut testbed = Self {
            folder,
            service: None,
            has_first_edition: first_edition.is_some(),
            sim,
            url,
            key,
            _relay: Relay::start(port, ROUND_TRIP / 2),
        };
        testbed.install(module, MODULE, 0o644)?;
        testbed.install(engine, ENGINE, 0o755)?;
        if let Some(module) = first_edition {
            testbed.install(module, FIRST_EDITION, 0o644)?;
        }
        testbed.prepare_simulator()?;
        testbed.write_files(&config)?;
        write_people(&testbed)?;
        testbed.write_stacks()?;
        write_served_stacks(&testbed)?;
        testbed.service = Service::start(&testbed.path(ENGINE))?;
        Ok(testbed)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Copies a program into the folder: the engine's file and every folder above it must be
    /// writable by their owner alone, or the module does not start it.
    fn install(&self, from: &Path, name: &str, mode: u32) -> Result<(), Error> {
        let error = |error| format!("{}: {error}", from.display());
        fs::write(self.path(name), fs::read(from).map_err(error)?)?;
        Ok(fs::set_permissions(
            self.path(name),
            fs::Permissions::from_mode(mode),
        )?)
    }

    /// Adds a person to authy-sim and makes it accept every code.
    fn prepare_simulator(&self) -> Result<(), Error> {
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

    /// Sends a POST to authy-sim's control address.
    fn post(&self, path: &str, body: &str) -> Result<(), Error> {
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

    /// Writes the configurations, the mappings of 10 and of 100 000 users, and a CA file that also
    /// contains the system's certificates.
    fn write_files(&self, config: &str) -> Result<(), Error> {
        let (one, all) = (self.path("ca.pem"), self.path("ca-all.pem"));
        let roots = fs::read_to_string(SYSTEM_CA).unwrap_or_default();
        fs::write(&all, roots + &fs::read_to_string(&one)?)?;
        let near = self.url.clone();
        let far = format!("https://127.0.0.1:{}", self._relay.port);
        let with_warm_up = |text: &str, warm: bool| {
            text.replace("[authy]\n", &format!("[authy]\nwarm_up = {warm}\n"))
        };
        let all_ca = config.replace(&*one.to_string_lossy(), &all.to_string_lossy());
        let far_config = config.replace(&near, &far);
        for (name, text) in [
            ("warm.toml", with_warm_up(config, true)),
            ("cold.toml", with_warm_up(config, false)),
            ("all.toml", with_warm_up(&all_ca, true)),
            ("far-warm.toml", with_warm_up(&far_config, true)),
            ("far-cold.toml", with_warm_up(&far_config, false)),
            ("first.toml", for_first_edition(config)),
            ("far-first.toml", for_first_edition(&far_config)),
        ] {
            self.write_secret(name, &text)?;
        }
        self.write_app(config)?;
        self.write_directory(&with_warm_up(config, true))?;
        for (name, users) in [("10.toml", 10), ("100000.toml", 100_000)] {
            let mut text = String::from("[users]\n");
            for number in 1..users {
                text.push_str(&format!("user{number:06} = {}\n", 2000 + number));
                if number == users / 2 {
                    text.push_str("alice = 1635\n");
                }
            }
            fs::write(self.path(name), text)?;
            self.index(name)?;
        }
        Ok(())
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn write_secret(&self, name: &str, text: &str) -> Result<(), Error> {
        fs::write(self.path(name), text)?;
        let only_owner = fs::Permissions::from_mode(0o600);
        Ok(fs::set_permissions(self.path(name), only_owner)?)
    }

    /// Writes the files of a host with a directory of 1 000 000 people and an empty mapping.
    fn write_directory(&self, config: &str) -> Result<(), Error> {
        let state = self.path("people-state");
        let (before, paths) = config.split_once("[paths]").ok_or("no [paths]")?;
        let is_state = |line: &&str| line.trim_start().starts_with("state");
        let paths: Vec<_> = paths.lines().filter(|line| !is_state(line)).collect();
        let config = format!(
            "{before}[paths]\nstate = \"{}\"{}\n[directory]\nurl = \"ldapi:///none\"\nbase = \"dc=a\"\n\
             preset = \"freeipa\"\nattributes = {{ authy_id = \"authyId\" }}\n",
            state.display(),
            paths.join("\n")
        );
        self.write_secret("people.toml", &config)?;
        fs::write(self.path("none.toml"), "[users]\n")?;
        fs::create_dir(&state)?;
        fs::set_permissions(&state, fs::Permissions::from_mode(0o700))?;
        let mut text = String::from("[users]\n\"alice\" = { authy_id = 1635 }\n");
        for number in 1..1_000_000 {
            text.push_str(&format!(
                "\"user{number:06}\" = {{ authy_id = {} }}\n",
                2000 + number
            ));
        }
        self.write_secret("people-state/directory.toml", &text)?;
        let status = Command::new(env!("CARGO_BIN_EXE_authyctl"))
            .arg("--config")
            .arg(self.path("people.toml"))
            .arg("--users")
            .arg(self.path("none.toml"))
            .arg("index")
            .stdout(Stdio::null())
            .status()?;
        if !status.success() {
            return Err("authyctl index failed".into());
        }
        Ok(())
    }

    /// Writes the files of a host without a service, where ten people have an app.
    fn write_app(&self, config: &str) -> Result<(), Error> {
        let (_, paths) = config.split_once("[paths]").ok_or("no [paths]")?;
        self.write_secret("totp.config", &format!("[paths]{paths}"))?;
        fs::create_dir(self.path("app"))?;
        let secret = base32(&KEY);
        let (mut users, mut secrets) = (String::from("[users]\n"), String::from("[totp]\n"));
        for name in (1..10).map(|number| format!("user{number:06}")) {
            users.push_str(&format!("{name} = {{ totp = true }}\n"));
            secrets.push_str(&format!("{name} = {{ secret = \"{secret}\" }}\n"));
        }
        users.push_str("alice = { totp = true }\n");
        secrets.push_str(&format!("alice = {{ secret = \"{secret}\" }}\n"));
        fs::write(self.path("app/users.toml"), users)?;
        self.write_secret("app/totp.toml", &secrets)?;
        self.index("app/users.toml")
    }

    /// Writes the index of a mapping.
    pub(crate) fn index(&self, users: &str) -> Result<(), Error> {
        // An authyctl without the command `index` fails, which is ignored.
        let _ = Command::new(env!("CARGO_BIN_EXE_authyctl"))
            .arg("--users")
            .arg(self.path(users))
            .arg("index")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        Ok(())
    }

    /// Writes the script that pam_exec runs: it reads the code and sends it by curl.
    fn write_script(&self) -> Result<PathBuf, Error> {
        let script = self.path("ask.sh");
        fs::write(
            &script,
            format!(
                "#!/bin/sh\nread -r code\nexec {}\n",
                self.curl_line("ca.pem", "\"$code\"")
            ),
        )?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o700))?;
        Ok(script)
    }

    /// Writes one stack for each row, without those of the service.
    fn write_stacks(&self) -> Result<(), Error> {
        let engine = self.path(ENGINE);
        let pam_authy = |config: &str, users: &str| {
            format!(
                "{} engine={}",
                served_line(self, config, users),
                engine.display()
            )
        };
        let first_edition = |config: &str| {
            format!(
                "{} config={} users={}",
                self.path(FIRST_EDITION).display(),
                self.path(config).display(),
                self.path("10.toml").display()
            )
        };
        let script = self.write_script()?;
        let google = self.path("google.secret");
        for (service, line) in [
            ("permit", "pam_permit.so".to_owned()),
            ("warm", pam_authy("warm.toml", "10.toml")),
            ("cold", pam_authy("cold.toml", "10.toml")),
            ("all", pam_authy("all.toml", "10.toml")),
            ("many", pam_authy("warm.toml", "100000.toml")),
            ("people", pam_authy("people.toml", "none.toml")),
            ("totp", pam_authy("totp.config", "app/users.toml")),
            ("far-warm", pam_authy("far-warm.toml", "10.toml")),
            ("far-cold", pam_authy("far-cold.toml", "10.toml")),
            ("first", first_edition("first.toml")),
            ("far-first", first_edition("far-first.toml")),
            (
                "exec",
                format!("pam_exec.so quiet expose_authtok {}", script.display()),
            ),
            (
                "google",
                format!(
                    "pam_google_authenticator.so secret={} user={} no_increment_hotp",
                    google.display(),
                    crate::rows::current_user()?
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

    /// Returns the verify request as a command line of curl.
    pub(crate) fn curl_line(&self, ca: &str, code: &str) -> String {
        let (ca, url, key) = (self.path(ca), &self.url, &self.key);
        format!(
            "curl -sf -o /dev/null --cacert {} -H 'X-Authy-API-Key: {key}' {url}/protected/json/verify/{code}/1635?force=true",
            ca.display()
        )
    }
}

/// The configuration as the first edition named its table, with a state of its own: its files there
/// have another form.
fn for_first_edition(config: &str) -> String {
    let config = config.replace("[authy]\n", "[api]\n");
    config.replace("/state\"", "/first-state\"")
}

impl Drop for Testbed {
    fn drop(&mut self) {
        let _ = self.sim.kill();
        let _ = self.sim.wait();
    }
}
