//! Which cores this thread may use. Processes that it makes inherit them.
use libc::cpu_set_t;
use std::mem::{size_of, zeroed};

fn allowed() -> Result<cpu_set_t, String> {
    // SAFETY: a cpu_set_t is plain bits, and the call fills it.
    unsafe {
        let mut cores: cpu_set_t = zeroed();
        match libc::sched_getaffinity(0, size_of::<cpu_set_t>(), &mut cores) {
            0 => Ok(cores),
            _ => Err(format!("sched_getaffinity: {}", std::io::Error::last_os_error())),
        }
    }
}

fn allow(cores: &cpu_set_t) -> Result<(), String> {
    // SAFETY: the set lives during the call.
    match unsafe { libc::sched_setaffinity(0, size_of::<cpu_set_t>(), cores) } {
        0 => Ok(()),
        _ => Err(format!("sched_setaffinity: {}", std::io::Error::last_os_error())),
    }
}

/// The core it is running on, and no other.
pub fn pin_to_one_core() -> Result<(), String> {
    // SAFETY: the number is that of a core, which is below the size of the set.
    unsafe {
        let mut one: cpu_set_t = zeroed();
        libc::CPU_SET(libc::sched_getcpu().max(0) as usize, &mut one);
        allow(&one)
    }
}

/// Cores again as they were before: all that `cores` says.
pub struct AllCores {
    before: cpu_set_t,
}

impl AllCores {
    /// Until it is dropped this thread may use every core.
    pub fn new() -> Result<Self, String> {
        let before = allowed()?;
        let mut all = before;
        for core in 0..libc::CPU_SETSIZE as usize {
            // SAFETY: below the size of the set.
            unsafe { libc::CPU_SET(core, &mut all) };
        }
        allow(&all).map(|()| Self { before })
    }
}

impl Drop for AllCores {
    fn drop(&mut self) {
        // What was allowed a moment ago still is.
        let _ = allow(&self.before);
    }
}
