/* Thread-local error text. */
#include "support/error.h"

#include <pvm/pvm.h>
#include <stdio.h>

static _Thread_local char error_text[PVM_ERROR_BYTES];

int pvm_error_set(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(error_text, sizeof(error_text), format, args);
    va_end(args);
    return -1;
}

const char *pvm_last_error(void)
{
    return error_text;
}
