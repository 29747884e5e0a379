/* The sequence of host calls as a table: listed with decoded arguments, folded, or summed up by name. */
#include "profiler/conversation.h"

#include "profiler/conversation_sums.h"
#include "profiler/jam_call.h"
#include "profiler/report.h"
#include "profiler/store.h"
#include "profiler/worth.h"
#include "support/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Machines inside machines; deeper ones are shown at this depth. */
#define DEPTH_MAX 32
/** Longest message of log that is shown. */
#define MESSAGE_MAX 400

#define COLUMN(id, header, unit, kind) {id, header, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}

/** When a column of the list is there. */
enum { ALWAYS, WIDE_ONLY, NARROW_ONLY, UNLESS_ONE_VM };

enum {
    SEQ,
    AT,
    VM,
    SERVICE,
    PC,
    INDEX,
    NAME,
    ARGUMENTS,
    RESULT,
    ANSWER,
    OUTCOME,
    GAS,
    DURATION,
    LIST_COUNT
};

static const struct {
    pvm_prof_column_t column;
    int when;
} list_columns[LIST_COUNT] = {
    [SEQ] = {COLUMN("seq", "seq", "", ID), ALWAYS},
    [AT] = {COLUMN("at_ns", "at", "ns", NS), ALWAYS},
    [VM] = {COLUMN("vm", "vm", "", ID), UNLESS_ONE_VM},
    [SERVICE] = {COLUMN("service", "service", "", ID), UNLESS_ONE_VM},
    [PC] = {COLUMN("pc", "pc", "", PC), ALWAYS},
    [INDEX] = {COLUMN("func_id", "index", "", ID), WIDE_ONLY},
    [NAME] = {COLUMN("name", "call", "", TEXT), ALWAYS},
    [ARGUMENTS] = {COLUMN("arguments", "arguments", "", TEXT), ALWAYS},
    [RESULT] = {COLUMN("result", "result", "", REGISTER), WIDE_ONLY},
    [ANSWER] = {COLUMN("answer", "answer", "", TEXT), WIDE_ONLY},
    [OUTCOME] = {COLUMN("outcome", "result", "", TEXT), NARROW_ONLY},
    [GAS] = {COLUMN("gas", "gas", "gas", GAS), ALWAYS},
    [DURATION] = {COLUMN("duration_ns", "time", "ns", NS), ALWAYS},
};

/** Where a column of the list is in the table: LIST_COUNT for nowhere. */
typedef struct {
    size_t places[LIST_COUNT];
    size_t count;
} layout_t;

/** One call, as the query gives it. Text lives until the next step. */
typedef struct {
    int64_t seq;
    int64_t at_ns;
    int64_t vm;
    int64_t service;
    int64_t pc;
    int64_t func_id;
    const char *name;
    const char *spec;
    uint64_t registers[6];
    bool has_returned;
    int64_t result;
    bool has_gas;
    int64_t gas;
    int64_t duration_ns;
    int64_t depth;
} call_t;

static const char *const query_text =
    "WITH RECURSIVE nest (id, depth) AS (SELECT id, 0 FROM vm WHERE parent IS NULL UNION "
    "SELECT v.id, n.depth + 1 FROM vm v JOIN nest n ON v.parent = n.id WHERE n.depth < 32) "
    "SELECT c.seq, c.started_ns, c.vm, v.service, c.pc, c.func_id, n.name, p.spec, c.r7, c.r8, "
    "c.r9, c.r10, c.r11, "
    "c.r12, c.result, c.gas_before - c.gas_after, c.duration_ns, coalesce(t.depth, 0) "
    "FROM host_call c JOIN vm v ON v.id = c.vm JOIN program p ON p.id = v.program "
    "JOIN host_function n ON n.program = v.program AND n.func_id = c.func_id LEFT JOIN nest t ON "
    "t.id = c.vm "
    "WHERE (?1 IS NULL OR v.service = ?1) AND (?2 IS NULL OR c.vm = ?2) "
    "AND (?3 IS NULL OR n.name = ?3 OR CAST(c.func_id AS TEXT) = ?3) AND (?4 IS NULL OR c.result = "
    "?4) "
    "ORDER BY c.seq LIMIT ?5";

static const char *text_at(sqlite3_stmt *row, int column)
{
    const unsigned char *const text = sqlite3_column_text(row, column);

    return text != NULL ? (const char *)text : "";
}

