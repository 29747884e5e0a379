/* Execution costs in the terms of JIP-3: gas and time in total and by category of host call, one record for each
 * execution of refine and is-authorized, one for each service that accumulated.
 *
 * Which of them an execution was: --context says so, or the name of the export where it began; a JAM program
 * accumulates at 5, and what begins at 0 is taken for refine. Inner machines are part of the `invoke` of their
 * parents. Beside readable figures stands the record in the octets of the standard. What a recording does not know
 * (load and compile time, items, transfers) is null, and 0 in the octets. */
#include "viewer/export/export.h"
#include "viewer/new_run.h"

#include "profiler/ledger.h"
#include "profiler/store.h"
#include "profiler/stored_program.h"
#include "profiler/wrap_sum.h"

#include <inttypes.h>
#include <string.h>

/** Places of --context's choices, from the second on. */
typedef enum { CONTEXT_IS_AUTHORIZED, CONTEXT_REFINE, CONTEXT_ACCUMULATE, CONTEXT_COUNT } context_t;

#define FIELDS_MAX        8
#define JAM_ACCUMULATE_PC 5

static const struct {
    context_t context;
    const char *id;
} fields[] = {
#define PVM_JIP3_FIELD(context, id) {CONTEXT_##context, id},
#define PVM_JIP3_CALL(context, id, name)
#include "viewer/export/jip3.def"
};

static const struct {
    context_t context;
    const char *id;
    const char *name;
} calls[] = {
#define PVM_JIP3_FIELD(context, id)
#define PVM_JIP3_CALL(context, id, name) {CONTEXT_##context, id, name},
#include "viewer/export/jip3.def"
};

static const char *const context_names[CONTEXT_COUNT] = {
    [CONTEXT_IS_AUTHORIZED] = "is_authorized",
    [CONTEXT_REFINE] = "refine",
    [CONTEXT_ACCUMULATE] = "accumulate",
};

typedef struct {
    int64_t gas;
    int64_t ns;
} cost_t;

/** A record that is being added up. */
typedef struct {
    context_t context;
    int64_t service;
    int64_t execution; /**< the first one */
    int64_t executions;
    cost_t total;
    cost_t by_field[FIELDS_MAX];
} record_t;

typedef struct {
    pvm_view_export_t *export;
    int64_t loaded; /**< id of `program`, 0 for none */
    pvm_program_t *program;
    record_t record;
    bool has_record;
    bool is_first;
} writer_t;

/* -- What counts where --------------------------------------------------------------------- */

static size_t first_field(context_t context)
{
    size_t i = 0;

    while (fields[i].context != context) {
        i++;
    }
    return i;
}

static size_t field_count(context_t context)
{
    size_t count = 0;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        count += fields[i].context == context;
    }
    return count;
}

/** The field of a host call: its category's, or the last. */
static size_t field_of(context_t context, const char *name)
{
    const size_t first = first_field(context);
    const size_t count = field_count(context);

    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (calls[i].context != context || strcmp(calls[i].name, name) != 0) {
            continue;
        }
        for (size_t at = 0; at < count; at++) {
            if (strcmp(fields[first + at].id, calls[i].id) == 0) {
                return at;
            }
        }
    }
    return count - 1;
}

/* Names of exports as SDKs write them: "refine", "refine_ext", "is_authorized_ext". */
static bool context_of_name(const char *name, context_t *out)
{
    for (int i = 0; i < CONTEXT_COUNT; i++) {
        if (strncmp(name, context_names[i], strlen(context_names[i])) == 0) {
            *out = (context_t)i;
            return true;
        }
    }
    return false;
}

static context_t context_of(writer_t *writer, int64_t program, int64_t entry)
{
    const uint64_t choice = pvm_view_number(writer->export->view, PVM_OPTION_CONTEXT);
    context_t context = entry == JAM_ACCUMULATE_PC ? CONTEXT_ACCUMULATE : CONTEXT_REFINE;

    if (choice > 0) {
        return (context_t)(choice - 1);
    }
    if (writer->loaded != program) {
        pvm_program_release(writer->program);
        writer->program = NULL;
        (void)pvm_prof_stored_program(writer->export->file, program, &writer->program);
        writer->loaded = program;
    }
    if (writer->program != NULL && pvm_program_format(writer->program) == PVM_FORMAT_POLKAVM) {
        context = CONTEXT_REFINE;
        for (size_t i = 0; i < pvm_program_export_count(writer->program); i++) {
            uint32_t pc;
            const char *const name = pvm_program_export(writer->program, i, &pc);

            if (name != NULL && pc == entry && context_of_name(name, &context)) {
                break;
            }
        }
    }
    return context;
}

