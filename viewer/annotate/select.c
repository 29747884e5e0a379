/* From what the command line says to blocks: a function by name, the hottest one, a range of pcs, the hottest loop. */
#include "viewer/annotate/annotate.h"

#include "profiler/store.h"
#include "profiler/worth.h"
#include "viewer/new_run.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

pvm_view_status_t pvm_annotate_fail_memory(pvm_annotate_t *annotate)
{
    return pvm_view_fail(annotate->view, PVM_VIEW_ENVIRONMENT, "annotate: no memory for the code");
}

size_t pvm_annotate_executed(const pvm_annotate_t *annotate, uint32_t block)
{
    const uint32_t pc = annotate->code.program->blocks[block].pc;
    const size_t index = pvm_prof_code_find(&annotate->code, pc);

    return index < annotate->code.block_count && annotate->code.blocks[index].pc == pc
               ? index
               : annotate->code.block_count;
}

/* -- Programs ------------------------------------------------------------------------------ */

/* Programs of the recording, most gas first. */
static int read_program(pvm_annotate_t *annotate, size_t place, int64_t *out_id)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        annotate->file->db,
        "SELECT p.id, p.name FROM program p LEFT JOIN block b ON b.program = p.id GROUP BY p.id "
        "ORDER BY total(b.gas) DESC, p.id LIMIT 1 OFFSET ?1",
        -1, &row, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_bind_int64(row, 1, (int64_t)place);
    }
    if (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const unsigned char *const name = sqlite3_column_text(row, 1);

        *out_id = sqlite3_column_int64(row, 0);
        free(annotate->program_name);
        annotate->program_name = strdup(name != NULL ? (const char *)name : "?");
    }
    sqlite3_finalize(row);
    return code;
}

static void close_program(pvm_annotate_t *annotate)
{
    pvm_prof_functions_free(&annotate->functions);
    pvm_prof_code_close(&annotate->code);
}

/* @return SQLITE_ROW: it is open; SQLITE_DONE: there is no such program; else an error, with *out_status set */
static int open_program(pvm_annotate_t *annotate, size_t place, pvm_view_status_t *out_status)
{
    int64_t id = 0;
    const int code = read_program(annotate, place, &id);

    if (code == SQLITE_DONE) {
        return code;
    }
    if (code != SQLITE_ROW || annotate->program_name == NULL) {
        *out_status = pvm_view_fail_profiler(
            annotate->view,
            pvm_prof_store_report(annotate->file, code != SQLITE_ROW ? code : SQLITE_NOMEM,
                                  "read its programs"));
        return SQLITE_ERROR;
    }
    const pvm_prof_status_t status = pvm_prof_code_open(annotate->file, id, &annotate->code);
    if (status != PVM_PROF_OK) {
        *out_status = pvm_view_fail_profiler(annotate->view, status);
        return SQLITE_ERROR;
    }
    if (annotate->code.program != NULL &&
        pvm_prof_functions_find(annotate->code.program, &annotate->functions) != 0) {
        *out_status = pvm_annotate_fail_memory(annotate);
        return SQLITE_ERROR;
    }
    return SQLITE_ROW;
}

/* -- Functions ----------------------------------------------------------------------------- */

static int add_block(pvm_annotate_t *annotate, uint32_t block)
{
    /* Room for a power of two; the count says when it is used up. */
    if ((annotate->block_count & (annotate->block_count - 1)) == 0) {
        const size_t room = annotate->block_count == 0 ? 1 : 2 * annotate->block_count;
        uint32_t *const blocks = realloc(annotate->blocks, room * sizeof(*blocks));

        if (blocks == NULL) {
            return -1;
        }
        annotate->blocks = blocks;
    }
    annotate->blocks[annotate->block_count++] = block;
    return 0;
}

static int add_function(pvm_annotate_t *annotate, uint32_t function)
{
    for (uint32_t i = 0; i < annotate->code.program->block_count; i++) {
        if (annotate->functions.of_block[i] == function && add_block(annotate, i) != 0) {
            return -1;
        }
    }
    return 0;
}

static int64_t *heat_at(const pvm_annotate_t *annotate, int64_t *heat, uint32_t pc)
{
    return &heat[annotate->functions.of_block[pvm_program_block_at(annotate->code.program, pc)]];
}

