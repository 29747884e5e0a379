/* Messages to events to the feed: see reader.h. */
#include "profiler/import/reader.h"

#include "support/error.h"

#include <pvm/trace.h>
#include <string.h>

typedef pvm_import_reader_t reader_t;

/* @return its number; -1 without memory */
static int host_of(reader_t *reader, const bt_stream *stream)
{
    if (stream != reader->last_stream) {
        const bt_value *const value = bt_trace_borrow_environment_entry_value_by_name_const(
            bt_stream_borrow_trace_const(stream), "hostname");

        reader->last_stream = stream;
        reader->last_host = pvm_prof_feed_host(
            reader->feed,
            value != NULL && bt_value_is_string(value) ? bt_value_string_get(value) : "");
    }
    return reader->last_host;
}

/* What the trace could hold tells what is missing from it. */
static void note_classes(reader_t *reader, const bt_stream *stream)
{
    static const struct {
        pvm_event_kind_t kind;
        uint32_t instrument;
    } meanings[] = {{PVM_EVENT_block_counts, PVM_PROF_COUNTS},
                    {PVM_EVENT_edge_counts, PVM_PROF_EDGES},
                    {PVM_EVENT_host_call_begin, PVM_PROF_HOST_CALLS},
                    {PVM_EVENT_host_call, PVM_PROF_HOST_CALLS},
                    {PVM_EVENT_block_batch, PVM_PROF_BLOCKS}};
    const bt_stream_class *const class = bt_stream_borrow_class_const(stream);
    const uint64_t count = bt_stream_class_get_event_class_count(class);

    for (uint64_t i = 0; i < count; i++) {
        const char *const name =
            bt_event_class_get_name(bt_stream_class_borrow_event_class_by_index_const(class, i));
        const pvm_event_kind_t kind = name != NULL ? pvm_import_kind(name) : PVM_EVENT_COUNT;

        for (size_t m = 0; m < sizeof(meanings) / sizeof(meanings[0]); m++) {
            reader->instrument |= kind == meanings[m].kind ? meanings[m].instrument : 0;
        }
        if (kind != PVM_EVENT_COUNT) {
            reader->enabled[kind] = true;
        }
    }
}

/* Memory, calls and samples are told of machines that ask for it, and a host that touches no memory and a guest that no tick met
 * are not told of. */
static void note_run(reader_t *reader, const bt_event *event)
{
    static const struct {
        pvm_event_kind_t kind;
        uint32_t flag;
        uint32_t instrument;
    } asked[] = {{PVM_EVENT_host_memory, PVM_INSTRUMENT_MEMORY, PVM_PROF_MEMORY},
                 {PVM_EVENT_call_tree, PVM_INSTRUMENT_CALLS, PVM_PROF_CALLS},
                 {PVM_EVENT_samples, PVM_INSTRUMENT_SAMPLES, PVM_PROF_SAMPLES}};
    const pvm_event_execute_begin_t *const run = (const void *)reader->record->record;
    const char *field = "";

    const bool can_matter = reader->enabled[PVM_EVENT_host_memory] ||
                            reader->enabled[PVM_EVENT_call_tree] ||
                            reader->enabled[PVM_EVENT_samples];
    if (!can_matter ||
        !pvm_import_record(PVM_EVENT_execute_begin, bt_event_borrow_payload_field_const(event),
                           reader->record, &field)) {
        return;
    }
    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]); i++) {
        if (reader->enabled[asked[i].kind] && (run->instrumentation & asked[i].flag) != 0) {
            reader->instrument |= asked[i].instrument;
        }
    }
}

/* Begins of host calls are told as CLOCK_MONOTONIC had it, which is LTTng's clock, too; to the time of the trace. */
static bool set_begin(reader_t *reader, const bt_clock_snapshot *now, int64_t time_ns,
                      uint64_t *begin_ns)
{
    const bt_clock_class *const clock = bt_clock_snapshot_borrow_clock_class_const(now);
    const uint64_t value = bt_clock_snapshot_get_value(now);
    const char *const name = bt_clock_class_get_name(clock);

    if (name == NULL || strcmp(name, "monotonic") != 0 ||
        bt_clock_class_get_frequency(clock) != UINT64_C(1000000000)) {
        pvm_error_set("%.200s: its clock is not CLOCK_MONOTONIC, so host_call does not tell when "
                      "calls began; enable host_call_begin and host_call_end instead",
                      reader->source);
        reader->status = PVM_PROF_E_FORMAT;
        return false;
    }
    if (*begin_ns != 0) {
        *begin_ns = (uint64_t)time_ns - (value > *begin_ns ? value - *begin_ns : 0);
    }
    return true;
}

