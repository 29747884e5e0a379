/* Recordings into stacks: blocks with their functions, and the host calls that they make. */
#include "profiler/functions.h"
#include "profiler/host_sums.h"
#include "profiler/ledger.h"
#include "profiler/stacks_reader.h"
#include "profiler/store.h"
#include "profiler/stored_program.h"
#include "profiler/wrap_sum.h"

#include "program/debug_info.h"
#include "program/program.h"
#include "support/error.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *text_of(sqlite3_stmt *row, int column)
{
    static char unknown[] = "?";
    const unsigned char *const text = sqlite3_column_text(row, column);

    /* Frames copy what they are given, and change nothing. */
    return text != NULL ? (char *)(uintptr_t)text : unknown;
}

pvm_prof_status_t pvm_stacks_load_program(pvm_stacks_reader_t *reader, int64_t id)
{
    if (reader->loaded == id) {
        return PVM_PROF_OK;
    }
    pvm_program_release(reader->program);
    reader->program = NULL;
    reader->walk = (pvm_debug_walk_t){0};
    reader->loaded = id;
    return pvm_prof_stored_program(reader->file, id, &reader->program);
}

/* -- Frames -------------------------------------------------------------------------------- */

uint32_t pvm_stacks_root_of(pvm_stacks_reader_t *reader, int64_t program, char *name)
{
    const pvm_prof_frame_t frame = {
        .kind = PVM_PROF_FRAME_PROGRAM, .name = name, .program = program, .pc = -1, .end_pc = -1};

    return reader->is_plural ? pvm_prof_stacks_child(reader->out, PVM_PROF_STACK_ROOT,
                                                     pvm_prof_stacks_frame(reader->out, &frame))
                             : PVM_PROF_STACK_ROOT;
}

static void copy_debug_text(const pvm_debug_text_t *text, char *out, size_t out_bytes)
{
    (void)snprintf(out, out_bytes, "%.*s", (int)(text->len < out_bytes ? text->len : out_bytes - 1),
                   text->len > 0 ? text->data : "");
}

/* What debug information says of a place, into reader->stack. */
static void look_up(pvm_stacks_reader_t *reader, int64_t pc)
{
    const struct pvm_debug_info_t *const info =
        reader->program != NULL ? reader->program->debug_info : NULL;

    reader->stack.depth = 0;
    if (info != NULL && pc >= 0 && pc <= UINT32_MAX) {
        (void)pvm_debug_info_find(info, &reader->walk, (uint32_t)pc, &reader->stack);
    }
}

uint32_t pvm_stacks_push_outer(pvm_stacks_reader_t *reader, uint32_t node, pvm_prof_frame_t frame,
                               int64_t pc)
{
    const pvm_debug_stack_t *const stack = &reader->stack;
    char path[PVM_PROF_MAX_NAME_BYTES];

    look_up(reader, pc);
    if (stack->depth > 0) {
        const pvm_debug_frame_t *const outer = &stack->frames[stack->depth - 1];

        copy_debug_text(&outer->function.path, path, sizeof(path));
        frame.file = path[0] != '\0' ? path : NULL;
        frame.line = outer->function.line;
    }
    return pvm_prof_stacks_child(reader->out, node, pvm_prof_stacks_frame(reader->out, &frame));
}

uint32_t pvm_prof_stacks_inlined(pvm_prof_stacks_t *stacks, const pvm_debug_function_t *function,
                                 int64_t program)
{
    char name[PVM_PROF_MAX_NAME_BYTES];
    char path[PVM_PROF_MAX_NAME_BYTES];

    if (pvm_debug_function_name(function, name, sizeof(name)) == 0) {
        return PVM_PROF_STACK_ROOT;
    }
    copy_debug_text(&function->path, path, sizeof(path));
    const pvm_prof_frame_t frame = {.kind = PVM_PROF_FRAME_INLINED,
                                    .name = name,
                                    .file = path[0] != '\0' ? path : NULL,
                                    .line = function->line,
                                    .program = program,
                                    .pc = -1,
                                    .end_pc = -1};
    return pvm_prof_stacks_frame(stacks, &frame);
}

/* What is inlined at the place in reader->stack, from the outside in; debug information puts the physical function last. */
static uint32_t push_inlined(pvm_stacks_reader_t *reader, uint32_t node, int64_t program)
{
    const pvm_debug_stack_t *const stack = &reader->stack;

    for (size_t i = stack->depth; i-- > 1;) {
        const uint32_t inlined =
            pvm_prof_stacks_inlined(reader->out, &stack->frames[i - 1].function, program);

        node = inlined != PVM_PROF_STACK_ROOT ? pvm_prof_stacks_child(reader->out, node, inlined)
                                              : node;
    }
    return node;
}

