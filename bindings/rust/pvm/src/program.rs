//! Programs.
use crate::{error, Error, Format, Spec};
use std::{
    ffi::{CStr, CString},
    os::raw::{c_char, c_int},
    ptr::{self, NonNull},
};

/// A loaded program: immutable, counted by libpvm. A clone is the same program.
#[derive(Debug)]
pub struct Program {
    handle: NonNull<pvm_sys::pvm_program_t>,
}

// SAFETY: a program does not change, and its counter is atomic (pvm.h: "Thread: any").
unsafe impl Send for Program {}
unsafe impl Sync for Program {}

impl Program {
    /// Read a program from a file's contents, as the container says. Raw blobs that are invalid load as programs that
    /// panic at once; see [`problem`](Self::problem).
    pub fn load(blob: &[u8]) -> Result<Self, Error> {
        Self::load_as(blob, Format::Auto, Spec::Default)
    }

    /// The same with a format and a spec of your choice.
    pub fn load_as(blob: &[u8], format: Format, spec: Spec) -> Result<Self, Error> {
        // SAFETY: the slice is read during the call only.
        Self::made(unsafe { pvm_sys::pvm_program_load(blob.as_ptr(), blob.len(), format as c_int, spec as c_int) })
    }

    /// A program of code, its packed bitmask (one bit where an instruction starts) and jump table.
    pub fn from_parts(code: &[u8], bitmask: &[u8], jump_table: &[u32], spec: Spec) -> Result<Self, Error> {
        let table = if jump_table.is_empty() { ptr::null() } else { jump_table.as_ptr() };
        // SAFETY: the slices are read during the call only.
        Self::made(unsafe {
            pvm_sys::pvm_program_from_parts(
                code.as_ptr(),
                code.len(),
                bitmask.as_ptr(),
                bitmask.len(),
                table,
                jump_table.len(),
                spec as c_int,
            )
        })
    }

    fn made(handle: *mut pvm_sys::pvm_program_t) -> Result<Self, Error> {
        NonNull::new(handle).map(|handle| Self { handle }).ok_or_else(error::last)
    }

    pub(crate) fn as_ptr(&self) -> *mut pvm_sys::pvm_program_t {
        self.handle.as_ptr()
    }

    /// The rules that it runs under; never `Default`.
    pub fn spec(&self) -> Spec {
        // SAFETY: the program lives.
        match unsafe { pvm_sys::pvm_program_spec(self.as_ptr()) } {
            1 => Spec::V0_7_2,
            2 => Spec::V0_8_0,
            _ => Spec::Latest64,
        }
    }

    /// The layout that it was read from; never `Auto`.
    pub fn format(&self) -> Format {
        // SAFETY: the program lives.
        match unsafe { pvm_sys::pvm_program_format(self.as_ptr()) } {
            2 => Format::Jam,
            3 => Format::PolkaVm,
            _ => Format::Raw,
        }
    }

    /// Why it is invalid, so that it panics at once; `None` for a valid program.
    pub fn problem(&self) -> Option<String> {
        // SAFETY: the text belongs to the program.
        unsafe { text(pvm_sys::pvm_program_error(self.as_ptr())) }
    }

    /// pc of an export; `refine`, `is_authorized` and `accumulate` exist in JAM programs.
    pub fn entry(&self, name: &str) -> Option<u32> {
        let name = CString::new(name).ok()?;
        let mut pc = 0;
        // SAFETY: both pointers live during the call.
        let status = unsafe { pvm_sys::pvm_program_find_entry(self.as_ptr(), name.as_ptr(), &mut pc) };
        (status == 0).then_some(pc)
    }

    /// Name of a host call: its import symbol, or JAM's name.
    pub fn host_call_name(&self, func_id: i32) -> Option<String> {
        // SAFETY: the text belongs to the program or is static.
        unsafe { text(pvm_sys::pvm_host_call_name(self.as_ptr(), func_id)) }
    }
}

/// SAFETY: NULL, or a text that lives during the call.
unsafe fn text(text: *const c_char) -> Option<String> {
    (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
}

impl Clone for Program {
    fn clone(&self) -> Self {
        // SAFETY: the program lives, and is given back once more.
        unsafe { pvm_sys::pvm_program_acquire(self.as_ptr()) };
        Self { handle: self.handle }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: one counted reference is this one's.
        unsafe { pvm_sys::pvm_program_release(self.as_ptr()) };
    }
}
