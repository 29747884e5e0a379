/* What main.c calls: one function for each command. */
#ifndef PVM_VIEWER_COMMAND_H
#define PVM_VIEWER_COMMAND_H

#include "viewer/options.h"

#include <stdio.h>

#define PVM_COMMAND(name, ...) pvm_view_status_t pvm_command_##name(pvm_view_t *view);
#include "viewer/commands.def"

/** Help for the command of `view`, or the overview if it has none. */
void pvm_view_put_help(const pvm_view_t *view, FILE *out);

#endif