static uint32_t push_block(pvm_stacks_reader_t *reader, uint32_t node, pvm_prof_frame_t frame)
{
    char name[sizeof("@9223372036854775807")];
    char path[PVM_PROF_MAX_NAME_BYTES];

    (void)snprintf(name, sizeof(name), "@%lld", (long long)frame.pc);
    frame.name = name;
    if (reader->stack.depth > 0) {
        const pvm_debug_frame_t *const inner = &reader->stack.frames[0];

        copy_debug_text(&inner->path, path, sizeof(path));
        frame.file = path[0] != '\0' ? path : NULL;
        frame.line = inner->line;
    }
    return pvm_prof_stacks_child(reader->out, node, pvm_prof_stacks_frame(reader->out, &frame));
}

/* -- Blocks -------------------------------------------------------------------------------- */

static int keep_place(pvm_stacks_reader_t *reader, pvm_stacks_place_t place)
{
    if (reader->place_count == reader->place_room) {
        const size_t room = reader->place_room == 0 ? 1024 : 2 * reader->place_room;
        pvm_stacks_place_t *const places = realloc(reader->places, room * sizeof(*places));

        if (places == NULL) {
            return -1;
        }
        reader->places = places;
        reader->place_room = room;
    }
    reader->places[reader->place_count++] = place;
    return 0;
}

/* Columns: samples, the time that they are of, samples at places. What does not reconcile is no time. */
static int read_sample_total(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    const int64_t samples = sqlite3_column_int64(row, 0);

    reader->samples = samples == sqlite3_column_int64(row, 2) && samples > 0 ? samples : 0;
    reader->sampled_ns = sqlite3_column_int64(row, 1);
    reader->out->has_samples = reader->samples > 0;
    return SQLITE_OK;
}

int64_t pvm_stacks_sampled_ns(const pvm_stacks_reader_t *reader, int64_t samples)
{
    return reader->samples > 0 && samples > 0
               ? llround((double)reader->sampled_ns * (double)samples / (double)reader->samples)
               : 0;
}

static void add_samples(pvm_stacks_reader_t *reader, uint32_t node, int64_t samples)
{
    pvm_prof_stacks_add(reader->out, node, PVM_PROF_VALUE_TIME,
                        pvm_stacks_sampled_ns(reader, samples));
}

/* What no function has. Columns: program, name of the program, samples, whether they are of code that is not selected. */
static int read_elsewhere(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    static char engine[] = "(engine)";
    static char unselected[] = "(not selected)";
    const int64_t program = sqlite3_column_int64(row, 0);
    const pvm_prof_frame_t frame = {.kind = PVM_PROF_FRAME_FUNCTION,
                                    .name = sqlite3_column_int(row, 3) ? unselected : engine,
                                    .program = program,
                                    .pc = -1,
                                    .end_pc = -1};
    const uint32_t root = pvm_stacks_root_of(reader, program, text_of(row, 1));

    add_samples(
        reader,
        pvm_prof_stacks_child(reader->out, root, pvm_prof_stacks_frame(reader->out, &frame)),
        sqlite3_column_int64(row, 2));
    return reader->out->failed ? SQLITE_NOMEM : SQLITE_OK;
}

/* Executed blocks and those with samples only, which were not counted. */
static const char blocks_sql[] =
    "SELECT k.program, k.pc, coalesce(b.end_pc, s.end_pc), coalesce(b.hits, 0), "
    "coalesce(b.gas, 0), f.name, f.pc, p.name, s.samples, coalesce(b.function, s.function) "
    "FROM (SELECT program, pc FROM block UNION SELECT program, block_pc FROM sample "
    "WHERE block_pc >= 0) k JOIN program p ON p.id = k.program "
    "LEFT JOIN block b ON b.program = k.program AND b.pc = k.pc "
    "LEFT JOIN (SELECT program, block_pc, function, max(pc) + 1 AS end_pc, "
    "sum(samples) AS samples FROM sample GROUP BY 1, 2) s "
    "ON s.program = k.program AND s.block_pc = k.pc "
    "LEFT JOIN function f ON f.program = k.program AND f.id = coalesce(b.function, s.function) "
    "ORDER BY 1, 2";

