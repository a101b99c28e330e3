//! A real slapd on loopback with people, TLS by a CA of its own, and a socket for ldapi.
//!
//! Everything is in a temporary folder; it runs as who runs the test, and ends when dropped.

use std::fmt::Write as _;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Where scripts/peers.sh unpacks OpenLDAP.
const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/peers/slapd");
/// The schema of the docs.
const SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/packaging/examples/ldap/pam_authy.schema"
);
pub(crate) const BASE: &str = "dc=example,dc=com";
pub(crate) const READER: &str = "cn=reader,dc=example,dc=com";
pub(crate) const PASSWORD: &str = "reader's password";

/// A person: the name, and lines of LDIF that follow it.
pub(crate) fn person(uid: &str, lines: &str) -> String {
    let lines = lines.trim_end();
    format!(
        "\ndn: uid={uid},ou=people,{BASE}\nobjectClass: inetOrgPerson\nobjectClass: pamAuthyPerson\n\
         uid: {uid}\ncn: {uid}\nsn: {uid}\nuserPassword: own\n{lines}\n"
    )
}

/// This many people, u0, u1 and so on, with an Authy id from 10000 on.
pub(crate) fn people(count: usize) -> String {
    let mut text = String::new();
    for number in 0..count {
        let id = format!("pamAuthyId: {}", 10_000 + number);
        let _ = write!(text, "{}", person(&format!("u{number}"), &id));
    }
    text
}

/// A server, which ends when dropped.
pub(crate) struct Slapd {
    folder: TempDir,
    child: Option<Child>,
    port: u16,
    tls_port: u16,
}

impl Slapd {
    /// Starts a server with these people.
    pub(crate) fn with(people: &str) -> Self {
        Self::configured(people, "")
    }