/* By gas, or by samples where blocks were not counted. */
static uint32_t hottest_function(const pvm_annotate_t *annotate)
{
    const pvm_prof_code_t *const code = &annotate->code;
    int64_t *const heat = calloc((size_t)annotate->functions.count + 1, sizeof(*heat));
    uint32_t best = 0;

    for (size_t i = 0; heat != NULL && i < code->block_count; i++) {
        int64_t *const at = heat_at(annotate, heat, code->blocks[i].pc);

        *at = pvm_prof_plus(*at, code->blocks[i].gas);
    }
    for (size_t i = 0; heat != NULL && code->block_count == 0 && i < code->mark_count; i++) {
        int64_t *const at = heat_at(annotate, heat, code->marks[i].pc);

        *at = pvm_prof_plus(*at, code->marks[i].samples);
    }
    for (uint32_t i = 1; heat != NULL && i < annotate->functions.count; i++) {
        best = heat[i] > heat[best] ? i : best;
    }
    free(heat);
    return best;
}

/* The function of this name, or the only one that has it as a part. @return UINT32_MAX: none; UINT32_MAX - 1: several */
static uint32_t named_function(const pvm_annotate_t *annotate, const char *name, char *others,
                               size_t others_bytes)
{
    const pvm_prof_functions_t *const functions = &annotate->functions;
    uint32_t found = UINT32_MAX;
    size_t len = 0;

    others[0] = '\0';
    for (uint32_t i = 0; i < functions->count; i++) {
        if (strcmp(functions->list[i].name, name) == 0) {
            return i;
        }
    }
    for (uint32_t i = 0; i < functions->count; i++) {
        if (strstr(functions->list[i].name, name) == NULL) {
            continue;
        }
        if (len < others_bytes) {
            const int written = snprintf(others + len, others_bytes - len, "%s%s",
                                         len > 0 ? ", " : "", functions->list[i].name);
            len += written > 0 ? (size_t)written : 0;
        }
        found = found == UINT32_MAX ? i : UINT32_MAX - 1;
    }
    return found;
}

static bool is_named(const pvm_debug_stack_t *stack, const char *wanted)
{
    char name[PVM_PROF_MAX_NAME_BYTES];

    for (size_t i = 0; i < stack->depth; i++) {
        if (pvm_debug_function_name(&stack->frames[i].function, name, sizeof(name)) > 0 &&
            strcmp(name, wanted) == 0) {
            return true;
        }
    }
    return false;
}

/* Executed blocks with code of a function that was inlined into others. */
static int add_inlined(pvm_annotate_t *annotate, const char *wanted)
{
    const pvm_program_t *const program = annotate->code.program;
    pvm_debug_stack_t *const stack = calloc(1, sizeof(*stack));
    pvm_debug_walk_t walk = {0};
    int status = stack != NULL ? 0 : -1;

    for (uint32_t i = 0; i < program->block_count && status == 0; i++) {
        bool is_here = false;
        pvm_instruction_t in = {.next = program->blocks[i].pc};

        if (pvm_annotate_executed(annotate, i) == annotate->code.block_count) {
            continue;
        }
        while (in.next < program->blocks[i].end_pc && !is_here) {
            pvm_isa_decode(&program->code, in.next, &in);
            is_here = pvm_debug_info_find(program->debug_info, &walk, in.pc, stack) &&
                      is_named(stack, wanted);
        }
        status = is_here ? add_block(annotate, i) : 0;
    }
    free(stack);
    return status;
}

/* "@123", "123", "@123..@200": the blocks that hold these places. @return false: it is no range */
static bool read_range(const char *text, uint64_t *out_first, uint64_t *out_last)
{
    char *end = NULL;

    text += *text == '@' ? 1 : 0;
    if (*text < '0' || *text > '9') {
        return false;
    }
    *out_first = strtoull(text, &end, 0);
    *out_last = *out_first;
    if (strncmp(end, "..", 2) == 0) {
        text = end + 2;
        text += *text == '@' ? 1 : 0;
        if (*text < '0' || *text > '9') {
            return false;
        }
        *out_last = strtoull(text, &end, 0);
    }
    return *end == '\0';
}

