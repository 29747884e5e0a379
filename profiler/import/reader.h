/* What one import knows while it reads: messages of libbabeltrace2 come in, events of libpvm go to the feed. Internal to the
 * importer. */
#ifndef PVM_PROFILER_IMPORT_READER_H
#define PVM_PROFILER_IMPORT_READER_H

#include "profiler/import/import.h"
#include "profiler/import/record.h"
#include "profiler/import/waiting.h"

typedef struct {
    const char *source;
    pvm_prof_feed_t *feed;
    pvm_import_result_t *result;
    bool is_scan;                  /**< programs and event classes only */
    bool enabled[PVM_EVENT_COUNT]; /**< kinds of events that the trace can hold */
    uint32_t instrument;
    pvm_prof_status_t status; /**< the first failure */
    bool is_broken_off; /**< which is that the trace cannot be read on: a packet at least is lost */
    pvm_import_record_t *record;
    const bt_event_class *last_class; /**< of the event before, and what it is */
    pvm_event_kind_t last_kind;
    const bt_stream *last_stream; /**< of the event before, while it goes on, and its host */
    int last_host;
    pvm_import_waiting_t *waiting;
} pvm_import_reader_t;

/** One message: an event, a stream that begins, a loss. The first failure is left in reader->status. */
void pvm_import_on_message(pvm_import_reader_t *reader, const bt_message *message);

#endif