/* The function of a block: in its one context, or by place. */
static uint32_t push_function(pvm_stacks_reader_t *reader, uint32_t root, sqlite3_stmt *row,
                              const pvm_stacks_function_t *home)
{
    const int64_t program = sqlite3_column_int64(row, 0);
    const int64_t pc = sqlite3_column_int64(row, 1);
    const pvm_prof_frame_t function = {.kind = PVM_PROF_FRAME_FUNCTION,
                                       .name = text_of(row, 5),
                                       .program = program,
                                       .pc = sqlite3_column_int64(row, 6),
                                       .end_pc = -1};

    if (home == NULL) {
        return pvm_stacks_push_outer(reader, root, function, pc);
    }
    look_up(reader, pc);
    return home->node;
}

static int read_block(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    const int64_t program = sqlite3_column_int64(row, 0);
    const int64_t pc = sqlite3_column_int64(row, 1);
    const int64_t end_pc = sqlite3_column_int64(row, 2);
    const pvm_prof_frame_t block = {
        .kind = PVM_PROF_FRAME_BLOCK, .program = program, .pc = pc, .end_pc = end_pc};
    const pvm_stacks_function_t *const home =
        pvm_stacks_home(reader, program, sqlite3_column_int64(row, 9));

    if (pvm_stacks_load_program(reader, program) != PVM_PROF_OK) {
        return SQLITE_NOMEM;
    }
    const uint32_t root = pvm_stacks_root_of(reader, program, text_of(row, 7));
    const uint32_t node = push_block(
        reader, push_inlined(reader, push_function(reader, root, row, home), program), block);
    const bool has_host = !reader->has_calls || (home != NULL && pvm_stacks_home_has_host(home));
    if (reader->out->failed ||
        keep_place(reader, (pvm_stacks_place_t){program, pc, end_pc, node, has_host}) != 0) {
        return SQLITE_NOMEM;
    }
    pvm_prof_stacks_add(reader->out, node, PVM_PROF_VALUE_HITS, sqlite3_column_int64(row, 3));
    if (!reader->has_calls || home != NULL) {
        pvm_prof_stacks_add(reader->out, node, PVM_PROF_VALUE_GAS, sqlite3_column_int64(row, 4));
    }
    if (!pvm_stacks_has_context_time(reader, program, sqlite3_column_int64(row, 9))) {
        add_samples(reader, node, sqlite3_column_int64(row, 8));
    }
    return SQLITE_OK;
}

/* -- Host calls ---------------------------------------------------------------------------- */