static void read_call(sqlite3_stmt *row, call_t *out)
{
    *out = (call_t){.seq = sqlite3_column_int64(row, 0),
                    .at_ns = sqlite3_column_int64(row, 1),
                    .vm = sqlite3_column_int64(row, 2),
                    .service = sqlite3_column_int64(row, 3),
                    .pc = sqlite3_column_int64(row, 4),
                    .func_id = sqlite3_column_int64(row, 5),
                    .name = text_at(row, 6),
                    .spec = text_at(row, 7),
                    .has_returned = sqlite3_column_type(row, 14) != SQLITE_NULL,
                    .result = sqlite3_column_int64(row, 14),
                    .has_gas = sqlite3_column_type(row, 15) != SQLITE_NULL,
                    .gas = sqlite3_column_int64(row, 15),
                    .duration_ns = sqlite3_column_int64(row, 16),
                    .depth = sqlite3_column_int64(row, 17)};
    for (int i = 0; i < 6; i++) {
        out->registers[i] = (uint64_t)sqlite3_column_int64(row, 8 + i);
    }
}

/* -- Messages ------------------------------------------------------------------------------ */

/* What the host read at an address in a call, from its begin, as text in quotes. */
static void put_text(sqlite3_stmt *memory, int64_t seq, uint64_t address, uint64_t len,
                     pvm_buffer_t *out)
{
    sqlite3_reset(memory);
    sqlite3_bind_int64(memory, 1, seq);
    sqlite3_bind_int64(memory, 2, (int64_t)address);
    if (len == 0 || sqlite3_step(memory) != SQLITE_ROW) {
        return;
    }
    const uint8_t *const octets = sqlite3_column_blob(memory, 0);
    const size_t there = (size_t)sqlite3_column_bytes(memory, 0);
    const size_t whole = there < len ? there : (size_t)len;
    const size_t shown = whole < MESSAGE_MAX ? whole : MESSAGE_MAX;

    if (octets != NULL) {
        pvm_buffer_printf(out, " \"%.*s\"%s", (int)shown, (const char *)octets,
                          shown < len ? "..." : "");
    }
}

static void put_arguments(const call_t *call, sqlite3_stmt *memory, pvm_buffer_t *out)
{
    if (!pvm_jam_call_is(call->name, call->spec, call->func_id)) {
        return;
    }
    if (strcmp(call->name, "log") != 0) {
        pvm_jam_call_arguments(out, call->name, call->registers);
        return;
    }
    const char *const level = pvm_jam_log_level(call->registers[0]);
    if (level != NULL) {
        pvm_buffer_printf(out, "%s", level);
    } else {
        pvm_buffer_printf(out, "level=%" PRIu64, call->registers[0]);
    }
    const size_t before = out->len;
    put_text(memory, call->seq, call->registers[1], call->registers[2], out);
    put_text(memory, call->seq, call->registers[3], call->registers[4], out);
    if (out->len == before) {
        /* Without --instrument memory there are only addresses. */
        pvm_buffer_printf(out, " target=0x%" PRIx64 "+%" PRIu64 " message=0x%" PRIx64 "+%" PRIu64,
                          call->registers[1], call->registers[2], call->registers[3],
                          call->registers[4]);
    }
}

/* -- List ---------------------------------------------------------------------------------- */

static pvm_prof_table_t *make_list(bool is_narrow, bool has_one_vm, layout_t *out)
{
    pvm_prof_column_t columns[LIST_COUNT];

    out->count = 0;
    for (size_t i = 0; i < LIST_COUNT; i++) {
        const int when = list_columns[i].when;
        const bool is_there = when == ALWAYS ||
                              (is_narrow ? when == NARROW_ONLY : when == WIDE_ONLY) ||
                              (when == UNLESS_ONE_VM && !(is_narrow && has_one_vm));

        out->places[i] = is_there ? out->count : LIST_COUNT;
        if (is_there) {
            columns[out->count++] = list_columns[i].column;
        }
    }
    return pvm_prof_table_create("Host calls", columns, out->count);
}

/** A row being filled. */
typedef struct {
    const layout_t *layout;
    pvm_prof_value_t *values;
    bool failed;
} list_row_t;