/* -- Writing ------------------------------------------------------------------------------- */

static void put_cost(pvm_view_export_t *export, const char *id, const cost_t *cost)
{
    pvm_export_put(export, ",\n    \"%s\": {\"gas\": %" PRIu64 ", \"ns\": %" PRIu64 "}", id,
                   (uint64_t)cost->gas, (uint64_t)cost->ns);
}

static void put_le(pvm_view_export_t *export, uint64_t value, int octets)
{
    for (int i = 0; i < octets; i++) {
        pvm_export_put(export, "%02x", (unsigned)(value >> (8 * i) & 0xff));
    }
}

static void put_cost_octets(pvm_view_export_t *export, const cost_t *cost)
{
    put_le(export, (uint64_t)cost->gas, 8);
    put_le(export, (uint64_t)cost->ns, 8);
}

static void put_octets(pvm_view_export_t *export, const record_t *record)
{
    const size_t count = field_count(record->context);

    pvm_export_put(export, ",\n    \"octets\": \"");
    if (record->context == CONTEXT_ACCUMULATE) {
        put_le(export, (uint64_t)record->executions, 4);
        put_le(export, 0, 4);
        put_le(export, 0, 4);
    }
    put_cost_octets(export, &record->total);
    put_le(export, 0, 8);
    for (size_t i = 0; i < count; i++) {
        if (record->context == CONTEXT_ACCUMULATE && i + 1 == count) {
            /* Between transfer and other: gas of destination services. */
            put_le(export, 0, 8);
        }
        put_cost_octets(export, &record->by_field[i]);
    }
    pvm_export_put(export, "\"}");
}

static void put_record(writer_t *writer)
{
    pvm_view_export_t *const export = writer->export;
    const record_t *const record = &writer->record;
    const size_t first = first_field(record->context);

    if (!writer->has_record) {
        return;
    }
    pvm_export_put(export, "%s\n  {\"record\": \"%s\", \"service\": %" PRId64,
                   writer->is_first ? "" : ",", context_names[record->context], record->service);
    if (record->context == CONTEXT_ACCUMULATE) {
        pvm_export_put(export, ", \"accumulate_calls\": %" PRId64, record->executions);
        pvm_export_put(export, ", \"transfers\": null, \"items\": null");
    } else {
        pvm_export_put(export, ", \"execution\": %" PRId64, record->execution);
    }
    put_cost(export, "total", &record->total);
    pvm_export_put(export, ",\n    \"load_compile_ns\": null");
    for (size_t i = 0; i < field_count(record->context); i++) {
        put_cost(export, fields[first + i].id, &record->by_field[i]);
    }
    if (record->context == CONTEXT_ACCUMULATE) {
        pvm_export_put(export, ",\n    \"transfer_processing_gas\": null");
    }
    put_octets(export, record);
    writer->has_record = false;
    writer->is_first = false;
}

/* -- Reading ------------------------------------------------------------------------------- */

static void add_cost(cost_t *cost, int64_t gas, int64_t ns)
{
    cost->gas = pvm_prof_wrap_add(cost->gas, gas);
    cost->ns = pvm_prof_wrap_add(cost->ns, ns);
}

/* Columns: execution, service, program, entry, gas, ns, name, calls, gas and ns of the calls. Only accumulations are
 * added up by service; they come in a pass of their own, in order of service. */
