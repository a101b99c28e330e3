//! Where the service listens. Used by `pam`, which connects, and by `authyctl`.

/// The folder of its sockets: where it exists, this host has the service.
pub const FOLDER: &str = "/run/pam_authy";
/// The socket for processes of root.
pub const ROOT_SOCKET: &str = "/run/pam_authy/socket";
/// The socket for processes of plain users, such as screen lockers.
pub const USER_SOCKET: &str = "/run/pam_authy/user";