static void put_int(list_row_t *row, size_t column, int64_t integer)
{
    if (row->layout->places[column] < LIST_COUNT) {
        pvm_prof_value_set_int(&row->values[row->layout->places[column]], integer);
    }
}

static void put_string(list_row_t *row, size_t column, const char *text)
{
    if (row->layout->places[column] < LIST_COUNT &&
        pvm_prof_value_set_text(&row->values[row->layout->places[column]], text) != 0) {
        row->failed = true;
    }
}

static void put_outcome(list_row_t *row, const call_t *call)
{
    const bool is_jam = pvm_jam_call_is(call->name, call->spec, call->func_id);
    const char *const answer = is_jam ? pvm_jam_result_name((uint64_t)call->result) : NULL;
    char number[24];

    if (!call->has_returned) {
        return;
    }
    (void)snprintf(number, sizeof(number), "0x%" PRIx64, (uint64_t)call->result);
    put_int(row, RESULT, call->result);
    put_string(row, ANSWER, answer);
    put_string(row, OUTCOME, answer != NULL ? answer : number);
    put_int(row, DURATION, call->duration_ns);
}

static int add_call(pvm_prof_table_t *table, const layout_t *layout, const call_t *call,
                    sqlite3_stmt *memory, bool is_tree)
{
    list_row_t row = {.layout = layout, .values = pvm_prof_table_add_row(table)};
    pvm_buffer_t name = {0};
    pvm_buffer_t arguments = {0};
    const int indent = is_tree ? 2 * (int)(call->depth < DEPTH_MAX ? call->depth : DEPTH_MAX) : 0;

    if (row.values == NULL) {
        return SQLITE_NOMEM;
    }
    pvm_buffer_printf(&name, "%*s%s", indent, "", call->name);
    put_arguments(call, memory, &arguments);
    pvm_buffer_append(&name, "", 1);
    pvm_buffer_append(&arguments, "", 1);
    if (!name.failed && !arguments.failed) {
        put_int(&row, SEQ, call->seq);
        put_int(&row, AT, call->at_ns);
        put_int(&row, VM, call->vm);
        put_int(&row, SERVICE, call->service);
        put_int(&row, PC, call->pc);
        put_int(&row, INDEX, call->func_id);
        put_string(&row, NAME, (const char *)name.data);
        put_string(&row, ARGUMENTS, arguments.len > 1 ? (const char *)arguments.data : NULL);
        put_outcome(&row, call);
        if (call->has_gas) {
            put_int(&row, GAS, call->gas);
        }
    }
    const bool failed = row.failed || name.failed || arguments.failed;
    pvm_buffer_free(&name);
    pvm_buffer_free(&arguments);
    return failed ? SQLITE_NOMEM : SQLITE_OK;
}

static int add_brief(pvm_briefs_t *briefs, const call_t *call)
{
    const pvm_brief_t brief = {.seq = call->seq,
                               .gas = call->has_gas ? call->gas : 0,
                               .duration_ns = call->duration_ns,
                               .has_returned = call->has_returned};

    return pvm_briefs_add(briefs, call->name, &brief);
}

/* -- The whole ----------------------------------------------------------------------------- */

/* Whether all host calls are of one machine. */
static bool has_one_vm(sqlite3 *db)
{
    bool answer = false;

    return pvm_prof_store_truth(db, "SELECT count(*) <= 1 FROM vm", &answer) == SQLITE_OK && answer;
}

static pvm_prof_table_t *make_table(const pvm_prof_run_file_t *file,
                                    const pvm_conversation_options_t *options, layout_t *layout)
{
    if (options->form != PVM_CONVERSATION_LIST) {
        return pvm_briefs_table(options->form);
    }
    return make_list(options->is_narrow, has_one_vm(file->db), layout);
}

static pvm_prof_status_t parse_result(const char *text, uint64_t *out)
{
    char *end = NULL;

    if (pvm_jam_result_find(text, out)) {
        return PVM_PROF_OK;
    }
    errno = 0;
    *out = text[0] == '-' ? (uint64_t)strtoll(text, &end, 10) : strtoull(text, &end, 0);
    if (errno != 0 || end == text || *end != '\0') {
        pvm_error_set("result %.100s is neither a number nor one of NONE, WHAT, OOB, WHO, FULL, "
                      "CORE, CASH, LOW, HUH",
                      text);
        return PVM_PROF_E_ARGUMENT;
    }
    return PVM_PROF_OK;
}

