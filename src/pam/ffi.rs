//! The calls of libpam that pam-bindings lacks: the only unsafe code of the module itself.
//!
//! Every function takes a live handle, which libpam lends to the module for one call. Called by
//! `items` and `conversation`.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use pam::module::PamHandle;

use crate::base::secret::Secret;

/// `PAM_AUTHTOK` of `_pam_types.h`.
const PAM_AUTHTOK: c_int = 6;

unsafe extern "C" {
    fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
    fn pam_set_item(pamh: *mut c_void, item: c_int, value: *const c_void) -> c_int;
}

/// Returns a variable of the PAM environment, which the application sets; this is not the
/// environment of the process. A value that is not UTF-8 counts as absent.
///
/// Source: pam_getenv(3).
pub(super) fn environment(pamh: &mut PamHandle, name: &CStr) -> Option<String> {
    // SAFETY: the handle is live and `name` ends in NUL; pam_getenv(3) changes neither.
    let value = unsafe { pam_getenv(pamh, name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: not null, ends in NUL, and is valid until the PAM environment changes; nothing
    // changes it before the copy is made.
    let value = unsafe { CStr::from_ptr(value) };
    value.to_str().ok().map(str::to_owned)
}

/// Sets PAM_AUTHTOK to `password`, for the modules that follow in the stack. Returns false when
/// libpam refuses, or when the password contains a NUL.
///
/// Source: pam_set_item(3).
pub(super) fn set_password(pamh: &mut PamHandle, password: &Secret) -> bool {
    let Ok(text) = CString::new(password.expose()) else {
        return false;
    };
    let text = zeroize::Zeroizing::new(text.into_bytes_with_nul());
    let pamh: *mut PamHandle = pamh;
    // SAFETY: the handle is live; the text ends in NUL, and libpam copies it (pam_set_item(3)).
    unsafe { pam_set_item(pamh.cast(), PAM_AUTHTOK, text.as_ptr().cast()) == 0 }
}
