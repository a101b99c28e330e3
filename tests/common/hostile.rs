//! The environment of a hostile caller: every variable that some library might obey, and a trap
//! that detects whether one was obeyed.
//!
//! The tests of su and sudo start their login in this environment. The trap is a proxy that must
//! not receive a connection, and a folder in which no file may appear.

use std::net::TcpListener;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// Variables whose value is the address of the trap's proxy.
const PROXIES: [&str; 9] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "FTP_PROXY",
    "SOCKS_PROXY",
    "CURL_PROXY",
];

/// Variables whose value is a file of the caller in the trap's folder.
const FILES: [&str; 25] = [
    "SSLKEYLOGFILE",
    "HOSTALIASES",
    "OPENSSL_CONF",
    "RESOLV_CONF",
    "RESOLV_HOST_CONF",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "XDG_DATA_HOME",
    "XDG_CACHE_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "HOME",
    "TMPDIR",
    "TEMP",
    "TMP",
    "LOCPATH",
    "NLSPATH",
    "LANGUAGE",
    "TZDIR",
    "MALLOC_TRACE",
    "PAM_AUTHY_CONFIG",
    "AUTHY_CONFIG",
    "CREDENTIALS_DIRECTORY",
    "RUST_LOG_FILE",
    "GCONV_PATH",
];

/// Other variables, each with a harmful value. NO_PROXY is not among them, because it would disable
/// the proxies.
const OTHERS: [(&str, &str); 20] = [
    ("RES_OPTIONS", "timeout:0 attempts:0"),
    ("LOCALDOMAIN", "hostile.example"),
    ("RUST_BACKTRACE", "full"),
    ("RUST_LIB_BACKTRACE", "1"),
    ("RUST_LOG", "trace"),
    ("RUST_MIN_STACK", "18446744073709551615"),
    ("TZ", "../../../etc/passwd"),
    ("LANG", "tr_TR.UTF-8"),
    ("LC_ALL", "tr_TR.UTF-8"),
    ("LD_BIND_NOW", "1"),
    ("MALLOC_CHECK_", "3"),
    ("MALLOC_PERTURB_", "165"),
    ("MALLOC_ARENA_MAX", "1"),
    ("GLIBC_TUNABLES", "glibc.malloc.check=3"),
    ("AUTHY_API_KEY", "00000000000000000000000000000000"),
    ("AUTHY_URL", "https://127.0.0.1:1"),
    ("PAM_USER", "root"),
    ("PAM_RHOST", "127.0.0.1"),
    ("SSH_CONNECTION", "127.0.0.1 1 127.0.0.1 22"),
    ("SUDO_USER", "root"),
];

/// A proxy that must not be used, and a folder in which no file may be created.
pub(crate) struct Trap {
    proxy: TcpListener,
    folder: TempDir,
    authorities: PathBuf,
}

impl Trap {
    /// Returns a trap whose variables for CA certificates name the file `authorities`.
    pub(crate) fn new(authorities: &Path) -> Self {
        use std::os::unix::fs::PermissionsExt;
        let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
        proxy.set_nonblocking(true).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let open = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(folder.path(), open).unwrap();
        Self {
            proxy,
            folder,
            authorities: authorities.to_owned(),
        }
    }

    /// Returns every variable with its value.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        let address = format!("http://{}", self.proxy.local_addr().unwrap());
        let proxies = PROXIES.map(|name| (name.to_owned(), address.clone()));
        let file = |name: &str| self.folder.path().join(name).display().to_string();
        let files = FILES.map(|name| (name.to_owned(), file(name)));
        let others = OTHERS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let authorities = [
            "SSL_CERT_FILE",
            "CURL_CA_BUNDLE",
            "REQUESTS_CA_BUNDLE",
            "NODE_EXTRA_CA_CERTS",
            "SSL_CERT_DIR",
        ]
        .map(|name| (name.to_owned(), self.authorities.display().to_string()));
        proxies
            .into_iter()
            .chain(files)
            .chain(others)
            .chain(authorities)
            .collect()
    }

    /// Fails the test if a variable was obeyed.
    pub(crate) fn assert_untouched(&self) {
        assert!(
            self.proxy.accept().is_err(),
            "a connection reached the caller's proxy"
        );
        let created: Vec<_> = std::fs::read_dir(self.folder.path())
            .unwrap()
            .flatten()
            .collect();
        assert!(created.is_empty(), "{created:?}");
    }
}
