/* One line on standard error. */
#include "events/environment.h"

#include "support/error.h"

#include <pvm/pvm.h>

#include <stdio.h>
#include <unistd.h>

void pvm_events_tell_user(const char *outcome)
{
    char reason[PVM_ERROR_BYTES];

    (void)snprintf(reason, sizeof(reason), "%s", pvm_last_error());
    for (char *at = reason; *at != '\0'; at++) {
        /* Words of the environment are quoted in it: they stay on the line. */
        *at = (unsigned char)*at < ' ' || *at == '\x7f' ? '?' : *at;
    }
    (void)dprintf(STDERR_FILENO, "libpvm: %s: %s\n", outcome, reason);
}
