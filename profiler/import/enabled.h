/* What a session did not enable. Internal to the importer. */
#ifndef PVM_PROFILER_IMPORT_ENABLED_H
#define PVM_PROFILER_IMPORT_ENABLED_H

#include "trace/events.h"

#include <stdbool.h>
#include <stddef.h>

/** Whether anything can be imported, from the kinds of events that a trace can hold; all false: it is nobody's who uses libpvm.
 *  @param out_text  what is missing for that, in words. "" if nothing is */
bool pvm_import_can_begin(const bool enabled[PVM_EVENT_COUNT], char *out_text, size_t text_bytes);

/** What is missing for that, or else for figures that add up, in words. "" if nothing is. */
void pvm_import_left_out(const bool enabled[PVM_EVENT_COUNT], char *out_text, size_t text_bytes);

#endif
