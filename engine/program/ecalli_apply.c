/* Effects of recorded hosts, by the calls that any host has. Spec: JIP-7. */
#include "program/ecalli_apply.h"

#include "support/error.h"

#include <stdio.h>
#include <stdlib.h>

static int apply_arguments(const pvm_ecalli_trace_t *trace, pvm_vm_t *vm)
{
    size_t len = 0;
    uint8_t *const arguments = pvm_ecalli_trace_arguments(trace, &len);
    const int result = arguments == NULL ? -1 : pvm_set_arguments(vm, arguments, len);

    free(arguments);
    return result;
}

int pvm_ecalli_apply_start(const pvm_ecalli_trace_t *trace, const pvm_program_t *program,
                           pvm_vm_t *vm)
{
    if (pvm_program_format(program) == PVM_FORMAT_JAM) {
        return apply_arguments(trace, vm);
    }
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        pvm_set_register(vm, i, trace->start.registers[i]);
    }
    return 0;
}

static int refuse(const pvm_ecalli_action_t *action, const char *reason)
{
    return pvm_error_set("memwrite 0x%08x len=%u: %s", action->address, action->len, reason);
}

/* Pages of a raw program's prelude: mapped where they are written. */
static int map_pages(const pvm_ecalli_action_t *action, pvm_vm_t *vm)
{
    const uint64_t begin = action->address / PVM_PAGE_SIZE * PVM_PAGE_SIZE;
    const uint64_t end = ((uint64_t)action->address + action->len + PVM_PAGE_SIZE - 1) /
                         PVM_PAGE_SIZE * PVM_PAGE_SIZE;

    if (end > begin && pvm_map_memory(vm, (uint32_t)begin, end - begin, PVM_ACCESS_WRITE) < 0) {
        char reason[PVM_ERROR_BYTES];

        (void)snprintf(reason, sizeof(reason), "no memory can be there: %s", pvm_last_error());
        return refuse(action, reason);
    }
    return 0;
}

static int apply_first_write(const pvm_ecalli_action_t *action, bool is_jam, pvm_vm_t *vm)
{
    /* Without a standard layout the prelude is the memory map; the layout of a container is kept. */
    if (!is_jam && pvm_get_access(vm, action->address) == PVM_ACCESS_NONE &&
        map_pages(action, vm) < 0) {
        return -1;
    }
    return pvm_poke_memory(vm, action->address, action->data, action->len) < 0
               ? refuse(action, "the program has no memory there")
               : 0;
}

int pvm_ecalli_apply_prelude(const pvm_ecalli_trace_t *trace, const pvm_program_t *program,
                             pvm_vm_t *vm, const pvm_ecalli_action_t **out_failed)
{
    const bool is_jam = pvm_program_format(program) == PVM_FORMAT_JAM;

    for (size_t i = 0; i < trace->prelude_count; i++) {
        if (apply_first_write(&trace->actions[i], is_jam, vm) < 0) {
            *out_failed = &trace->actions[i];
            return -1;
        }
    }
    return 0;
}

int pvm_ecalli_apply(const pvm_ecalli_action_t *action, pvm_vm_t *vm)
{
    switch (action->kind) {
    case PVM_ECALLI_MEMREAD:
        break;
    case PVM_ECALLI_MEMWRITE:
        if (pvm_write_memory(vm, action->address, action->data, action->len) < 0) {
            return refuse(action, "the program cannot write there");
        }
        break;
    case PVM_ECALLI_SETREG:
        pvm_set_register(vm, (int)action->reg, action->value);
        break;
    case PVM_ECALLI_SETGAS:
        pvm_set_gas(vm, (int64_t)action->value);
        break;
    }
    return 0;
}
