/* Host calls: their rows, the registers they changed, the memory they touched, and sums by
 * number. */
#include "profiler/watch.h"

#include <stdlib.h>
#include <string.h>

/* Index of the sums for this number, made if they are new; NONE without memory. */
static uint32_t find_total(pvm_prof_watch_t *watch, int32_t func_id)
{
    const uint32_t known = pvm_prof_map_get(&watch->total_index, (uint32_t)func_id);

    if (known != PVM_PROF_MAP_NONE) {
        return known;
    }
    if (watch->total_count == watch->total_capacity) {
        const uint32_t capacity = watch->total_capacity == 0 ? 8 : 2 * watch->total_capacity;
        pvm_prof_host_total_t *const totals = realloc(watch->totals, capacity * sizeof(*totals));

        if (totals == NULL) {
            return PVM_PROF_MAP_NONE;
        }
        watch->totals = totals;
        watch->total_capacity = capacity;
    }
    if (pvm_prof_map_add(&watch->total_index, (uint32_t)func_id, watch->total_count) != 0) {
        return PVM_PROF_MAP_NONE;
    }
    watch->totals[watch->total_count] = (pvm_prof_host_total_t){.func_id = func_id};
    return watch->total_count++;
}

void pvm_prof_call_begin(pvm_prof_watch_t *watch, const pvm_host_call_t *call)
{
    pvm_prof_recorder_t *const recorder = watch->recorder;

    pvm_prof_ledger_call_begin(&watch->execution.ledger, call->gas);
    watch->execution.host_calls++;
    watch->call.is_open = true;
    watch->call.is_stored = false;
    watch->call.is_lost = false;
    watch->call.own_ns = 0;
    watch->call.seq = recorder->host_call_count++;
    watch->call.pc = call->pc;
    watch->call.func_id = call->func_id;
    watch->call.total = find_total(watch, call->func_id);
    memcpy(watch->call.registers, pvm_get_registers(watch->vm), sizeof(watch->call.registers));
    pvm_prof_sum_t *const site =
        pvm_prof_sites_find(&watch->program->sites, call->pc, call->func_id);
    if (watch->call.total == PVM_PROF_MAP_NONE || site == NULL) {
        pvm_prof_store_fail(recorder->file, "no memory for sums of host calls");
    } else {
        site->calls++;
        site->is_dirty = true;
        watch->totals[watch->call.total].calls++;
        watch->totals[watch->call.total].is_dirty = true;
    }
    pvm_prof_program_name_call(watch->program, recorder->file, call->func_id);
}

/* Bind registers that are not bound as they are: most are the same from call to call, and binding all of them takes a tenth of
 * the time of a row. */
static void bind_registers(pvm_prof_run_file_t *file, sqlite3_stmt *row, const uint64_t *registers)
{
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        if (!file->are_registers_bound || file->bound_registers[i] != registers[i]) {
            sqlite3_bind_int64(row, 11 + i, (int64_t)registers[i]);
            file->bound_registers[i] = registers[i];
        }
    }
    file->are_registers_bound = true;
}

/* Bind everything that is known at the begin. */
static void bind_begin(const pvm_prof_watch_t *watch, sqlite3_stmt *row)
{
    const pvm_prof_call_t *const call = &watch->call;

    sqlite3_bind_int64(row, 1, call->seq);
    sqlite3_bind_int64(row, 2, watch->execution.id);
    sqlite3_bind_int64(row, 3, watch->id);
    sqlite3_bind_int64(row, 4, call->pc);
    sqlite3_bind_int64(row, 5, call->func_id);
    sqlite3_bind_int64(row, 6, (int64_t)(call->began_ns - watch->recorder->began_ns));
    sqlite3_bind_int64(row, 8, watch->execution.ledger.call_before);
    bind_registers(watch->recorder->file, row, call->registers);
}

void pvm_prof_call_store_open(pvm_prof_watch_t *watch)
{
    pvm_prof_run_file_t *const file = watch->recorder->file;
    sqlite3_stmt *row;

    if (!watch->call.is_open || watch->call.is_stored || watch->call.is_lost ||
        !(watch->recorder->instrument & PVM_PROF_HOST_CALLS)) {
        return;
    }
    row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_CALL);
    if (row == NULL) {
        watch->call.is_lost = true;
        return;
    }
    bind_begin(watch, row);
    sqlite3_bind_null(row, 7);
    sqlite3_bind_null(row, 9);
    sqlite3_bind_null(row, 10);
    pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_CALL);
    watch->call.is_stored = !file->failed;
    watch->call.is_lost = file->failed;
}

/* Registers other than r7 that differ from before the call. */
static void store_changed_registers(pvm_prof_watch_t *watch)
{
    pvm_prof_run_file_t *const file = watch->recorder->file;
    const uint64_t *const now = pvm_get_registers(watch->vm);

    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        sqlite3_stmt *row;

        if (i == 7 || now[i] == watch->call.registers[i] ||
            (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_CALL_REGISTER)) == NULL) {
            continue;
        }
        sqlite3_bind_int64(row, 1, watch->call.seq);
        sqlite3_bind_int(row, 2, i);
        sqlite3_bind_int64(row, 3, (int64_t)now[i]);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_CALL_REGISTER);
    }
}

