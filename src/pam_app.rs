//! libpam's application side: starts a PAM transaction and answers its conversation, as sshd would.
//!
//! Used by `authyctl test` and by the tests, which load the real module through the real libpam. It
//! reads a private stack from a folder of the caller (`pam_start_confdir(3)`, since libpam 1.4), so
//! it uses no file in /etc. The module's messages are not trusted. It is no part of the module.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::ptr;

/// The style of a message, as in `_pam_types.h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A prompt whose reply is not shown.
    PromptEchoOff,
    /// A prompt whose reply is shown.
    PromptEchoOn,
    /// An error.
    Error,
    /// A notice.
    Info,
}

/// Answers the messages of a module, as the person would.
pub trait Answerer {
    /// Shows `text`, and returns the reply if it is a prompt. `None` for a prompt ends the
    /// conversation with an error. May block without limit.
    fn message(&mut self, style: Style, text: &str) -> Option<String>;
}

impl<F: FnMut(Style, &str) -> Option<String>> Answerer for F {
    fn message(&mut self, style: Style, text: &str) -> Option<String> {
        self(style, text)
    }
}

/// A result code of libpam.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PamCode(pub c_int);

impl PamCode {
    /// `PAM_SUCCESS`.
    pub const SUCCESS: Self = Self(0);

    /// The name in `_pam_types.h`, such as `PAM_AUTH_ERR`.
    #[must_use]
    pub fn name(self) -> &'static str {
        const NAMES: [&str; 32] = [
            "PAM_SUCCESS",
            "PAM_OPEN_ERR",
            "PAM_SYMBOL_ERR",
            "PAM_SERVICE_ERR",
            "PAM_SYSTEM_ERR",
            "PAM_BUF_ERR",
            "PAM_PERM_DENIED",
            "PAM_AUTH_ERR",
            "PAM_CRED_INSUFFICIENT",
            "PAM_AUTHINFO_UNAVAIL",
            "PAM_USER_UNKNOWN",
            "PAM_MAXTRIES",
            "PAM_NEW_AUTHTOK_REQD",
            "PAM_ACCT_EXPIRED",
            "PAM_SESSION_ERR",
            "PAM_CRED_UNAVAIL",
            "PAM_CRED_EXPIRED",
            "PAM_CRED_ERR",
            "PAM_NO_MODULE_DATA",
            "PAM_CONV_ERR",
            "PAM_AUTHTOK_ERR",
            "PAM_AUTHTOK_RECOVERY_ERR",
            "PAM_AUTHTOK_LOCK_BUSY",
            "PAM_AUTHTOK_DISABLE_AGING",
            "PAM_TRY_AGAIN",
            "PAM_IGNORE",
            "PAM_ABORT",
            "PAM_AUTHTOK_EXPIRED",
            "PAM_MODULE_UNKNOWN",
            "PAM_BAD_ITEM",
            "PAM_CONV_AGAIN",
            "PAM_INCOMPLETE",
        ];
        usize::try_from(self.0)
            .ok()
            .and_then(|code| NAMES.get(code))
            .copied()
            .unwrap_or("unknown")
    }
}

/// A text item of a transaction, with its number in `_pam_types.h`.
#[derive(Debug, Clone, Copy)]
pub enum Item {
    /// The terminal.
    Tty = 3,
    /// The remote host.
    RHost = 4,
    /// The system password, as an earlier module would have set it.
    AuthTok = 6,
    /// The calling user.
    RUser = 8,
}

/// One PAM transaction. Dropping it ends the transaction.
pub struct Transaction<'a> {
    handle: *mut c_void,
    // Boxed, because libpam keeps the address as long as the transaction lives.
    _answerer: Box<Slot<'a>>,
    last: PamCode,
}

struct Slot<'a>(&'a mut dyn Answerer);