static pvm_view_status_t select_range(pvm_annotate_t *annotate, const char *text, uint64_t first,
                                      uint64_t last)
{
    const pvm_program_t *const program = annotate->code.program;

    for (uint32_t i = 0; i < program->block_count; i++) {
        if (program->blocks[i].end_pc > first && program->blocks[i].pc <= last &&
            add_block(annotate, i) != 0) {
            return pvm_annotate_fail_memory(annotate);
        }
    }
    if (annotate->block_count == 0) {
        return pvm_view_fail(annotate->view, PVM_VIEW_USAGE,
                             "annotate: %.64s: no code there; the code has %" PRIu32 " octets",
                             text, program->code.len);
    }
    snprintf(annotate->title, sizeof(annotate->title), "@%" PRIu32 "..@%" PRIu32,
             program->blocks[annotate->blocks[0]].pc,
             program->blocks[annotate->blocks[annotate->block_count - 1]].end_pc);
    return PVM_VIEW_FINE;
}

/* @return FINE with blocks; FINE without: it is not in this program; or an error */
static pvm_view_status_t select_in_program(pvm_annotate_t *annotate, const char *wanted)
{
    char others[256];
    uint64_t first = 0;
    uint64_t last = 0;
    uint32_t function;

    if (annotate->code.program == NULL || annotate->code.program->block_count == 0) {
        return PVM_VIEW_FINE;
    }
    if (wanted != NULL && read_range(wanted, &first, &last)) {
        return select_range(annotate, wanted, first, last);
    }
    function = wanted != NULL ? named_function(annotate, wanted, others, sizeof(others))
                              : hottest_function(annotate);
    if (function == UINT32_MAX - 1) {
        return pvm_view_fail(annotate->view, PVM_VIEW_USAGE,
                             "annotate: %.64s is a part of several names: %s; give one of them",
                             wanted, others);
    }
    if (function == UINT32_MAX && annotate->code.program->debug_info != NULL) {
        snprintf(annotate->title, sizeof(annotate->title), "%.200s, inlined", wanted);
        return add_inlined(annotate, wanted) == 0 ? PVM_VIEW_FINE
                                                  : pvm_annotate_fail_memory(annotate);
    }
    if (function == UINT32_MAX) {
        return PVM_VIEW_FINE;
    }
    if (add_function(annotate, function) != 0) {
        return pvm_annotate_fail_memory(annotate);
    }
    snprintf(annotate->title, sizeof(annotate->title), "%s",
             annotate->functions.list[function].name);
    return PVM_VIEW_FINE;
}

/* -- Loops and --top ----------------------------------------------------------------------- */

static bool is_selected(const pvm_annotate_t *annotate, uint32_t executed)
{
    const uint32_t block =
        pvm_program_block_at(annotate->code.program, annotate->code.blocks[executed].pc);
    size_t low = 0;
    size_t high = annotate->block_count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (annotate->blocks[middle] < block) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < annotate->block_count && annotate->blocks[low] == block;
}

/* The loop whose own blocks, without those of loops inside, cost most. */
static pvm_view_status_t select_loop(pvm_annotate_t *annotate)
{
    const pvm_prof_loops_t *const loops = &annotate->loops;
    int64_t *const gas = calloc(loops->loop_count + 1, sizeof(*gas));
    uint32_t best = PVM_PROF_NO_LOOP;

    if (gas == NULL) {
        return pvm_annotate_fail_memory(annotate);
    }
    for (size_t i = 0; i < annotate->code.block_count; i++) {
        if (loops->loop_of[i] != PVM_PROF_NO_LOOP) {
            gas[loops->loop_of[i]] =
                pvm_prof_plus(gas[loops->loop_of[i]], annotate->code.blocks[i].gas);
        }
    }
    for (uint32_t i = 0; i < loops->loop_count; i++) {
        if (is_selected(annotate, loops->loops[i].header) &&
            (best == PVM_PROF_NO_LOOP || gas[i] > gas[best])) {
            best = i;
        }
    }
    free(gas);
    if (best == PVM_PROF_NO_LOOP) {
        return pvm_view_fail(annotate->view, PVM_VIEW_NO,
                             "annotate: --loop: no loop was taken in %.100s%s", annotate->title,
                             loops->has_edges ? "" : "; record with --instrument counts,edges");
    }
    annotate->loop = best;
    annotate->block_count = 0;
    for (size_t i = 0; i < loops->loops[best].block_count; i++) {
        const uint32_t pc = annotate->code.blocks[loops->loops[best].blocks[i]].pc;
        if (add_block(annotate, pvm_program_block_at(annotate->code.program, pc)) != 0) {
            return pvm_annotate_fail_memory(annotate);
        }
    }
    return PVM_VIEW_FINE;
}