/* The row with its end, or the end of a row that is there. Call before the ledger moves on. */
static void store_end(pvm_prof_watch_t *watch, int64_t gas_after, uint64_t duration_ns,
                      bool has_returned)
{
    pvm_prof_run_file_t *const file = watch->recorder->file;
    const bool is_stored = watch->call.is_stored;
    const pvm_prof_statement_t which =
        is_stored ? PVM_PROF_STATEMENT_HOST_CALL_END : PVM_PROF_STATEMENT_HOST_CALL;
    /* What is counted as lost is not counted again. */
    sqlite3_stmt *const row = watch->call.is_lost ? NULL : pvm_prof_store_begin_row(file, which);

    if (row == NULL) {
        return;
    }
    if (is_stored) {
        sqlite3_bind_int64(row, 1, watch->call.seq);
    } else {
        bind_begin(watch, row);
    }
    sqlite3_bind_int64(row, is_stored ? 3 : 9, gas_after);
    if (has_returned) {
        sqlite3_bind_int64(row, is_stored ? 2 : 7, (int64_t)duration_ns);
        sqlite3_bind_int64(row, is_stored ? 4 : 10, (int64_t)pvm_get_register(watch->vm, 7));
    } else {
        sqlite3_bind_null(row, is_stored ? 2 : 7);
        sqlite3_bind_null(row, is_stored ? 4 : 10);
    }
    pvm_prof_store_step(file, which);
}

/* The same sums by place and by slice. */
static void add_sums(pvm_prof_watch_t *watch, uint64_t gas, uint64_t duration_ns)
{
    pvm_prof_recorder_t *const recorder = watch->recorder;
    const pvm_prof_call_t *const call = &watch->call;
    pvm_prof_sum_t *const site =
        pvm_prof_sites_find(&watch->program->sites, call->pc, call->func_id);
    const pvm_prof_part_t part = {
        .program = watch->program->id,
        .sum = {.func_id = call->func_id, .calls = 1, .gas = gas, .duration_ns = duration_ns},
        .started_ns = (int64_t)(call->began_ns - recorder->began_ns),
    };

    if (site != NULL) {
        site->gas += gas;
        site->duration_ns += duration_ns;
        site->is_dirty = true;
    }
    if (pvm_prof_slices_add(&recorder->slices, call->seq, &part) != 0) {
        pvm_prof_store_fail(recorder->file, "no memory for sums of host calls");
    }
}

void pvm_prof_call_end(pvm_prof_watch_t *watch, int64_t gas, uint64_t now_ns, bool has_returned)
{
    const uint64_t duration_ns = now_ns - watch->call.began_ns - watch->call.own_ns;

    if (!watch->call.is_open) {
        return;
    }
    if (watch->recorder->instrument & PVM_PROF_HOST_CALLS) {
        store_end(watch, pvm_prof_gas_clamp(gas), duration_ns, has_returned);
        if (has_returned) {
            store_changed_registers(watch);
        }
    }
    const pvm_prof_charge_t charge = pvm_prof_ledger_call_end(&watch->execution.ledger, gas);
    if (watch->call.total != PVM_PROF_MAP_NONE) {
        pvm_prof_host_total_t *const total = &watch->totals[watch->call.total];

        total->gas += (uint64_t)charge.taken;
        total->gas_added += (uint64_t)charge.added;
        total->duration_ns += has_returned ? duration_ns : 0;
        total->is_dirty = true;
    }
    add_sums(watch, (uint64_t)charge.taken, has_returned ? duration_ns : 0);
    watch->call.is_open = false;
}

void pvm_prof_call_store_memory(pvm_prof_watch_t *watch, uint32_t address, const void *data,
                                size_t length, bool is_write)
{
    pvm_prof_run_file_t *const file = watch->recorder->file;
    const uint8_t *const octets = data;

    for (size_t done = 0; done < length;) {
        const size_t left = length - done;
        const size_t piece = left < PVM_PROF_MEMORY_ROW_BYTES ? left : PVM_PROF_MEMORY_ROW_BYTES;
        sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_MEMORY);

        if (row != NULL) {
            sqlite3_bind_int64(row, 1, watch->call.seq);
            sqlite3_bind_int64(row, 2, (int64_t)(address + done));
            sqlite3_bind_int(row, 3, is_write);
            pvm_prof_store_bind_blob(file, row, 4, octets + done, piece);
            pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_MEMORY);
        }
        done += piece;
    }
}

void pvm_prof_call_store_totals(pvm_prof_watch_t *watch)
{
    pvm_prof_run_file_t *const file = watch->recorder->file;

    for (uint32_t i = 0; i < watch->total_count; i++) {
        pvm_prof_host_total_t *const total = &watch->totals[i];
        sqlite3_stmt *row;

        if (!total->is_dirty ||
            (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_HOST_TOTAL)) == NULL) {
            continue;
        }
        sqlite3_bind_int64(row, 1, watch->id);
        sqlite3_bind_int64(row, 2, total->func_id);
        sqlite3_bind_int64(row, 3, (int64_t)total->calls);
        sqlite3_bind_int64(row, 4, (int64_t)total->gas);
        sqlite3_bind_int64(row, 5, (int64_t)total->gas_added);
        sqlite3_bind_int64(row, 6, (int64_t)total->duration_ns);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_HOST_TOTAL);
        total->is_dirty = false;
    }
}
