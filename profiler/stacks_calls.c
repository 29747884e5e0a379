/* Stacks of a recording whose calls were followed. The tree of calls tells calls and gas, and how many host calls, of every context;
 * what stands below a function (blocks, lines, which host call) is known by place only. Where a function has one context,
 * and its blocks have cost what the context has, they are that context's, with all their values; the blocks of
 * other functions stay by place, without gas, and without time if samples tell their contexts. */
#include "profiler/stacks_reader.h"

#include "profiler/ledger.h"

#include <stdlib.h>

/* -- Functions ----------------------------------------------------------------------------- */

static uint64_t key_of(int64_t program, int64_t function)
{
    return (uint64_t)program << 32 ^ (uint64_t)function;
}

static pvm_stacks_function_t *known(const pvm_stacks_reader_t *reader, int64_t program,
                                    int64_t function)
{
    const uint32_t at = pvm_prof_map_get(&reader->function_index, key_of(program, function));

    /* Numbers that no recorder writes can share a key. */
    return at != PVM_PROF_MAP_NONE && reader->functions[at].program == program &&
                   reader->functions[at].function == function
               ? &reader->functions[at]
               : NULL;
}

/* Make a function known. NULL with SQLITE_OK: another has its key. */
static int add_function(pvm_stacks_reader_t *reader, int64_t program, int64_t function,
                        pvm_stacks_function_t **out)
{
    *out = known(reader, program, function);
    if (*out != NULL ||
        pvm_prof_map_get(&reader->function_index, key_of(program, function)) != PVM_PROF_MAP_NONE) {
        return SQLITE_OK;
    }
    if (reader->function_count == reader->function_room) {
        const uint32_t room = 2 * reader->function_room + 64;
        pvm_stacks_function_t *const functions =
            realloc(reader->functions, room * sizeof(*functions));

        if (functions == NULL) {
            return SQLITE_NOMEM;
        }
        reader->functions = functions;
        reader->function_room = room;
    }
    if (pvm_prof_map_add(&reader->function_index, key_of(program, function),
                         reader->function_count) != 0) {
        return SQLITE_NOMEM;
    }
    *out = &reader->functions[reader->function_count++];
    **out = (pvm_stacks_function_t){.program = program, .function = function};
    return SQLITE_OK;
}

static bool is_home(const pvm_stacks_function_t *function)
{
    return function->contexts == 1 && function->gas == function->context_gas;
}

const pvm_stacks_function_t *pvm_stacks_home(const pvm_stacks_reader_t *reader, int64_t program,
                                             int64_t function)
{
    const pvm_stacks_function_t *const home = known(reader, program, function);

    return home != NULL && is_home(home) ? home : NULL;
}

bool pvm_stacks_home_has_host(const pvm_stacks_function_t *home)
{
    return home->host_gas == home->context_host_gas && home->host_calls == home->context_host_calls;
}

/* With samples and several contexts. */
static bool has_context_time(const pvm_stacks_reader_t *reader,
                             const pvm_stacks_function_t *function)
{
    return reader->samples > 0 && function->samples > 0 && function->context_samples > 0 &&
           !is_home(function);
}

bool pvm_stacks_has_context_time(const pvm_stacks_reader_t *reader, int64_t program,
                                 int64_t function)
{
    const pvm_stacks_function_t *const at = known(reader, program, function);

    return at != NULL && has_context_time(reader, at);
}

/* Columns: program, function, gas. */
static int read_gas(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    pvm_stacks_function_t *const function =
        known(reader, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1));

    if (function != NULL) {
        function->gas = sqlite3_column_int64(row, 2);
    }
    return SQLITE_OK;
}

/* Columns: program, function, samples. */
static int read_samples(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    pvm_stacks_function_t *const function =
        known(reader, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1));

    if (function != NULL) {
        function->samples = sqlite3_column_int64(row, 2);
        function->ns_left = pvm_stacks_sampled_ns(reader, function->samples);
    }
    return SQLITE_OK;
}