typedef struct {
    uint32_t block;
    int64_t gas;
} heat_t;

static int compare_heat(const void *left, const void *right)
{
    const heat_t *const a = left;
    const heat_t *const b = right;

    if (a->gas != b->gas) {
        return a->gas > b->gas ? -1 : 1;
    }
    return a->block < b->block ? -1 : a->block > b->block;
}

static int compare_blocks(const void *left, const void *right)
{
    const uint32_t a = *(const uint32_t *)left;
    const uint32_t b = *(const uint32_t *)right;

    return a < b ? -1 : a > b;
}

/* The hottest blocks only, in order of pc again. */
static pvm_view_status_t select_top(pvm_annotate_t *annotate, uint64_t top)
{
    heat_t *const heat = calloc(annotate->block_count, sizeof(*heat));

    if (heat == NULL) {
        return pvm_annotate_fail_memory(annotate);
    }
    for (size_t i = 0; i < annotate->block_count; i++) {
        const size_t executed = pvm_annotate_executed(annotate, annotate->blocks[i]);

        heat[i].block = annotate->blocks[i];
        heat[i].gas =
            executed < annotate->code.block_count ? annotate->code.blocks[executed].gas : -1;
    }
    qsort(heat, annotate->block_count, sizeof(*heat), compare_heat);
    annotate->block_count = (size_t)top;
    for (size_t i = 0; i < annotate->block_count; i++) {
        annotate->blocks[i] = heat[i].block;
    }
    qsort(annotate->blocks, annotate->block_count, sizeof(*annotate->blocks), compare_blocks);
    free(heat);
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_annotate_select(pvm_annotate_t *annotate, const char *wanted)
{
    const uint64_t top = pvm_view_number(annotate->view, PVM_OPTION_ANNOTATE_TOP);
    pvm_view_status_t status = PVM_VIEW_FINE;

    annotate->loop = PVM_PROF_NO_LOOP;
    for (size_t place = 0; annotate->block_count == 0; place++) {
        const int code = open_program(annotate, place, &status);

        if (code == SQLITE_DONE) {
            return wanted != NULL
                       ? pvm_view_fail(annotate->view, PVM_VIEW_USAGE,
                                       "annotate: %.64s: no such function; report --by function "
                                       "lists them",
                                       wanted)
                       : pvm_view_fail(annotate->view, PVM_VIEW_INPUT,
                                       "%.300s: no program with code was recorded",
                                       pvm_prof_run_file_path(annotate->file));
        }
        if (code == SQLITE_ROW) {
            status = select_in_program(annotate, wanted);
        }
        if (status != PVM_VIEW_FINE) {
            return status;
        }
        if (annotate->block_count == 0) {
            close_program(annotate);
        }
    }
    pvm_prof_worth_t worth;
    if (pvm_prof_worth_read(annotate->file, &worth) != PVM_PROF_OK) {
        return pvm_view_fail_profiler(annotate->view, PVM_PROF_E_FORMAT);
    }
    annotate->samples = worth.samples;
    annotate->gas_used = worth.gas_used;
    annotate->is_counted = worth.is_counted;
    const pvm_prof_status_t found =
        pvm_prof_loops_find(annotate->file, &annotate->code, &annotate->loops);
    if (found != PVM_PROF_OK) {
        return pvm_view_fail_profiler(annotate->view, found);
    }
    if (pvm_view_has(annotate->view, PVM_OPTION_LOOP)) {
        status = select_loop(annotate);
    }
    return status == PVM_VIEW_FINE && top > 0 && top < annotate->block_count
               ? select_top(annotate, top)
               : status;
}

void pvm_annotate_free(pvm_annotate_t *annotate)
{
    for (size_t i = 0; i < annotate->line_count; i++) {
        free(annotate->lines[i].text);
        free(annotate->lines[i].host);
    }
    free(annotate->lines);
    free(annotate->blocks);
    free(annotate->program_name);
    pvm_prof_loops_free(&annotate->loops);
    close_program(annotate);
}
