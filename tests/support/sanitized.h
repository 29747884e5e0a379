/* Whether a test runs under a sanitizer: one that takes address space of its own, and whose allocator does not survive a
 * fork beside other threads. */
#ifndef PVM_TESTS_SUPPORT_SANITIZED_H
#define PVM_TESTS_SUPPORT_SANITIZED_H

#include <stdbool.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED true
#elif defined(__has_feature)
#define IS_SANITIZED (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define IS_SANITIZED false
#endif

#endif
