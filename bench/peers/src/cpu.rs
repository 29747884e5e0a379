//! Time on the processor of whoever executes the guest: this thread, or the process that does it for this thread. What else
//! the computer does is not in it, nor that one waits for the other, which around.rs measures by the time of day.
use libc::clockid_t;

#[derive(Clone, Copy)]
pub struct CpuClock {
    clock: clockid_t,
}

impl CpuClock {
    pub const THIS_THREAD: Self = Self { clock: libc::CLOCK_THREAD_CPUTIME_ID };

    pub fn of_process(pid: u32) -> Result<Self, String> {
        let mut clock = 0;
        // SAFETY: the place lives during the call.
        match unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &mut clock) } {
            0 => Ok(Self { clock }),
            number => Err(format!("process {pid}: {}", std::io::Error::from_raw_os_error(number))),
        }
    }

    /// Nanoseconds so far.
    pub fn now(self) -> f64 {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the place lives during the call. When the process has ended, the run fails of itself.
        unsafe { libc::clock_gettime(self.clock, &mut time) };
        time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
    }
}
