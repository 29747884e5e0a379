//! Errors.
use std::{ffi::CStr, fmt, os::raw::c_int};

/// Why a call failed. Nothing has changed then, except after `HostPanicked`: there the run has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// libpvm refused; the text says why.
    Refused(String),
    /// The host callback panicked with this message; the machine is in [`State::Panic`](crate::State::Panic).
    HostPanicked(String),
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Refused(text) => out.write_str(text),
            Error::HostPanicked(text) => write!(out, "the host callback panicked: {text}"),
        }
    }
}

impl std::error::Error for Error {}

/// What the last failed call of this thread said.
pub(crate) fn last() -> Error {
    // SAFETY: never NULL, and valid until the next call of this thread.
    let text = unsafe { CStr::from_ptr(pvm_sys::pvm_last_error()) };
    Error::Refused(text.to_string_lossy().into_owned())
}

/// The status of a call that returns -1 on failure.
pub(crate) fn check(status: c_int) -> Result<c_int, Error> {
    if status < 0 {
        Err(last())
    } else {
        Ok(status)
    }
}
