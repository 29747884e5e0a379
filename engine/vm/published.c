/* The published lists and the note that leads to them: see published.h. */
#include "vm/published.h"

#include "recompiler/code.h"
#include "vm/vm.h"

#include <assert.h>
#include <stddef.h>

pvm_published_t pvm_published __attribute__((used, visibility("hidden")));

/* In a loaded segment, so that it is in memory even where the file is gone; a distance, so that nothing has to be
 * relocated. */
__asm__(".pushsection .note.pvm, \"a\", %note\n"
        ".balign 4\n"
        ".long 4, 8, 1\n"
        ".asciz \"pvm\"\n"
        "1: .quad pvm_published - 1b\n"
        ".popsection\n");
static_assert(sizeof(PVM_PUBLISHED_NOTE_NAME) == 4 && PVM_PUBLISHED_NOTE_TYPE == 1,
              "the note above says so");

_Thread_local pvm_vm_t *pvm_published_running __attribute__((tls_model("initial-exec")));

static const uint32_t offsets[PVM_PUBLISHED_COUNT] = {
#define PVM_PUBLISHED(name, type, member) [PVM_PUBLISHED_##name] = offsetof(type, member),
#define PVM_PUBLISHED_SIZE(name, value)   [PVM_PUBLISHED_##name] = (value),
#include "vm/published.def"
};

/* Guards the lists; held for a few instructions. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin_change(void)
{
    (void)pthread_mutex_lock(&lock);
    pvm_published.generation++;
    atomic_thread_fence(memory_order_release);
}

static void end_change(void)
{
    atomic_thread_fence(memory_order_release);
    pvm_published.generation++;
    (void)pthread_mutex_unlock(&lock);
}

static void lock_for_fork(void)
{
    (void)pthread_mutex_lock(&lock);
}

static void unlock_after_fork(void)
{
    (void)pthread_mutex_unlock(&lock);
}

static void start(void)
{
    (void)pthread_atfork(lock_for_fork, unlock_after_fork, unlock_after_fork);
    begin_change();
    for (size_t i = 0; i < PVM_PUBLISHED_COUNT; i++) {
        pvm_published.offsets[i] = offsets[i];
    }
    pvm_published.count = PVM_PUBLISHED_COUNT;
    pvm_published.running = (intptr_t)&pvm_published_running - (intptr_t)__builtin_thread_pointer();
    pvm_published.version = PVM_PUBLISHED_VERSION;
    end_change();
}

static void add_program(pvm_program_t *program)
{
    static uint64_t last_serial;
    pvm_program_t *const next = (pvm_program_t *)(uintptr_t)pvm_published.first_program;

    program->published = (pvm_published_program_t){.next = next, .serial = ++last_serial};
    if (next != NULL) {
        next->published.previous = program;
    }
    pvm_published.first_program = (uintptr_t)program;
    pvm_published.programs++;
}

void pvm_published_add(pvm_vm_t *vm)
{
    (void)pthread_once(&once, start);
    begin_change();
    if (vm->program->published.serial == 0) {
        add_program(vm->program);
    }
    pvm_vm_t *const next = (pvm_vm_t *)(uintptr_t)pvm_published.first_vm;
    vm->published = (pvm_published_vm_t){.next = next};
    if (next != NULL) {
        next->published.previous = vm;
    }
    pvm_published.first_vm = (uintptr_t)vm;
    pvm_published.vms++;
    end_change();
}

void pvm_published_remove(pvm_vm_t *vm)
{
    begin_change();
    pvm_vm_t *const previous = vm->published.previous;
    pvm_vm_t *const next = vm->published.next;
    if (previous != NULL) {
        previous->published.next = next;
    } else {
        pvm_published.first_vm = (uintptr_t)next;
    }
    if (next != NULL) {
        next->published.previous = previous;
    }
    pvm_published.vms--;
    end_change();
}

void pvm_published_remove_program(pvm_program_t *program)
{
    if (program->published.serial == 0) {
        return;
    }
    begin_change();
    pvm_program_t *const previous = program->published.previous;
    pvm_program_t *const next = program->published.next;
    if (previous != NULL) {
        previous->published.next = next;
    } else {
        pvm_published.first_program = (uintptr_t)next;
    }
    if (next != NULL) {
        next->published.previous = previous;
    }
    pvm_published.programs--;
    /* So that who still reads it from outside sees that what it leads to is somebody else's. */
    program->published.serial = 0;
    end_change();
}

void pvm_published_changed(void)
{
    begin_change();
    end_change();
}