/* The block that holds a pc; NULL if it was not counted. */
static const pvm_stacks_place_t *place_of(const pvm_stacks_reader_t *reader, int64_t program,
                                          int64_t pc)
{
    size_t low = 0;
    size_t high = reader->place_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const pvm_stacks_place_t *const at = &reader->places[middle];

        if (at->program < program || (at->program == program && at->end_pc <= pc)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < reader->place_count && reader->places[low].program == program &&
                   reader->places[low].pc <= pc
               ? &reader->places[low]
               : NULL;
}

/* Columns: program, name of the program, pc or NULL, name of the call, calls, gas, ns. */
static int read_host_calls(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    const int64_t program = sqlite3_column_int64(row, 0);
    const uint32_t root = pvm_stacks_root_of(reader, program, text_of(row, 1));
    const pvm_stacks_place_t *const place =
        sqlite3_column_type(row, 2) != SQLITE_NULL
            ? place_of(reader, program, sqlite3_column_int64(row, 2))
            : NULL;
    const pvm_prof_frame_t frame = {.kind = PVM_PROF_FRAME_HOST,
                                    .name = text_of(row, 3),
                                    .program = program,
                                    .pc = -1,
                                    .end_pc = -1};
    const uint32_t node = pvm_prof_stacks_child(reader->out, place != NULL ? place->node : root,
                                                pvm_prof_stacks_frame(reader->out, &frame));
    const int64_t gas = sqlite3_column_int64(row, 5);
    const bool has_host = place != NULL ? place->has_host : !reader->has_calls;

    if (has_host || !reader->has_host_calls) {
        pvm_prof_stacks_add(reader->out, node, PVM_PROF_VALUE_HOST_CALLS,
                            sqlite3_column_int64(row, 4));
    }
    if (has_host) {
        pvm_prof_stacks_add(reader->out, node, PVM_PROF_VALUE_GAS, gas);
        pvm_prof_stacks_add(reader->out, node, PVM_PROF_VALUE_HOST_GAS, gas);
    }
    pvm_prof_stacks_add(reader->out, node, PVM_PROF_VALUE_TIME, sqlite3_column_int64(row, 6));
    return reader->out->failed ? SQLITE_NOMEM : SQLITE_OK;
}

int pvm_stacks_read_rows(pvm_stacks_reader_t *reader, const char *sql,
                         pvm_stacks_read_row_t *read_row)
{
    sqlite3_stmt *rows = NULL;
    int code = sqlite3_prepare_v2(reader->file->db, sql, -1, &rows, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(rows)) == SQLITE_ROW) {
        code = read_row(reader, rows);
    }
    sqlite3_finalize(rows);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int read_plural(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    reader->is_plural = sqlite3_column_int64(row, 0) > 1;
    return SQLITE_OK;
}

/* What sums by place do not have is the rest to the sums by number. */
#define SITES_SQL(sites)                                                                           \
    "WITH site AS (" sites "), "                                                                   \
    "placed AS (SELECT program, func_id, sum(calls) AS calls, wrap_sum(gas) AS gas, "              \
    "wrap_sum(ns) AS ns FROM site GROUP BY 1, 2), "                                                \
    "number AS (SELECT v.program AS program, t.func_id AS func_id, wrap_sum(t.calls) AS calls, "   \
    "wrap_sum(t.gas) AS gas, wrap_sum(t.duration_ns) AS ns "                                       \
    "FROM host_total t JOIN vm v ON v.id = t.vm GROUP BY 1, 2), "                                  \
    "rest AS (SELECT n.program, NULL AS pc, n.func_id, n.calls - coalesce(p.calls, 0) AS calls, "  \
    "n.gas - coalesce(p.gas, 0) AS gas, n.ns - coalesce(p.ns, 0) AS ns "                           \
    "FROM number n LEFT JOIN placed p USING (program, func_id)) "                                  \
    "SELECT a.program, p.name, a.pc, n.name, a.calls, a.gas, a.ns FROM "                           \
    "(SELECT * FROM site UNION ALL SELECT * FROM rest "                                            \
    "WHERE calls <> 0 OR gas <> 0 OR ns <> 0) a "                                                  \
    "JOIN program p ON p.id = a.program "                                                          \
    "LEFT JOIN host_function n ON n.program = a.program AND n.func_id = a.func_id "                \
    "ORDER BY 1, 3, 4"

static int read_sites(pvm_stacks_reader_t *reader)
{
    return pvm_stacks_read_rows(reader,
                                reader->has_sites ? SITES_SQL(PVM_STACKS_STORED_SITES)
                                                  : SITES_SQL(PVM_STACKS_COUNTED_SITES),
                                read_host_calls);
}

/* -- All of it ---------------------------------------------------------------------------- */

pvm_prof_status_t pvm_prof_stacks_read(pvm_prof_run_file_t *file, pvm_prof_stacks_kind_t kind,
                                       pvm_prof_stacks_t *out)
{
    pvm_stacks_reader_t *const reader = calloc(1, sizeof(*reader));
    int code = SQLITE_NOMEM;

    if (pvm_prof_stacks_begin(out) == 0 && reader != NULL) {
        *reader = (pvm_stacks_reader_t){.file = file, .out = out, .kind = kind, .loaded = -1};
        code = pvm_prof_wrap_sum_register(file->db);
    }
    if (code == SQLITE_OK) {
        code = pvm_stacks_read_rows(reader, "SELECT count(*) FROM program", read_plural);
    }
    if (code == SQLITE_OK) {
        code = pvm_prof_has_sums(file, "host_site", &reader->has_sites);
    }
    if (code == SQLITE_OK) {
        code =
            pvm_stacks_read_rows(reader,
                                 "SELECT sum(samples), sum(duration_ns), "
                                 "coalesce((SELECT sum(samples) FROM sample), 0) FROM sample_total",
                                 read_sample_total);
    }
    if (code == SQLITE_OK && kind != PVM_PROF_STACKS_PLACES) {
        code = pvm_stacks_read_calls(reader);
    }
    if (code == SQLITE_OK) {
        code = pvm_stacks_read_rows(reader, blocks_sql, read_block);
    }
    if (code == SQLITE_OK) {
        code = pvm_stacks_read_rows(
            reader,
            "SELECT s.program, p.name, sum(s.samples), s.pc = -2 FROM sample s "
            "JOIN program p ON p.id = s.program WHERE s.block_pc < 0 GROUP BY 1, 4",
            read_elsewhere);
    }
    if (code == SQLITE_OK) {
        code = read_sites(reader);
    }
    if (reader != NULL) {
        pvm_program_release(reader->program);
        free(reader->places);
        free(reader->functions);
        pvm_prof_map_free(&reader->function_index);
    }
    free(reader);
    return code == SQLITE_OK ? PVM_PROF_OK : pvm_prof_store_report(file, code, "read its stacks");
}
