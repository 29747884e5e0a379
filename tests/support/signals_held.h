/* ThreadSanitizer holds signals back until a thread calls into libc: in guest code none arrives, so nothing is sampled. */
#ifndef PVM_TESTS_SUPPORT_SIGNALS_HELD_H
#define PVM_TESTS_SUPPORT_SIGNALS_HELD_H

#if defined(__SANITIZE_THREAD__)
#define TEST_HOLDS_SIGNALS
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_HOLDS_SIGNALS
#endif
#endif

#endif
