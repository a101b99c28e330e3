//! Constants of Authy's sandbox, which was shut down in 2021; `--sandbox` brings them back.
//!
//! Where recordings of clients differ, these are the later ones: an SMS is answered as sent, while
//! older recordings have `SMS is not enabled` (`sms_enabled` of `POST /phone/app`).

/// The public API keys, the one of most clients first.
pub(crate) const KEYS: [&str; 3] = [
    "bf12974d70818a08199d17d5e2bae630",
    "d57d919d11e6b221c9bf6f7c882028f9",
    "0cd08abec2e9b9641e40e9470a7fc336",
];

/// The only valid token, for every person.
pub(crate) const TOKEN: &str = "0000000";

/// The name of the application.
pub(crate) const APP_NAME: &str = "Sandbox App 1";

/// The phone number in the answers to an SMS and a call.
pub(crate) const CELLPHONE: &str = "+54-XXX-XXX-XX02";

/// The carrier of each phone that is verified.
pub(crate) const CARRIER: &str = "Google Voice";
