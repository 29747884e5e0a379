/* A graph of libbabeltrace2: one source for each trace, its muxer, and a sink that feeds events to the profiler.
 *
 * A folder is read twice, first for the programs and for what was collected, then for the events: a program may be told
 * after its first execution, because tracing began later or because buffers were overwritten. */
#include "profiler/import/import.h"

#include "profiler/import/enabled.h"
#include "profiler/import/metadata.h"
#include "profiler/import/reader.h"
#include "support/error.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/** Traces below one folder. */
#define TRACES_MAX 4096
/** Folders below each other. */
#define DEPTH_MAX 32

typedef pvm_import_reader_t reader_t;

/* -- Traces below a folder ----------------------------------------------------------------- */

/* nftw() gives its callback nothing of the caller's; one import at a time per thread. */
static _Thread_local struct {
    char **paths;
    size_t count;
    bool failed;
} found;

static int note_trace(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status;
    if (type == FTW_F && strcmp(path + place->base, "metadata") == 0) {
        if (found.count == TRACES_MAX ||
            (found.paths[found.count] = strndup(path, (size_t)place->base)) == NULL) {
            found.failed = true;
            return 1;
        }
        found.count++;
    }
    return place->level > DEPTH_MAX;
}

static int compare_paths(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static void free_traces(void)
{
    for (size_t i = 0; i < found.count; i++) {
        free(found.paths[i]);
    }
    free(found.paths);
    found.paths = NULL;
    found.count = 0;
}

static pvm_prof_status_t find_traces(const char *folder)
{
    found.count = 0;
    found.failed = false;
    found.paths = calloc(TRACES_MAX, sizeof(*found.paths));
    if (found.paths == NULL) {
        pvm_error_set("%.300s: no memory to list traces", folder);
        return PVM_PROF_E_SYSTEM;
    }
    if (nftw(folder, note_trace, 16, FTW_PHYS) < 0) {
        pvm_error_set("%.300s: cannot be read (%s); check the name", folder, strerror(errno));
        return PVM_PROF_E_FORMAT;
    }
    if (found.failed || found.count == 0) {
        pvm_error_set(found.failed ? "%.300s: too many traces below it; import them one by one"
                                   : "%.300s: no trace below it; give the folder that LTTng wrote, "
                                     "it has a file metadata",
                      folder);
        return PVM_PROF_E_FORMAT;
    }
    qsort(found.paths, found.count, sizeof(*found.paths), compare_paths);
    for (size_t i = 0; i < found.count; i++) {
        const pvm_prof_status_t status = pvm_import_check_metadata(found.paths[i]);

        if (status != PVM_PROF_OK) {
            return status;
        }
    }
    return PVM_PROF_OK;
}

/* -- Errors of the library ----------------------------------------------------------------- */

/* The innermost cause is the one that names file and reason. */
static void report(reader_t *reader, const char *doing)
{
    const bt_error *const error = bt_current_thread_take_error();

    if (reader->status == PVM_PROF_OK) {
        const char *cause = "no reason given";
        const char *addresses;
        int cause_len;

        if (error != NULL && bt_error_get_cause_count(error) > 0) {
            cause = bt_error_cause_get_message(bt_error_borrow_cause_by_index(error, 0));
        }
        /* What follows are addresses in this process. */
        addresses = strstr(cause, ": msg-it-addr=");
        cause_len = addresses != NULL ? (int)(addresses - cause) : 250;
        pvm_error_set("%.200s: cannot %s: %.*s", reader->source, doing, cause_len, cause);
        reader->status = PVM_PROF_E_FORMAT;
    }
    if (error != NULL) {
        bt_error_release(error);
    }
}

/* -- The sink ------------------------------------------------------------------------------ */

static bt_graph_simple_sink_component_initialize_func_status begin(bt_message_iterator *messages,
                                                                   void *user_data)
{
    (void)messages, (void)user_data;
    return BT_GRAPH_SIMPLE_SINK_COMPONENT_INITIALIZE_FUNC_STATUS_OK;
}

static bt_graph_simple_sink_component_consume_func_status consume(bt_message_iterator *messages,
                                                                  void *user_data)
{
    reader_t *const reader = user_data;
    bt_message_array_const array;
    uint64_t count;

    switch (bt_message_iterator_next(messages, &array, &count)) {
    case BT_MESSAGE_ITERATOR_NEXT_STATUS_OK:
        for (uint64_t i = 0; i < count; i++) {
            if (reader->status == PVM_PROF_OK) {
                pvm_import_on_message(reader, array[i]);
            }
            bt_message_put_ref(array[i]);
        }
        return reader->status == PVM_PROF_OK
                   ? BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_OK
                   : BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_END;
    case BT_MESSAGE_ITERATOR_NEXT_STATUS_END:
        return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_END;
    case BT_MESSAGE_ITERATOR_NEXT_STATUS_AGAIN:
        return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_AGAIN;
    case BT_MESSAGE_ITERATOR_NEXT_STATUS_MEMORY_ERROR:
        return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_MEMORY_ERROR;
    default:
        return BT_GRAPH_SIMPLE_SINK_COMPONENT_CONSUME_FUNC_STATUS_ERROR;
    }
}

/* -- The graph ----------------------------------------------------------------------------- */

static const bt_plugin *find_plugin(reader_t *reader, const char *name)
{
    const bt_plugin *plugin = NULL;

    if (bt_plugin_find(name, BT_TRUE, BT_FALSE, BT_TRUE, BT_TRUE, BT_FALSE, &plugin) !=
        BT_PLUGIN_FIND_STATUS_OK) {
        report(reader, "find babeltrace2's plugins (is libbabeltrace2-0 installed whole?)");
        return NULL;
    }
    return plugin;
}

static bt_value *source_parameters(const char *input, bool is_live)
{
    bt_value *const parameters = bt_value_map_create();
    bt_value *inputs = NULL;

    if (parameters == NULL ||
        bt_value_map_insert_empty_array_entry(parameters, "inputs", &inputs) !=
            BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK ||
        bt_value_array_append_string_element(inputs, input) !=
            BT_VALUE_ARRAY_APPEND_ELEMENT_STATUS_OK ||
        (is_live &&
         bt_value_map_insert_string_entry(parameters, "session-not-found-action", "end") !=
             BT_VALUE_MAP_INSERT_ENTRY_STATUS_OK)) {
        bt_value_put_ref(parameters);
        return NULL;
    }
    return parameters;
}

/* Connect every output port of a source to a free input of the muxer, which always has one. */
static bool connect_source(bt_graph *graph, const bt_component_source *source,
                           const bt_component_filter *muxer)
{
    const uint64_t ports = bt_component_source_get_output_port_count(source);

    for (uint64_t i = 0; i < ports; i++) {
        const uint64_t inputs = bt_component_filter_get_input_port_count(muxer);

        if (bt_graph_connect_ports(
                graph, bt_component_source_borrow_output_port_by_index_const(source, i),
                bt_component_filter_borrow_input_port_by_index_const(muxer, inputs - 1),
                NULL) != BT_GRAPH_CONNECT_PORTS_STATUS_OK) {
            return false;
        }
    }
    return true;
}

/* Live sources add ports while they run. */
static bt_graph_listener_func_status connect_new_port(const bt_component_source *source,
                                                      const bt_port_output *port, void *user_data)
{
    void **const both = user_data;
    bt_graph *const graph = both[0];
    const bt_component_filter *const muxer = both[1];
    const uint64_t inputs = muxer == NULL ? 0 : bt_component_filter_get_input_port_count(muxer);

    (void)source;
    if (muxer == NULL) {
        return BT_GRAPH_LISTENER_FUNC_STATUS_OK;
    }
    return bt_graph_connect_ports(
               graph, port, bt_component_filter_borrow_input_port_by_index_const(muxer, inputs - 1),
               NULL) == BT_GRAPH_CONNECT_PORTS_STATUS_OK
               ? BT_GRAPH_LISTENER_FUNC_STATUS_OK
               : BT_GRAPH_LISTENER_FUNC_STATUS_ERROR;
}

static const char *reading(bool is_live)
{
    return is_live ? "read from there (does lttng-relayd run?)" : "read the trace (is it whole?)";
}

static bool add_source(reader_t *reader, bt_graph *graph, const bt_component_class_source *class,
                       const bt_component_filter *muxer, const char *input, bool is_live,
                       size_t number)
{
    const bt_component_source *source = NULL;
    bt_value *const parameters = source_parameters(input, is_live);
    char name[32];

    (void)snprintf(name, sizeof(name), "trace-%zu", number);
    const bool added =
        parameters != NULL &&
        bt_graph_add_source_component(graph, class, name, parameters, BT_LOGGING_LEVEL_NONE,
                                      &source) == BT_GRAPH_ADD_COMPONENT_STATUS_OK &&
        connect_source(graph, source, muxer);
    bt_value_put_ref(parameters);
    if (!added) {
        report(reader, reading(is_live));
    }
    return added;
}

static void run_graph(reader_t *reader, bt_graph *graph, bool is_live, const atomic_bool *stop)
{
    for (;;) {
        const struct timespec pause = {.tv_nsec = 50000000};

        switch (bt_graph_run(graph)) {
        case BT_GRAPH_RUN_STATUS_OK:
            return;
        case BT_GRAPH_RUN_STATUS_AGAIN:
            if (stop != NULL && atomic_load(stop)) {
                return;
            }
            (void)nanosleep(&pause, NULL);
            break;
        default:
            report(reader, reading(is_live));
            return;
        }
    }
}

/* Read all inputs once. */
static void read_all(reader_t *reader, const char *const *inputs, size_t count, bool is_live,
                     const atomic_bool *stop)
{
    const bt_plugin *const ctf = find_plugin(reader, "ctf");
    const bt_plugin *const utils = ctf != NULL ? find_plugin(reader, "utils") : NULL;
    bt_graph *const graph = utils != NULL ? bt_graph_create(0) : NULL;
    const bt_component_filter *muxer = NULL;
    const bt_component_sink *sink = NULL;
    void *both[2] = {graph, NULL};

    reader->last_class = NULL;
    reader->last_stream = NULL;
    if (graph == NULL) {
        report(reader, "set up babeltrace2");
        goto out;
    }
    const bt_component_class_source *const source_class =
        bt_plugin_borrow_source_component_class_by_name_const(ctf, is_live ? "lttng-live" : "fs");
    const bt_component_class_filter *const muxer_class =
        bt_plugin_borrow_filter_component_class_by_name_const(utils, "muxer");
    if (source_class == NULL || muxer_class == NULL ||
        bt_graph_add_filter_component(graph, muxer_class, "muxer", NULL, BT_LOGGING_LEVEL_NONE,
                                      &muxer) != BT_GRAPH_ADD_COMPONENT_STATUS_OK ||
        bt_graph_add_simple_sink_component(graph, "feed", begin, consume, NULL, reader, &sink) !=
            BT_GRAPH_ADD_COMPONENT_STATUS_OK ||
        (is_live && bt_graph_add_source_component_output_port_added_listener(
                        graph, connect_new_port, both, NULL) != BT_GRAPH_ADD_LISTENER_STATUS_OK)) {
        report(reader, "set up babeltrace2");
        goto out;
    }
    for (size_t i = 0; i < count; i++) {
        if (!add_source(reader, graph, source_class, muxer, inputs[i], is_live, i)) {
            goto out;
        }
    }
    both[1] = (void *)(uintptr_t)muxer;
    if (bt_graph_connect_ports(graph,
                               bt_component_filter_borrow_output_port_by_index_const(muxer, 0),
                               bt_component_sink_borrow_input_port_by_index_const(sink, 0),
                               NULL) != BT_GRAPH_CONNECT_PORTS_STATUS_OK) {
        report(reader, "set up babeltrace2");
        goto out;
    }
    run_graph(reader, graph, is_live, stop);
out:
    bt_graph_put_ref(graph);
    bt_plugin_put_ref(utils);
    bt_plugin_put_ref(ctf);
}

/* Read all inputs into the feed. */
static void feed_all(reader_t *reader, const char *const *inputs, size_t count, bool is_live,
                     const atomic_bool *stop)
{
    reader->waiting =
        pvm_import_waiting_create(reader->feed, is_live || reader->enabled[PVM_EVENT_host_call]);
    if (reader->waiting == NULL) {
        pvm_error_set("%.300s: no memory to read it", reader->source);
        reader->status = PVM_PROF_E_SYSTEM;
        return;
    }
    read_all(reader, inputs, count, is_live, stop);
    const pvm_prof_status_t finished = pvm_import_waiting_finish(reader->waiting);
    reader->status = reader->status != PVM_PROF_OK ? reader->status : finished;
    pvm_import_waiting_destroy(reader->waiting);
    reader->waiting = NULL;
}

static pvm_prof_status_t open_feed(reader_t *reader, pvm_prof_run_file_t *file,
                                   const pvm_import_options_t *options, uint32_t instrument)
{
    const pvm_prof_feed_options_t feed_options = {.size = sizeof(feed_options),
                                                  .instrument = instrument,
                                                  .program_name = options->program_name,
                                                  .program = options->program,
                                                  .other_name = options->other_name,
                                                  .source = reader->source,
                                                  .advice = options->advice};

    return pvm_prof_feed_create(file, &feed_options, &reader->feed);
}

/* Host calls are always traced, for the gas that they take; memory is told beside the calls that touch it. */
static uint32_t kept_of(const pvm_import_options_t *options, uint32_t traced)
{
    const uint32_t asked = options->instrument;

    if (asked == 0) {
        return traced;
    }
    if ((asked & (PVM_PROF_HOST_CALLS | PVM_PROF_MEMORY)) == 0) {
        traced &= ~(uint32_t)PVM_PROF_HOST_CALLS;
    }
    return traced | (asked & PVM_PROF_FLIGHT);
}

/* Also of what could not be read to its end. */
static void finish(reader_t *reader)
{
    const bool has_failed = reader->status != PVM_PROF_OK;
    char left_out[256];
    char reason[512];

    (void)snprintf(reason, sizeof(reason), "%s", pvm_last_error());
    pvm_import_left_out(reader->enabled, left_out, sizeof(left_out));
    /* Where it cannot be read on, a packet at least is lost. */
    pvm_prof_feed_lost(reader->feed, reader->result->discarded,
                       reader->result->packets + (reader->status == PVM_PROF_E_FORMAT));
    if (reader->enabled[PVM_EVENT_host_call] && !reader->enabled[PVM_EVENT_host_call_begin]) {
        pvm_prof_feed_misses_open_calls(reader->feed);
    }
    pvm_prof_feed_left_out(reader->feed, left_out[0] != '\0' ? left_out : NULL);
    pvm_prof_feed_broken(reader->feed, has_failed ? reason : NULL);
    const pvm_prof_status_t finished = pvm_prof_feed_finish(
        reader->feed, has_failed ? PVM_PROF_RUN_INCOMPLETE : PVM_PROF_RUN_COMPLETE);
    if (has_failed) {
        pvm_error_set("%s", reason);
    } else {
        reader->status = finished;
    }
}

/* Without programs and begins of executions not one event could be used. @return whether that is not so */
static bool check_enabled(reader_t *reader)
{
    char missing[256];

    /* Of a trace that cannot be read on not all kinds may be known. */
    if (reader->status != PVM_PROF_OK ||
        pvm_import_can_begin(reader->enabled, missing, sizeof(missing))) {
        return true;
    }
    pvm_error_set("%.300s: %s, without which nothing can be imported; trace it again",
                  reader->source, missing);
    reader->status = PVM_PROF_E_FORMAT;
    return false;
}

pvm_prof_status_t pvm_import_run(pvm_prof_run_file_t *file, const char *source,
                                 const pvm_import_options_t *options,
                                 pvm_import_result_t *out_result)
{
    const bool is_live = strncmp(source, "net", 3) == 0 && strstr(source, "://") != NULL;
    reader_t reader = {.source = source, .result = out_result, .status = PVM_PROF_OK};

    *out_result = (pvm_import_result_t){0};
    reader.record = malloc(sizeof(*reader.record));
    if (reader.record == NULL) {
        pvm_error_set("%.300s: no memory to read it", source);
        return PVM_PROF_E_SYSTEM;
    }
    if (is_live) {
        /* What will come is not known yet; the user is taken to have enabled what the profiler wants. */
        reader.status = open_feed(&reader, file, options, PVM_PROF_DEFAULT);
        if (reader.status == PVM_PROF_OK) {
            feed_all(&reader, &source, 1, true, options->stop);
        }
    } else {
        reader.status = find_traces(source);
        const char *const *const inputs = (const char *const *)found.paths;
        if (reader.status == PVM_PROF_OK) {
            reader.status = open_feed(&reader, file, options, 0);
        }
        if (reader.status == PVM_PROF_OK) {
            reader.is_scan = true;
            read_all(&reader, inputs, found.count, false, NULL);
            reader.is_scan = false;
        }
        if (reader.feed != NULL && reader.status != PVM_PROF_E_SYSTEM && check_enabled(&reader)) {
            /* What stands before the place that cannot be read is imported: the second time finds it, too. */
            reader.status = PVM_PROF_OK;
            pvm_prof_feed_set_instrument(reader.feed, kept_of(options, reader.instrument));
            feed_all(&reader, inputs, found.count, false, NULL);
        }
        free_traces();
    }
    if (reader.feed != NULL) {
        finish(&reader);
    }
    pvm_prof_feed_destroy(reader.feed);
    free(reader.record);
    return reader.status;
}
