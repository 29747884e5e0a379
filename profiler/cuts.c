/* Begins and ends inside of blocks: kept by pc, and noted as a VM starts and stops. See cuts.h. */
#include "profiler/cuts.h"

#include "profiler/watch.h"
#include "vm/vm.h"

#include <stdlib.h>

/* -- Kept ---------------------------------------------------------------------------------- */

int pvm_prof_cuts_add(pvm_prof_cuts_t *cuts, uint32_t pc, int64_t began)
{
    uint32_t at = pvm_prof_map_get(&cuts->index, pc);

    if (at == PVM_PROF_MAP_NONE) {
        if (cuts->count == cuts->room) {
            const uint32_t room = cuts->room == 0 ? 16 : 2 * cuts->room;
            pvm_prof_cut_t *const list = realloc(cuts->list, room * sizeof(*list));

            if (list == NULL) {
                return -1;
            }
            cuts->list = list;
            cuts->room = room;
        }
        if (pvm_prof_map_add(&cuts->index, pc, cuts->count) != 0) {
            return -1;
        }
        at = cuts->count++;
        cuts->list[at] = (pvm_prof_cut_t){.pc = pc};
    }
    cuts->list[at].began += began;
    return 0;
}

void pvm_prof_cuts_store(pvm_prof_cuts_t *cuts, uint32_t program, pvm_prof_run_file_t *file)
{
    for (uint32_t i = 0; i < cuts->count; i++) {
        pvm_prof_cut_t *const cut = &cuts->list[i];
        sqlite3_stmt *row;

        if (cut->began == 0 ||
            (row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_CUT)) == NULL) {
            continue;
        }
        sqlite3_bind_int64(row, 1, program);
        sqlite3_bind_int64(row, 2, cut->pc);
        sqlite3_bind_int64(row, 3, cut->began);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_CUT);
        cut->began = 0;
    }
}

void pvm_prof_cuts_free(pvm_prof_cuts_t *cuts)
{
    pvm_prof_map_free(&cuts->index);
    free(cuts->list);
    *cuts = (pvm_prof_cuts_t){0};
}

/* -- Noted --------------------------------------------------------------------------------- */

static void note(pvm_prof_watch_t *watch, uint32_t pc, int64_t began)
{
    if (pvm_prof_cuts_add(&watch->program->cuts, pc, began) != 0) {
        pvm_prof_store_fail(watch->recorder->file,
                            "no memory to note where guest code stopped; record less at a time");
    }
}

/* The block that holds pc; NULL behind the code. */
static const pvm_block_t *block_around(const pvm_program_t *program, uint32_t pc)
{
    return pc < program->code.len && program->block_count > 0
               ? &program->blocks[pvm_program_block_at(program, pc)]
               : NULL;
}

/* The entry that was waiting has been paid: a hit of the block that holds it, of which the front is not executed. */
static void settle_entry(pvm_prof_watch_t *watch)
{
    const pvm_block_t *const block =
        watch->has_entry ? block_around(watch->program->program, watch->entry_pc) : NULL;

    if (block != NULL && block->pc != watch->entry_pc) {
        note(watch, watch->entry_pc, 1);
        note(watch, block->pc, -1);
    }
    watch->has_entry = false;
}

/* The instruction at pc was the last one. What acts as a trap behind the code has a place of its own. */
static void end_behind(pvm_prof_watch_t *watch, uint32_t pc)
{
    const pvm_program_t *const program = watch->program->program;
    const pvm_block_t *const block = block_around(program, pc);

    if (block == NULL) {
        note(watch, program->code.len, 1);
        return;
    }
    const uint32_t next = pc + 1 + pvm_isa_skip(&program->code, pc);
    if (next < block->end_pc) {
        note(watch, next, -1);
    }
}

void pvm_prof_cuts_run_begin(pvm_prof_watch_t *watch)
{
    const pvm_vm_t *const vm = watch->vm;

    watch->has_entry = false;
    if (!watch->is_counting || watch->program->program->error != NULL) {
        return;
    }
    /* Where a host says that the block is paid, going on there is no arrival. */
    if (vm->arrival.kind == PVM_ARRIVAL_NONE ||
        (watch->program->program->has_block_gas && vm->charged)) {
        if (block_around(watch->program->program, vm->pc) != NULL) {
            note(watch, vm->pc, 1);
        }
    } else if (vm->arrival.kind == PVM_ARRIVAL_ENTRY) {
        watch->has_entry = true;
        watch->entry_pc = vm->pc;
    }
}

void pvm_prof_cuts_call_begin(pvm_prof_watch_t *watch)
{
    settle_entry(watch);
}

void pvm_prof_cuts_call_end(pvm_prof_watch_t *watch, uint32_t call_pc)
{
    const pvm_vm_t *const vm = watch->vm;

    if (watch->is_counting && vm->running && vm->moved == PVM_MOVED_PC) {
        end_behind(watch, call_pc);
        watch->has_entry = true;
        watch->entry_pc = vm->pc;
    }
}

void pvm_prof_cuts_run_end(pvm_prof_watch_t *watch, pvm_result_t result)
{
    const pvm_vm_t *const vm = watch->vm;

    if (!watch->is_counting || vm->arrival.kind == PVM_ARRIVAL_ENTRY ||
        watch->program->program->error != NULL) {
        return;
    }
    settle_entry(watch);
    if (vm->arrival.kind != PVM_ARRIVAL_NONE) {
        return;
    }
    if (vm->state == PVM_STATE_READY || (result == PVM_RESULT_OOG && !vm->events.host_gave_up)) {
        if (block_around(watch->program->program, vm->pc) != NULL) {
            note(watch, vm->pc, -1);
        }
    } else {
        end_behind(watch, vm->pc);
    }
}
