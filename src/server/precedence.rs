//! The web server comes first.
//!
//! What wakes a thread of ours is the web server, in the middle of its work for many others. The
//! system would often run that thread at once, in its place; as `SCHED_BATCH` (sched(7)) the
//! thread takes a processor that is free, or waits for a moment. It is no less important than
//! before once it runs.

use rustix::process::getpriority_process;
use thread_priority::NormalThreadSchedulePolicy;
use thread_priority::ThreadPriority;
use thread_priority::ThreadPriorityValue;
use thread_priority::ThreadSchedulePolicy;
use thread_priority::set_thread_priority_and_policy;
use thread_priority::thread_native_id;
use thread_priority::thread_schedule_policy;

/// What the crate makes nice 0 of.
const NICE_0: u8 = 47;

/// Lets the current thread wait for who wakes it, unless somebody has chosen how we are to run.
pub(super) fn grant() {
    let usual = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Other);
    let is_usual = thread_schedule_policy().is_ok_and(|policy| policy == usual)
        && getpriority_process(None).is_ok_and(|nice| nice == 0);
    let Ok(value) = ThreadPriorityValue::try_from(NICE_0) else {
        return;
    };
    if is_usual {
        let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
        let priority = ThreadPriority::Crossplatform(value);
        // Where it is not allowed things are only slower.
        let _ = set_thread_priority_and_policy(thread_native_id(), priority, batch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_waits_for_who_wakes_it_and_is_as_nice_as_before() {
        std::thread::spawn(|| {
            let before = getpriority_process(None).unwrap();
            grant();
            let batch = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Batch);
            if before == 0 {
                assert_eq!(thread_schedule_policy().unwrap(), batch);
            }
            assert_eq!(getpriority_process(None).unwrap(), before);
        })
        .join()
        .unwrap();
    }
}