impl<'a> Transaction<'a> {
    /// Starts a transaction of `service` for `user` with the stack in `folder`/`service`.
    ///
    /// # Errors
    /// libpam's code, or PAM_SYSTEM_ERR for a text with a NUL byte.
    pub fn start(
        service: &str,
        user: &str,
        folder: &Path,
        answerer: &'a mut dyn Answerer,
    ) -> Result<Self, PamCode> {
        let text = |bytes: &[u8]| CString::new(bytes).map_err(|_| PamCode(4));
        let (service, user) = (text(service.as_bytes())?, text(user.as_bytes())?);
        let folder = text(folder.as_os_str().as_bytes())?;
        let mut answerer = Box::new(Slot(answerer));
        let conversation = PamConv {
            conv: Some(converse),
            appdata_ptr: (&raw mut *answerer).cast(),
        };
        let mut handle = ptr::null_mut();
        // SAFETY: all texts end in NUL and outlive the call, which copies them and the
        // conversation; appdata_ptr points into a box that lives as long as the transaction
        // (pam_start_confdir(3)).
        let code = PamCode(unsafe {
            pam_start_confdir(
                service.as_ptr(),
                user.as_ptr(),
                &raw const conversation,
                folder.as_ptr(),
                &raw mut handle,
            )
        });
        if code == PamCode::SUCCESS {
            Ok(Self {
                handle,
                _answerer: answerer,
                last: code,
            })
        } else {
            Err(code)
        }
    }

    /// Sets a text item.
    ///
    /// # Errors
    /// libpam's code, or PAM_SYSTEM_ERR for a text with a NUL byte.
    pub fn set(&mut self, item: Item, text: &str) -> Result<(), PamCode> {
        let text = CString::new(text).map_err(|_| PamCode(4))?;
        // SAFETY: the handle is live and libpam copies the text (pam_set_item(3)).
        match PamCode(unsafe { pam_set_item(self.handle, item as c_int, text.as_ptr().cast()) }) {
            PamCode::SUCCESS => Ok(()),
            code => Err(code),
        }
    }

    /// Runs the `auth` lines of the stack. Blocks as long as its modules do.
    pub fn authenticate(&mut self) -> PamCode {
        // SAFETY: the handle is live (pam_authenticate(3)).
        self.last = PamCode(unsafe { pam_authenticate(self.handle, 0) });
        self.last
    }

    /// Runs the `auth` lines of the stack again, to set up credentials.
    pub fn setcred(&mut self) -> PamCode {
        const PAM_ESTABLISH_CRED: c_int = 0x2;
        // SAFETY: the handle is live (pam_setcred(3)).
        self.last = PamCode(unsafe { pam_setcred(self.handle, PAM_ESTABLISH_CRED) });
        self.last
    }

    /// Runs the `account` lines of the stack.
    pub fn account(&mut self) -> PamCode {
        // SAFETY: the handle is live (pam_acct_mgmt(3)).
        self.last = PamCode(unsafe { pam_acct_mgmt(self.handle, 0) });
        self.last
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is live and never used again (pam_end(3)).
        unsafe { pam_end(self.handle, self.last.0) };
    }
}

/// Writes a private stack with `lines` for `service` into `folder`.
///
/// # Errors
/// The file cannot be written.
pub fn write_stack(folder: &Path, service: &str, lines: &[String]) -> io::Result<()> {
    std::fs::write(folder.join(service), lines.join("\n") + "\n")
}

#[repr(C)]
struct PamMessage {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct PamResponse {
    text: *mut c_char,
    code: c_int,
}

#[repr(C)]
struct PamConv {
    conv: Option<
        unsafe extern "C" fn(
            c_int,
            *mut *const PamMessage,
            *mut *mut PamResponse,
            *mut c_void,
        ) -> c_int,
    >,
    appdata_ptr: *mut c_void,
}

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conv: *const PamConv,
        confdir: *const c_char,
        handle: *mut *mut c_void,
    ) -> c_int;
    fn pam_end(handle: *mut c_void, status: c_int) -> c_int;
    fn pam_set_item(handle: *mut c_void, item: c_int, value: *const c_void) -> c_int;
    fn pam_authenticate(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_setcred(handle: *mut c_void, flags: c_int) -> c_int;
    fn pam_acct_mgmt(handle: *mut c_void, flags: c_int) -> c_int;
}

