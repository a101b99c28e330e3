//! Holds what the crate page promises: who may import whom, where `unsafe` stands, and which crates
//! get into the module.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The rows of the crate page; a module may use those of rows above its own.
const ROWS: [&[&str]; 9] = [
    &["base", "pam_app"],
    &["host", "messages"],
    &["client"],
    &["store"],
    &["factor"],
    &["login"],
    &["engine"],
    &["pam"],
    &["bin/authyctl"],
];

/// Imports that the rows alone would allow and that are not wanted: (module, what it must not use).
const NEVER: [(&str, &[&str]); 2] = [
    ("engine", &["client", "factor", "login"]),
    ("bin/authyctl", &["pam"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file below `folder`.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The layered module that a file below `src` belongs to: `client`, `bin/authyctl`, …
fn module_of(file: &Path) -> String {
    let path = file
        .strip_prefix(root().join("src"))
        .unwrap()
        .with_extension("");
    let parts: Vec<_> = path.iter().map(|part| part.to_str().unwrap()).collect();
    match parts.as_slice() {
        ["bin", program, ..] => format!("bin/{program}"),
        [first, ..] => first.trim_end_matches("_tests").to_owned(),
        [] => unreachable!("a file has a name"),
    }
}

/// The library's modules that a file names, as `crate::x` in the library or `pam_authy::x` elsewhere.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"))
    {
        for prefix in ["crate::", "pam_authy::"] {
            for (at, _) in line.match_indices(prefix) {
                found.extend(first_names(&line[at + prefix.len()..]));
            }
        }
    }
    found
}

/// `a` of `a::b`, and `a`, `c` of `{a, c::d}`.
fn first_names(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    match path.strip_prefix('{') {
        Some(list) => list
            .split(',')
            .map(name)
            .filter(|name| !name.is_empty())
            .collect(),
        None => vec![name(path)],
    }
}

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

#[test]
fn modules_use_only_the_rows_above_their_own() {
    let mut broken = Vec::new();
    for file in sources(&root().join("src")) {
        let module = module_of(&file);
        let text = std::fs::read_to_string(&file).unwrap();
        if module == "lib" {
            continue;
        }
        if module == "bin/authy-sim" {
            if text.contains("pam_authy::") {
                broken.push(format!("{}: the simulator shares nothing", file.display()));
            }
            continue;
        }
        let own = row(&module).unwrap_or_else(|| panic!("{module} stands in no row"));
        let never: BTreeMap<_, _> = NEVER.into_iter().collect();
        for used in imports(&text) {
            let Some(theirs) = row(&used) else { continue };
            let unwanted = never
                .get(module.as_str())
                .is_some_and(|list| list.contains(&&*used));
            let sideways = theirs >= own && used != module;
            if sideways && !(own == 0 && theirs == 0 && used != "pam_app") || unwanted {
                broken.push(format!("{}: {module} uses {used}", file.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn a_login_knows_of_the_client_its_types_only() {
    for file in sources(&root().join("src/login")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let (all, types) = ("client::", "client::authy::types");
        assert_eq!(text.matches(all).count(), text.matches(types).count());
    }
}

#[test]
fn unsafe_stands_in_the_files_of_c_calls_alone() {
    for file in sources(&root().join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let code = |line: &&str| !line.trim_start().starts_with("//");
        let uses = text
            .lines()
            .filter(code)
            .any(|line| line.contains("unsafe ") && !line.contains("unsafe_code"));
        let allowed = ["src/pam_app.rs", "src/pam/ffi.rs"].map(|name| root().join(name));
        assert!(!uses || allowed.contains(&file), "{}", file.display());
    }
}

/// The names of the crates that `cargo tree` lists for these flags.
fn crates(flags: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-e",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        .args(flags)
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut names: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .filter_map(|line| Some(line.split(' ').next()?.to_owned()))
        .collect();
    names.sort();
    names.dedup();
    names
}

#[test]
fn no_crate_of_the_programs_gets_into_the_module() {
    let module = crates(&["--no-default-features"]);
    let foreign = [
        "anyhow",
        "axum",
        "clap",
        "hyper",
        "native-tls",
        "openssl-sys",
        "rcgen",
        "rpassword",
        "rustls-native-certs",
        "rustls-platform-verifier",
        "tempfile",
        "tokio",
        "toml_edit",
        "totp-rs",
        "webpki-roots",
    ];
    for name in foreign {
        assert!(
            !module.iter().any(|found| found == name),
            "{name} is in pam_authy.so"
        );
    }
}
