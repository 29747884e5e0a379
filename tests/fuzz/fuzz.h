/* What libFuzzer calls, and what regression_driver.c calls instead. */
#ifndef PVM_TESTS_FUZZ_H
#define PVM_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** Ends the process if the oracle of a target does not hold, also in builds without assertions. */
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            __builtin_trap();                                                                      \
        }                                                                                          \
    } while (0)

#endif