const PAM_SUCCESS: c_int = 0;
const PAM_CONV_ERR: c_int = 19;

/// libpam's callback: passes each message to the [`Answerer`] and returns the replies.
unsafe extern "C" fn converse(
    count: c_int,
    messages: *mut *const PamMessage,
    responses: *mut *mut PamResponse,
    appdata: *mut c_void,
) -> c_int {
    let Ok(count) = usize::try_from(count) else {
        return PAM_CONV_ERR;
    };
    if count == 0 || messages.is_null() || responses.is_null() || appdata.is_null() {
        return PAM_CONV_ERR;
    }
    let mut replies = Vec::with_capacity(count);
    for index in 0..count {
        // SAFETY: libpam passes `count` pointers to messages with texts that end in NUL, valid
        // during the call, and the appdata of pam_start, which is our slot (pam_conv(3)).
        // Linux-PAM's layout is an array of pointers.
        let (message, answerer) =
            unsafe { (&**messages.add(index), &mut *appdata.cast::<Slot<'_>>()) };
        // SAFETY: as above, the text ends in NUL.
        let text = unsafe { CStr::from_ptr(message.text) }.to_string_lossy();
        match reply(answerer.0, message.style, &text) {
            Ok(reply) => replies.push(reply),
            Err(NoReply) => return PAM_CONV_ERR,
        }
    }
    // SAFETY: calloc gives zeroed room for `count` responses. The module frees it and the texts,
    // which strdup allocates (pam_conv(3)).
    unsafe {
        let array: *mut PamResponse = libc::calloc(count, size_of::<PamResponse>()).cast();
        if array.is_null() {
            return PAM_CONV_ERR;
        }
        for (index, reply) in replies.iter().enumerate() {
            if let Some(reply) = reply {
                (*array.add(index)).text = libc::strdup(reply.as_ptr());
            }
        }
        *responses = array;
    }
    PAM_SUCCESS
}

/// There is no reply to a prompt.
struct NoReply;

/// Asks `answerer` for the reply to one message; `None` for a message that is not a prompt. A panic
/// must not unwind into C, and counts as a missing reply.
fn reply(
    answerer: &mut dyn Answerer,
    style: c_int,
    text: &str,
) -> Result<Option<CString>, NoReply> {
    let style = match style {
        1 => Style::PromptEchoOff,
        2 => Style::PromptEchoOn,
        3 => Style::Error,
        _ => Style::Info,
    };
    let reply = catch_unwind(AssertUnwindSafe(|| answerer.message(style, text)));
    let reply = reply.map_err(|_| NoReply)?;
    match style {
        Style::PromptEchoOff | Style::PromptEchoOn => {
            let reply = CString::new(reply.ok_or(NoReply)?);
            reply.map(Some).map_err(|_| NoReply)
        }
        Style::Error | Style::Info => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_of_pam_permit_lets_in_and_one_of_pam_deny_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let code = |module: &str| {
            let line = format!("auth required {module}");
            write_stack(folder.path(), "rehearsal", &[line]).unwrap();
            let mut no_reply = |_: Style, _: &str| None;
            let mut pam =
                Transaction::start("rehearsal", "root", folder.path(), &mut no_reply).unwrap();
            pam.authenticate().name()
        };
        assert_eq!(code("pam_permit.so"), "PAM_SUCCESS");
        assert_eq!(code("pam_deny.so"), "PAM_AUTH_ERR");
    }

    #[test]
    fn a_code_has_the_name_of_pam_types_h() {
        assert_eq!(PamCode(11).name(), "PAM_MAXTRIES");
        assert_eq!(PamCode(99).name(), "unknown");
    }
}