    /// The same, with lines for its database in slapd.conf.
    pub(crate) fn configured(people: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self {
            folder,
            child: None,
            port: free_port(),
            tls_port: free_port(),
        };
        certificates(server.folder.path());
        server.write_configuration(more);
        fs::create_dir(server.path("db")).unwrap();
        let base = format!(
            "dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: example\ndc: example\n\n\
             dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n\
             cn: reader\nuserPassword: {PASSWORD}\n\n\
             dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n"
        );
        server.load(&(base + people));
        server.start();
        server
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn ldaps(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    pub(crate) fn starttls(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    pub(crate) fn ldapi(&self) -> String {
        format!("ldapi://{}", self.path("socket").display())
    }

    /// The port for StartTLS, and the one for TLS from the first byte.
    pub(crate) fn ports(&self) -> (u16, u16) {
        (self.port, self.tls_port)
    }

    /// Writes slapd.conf, which counts from the next start on.
    pub(crate) fn write_configuration(&self, more: &str) {
        let schemas: String = ["core", "cosine", "inetorgperson"]
            .iter()
            .map(|name| format!("include {PACKAGE}/etc/ldap/schema/{name}.schema\n"))
            .collect();
        let folder = self.folder.path().display();
        let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
        let text = format!(
            "{schemas}include {SCHEMA}\nmodulepath {PACKAGE}/usr/lib/ldap\nmoduleload back_mdb\n\
             TLSCACertificateFile {folder}/ca.pem\nTLSCertificateFile {folder}/server.pem\n\
             TLSCertificateKeyFile {folder}/server.key\n\
             authz-regexp \"gidNumber={gid}\\\\+uidNumber={uid},cn=peercred,cn=external,cn=auth\" \"{READER}\"\n\
             database mdb\nsuffix \"{BASE}\"\nrootdn \"cn=admin,{BASE}\"\nrootpw admin\n\
             directory {folder}/db\nmaxsize 1073741824\n{}\n\
             access to attrs=userPassword by anonymous auth by * none\n\
             access to attrs=mobile,pamAuthyId by self write by dn.exact=\"{READER}\" read by * none\n\
             access to * by self read by dn.exact=\"{READER}\" read by * none\n",
            if more.is_empty() {
                format!("limits dn.exact=\"{READER}\" size=unlimited")
            } else {
                more.to_owned()
            }
        );
        fs::write(self.path("slapd.conf"), text).unwrap();
    }

    /// Adds entries while the server is down.
    fn load(&self, ldif: &str) {
        let file = self.path("people.ldif");
        fs::write(&file, ldif).unwrap();
        let mut add = program("sbin/slapd");
        add.args(["-T", "add", "-q", "-f"])
            .arg(self.path("slapd.conf"));
        succeeds(add.arg("-l").arg(file));
    }

    /// Starts it again.
    pub(crate) fn start(&mut self) {
        let socket = self
            .path("socket")
            .display()
            .to_string()
            .replace('/', "%2F");
        let urls = format!("{}/ {}/ ldapi://{socket}", self.starttls(), self.ldaps());
        let mut slapd = program("sbin/slapd");
        slapd.arg("-f").arg(self.path("slapd.conf"));
        // With -d it stays in the foreground.
        slapd.args(["-d", "0", "-h", &urls]);
        let quiet = slapd.stdin(Stdio::null()).stderr(Stdio::null());
        self.child = Some(quiet.spawn().unwrap());
        let begun = Instant::now();
        let listens = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        while !(listens(self.port) && listens(self.tls_port))
            || UnixStream::connect(self.path("socket")).is_err()
        {
            assert!(begun.elapsed() < Duration::from_secs(20), "no slapd");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Changes entries as its administrator, by LDIF for ldapmodify.
    pub(crate) fn change(&self, ldif: &str) {
        let output = self.change_as(&format!("cn=admin,{BASE}"), "admin", ldif);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}\n{ldif}");
    }

    /// Changes entries as this name.
    pub(crate) fn change_as(&self, dn: &str, password: &str, ldif: &str) -> Output {
        let file = self.path("change.ldif");
        fs::write(&file, ldif).unwrap();
        let mut modify = program("bin/ldapmodify");
        modify.args(["-x", "-H", &self.starttls(), "-D", dn, "-w", password, "-f"]);
        modify.arg(file).output().unwrap()
    }

    /// Sets the values of an attribute of a person; without values it is deleted.
    pub(crate) fn set(&self, uid: &str, attribute: &str, values: &[&str]) {
        self.change(&change_of(uid, attribute, values));
    }

    /// Removes a person.
    pub(crate) fn remove(&self, uid: &str) {
        self.change(&format!(
            "dn: uid={uid},ou=people,{BASE}\nchangetype: delete\n"
        ));
    }

    /// Adds a person.
    pub(crate) fn add(&self, uid: &str, lines: &str) {
        let ldif = person(uid, lines);
        self.change(&ldif.replace(
            "\nobjectClass: inet",
            "\nchangetype: add\nobjectClass: inet",
        ));
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.stop();
    }
}

/// LDIF that sets the values of an attribute of a person.
pub(crate) fn change_of(uid: &str, attribute: &str, values: &[&str]) -> String {
    let values: String = values
        .iter()
        .map(|value| format!("{attribute}: {value}\n"))
        .collect();
    format!("dn: uid={uid},ou=people,{BASE}\nchangetype: modify\nreplace: {attribute}\n{values}-\n")
}

/// Whether scripts/peers.sh has fetched it.
pub(crate) fn is_there() -> bool {
    Path::new(PACKAGE).join("usr/sbin/slapd").is_file()
}

/// A program of the package, with its libraries.
fn program(name: &str) -> Command {
    let path = Path::new(PACKAGE).join("usr").join(name);
    assert!(is_there(), "run scripts/peers.sh slapd first");
    let libraries = format!("{PACKAGE}/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let mut command = Command::new(path);
    command
        .env("LD_LIBRARY_PATH", libraries)
        .env("LDAPNOINIT", "1");
    command
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Makes a CA (ca.pem), and a certificate of it for 127.0.0.1 (server.pem).
pub(crate) fn certificates(folder: &Path) {
    let script = "
        set -e
        curve='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
        openssl req -x509 $curve -days 2 -keyout ca.key -out ca.pem -subj /CN=ca-${PWD##*/}
        openssl req $curve -keyout server.key -out server.csr -subj /CN=slapd
        echo subjectAltName=IP:127.0.0.1,DNS:ldap1.example.com,DNS:ldap2.example.com >names
        openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \
            -extfile names -out server.pem
    ";
    succeeds(Command::new("sh").args(["-c", script]).current_dir(folder));
}

fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
