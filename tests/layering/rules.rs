//! The rules: which module may use which, and where `unsafe` may be.
//!
//! A name means the module (or item) and everything in it: `client` covers `client::http`. A module
//! may use whatever any rule that covers it allows, so a rule for `store::limits` adds to the one
//! for `store`. A module may always use itself; the root of a layer (`store`, its mod.rs) and the
//! modules in it may use one another. Whatever is not listed is a violation, also in the tests
//! below src.

/// What the modules of a layer may use outside of it. The order is that of the crate page.
#[rustfmt::skip]
pub(super) const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("protocol", &["base"]),
    ("host", &["base"]),
    ("messages", &["base"]),
    ("client", &[]),
    ("client::http", &["base"]),
    ("client::authy", &["base", "client::http"]),
    ("client::twilio", &["base", "client::http"]),
    ("store", &["base", "host"]),
    ("factor", &["base"]),
    // A client is generic over its transport, so its factor has to name `http::Transport`.
    ("factor::authy", &["client::authy", "client::http"]),
    ("factor::twilio", &["client::twilio", "client::http"]),
    // `store::state` for why a code could not be recorded.
    ("factor::totp", &["store::totp", "store::state"]),
    ("factor::decoy", &[]),
    // An app together with a provider's factor, or with a decoy in its place.
    ("factor::combined", &["factor::totp", "factor::decoy"]),
    ("factor::connect", &["client", "store", "factor", "host::ca_file"]),
    // How an address is counted, here by the provider.
    ("factor::connect", &["host::address"]),
    ("login", &["base", "messages", "store", "host::address", "host::ssh_key"]),
    // The pure type only: the rest of `account` reads the user database.
    ("login", &["host::account::Spelling"]),
    ("engine", BELOW_ENGINE),
    ("pam", &["base", "protocol", "host::trusted_file", "host::socket", "host::journal"]),
    ("pam", &["host::errno"]),
    ("pam_app", &["base"]),
    ("bin/authyctl", BELOW_ENGINE),
    ("bin/authyctl", &["engine", "pam_app"]),
    ("bin/pam_authyd", &["engine"]),
    // The simulator shares nothing with what it is a test for.
    ("bin/authy-sim", &[]),
];

/// Every layer that the engine may use.
const BELOW_ENGINE: &[&str] = &[
    "base", "protocol", "host", "messages", "client", "store", "factor", "login",
];

/// What modules of one layer may use of each other: (module, what it uses). Modules that are not
/// listed here do not know each other.
pub(super) const SIBLINGS: &[(&str, &str)] = &[
    ("base::arguments", "base::text"),
    ("base::attempt", "base::factor"),
    ("base::audit_line", "base::attempt"),
    ("base::audit_line", "base::factor"),
    ("base::audit_line", "base::text"),
    ("base::audit_line", "base::utc"),
    ("base::date", "base::utc"),
    ("base::factor", "base::deadline"),
    ("base::factor", "base::language"),
    ("base::factor", "base::secret"),
    ("base::language", "base::text"),
    ("base::reply", "base::factor"),
    ("base::reply", "base::text"),
    ("host::ca_file", "host::trusted_file"),
    ("host::journald", "host::journal"),
    ("host::lock", "host::errno"),
    ("host::socket", "host::errno"),
    ("host::trusted_file", "host::errno"),
    ("host::toml_file", "host::trusted_file"),
    ("messages::tests", "messages::built_in"),
    ("store::addresses", "store::state"),
    ("store::directory", "store::config"),
    ("store::directory", "store::index"),
    ("store::directory", "store::state"),
    ("store::directory", "store::state_index"),
    ("store::directory", "store::users"),
    ("store::edit", "store::index"),
    ("store::former", "store::limits"),
    ("store::former", "store::state"),
    ("store::totp", "store::edit"),
    ("store::totp", "store::index"),
    ("store::people", "store::config"),
    ("store::people", "store::directory"),
    ("store::people", "store::users"),
    ("store::state_index", "store::index"),
    ("store::state_index", "store::state"),
    ("store::totp", "store::state"),
    ("store::totp", "store::state_index"),
    ("store::totp", "store::users"),
    ("store::twilio", "store::state"),
    ("store::users", "store::edit"),
    ("store::users", "store::index"),
    ("store::limits", "store::config"),
    ("store::limits", "store::state"),
    ("store::recovery", "store::state"),
    ("store::remember", "store::config"),
    ("store::remember", "store::state"),
    ("store::verdicts", "store::config"),
    ("store::verdicts", "store::state"),
    ("login::password", "login::reply"),
    ("login::tests", "login::conversation"),
    ("login::tests", "login::enroll"),
    ("login::tests", "login::policy"),
    ("login::verify", "login::policy"),
    ("engine::conversation", "engine::isolation"),
    ("engine::session", "engine::audit"),
    ("engine::session", "engine::conversation"),
    ("engine::service", "engine::descriptor"),
    ("engine::service", "engine::isolation"),
    ("engine::service", "engine::session"),
    ("engine::session", "engine::isolation"),
    ("engine::session", "engine::locker"),
    ("engine::session", "engine::wiring"),
    ("engine::wiring", "engine::enrollment"),
    ("engine::wiring", "engine::isolation"),
    ("engine::wiring", "engine::locker"),
    ("engine::wiring", "engine::shared_words"),
    ("pam::connect", "pam::service"),
    ("pam::connect", "pam::spawn"),
    ("pam::items", "pam::conversation"),
    ("pam::items", "pam::ffi"),
    ("pam::items", "pam::session"),
    ("pam::conversation", "pam::ffi"),
    ("pam::module", "pam::connect"),
    ("pam::module", "pam::conversation"),
    ("pam::module", "pam::items"),
    ("pam::module", "pam::log"),
    ("pam::module", "pam::password"),
    ("pam::module", "pam::terminal"),
    ("pam::service", "pam::spawn"),
];

/// The files that may contain `unsafe`, `extern` blocks and attributes that change symbols.
pub(super) const UNSAFE_FILES: &[&str] = &[
    "src/engine/descriptor.rs",
    "src/engine/service/fork.rs",
    "src/engine/shared_words.rs",
    "src/pam/ffi.rs",
    "src/pam/spawn.rs",
    "src/pam_app.rs",
];

/// Negated features that are still there: (file, condition). Features only add, so this list has to
/// become empty: what one feature takes away, another program in the same build may need.
pub(super) const NEGATED_FEATURES: &[(&str, &str)] = &[];