/* Columns: program, function, host calls, their gas. */
static int read_host(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    pvm_stacks_function_t *const function =
        known(reader, sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1));

    if (function != NULL) {
        function->host_calls = sqlite3_column_int64(row, 2);
        function->host_gas = sqlite3_column_int64(row, 3);
    }
    return SQLITE_OK;
}

#define HOST_SQL(sites)                                                                            \
    "SELECT b.program, b.function, wrap_sum(s.calls), wrap_sum(s.gas) FROM (" sites ") s "         \
    "JOIN block b ON b.program = s.program AND b.pc = (SELECT max(k.pc) FROM block k "             \
    "WHERE k.program = s.program AND k.pc <= s.pc) WHERE s.pc < b.end_pc GROUP BY 1, 2"

/* What is known of the functions of a tree, by call and by place. @return an SQLite code */
static int read_functions(pvm_stacks_reader_t *reader, const pvm_prof_call_tree_t *tree)
{
    int code = SQLITE_OK;

    for (uint32_t i = 0; i < tree->count && code == SQLITE_OK; i++) {
        const pvm_prof_call_node_t *const node = &tree->nodes[i];
        pvm_stacks_function_t *function;

        code = add_function(reader, node->program, node->function, &function);
        if (code == SQLITE_OK && function != NULL) {
            function->contexts++;
            function->context_gas = node->gas;
            function->context_host_gas = node->host_gas;
            function->context_host_calls = (int64_t)node->host_calls;
            function->context_samples += node->samples;
            function->samples_left = function->context_samples;
        }
    }
    if (code == SQLITE_OK) {
        code = pvm_stacks_read_rows(
            reader, "SELECT program, function, wrap_sum(gas) FROM block GROUP BY 1, 2", read_gas);
    }
    if (code == SQLITE_OK) {
        code = pvm_stacks_read_rows(reader,
                                    "SELECT coalesce(b.program, s.program), "
                                    "coalesce(b.function, s.function), wrap_sum(s.samples) "
                                    "FROM sample s LEFT JOIN block b ON b.program = s.program "
                                    "AND b.pc = s.block_pc WHERE s.block_pc >= 0 GROUP BY 1, 2",
                                    read_samples);
    }
    return code != SQLITE_OK
               ? code
               : pvm_stacks_read_rows(reader,
                                      reader->has_sites ? HOST_SQL(PVM_STACKS_STORED_SITES)
                                                        : HOST_SQL(PVM_STACKS_COUNTED_SITES),
                                      read_host);
}

/* -- Contexts ------------------------------------------------------------------------------ */

static uint32_t push_rest(pvm_stacks_reader_t *reader, uint32_t node, int64_t program,
                          pvm_prof_frame_kind_t kind, const char *name)
{
    const pvm_prof_frame_t frame = {/* Frames copy what they are given, and change nothing. */
                                    .kind = kind,
                                    .name = (char *)(uintptr_t)name,
                                    .program = program,
                                    .pc = -1,
                                    .end_pc = -1};

    return pvm_prof_stacks_child(reader->out, node, pvm_prof_stacks_frame(reader->out, &frame));
}

/* The time of a function, as its blocks have it, goes to its contexts as the samples that met these. */
static void add_time(pvm_stacks_reader_t *reader, uint32_t at, const pvm_prof_call_node_t *node)
{
    pvm_stacks_function_t *const function = known(reader, node->program, node->function);

    if (function == NULL || !has_context_time(reader, function) || node->samples == 0 ||
        node->samples > function->samples_left) {
        return;
    }
    const int64_t ns =
        (int64_t)((__int128)function->ns_left * node->samples / function->samples_left);
    pvm_prof_stacks_add(reader->out, at, PVM_PROF_VALUE_TIME, ns);
    function->ns_left -= ns;
    function->samples_left -= node->samples;
}

