/* Sums of host calls by place and by slice, kept while a recording goes on, so that no report has to read all of its
 * calls: of a place (an ecalli of a program) there are as many as the code has, of slices never more than
 * PVM_PROF_MAX_SLICES. */
#include "profiler/host_sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- Places -------------------------------------------------------------------------------- */

pvm_prof_sum_t *pvm_prof_sites_find(pvm_prof_sites_t *sites, uint32_t pc, int32_t func_id)
{
    const uint32_t known = pvm_prof_map_get(&sites->index, pc);

    if (known != PVM_PROF_MAP_NONE) {
        return &sites->list[known].sum;
    }
    if (sites->count == sites->room) {
        const uint32_t room = sites->room == 0 ? 16 : 2 * sites->room;
        pvm_prof_site_t *const list = realloc(sites->list, room * sizeof(*list));

        if (list == NULL) {
            return NULL;
        }
        sites->list = list;
        sites->room = room;
    }
    if (pvm_prof_map_add(&sites->index, pc, sites->count) != 0) {
        return NULL;
    }
    sites->list[sites->count] = (pvm_prof_site_t){.pc = pc, .sum = {.func_id = func_id}};
    return &sites->list[sites->count++].sum;
}

static void bind_sum(sqlite3_stmt *row, int at, const pvm_prof_sum_t *sum)
{
    sqlite3_bind_int64(row, at, sum->func_id);
    sqlite3_bind_int64(row, at + 1, (int64_t)sum->calls);
    sqlite3_bind_int64(row, at + 2, (int64_t)sum->gas);
    sqlite3_bind_int64(row, at + 3, (int64_t)sum->duration_ns);
}

void pvm_prof_sites_store(pvm_prof_sites_t *sites, uint32_t program, pvm_prof_run_file_t *file)
{
    for (uint32_t i = 0; i < sites->count; i++) {
        pvm_prof_site_t *const site = &sites->list[i];
        sqlite3_stmt *row;

        if (!site->sum.is_dirty ||
            (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_SITE)) == NULL) {
            continue;
        }
        sqlite3_bind_int64(row, 1, program);
        sqlite3_bind_int64(row, 2, site->pc);
        bind_sum(row, 3, &site->sum);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_SITE);
        site->sum.is_dirty = false;
    }
}

void pvm_prof_sites_free(pvm_prof_sites_t *sites)
{
    pvm_prof_map_free(&sites->index);
    free(sites->list);
    *sites = (pvm_prof_sites_t){0};
}

/* -- Slices -------------------------------------------------------------------------------- */

/* The part of a slice for one call of one program, made if it is new; NULL without memory. */
static pvm_prof_part_t *find_part(pvm_prof_slice_t *slice, uint32_t program, int32_t func_id)
{
    for (uint32_t i = 0; i < slice->count; i++) {
        if (slice->parts[i].sum.func_id == func_id && slice->parts[i].program == program) {
            return &slice->parts[i];
        }
    }
    if (slice->count == slice->room) {
        const uint32_t room = slice->room == 0 ? 4 : 2 * slice->room;
        pvm_prof_part_t *const parts = realloc(slice->parts, room * sizeof(*parts));

        if (parts == NULL) {
            return NULL;
        }
        slice->parts = parts;
        slice->room = room;
    }
    slice->parts[slice->count] = (pvm_prof_part_t){.program = program, .sum = {.func_id = func_id}};
    return &slice->parts[slice->count++];
}

static int add_part(pvm_prof_slice_t *slice, const pvm_prof_part_t *more)
{
    pvm_prof_part_t *const part = find_part(slice, more->program, more->sum.func_id);

    if (part == NULL) {
        return -1;
    }
    if (part->sum.calls == 0 || more->started_ns < part->started_ns) {
        part->started_ns = more->started_ns;
    }
    part->sum.calls += more->sum.calls;
    part->sum.gas += more->sum.gas;
    part->sum.duration_ns += more->sum.duration_ns;
    part->sum.is_dirty = true;
    return 0;
}

