//! Which module is attacked: the product, or the first edition, in which the attacks must succeed.
//!
//! A test that demands that an attack fails proves little if that attack cannot succeed anywhere.
//! With `PAM_AUTHY_FIRST_EDITION` set to the first edition's module, the same attacks run against
//! that one, and each test passes only if its attack succeeded.

use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{install_engine, product};

/// Names the first edition's module.
const FIRST: &str = "PAM_AUTHY_FIRST_EDITION";

/// The module that a test attacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Edition {
    /// The login runs inside su.
    First,
    /// The login runs in an engine that belongs to root.
    Product,
}

impl Edition {
    /// The edition that the environment chooses.
    pub(super) fn under_test() -> Self {
        if std::env::var_os(FIRST).is_some() {
            Self::First
        } else {
            Self::Product
        }
    }

    /// The path of the module.
    pub(super) fn module(self) -> PathBuf {
        match self {
            Self::First => std::env::var_os(FIRST).expect(FIRST).into(),
            Self::Product => product(),
        }
    }

    /// Installs the engine where the module looks for it; the first edition has none.
    pub(super) fn install_engine(self) {
        if self == Self::Product {
            install_engine();
        }
    }

    /// Rewrites the text of today's config.toml for this edition.
    pub(super) fn config(self, text: &str) -> String {
        match self {
            Self::First => text.replace("[authy]\n", "[api]\n"),
            Self::Product => text.to_owned(),
        }
    }

    /// Returns how many refused codes of `user` are counted.
    pub(super) fn counted(self, config: &Path, state: &Path, user: &str) -> u64 {
        match self {
            Self::First => counted_by_first(state, user),
            Self::Product => counted_by_product(config, user),
        }
    }

    /// Fails the test if an attack failed on the first edition, or succeeded on the product.
    pub(super) fn judge(self, succeeded: bool, evidence: &dyn Debug) {
        eprintln!("attack on {self:?}: succeeded = {succeeded}: {evidence:?}");
        match self {
            Self::First => assert!(succeeded, "the attack failed: {evidence:?}"),
            Self::Product => assert!(!succeeded, "the attack succeeded: {evidence:?}"),
        }
    }
}

fn counted_by_first(state: &Path, user: &str) -> u64 {
    let name = pam_authy::store::state::file_name(user);
    let Ok(bytes) = fs::read(state.join("limits/users").join(&name)) else {
        return 0;
    };
    let file: Value = serde_json::from_slice(&bytes).unwrap();
    file["body"][&name]["refused"].as_u64().unwrap_or(0)
}

fn counted_by_product(config: &Path, user: &str) -> u64 {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_authyctl"))
        .arg("--config")
        .arg(config)
        .args(["--json", "limits"])
        .output()
        .unwrap();
    let listed: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert!(listed["users"].is_array(), "{output:?}");
    let users = listed["users"].as_array().unwrap().iter();
    let mut of_user = users.filter(|row| row["user"] == user);
    of_user.find_map(|row| row["refused"].as_u64()).unwrap_or(0)
}