static bool place_call(reader_t *reader, pvm_event_kind_t kind, const bt_clock_snapshot *now,
                       int64_t time_ns)
{
    void *const record = reader->record->record;

    return kind == PVM_EVENT_host_call
               ? set_begin(reader, now, time_ns, &((pvm_event_host_call_t *)record)->begin_ns)
           : kind == PVM_EVENT_host_call_open
               ? set_begin(reader, now, time_ns, &((pvm_event_host_call_open_t *)record)->begin_ns)
               : true;
}

/* Many of a kind follow each other. */
static pvm_event_kind_t kind_of(reader_t *reader, const bt_event_class *class)
{
    if (class != reader->last_class) {
        const char *const name = bt_event_class_get_name(class);

        reader->last_class = class;
        reader->last_kind = name != NULL ? pvm_import_kind(name) : PVM_EVENT_COUNT;
    }
    return reader->last_kind;
}

static void on_event(reader_t *reader, const bt_message *message)
{
    const bt_event *const event = bt_message_event_borrow_event_const(message);
    const bt_event_class *const class = bt_event_borrow_class_const(event);
    const pvm_event_kind_t kind = kind_of(reader, class);
    const char *field = "";
    int64_t time_ns = 0;

    if (kind == PVM_EVENT_COUNT) {
        reader->result->others += !reader->is_scan;
        return;
    }
    if (reader->is_scan) {
        reader->instrument |= kind == PVM_EVENT_host_memory ? PVM_PROF_MEMORY
                              : kind == PVM_EVENT_samples   ? PVM_PROF_SAMPLES
                              : kind == PVM_EVENT_gas       ? PVM_PROF_GAS
                                                            : 0;
        if (kind == PVM_EVENT_execute_begin) {
            note_run(reader, event);
        }
        if (kind != PVM_EVENT_program_load && kind != PVM_EVENT_program_data) {
            return;
        }
    }
    if (!pvm_import_record(kind, bt_event_borrow_payload_field_const(event), reader->record,
                           &field)) {
        pvm_error_set("%.200s: field %s of %s is of another type, or too long; was it written by "
                      "another version?",
                      reader->source, field, bt_event_class_get_name(class));
        reader->status = PVM_PROF_E_FORMAT;
        return;
    }
    const bt_clock_snapshot *const now =
        bt_message_event_borrow_default_clock_snapshot_const(message);
    (void)bt_clock_snapshot_get_ns_from_origin(now, &time_ns);
    if (!place_call(reader, kind, now, time_ns)) {
        return;
    }
    const int host = host_of(reader, bt_event_borrow_stream_const(event));
    if (host < 0) {
        reader->status = PVM_PROF_E_SYSTEM;
    } else if (reader->is_scan) {
        reader->status = pvm_prof_feed_event(reader->feed, host, (uint64_t)time_ns, kind,
                                             reader->record->record);
    } else {
        reader->result->events++;
        reader->status = pvm_import_waiting_add(reader->waiting, host, (uint64_t)time_ns, kind,
                                                reader->record->record);
    }
}

void pvm_import_on_message(reader_t *reader, const bt_message *message)
{
    uint64_t count = 0;

    switch (bt_message_get_type(message)) {
    case BT_MESSAGE_TYPE_EVENT:
        on_event(reader, message);
        break;
    case BT_MESSAGE_TYPE_STREAM_END:
        reader->last_stream = NULL;
        break;
    case BT_MESSAGE_TYPE_STREAM_BEGINNING:
        note_classes(reader, bt_message_stream_beginning_borrow_stream_const(message));
        break;
    case BT_MESSAGE_TYPE_DISCARDED_EVENTS:
        /* A tracer that does not count has lost one at least. */
        if (bt_message_discarded_events_get_count(message, &count) !=
            BT_PROPERTY_AVAILABILITY_AVAILABLE) {
            count = 1;
        }
        reader->result->discarded += reader->is_scan ? 0 : count;
        break;
    case BT_MESSAGE_TYPE_DISCARDED_PACKETS:
        if (bt_message_discarded_packets_get_count(message, &count) !=
            BT_PROPERTY_AVAILABILITY_AVAILABLE) {
            count = 1;
        }
        reader->result->packets += reader->is_scan ? 0 : count;
        break;
    default:
        break;
    }
}