/* Each two neighbours become one. */
static int merge(pvm_prof_slices_t *slices)
{
    int status = 0;

    for (uint32_t i = 0; i < PVM_PROF_MAX_SLICES / 2; i++) {
        pvm_prof_slice_t *const right = &slices->list[2 * (size_t)i + 1];
        pvm_prof_slice_t whole = slices->list[2 * (size_t)i];

        for (uint32_t j = 0; j < whole.count; j++) {
            whole.parts[j].sum.is_dirty = true;
        }
        for (uint32_t j = 0; j < right->count; j++) {
            status |= add_part(&whole, &right->parts[j]);
        }
        free(right->parts);
        *right = (pvm_prof_slice_t){0};
        slices->list[2 * (size_t)i] = (pvm_prof_slice_t){0};
        slices->list[i] = whole;
    }
    slices->shift++;
    slices->is_anew = true;
    return status;
}

static unsigned shift_of(const pvm_prof_slices_t *slices)
{
    return PVM_PROF_SLICE_SHIFT_MIN + slices->shift;
}

int pvm_prof_slices_add(pvm_prof_slices_t *slices, int64_t seq, const pvm_prof_part_t *part)
{
    int status = 0;

    if (slices->list == NULL) {
        slices->list = calloc(PVM_PROF_MAX_SLICES, sizeof(*slices->list));
        if (slices->list == NULL) {
            return -1;
        }
    }
    while (seq >> shift_of(slices) >= PVM_PROF_MAX_SLICES) {
        status |= merge(slices);
    }
    const uint32_t index = (uint32_t)(seq >> shift_of(slices));
    slices->first_dirty = index < slices->first_dirty ? index : slices->first_dirty;
    slices->end = index >= slices->end ? index + 1 : slices->end;
    return status | add_part(&slices->list[index], part);
}

static void store_slice(const pvm_prof_slices_t *slices, uint32_t index, pvm_prof_run_file_t *file)
{
    pvm_prof_slice_t *const slice = &slices->list[index];

    for (uint32_t i = 0; i < slice->count; i++) {
        pvm_prof_part_t *const part = &slice->parts[i];
        sqlite3_stmt *row;

        if (!part->sum.is_dirty ||
            (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_SLICE)) == NULL) {
            continue;
        }
        sqlite3_bind_int64(row, 1, (int64_t)index << shift_of(slices));
        sqlite3_bind_int64(row, 2, INT64_C(1) << shift_of(slices));
        sqlite3_bind_int64(row, 3, part->program);
        bind_sum(row, 4, &part->sum);
        sqlite3_bind_int64(row, 8, part->started_ns);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_SLICE);
        part->sum.is_dirty = false;
    }
}

void pvm_prof_slices_store(pvm_prof_slices_t *slices, pvm_prof_run_file_t *file)
{
    if (slices->is_anew) {
        if (pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_CLEAR_HOST_SLICES) != NULL) {
            pvm_prof_store_step(file, PVM_PROF_STATEMENT_CLEAR_HOST_SLICES);
        }
        slices->is_anew = false;
        slices->first_dirty = 0;
    }
    for (uint32_t i = slices->first_dirty; i < slices->end; i++) {
        store_slice(slices, i, file);
    }
    slices->first_dirty = PVM_PROF_MAX_SLICES;
}

void pvm_prof_slices_free(pvm_prof_slices_t *slices)
{
    for (uint32_t i = 0; slices->list != NULL && i < PVM_PROF_MAX_SLICES; i++) {
        free(slices->list[i].parts);
    }
    free(slices->list);
    *slices = (pvm_prof_slices_t){0};
}

/* -- Reading ------------------------------------------------------------------------------- */

int pvm_prof_has_sums(pvm_prof_run_file_t *file, const char *table, bool *out)
{
    char sql[160];
    int code;

    code = pvm_prof_store_has_table(file->db, table, out);
    if (code == SQLITE_OK && *out) {
        (void)snprintf(sql, sizeof(sql),
                       "SELECT (SELECT total(calls) FROM %s) = (SELECT host_calls FROM total)",
                       table);
        code = pvm_prof_store_truth(file->db, sql, out);
    }
    return code;
}
