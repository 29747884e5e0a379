/* Programs of a recording: one entry for all copies of a program, its row, its functions and
 * pending counts. */
#include "events/events.h"
#include "profiler/stored_program.h"
#include "profiler/watch.h"
#include "program/convert.h"
#include "support/error.h"
#include "vm/counts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_octets(const void *a, size_t a_len, const void *b, size_t b_len)
{
    return a_len == b_len && (a_len == 0 || memcmp(a, b, a_len) == 0);
}

/* Loading one file twice makes two handles of one program. */
static bool same_program(const pvm_program_t *a, const pvm_program_t *b)
{
    if (a->spec != b->spec || a->format != b->format || (a->blob == NULL) != (b->blob == NULL)) {
        return false;
    }
    if (a->blob != NULL) {
        return same_octets(a->blob, a->blob_len, b->blob, b->blob_len);
    }
    const size_t mask_bytes = ((size_t)a->code.len + 7) / 8;
    return same_octets(a->code.octets, a->code.len, b->code.octets, b->code.len) &&
           same_octets(a->code.mask, mask_bytes, b->code.mask, mask_bytes) &&
           same_octets(a->jump_table, a->jump_table_len * sizeof(*a->jump_table), b->jump_table,
                       b->jump_table_len * sizeof(*b->jump_table));
}

static void store_symbols(pvm_prof_run_file_t *file, const pvm_prof_program_t *entry)
{
    const pvm_program_t *const symbols = entry->program->symbols;
    sqlite3_stmt *const row =
        symbols != NULL && symbols->blob != NULL
            ? pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_PROGRAM_SYMBOLS)
            : NULL;

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, entry->id);
        pvm_prof_store_bind_blob(file, row, 2, symbols->blob, symbols->blob_len);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_PROGRAM_SYMBOLS);
    }
}

static int store_program(pvm_prof_run_file_t *file, const pvm_prof_program_t *entry,
                         const char *name)
{
    const pvm_program_t *const program = entry->program;
    pvm_buffer_t made = {0};

    if (program->blob == NULL) {
        pvm_convert_write_parts(program, &made);
    }
    if (made.failed) {
        pvm_buffer_free(&made);
        return pvm_error_set("%.300s: no memory to store the program", file->path);
    }
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_PROGRAM);
    if (row != NULL) {
        sqlite3_bind_int64(row, 1, entry->id);
        pvm_prof_store_bind_text(file, row, 2, name);
        pvm_prof_store_bind_text(file, row, 3, pvm_prof_spec_name(program->spec));
        pvm_prof_store_bind_text(file, row, 4, pvm_prof_format_name(program->format));
        sqlite3_bind_int64(row, 5, program->code.len);
        sqlite3_bind_int64(row, 6, program->block_count);
        pvm_prof_store_bind_text(file, row, 7, program->error);
        pvm_prof_store_bind_blob(file, row, 8, program->blob != NULL ? program->blob : made.data,
                                 program->blob != NULL ? program->blob_len : made.len);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_PROGRAM);
    }
    pvm_buffer_free(&made);
    store_symbols(file, entry);
    if (entry->id == 1) {
        pvm_prof_store_info(file, PVM_PROF_INFO_PROGRAM, name, true);
        pvm_prof_store_info(file, PVM_PROF_INFO_SPEC, pvm_prof_spec_name(program->spec), true);
        pvm_prof_store_info(file, PVM_PROF_INFO_FORMAT, pvm_prof_format_name(program->format),
                            true);
    }
    return 0;
}

static pvm_prof_program_t *make_entry(pvm_prof_recorder_t *recorder, pvm_program_t *program)
{
    const size_t blocks = (size_t)program->block_count + 1;
    pvm_prof_program_t *const entry = calloc(1, sizeof(*entry));

    if (entry == NULL) {
        return NULL;
    }
    entry->id = recorder->program_count + 1;
    if (pvm_prof_functions_find(program, &entry->functions) != 0) {
        free(entry);
        return NULL;
    }
    pvm_program_acquire(program);
    entry->program = program;
    entry->function_stored = calloc(entry->functions.count, sizeof(*entry->function_stored));
    entry->pending = calloc(blocks, sizeof(*entry->pending));
    entry->dirty = malloc(blocks * sizeof(*entry->dirty));
    entry->is_dirty = calloc(blocks, sizeof(*entry->is_dirty));
    if (entry->function_stored == NULL || entry->pending == NULL || entry->dirty == NULL ||
        entry->is_dirty == NULL) {
        pvm_prof_program_destroy(entry);
        return NULL;
    }
    return entry;
}