static void add_gas(pvm_stacks_reader_t *reader, uint32_t at, const pvm_prof_call_node_t *node)
{
    pvm_prof_stacks_t *const out = reader->out;
    pvm_stacks_function_t *const function = known(reader, node->program, node->function);
    const bool has_blocks = function != NULL && is_home(function);
    const uint64_t host_calls = reader->has_host_calls ? node->host_calls : 0;

    if (has_blocks) {
        function->node = at;
    } else {
        pvm_prof_stacks_add(out, at, PVM_PROF_VALUE_GAS, node->gas);
    }
    if ((node->host_gas != 0 || host_calls != 0) &&
        !(has_blocks && pvm_stacks_home_has_host(function))) {
        const uint32_t host =
            push_rest(reader, at, node->program, PVM_PROF_FRAME_HOST, "(host calls)");

        pvm_prof_stacks_add(out, host, PVM_PROF_VALUE_GAS, node->host_gas);
        pvm_prof_stacks_add(out, host, PVM_PROF_VALUE_HOST_GAS, node->host_gas);
        pvm_prof_stacks_add(out, host, PVM_PROF_VALUE_HOST_CALLS, (int64_t)host_calls);
    }
    if (node->deeper_gas != 0 || node->deeper_calls != 0) {
        const uint32_t deeper = push_rest(reader, at, node->program, PVM_PROF_FRAME_FUNCTION,
                                          "(deeper, not told apart)");

        pvm_prof_stacks_add(out, deeper, PVM_PROF_VALUE_GAS, node->deeper_gas);
        pvm_prof_stacks_add(out, deeper, PVM_PROF_VALUE_CALLS, (int64_t)node->deeper_calls);
    }
}

/* @return an SQLite code */
static int push_contexts(pvm_stacks_reader_t *reader, const pvm_prof_call_tree_t *tree)
{
    uint32_t *const places = calloc((size_t)tree->count + 1, sizeof(*places));
    bool is_done = places != NULL;

    for (uint32_t i = 0; is_done && i < tree->count; i++) {
        const pvm_prof_call_node_t *const node = &tree->nodes[i];
        const pvm_prof_frame_t frame = {.kind = PVM_PROF_FRAME_FUNCTION,
                                        .name = node->name,
                                        .program = node->program,
                                        .pc = node->pc,
                                        .end_pc = -1};
        is_done = pvm_stacks_load_program(reader, node->program) == PVM_PROF_OK;
        const uint32_t above = node->parent == PVM_PROF_CALL_NONE
                                   ? pvm_stacks_root_of(reader, node->program, node->program_name)
                                   : places[node->parent];
        places[i] = pvm_stacks_push_outer(reader, above, frame, node->pc);
        pvm_prof_stacks_add(reader->out, places[i], PVM_PROF_VALUE_CALLS, (int64_t)node->calls);
        add_gas(reader, places[i], node);
        add_time(reader, places[i], node);
        is_done = is_done && !reader->out->failed;
    }
    free(places);
    return is_done ? SQLITE_OK : SQLITE_NOMEM;
}

/* Whether all host calls stand in the tree. */
static int read_host_total(pvm_stacks_reader_t *reader, sqlite3_stmt *row)
{
    reader->has_host_calls = sqlite3_column_int64(row, 0) == sqlite3_column_int64(row, 1);
    return SQLITE_OK;
}

/* The tree is taken if it explains all gas: of several recordings in one file some may have none. */
int pvm_stacks_read_calls(pvm_stacks_reader_t *reader)
{
    pvm_prof_call_tree_t tree = {0};
    int code = SQLITE_OK;

    if (!pvm_prof_call_tree_is_whole(reader->file)) {
        return SQLITE_OK;
    }
    code = pvm_prof_call_tree_read(reader->file, false, &tree) == PVM_PROF_OK ? SQLITE_OK
                                                                              : SQLITE_CORRUPT;
    reader->has_calls = code == SQLITE_OK;
    const bool is_told_apart = reader->kind == PVM_PROF_STACKS_CALLS;
    if (code == SQLITE_OK && is_told_apart) {
        code = pvm_stacks_read_rows(reader,
                                    "SELECT wrap_sum(host_calls), (SELECT host_calls FROM total) "
                                    "FROM call_node",
                                    read_host_total);
    }
    if (code == SQLITE_OK && is_told_apart) {
        code = read_functions(reader, &tree);
    }
    if (code == SQLITE_OK) {
        code = push_contexts(reader, &tree);
    }
    pvm_prof_call_tree_free(&tree);
    return code;
}