static void read_row(writer_t *writer, sqlite3_stmt *row, bool wants_accumulate, int64_t *last)
{
    const int64_t execution = sqlite3_column_int64(row, 0);
    const int64_t service = sqlite3_column_int64(row, 1);
    const context_t context =
        context_of(writer, sqlite3_column_int64(row, 2), sqlite3_column_int64(row, 3));
    record_t *const record = &writer->record;

    if ((context == CONTEXT_ACCUMULATE) != wants_accumulate) {
        return;
    }
    if (execution != *last) {
        if (!wants_accumulate || !writer->has_record || record->service != service) {
            put_record(writer);
            *record = (record_t){.context = context, .service = service, .execution = execution};
            writer->has_record = true;
        }
        record->executions++;
        add_cost(&record->total, sqlite3_column_int64(row, 4), sqlite3_column_int64(row, 5));
        *last = execution;
    }
    if (sqlite3_column_int64(row, 7) > 0) {
        const unsigned char *const name = sqlite3_column_text(row, 6);

        add_cost(&record->by_field[field_of(context, name != NULL ? (const char *)name : "")],
                 sqlite3_column_int64(row, 8), sqlite3_column_int64(row, 9));
    }
}

/* What lasts longer, pvm_execute or the way to the end of the last host call, is the time of an execution: host calls
 * that are left to the caller are answered outside. */
#define RECORDS_SQL                                                                                \
    "SELECT e.id, v.service, v.program, e.entry_pc, e.gas_start - e.gas_end + e.gas_added, "       \
    "max(e.duration_ns, coalesce((SELECT c.started_ns + coalesce(c.duration_ns, 0) - "             \
    "e.started_ns FROM host_call c WHERE c.seq = l.seq), 0)), "                                    \
    "n.name, s.calls, s.gas, s.ns FROM execution e JOIN vm v ON v.id = e.vm "                      \
    "LEFT JOIN (SELECT execution, func_id, count(*) AS calls, "                                    \
    "wrap_sum(max(0, gas_before - coalesce(gas_after, gas_before))) AS gas, "                      \
    "wrap_sum(coalesce(duration_ns, 0)) AS ns FROM host_call GROUP BY 1, 2) s "                    \
    "ON s.execution = e.id LEFT JOIN (SELECT execution, max(seq) AS seq FROM host_call GROUP BY "  \
    "1) l "                                                                                        \
    "ON l.execution = e.id LEFT JOIN host_function n ON n.program = v.program "                    \
    "AND n.func_id = s.func_id WHERE v.parent IS NULL ORDER BY "

static int read_records(writer_t *writer, bool wants_accumulate)
{
    sqlite3_stmt *rows = NULL;
    int64_t last = -1;
    int code = sqlite3_prepare_v2(
        writer->export->file->db,
        wants_accumulate ? RECORDS_SQL "v.service, e.id" : RECORDS_SQL "e.id", -1, &rows, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        read_row(writer, rows, wants_accumulate, &last);
        code = SQLITE_OK;
    }
    sqlite3_finalize(rows);
    put_record(writer);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/** Are there rows for all host calls that were made? */
static int is_whole(sqlite3 *db, bool *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        db, "SELECT (SELECT count(*) FROM host_call) = (SELECT host_calls FROM total)", -1, &row,
        NULL);

    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        *out = sqlite3_column_int(row, 0) == 1;
        code = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return code;
}

pvm_view_status_t pvm_export_jip3(pvm_view_export_t *export)
{
    writer_t writer = {.export = export, .is_first = true};
    bool is_complete = false;
    int code = is_whole(export->file->db, &is_complete);

    if (code == SQLITE_OK && !is_complete) {
        return pvm_view_fail(export->view, PVM_VIEW_INPUT,
                             "%s: does not have every host call, which JIP-3 counts; record with "
                             "--instrument hostcalls",
                             export->view->operands[0]);
    }
    if (code == SQLITE_OK) {
        code = pvm_prof_wrap_sum_register(export->file->db);
    }
    pvm_export_put(export, "[");
    if (code == SQLITE_OK) {
        code = read_records(&writer, false);
    }
    if (code == SQLITE_OK) {
        code = read_records(&writer, true);
    }
    pvm_export_put(export, "\n]\n");
    pvm_program_release(writer.program);
    return code == SQLITE_OK
               ? PVM_VIEW_FINE
               : pvm_view_fail_profiler(export->view, pvm_prof_store_report(export->file, code,
                                                                            "read its host calls"));
}