/* The entry of the same program, loaded before. NULL: there is none */
static pvm_prof_program_t *find_copy(const pvm_prof_recorder_t *recorder, pvm_program_t *program)
{
    const uint32_t first =
        pvm_prof_map_get(&recorder->program_by_hash, pvm_events_program_hash(program));

    /* Where two share a hash the second stands somewhere behind the first. */
    for (uint32_t i = first; i < recorder->program_count; i++) {
        if (same_program(recorder->programs[i]->program, program)) {
            return recorder->programs[i];
        }
    }
    return NULL;
}

/* Give the recorder the entry. */
static int keep_entry(pvm_prof_recorder_t *recorder, pvm_prof_program_t *entry)
{
    const uint64_t hash = pvm_events_program_hash(entry->program);
    pvm_prof_program_t **const programs =
        realloc(recorder->programs, (recorder->program_count + (size_t)1) * sizeof(*programs));

    if (programs == NULL) {
        return -1;
    }
    recorder->programs = programs;
    if ((pvm_prof_map_get(&recorder->program_by_hash, hash) == PVM_PROF_MAP_NONE &&
         pvm_prof_map_add(&recorder->program_by_hash, hash, recorder->program_count) != 0) ||
        pvm_prof_map_add(&recorder->program_by_address, (uintptr_t)entry->program,
                         recorder->program_count) != 0) {
        return -1;
    }
    programs[recorder->program_count++] = entry;
    return 0;
}

pvm_prof_program_t *pvm_prof_program_find(pvm_prof_recorder_t *recorder, pvm_program_t *program,
                                          const char *name)
{
    char made_name[sizeof("program-4294967295")];
    const uint32_t known = pvm_prof_map_get(&recorder->program_by_address, (uintptr_t)program);

    /* A kept program is acquired, so its address means it and no later one. */
    if (known != PVM_PROF_MAP_NONE) {
        return recorder->programs[known];
    }
    pvm_prof_program_t *const copy = find_copy(recorder, program);
    if (copy != NULL) {
        return copy;
    }
    if (recorder->program_count == PVM_PROF_MAX_PROGRAMS) {
        pvm_error_set("%.300s: more than %d different programs; record fewer at a time",
                      recorder->file->path, PVM_PROF_MAX_PROGRAMS);
        return NULL;
    }
    pvm_prof_program_t *const entry = make_entry(recorder, program);
    if (entry == NULL || keep_entry(recorder, entry) != 0) {
        pvm_prof_program_destroy(entry);
        pvm_error_set("%.300s: no memory for another program", recorder->file->path);
        return NULL;
    }
    if (name == NULL) {
        snprintf(made_name, sizeof(made_name), "program-%u", (unsigned)entry->id);
        name = made_name;
    }
    return store_program(recorder->file, entry, name) == 0 ? entry : NULL;
}

void pvm_prof_program_destroy(pvm_prof_program_t *entry)
{
    if (entry == NULL) {
        return;
    }
    pvm_prof_map_free(&entry->host_names);
    pvm_prof_sites_free(&entry->sites);
    pvm_prof_cuts_free(&entry->cuts);
    free(entry->is_dirty);
    free(entry->dirty);
    free(entry->pending);
    free(entry->function_stored);
    pvm_prof_functions_free(&entry->functions);
    pvm_program_release(entry->program);
    free(entry);
}

void pvm_prof_program_add(pvm_prof_program_t *entry, size_t block, pvm_block_count_t more)
{
    entry->pending[block].hits += more.hits;
    entry->pending[block].gas += more.gas;
    if (!entry->is_dirty[block]) {
        entry->is_dirty[block] = true;
        entry->dirty[entry->dirty_count++] = (uint32_t)block;
    }
}

