/* Linked around pvmscope's lockstep: a backend that goes wrong, so that a test can see what is printed then. In block 8
 * a register gets another value, and an octet in memory does. */
#include "viewer/lockstep.h"

#define BROKEN_BLOCK 8

int __real_pvm_lockstep_run(const pvm_lockstep_pair_t *pair, pvm_lockstep_t *out);
int __wrap_pvm_lockstep_run(const pvm_lockstep_pair_t *pair, pvm_lockstep_t *out);

static void go_wrong(void *user_data, uint64_t block)
{
    pvm_vm_t *const vm = user_data;
    const uint8_t octet = 0xee;

    if (block == BROKEN_BLOCK) {
        pvm_set_register(vm, 3, pvm_get_register(vm, 3) ^ 0x100);
        (void)pvm_write_memory(vm, 0x20002, &octet, 1);
    }
}

int __wrap_pvm_lockstep_run(const pvm_lockstep_pair_t *pair, pvm_lockstep_t *out)
{
    pvm_lockstep_pair_t broken = *pair;

    broken.before_compare = go_wrong;
    broken.user_data = pair->checked;
    return __real_pvm_lockstep_run(&broken, out);
}