static void bind_filters(sqlite3_stmt *query, const pvm_conversation_options_t *options,
                         uint64_t result)
{
    if (options->has_service) {
        sqlite3_bind_int64(query, 1, options->service);
    }
    if (options->has_vm) {
        sqlite3_bind_int64(query, 2, options->vm);
    }
    if (options->call != NULL) {
        sqlite3_bind_text(query, 3, options->call, -1, SQLITE_STATIC);
    }
    if (options->result != NULL) {
        sqlite3_bind_int64(query, 4, (int64_t)result);
    }
    const bool is_list = options->form == PVM_CONVERSATION_LIST;
    sqlite3_bind_int64(query, 5,
                       is_list && options->top != 0 && options->top < PVM_PROF_MAX_ROWS
                           ? (int64_t)options->top
                       : is_list ? PVM_PROF_MAX_ROWS
                                 : -1);
}

/* Where only sums were collected there are no single calls. */
static int add_classes(pvm_prof_run_file_t *file, const pvm_conversation_options_t *options,
                       pvm_prof_table_t *table)
{
    bool has_classes = false;
    const int code = pvm_briefs_add_classes(file, options, table, &has_classes);

    if (code != SQLITE_OK || !has_classes || options->form == PVM_CONVERSATION_LATENCY) {
        return code;
    }
    return pvm_prof_table_add_note(table, "Host calls were summed up by duration, not kept one by "
                                          "one (attach --aggregate): see --latency.") == 0
               ? SQLITE_OK
               : SQLITE_NOMEM;
}

pvm_prof_status_t pvm_prof_conversation(pvm_prof_run_file_t *file,
                                        const pvm_conversation_options_t *options,
                                        pvm_prof_table_t **out_table)
{
    sqlite3_stmt *query = NULL;
    sqlite3_stmt *memory = NULL;
    pvm_briefs_t briefs = {0};
    uint64_t result = 0;
    layout_t layout = {.count = 0};
    call_t call;

    *out_table = NULL;
    if (options->result != NULL && parse_result(options->result, &result) != PVM_PROF_OK) {
        return PVM_PROF_E_ARGUMENT;
    }
    pvm_prof_table_t *const table = make_table(file, options, &layout);
    int code =
        table == NULL ? SQLITE_NOMEM : sqlite3_prepare_v2(file->db, query_text, -1, &query, NULL);
    if (code == SQLITE_OK) {
        code = sqlite3_prepare_v2(
            file->db,
            "SELECT data FROM host_memory WHERE seq = ?1 AND address = ?2 AND is_write = 0 "
            "ORDER BY id LIMIT 1",
            -1, &memory, NULL);
    }
    if (code == SQLITE_OK) {
        bind_filters(query, options, result);
    }
    while (code == SQLITE_OK && (code = sqlite3_step(query)) == SQLITE_ROW) {
        read_call(query, &call);
        code = options->form == PVM_CONVERSATION_LIST
                   ? add_call(table, &layout, &call, memory, options->is_tree)
                   : add_brief(&briefs, &call);
    }
    code = code == SQLITE_DONE ? SQLITE_OK : code;
    if (code == SQLITE_OK && options->form == PVM_CONVERSATION_FOLDED) {
        code = pvm_briefs_fold(table, &briefs, options->top);
    } else if (code == SQLITE_OK && options->form == PVM_CONVERSATION_LATENCY) {
        code = pvm_briefs_sum_up(table, &briefs);
    } else if (code == SQLITE_OK) {
        table->row_count_all = table->row_count;
    }
    sqlite3_finalize(query);
    sqlite3_finalize(memory);
    pvm_briefs_free(&briefs);
    if (code == SQLITE_OK) {
        code = add_classes(file, options, table);
    }
    if (code == SQLITE_OK) {
        code = pvm_conversation_note_missing(file, table);
    }
    if (code == SQLITE_OK && table->row_count == 0) {
        code = pvm_conversation_note_unknown(file, options, table);
    }
    if (code == SQLITE_OK && pvm_prof_worth_tell(file, table) != 0) {
        code = SQLITE_NOMEM;
    }
    if (code != SQLITE_OK) {
        pvm_prof_table_destroy(table);
        return pvm_prof_store_report(file, code, "read its host calls");
    }
    *out_table = table;
    return PVM_PROF_OK;
}
