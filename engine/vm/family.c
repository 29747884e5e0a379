/* Which machine runs inside which, for profiles. A parent that is destroyed before its children is forgotten by them. */
#include "support/error.h"
#include "support/fork_gate.h"
#include "vm/vm.h"

/* Machines of one family may belong to several threads. Held for a few instructions only. */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void lock(void)
{
    pvm_fork_gate_enter();
    (void)pthread_mutex_lock(&mutex);
}

static void unlock(void)
{
    (void)pthread_mutex_unlock(&mutex);
    pvm_fork_gate_leave();
}

/* With the lock held. */
static void leave_parent(pvm_vm_t *vm)
{
    if (vm->parent == NULL) {
        return;
    }
    pvm_vm_t **at = &vm->parent->first_child;
    while (*at != vm) {
        at = &(*at)->next_sibling;
    }
    *at = vm->next_sibling;
    vm->next_sibling = NULL;
    vm->parent = NULL;
}

void pvm_vm_leave_family(pvm_vm_t *vm)
{
    lock();
    leave_parent(vm);
    while (vm->first_child != NULL) {
        leave_parent(vm->first_child);
    }
    unlock();
}

int pvm_set_parent(pvm_vm_t *vm, pvm_vm_t *parent)
{
    if (vm == NULL || vm == parent) {
        return pvm_error_set("pvm_set_parent: no VM, or a VM as its own parent");
    }
    lock();
    leave_parent(vm);
    if (parent != NULL) {
        vm->parent = parent;
        vm->next_sibling = parent->first_child;
        parent->first_child = vm;
    }
    vm->parent_id = parent == NULL ? 0 : parent->id;
    unlock();
    return 0;
}

pvm_vm_t *pvm_get_parent(pvm_vm_t *vm)
{
    if (vm == NULL) {
        pvm_error_set("pvm_get_parent: no VM");
        return NULL;
    }
    lock();
    pvm_vm_t *const parent = vm->parent;
    unlock();
    return parent;
}
