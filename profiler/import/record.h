/* From events of libbabeltrace2 to the records of trace/events.h. */
#ifndef PVM_PROFILER_IMPORT_RECORD_H
#define PVM_PROFILER_IMPORT_RECORD_H

#include "trace/events.h"

#include <babeltrace2/babeltrace.h>
#include <stdbool.h>

/** Sequences of one event, of 64 bits each at most. */
#define PVM_IMPORT_SEQUENCES_MAX 12

/** A record and what its pointers point to. */
typedef struct {
    _Alignas(8) uint8_t record[512];
    _Alignas(8) uint64_t sequences[PVM_IMPORT_SEQUENCES_MAX][PVM_EVENT_SEQUENCE_MAX];
} pvm_import_record_t;

/** The kind of an event by its name ("pvm:execute_begin"), or PVM_EVENT_COUNT. */
pvm_event_kind_t pvm_import_kind(const char *name);
/** Read the payload. Fields that a trace of another version does not have are zero.
 *  @return false: a field is of another type than in the table, or too long. *out_field names it. */
bool pvm_import_record(pvm_event_kind_t kind, const bt_field *payload, pvm_import_record_t *out,
                       const char **out_field);

/** Octets of the record in one piece, with all that it points to; a multiple of 8. */
size_t pvm_import_packed_bytes(pvm_event_kind_t kind, const void *record);
/** Write it there: it can be moved, and used after pvm_import_unpack(). */
void pvm_import_pack(pvm_event_kind_t kind, const void *record, void *out);
void pvm_import_unpack(pvm_event_kind_t kind, void *packed);

#endif