void pvm_prof_program_store_function(pvm_prof_program_t *entry, pvm_prof_run_file_t *file,
                                     uint32_t index)
{
    sqlite3_stmt *row;

    if (entry->function_stored[index] ||
        (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_FUNCTION)) == NULL) {
        return;
    }
    const pvm_prof_function_t *const function = &entry->functions.list[index];
    sqlite3_bind_int64(row, 1, entry->id);
    sqlite3_bind_int64(row, 2, index);
    sqlite3_bind_int64(row, 3, function->pc);
    pvm_prof_store_bind_text(file, row, 4, function->name);
    pvm_prof_store_bind_text(file, row, 5, function->from_debug ? "debug" : "code");
    pvm_prof_store_step(file, PVM_PROF_STATEMENT_FUNCTION);
    entry->function_stored[index] = true;
}

int64_t pvm_prof_program_block_pc(const pvm_prof_program_t *entry, uint32_t block)
{
    if (block == PVM_BLOCK_NONE) {
        return -1;
    }
    return block < entry->program->block_count ? entry->program->blocks[block].pc
                                               : entry->program->code.len;
}

static void store_block(pvm_prof_program_t *entry, pvm_prof_run_file_t *file, uint32_t index)
{
    const pvm_program_t *const program = entry->program;
    const uint32_t function = entry->functions.of_block[index];
    /* "No block" is the implicit trap behind the code. */
    const pvm_block_t behind = {
        .pc = program->code.len, .end_pc = program->code.len + 1, .instructions = 1};
    const pvm_block_t *const block =
        index < program->block_count ? &program->blocks[index] : &behind;

    pvm_prof_program_store_function(entry, file, function);
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_BLOCK);
    if (row == NULL) {
        return;
    }
    sqlite3_bind_int64(row, 1, entry->id);
    sqlite3_bind_int64(row, 2, block->pc);
    sqlite3_bind_int64(row, 3, block->end_pc);
    sqlite3_bind_int64(row, 4, function);
    sqlite3_bind_int64(row, 5, block->instructions);
    sqlite3_bind_int64(row, 6, (int64_t)pvm_counts_block_cost(program, index));
    sqlite3_bind_int64(row, 7, (int64_t)entry->pending[index].hits);
    sqlite3_bind_int64(row, 8, (int64_t)entry->pending[index].gas);
    pvm_prof_store_step(file, PVM_PROF_STATEMENT_BLOCK);
}

void pvm_prof_program_flush(pvm_prof_program_t *entry, pvm_prof_run_file_t *file)
{
    for (size_t i = 0; i < entry->dirty_count; i++) {
        const uint32_t index = entry->dirty[i];

        store_block(entry, file, index);
        entry->pending[index] = (pvm_block_count_t){0};
        entry->is_dirty[index] = false;
    }
    entry->dirty_count = 0;
    pvm_prof_sites_store(&entry->sites, entry->id, file);
    pvm_prof_cuts_store(&entry->cuts, entry->id, file);
}

void pvm_prof_program_name_call(pvm_prof_program_t *entry, pvm_prof_run_file_t *file,
                                int32_t func_id)
{
    char made_name[sizeof("ecalli_-2147483648")];
    sqlite3_stmt *row;

    /* Without memory for the map the row is written again, which changes nothing. */
    if (pvm_prof_map_get(&entry->host_names, (uint32_t)func_id) != PVM_PROF_MAP_NONE ||
        (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_FUNCTION)) == NULL) {
        return;
    }
    const char *name = pvm_host_call_name(entry->program, func_id);
    if (name == NULL || name[0] == '\0') {
        snprintf(made_name, sizeof(made_name), "ecalli_%d", (int)func_id);
        name = made_name;
    }
    sqlite3_bind_int64(row, 1, entry->id);
    sqlite3_bind_int64(row, 2, func_id);
    pvm_prof_store_bind_text(file, row, 3, name);
    pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_FUNCTION);
    (void)pvm_prof_map_add(&entry->host_names, (uint32_t)func_id, 0);
}
