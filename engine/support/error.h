/* The text behind pvm_last_error(): one buffer per thread, written by whoever knows most. */
#ifndef PVM_SUPPORT_ERROR_H
#define PVM_SUPPORT_ERROR_H

#include <stdarg.h>

/** Longest error text, with its end. Longer ones are cut. */
#define PVM_ERROR_BYTES 512

/** Set the thread's error text, printf style. @return -1, so that callers can `return pvm_error_set(...)`. */
int pvm_error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
