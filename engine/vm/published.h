/* What a process with libpvm shows to whoever may read its memory: its programs with their code maps, its machines, and
 * which machine a thread runs. Nothing is written for a reader but lists and one word per thread; readers find it from the
 * note below, without symbols and without the file. docs/published.md tells how to read it.
 *
 * A reader takes `generation` before and after: odd, or changed, means read again. */
#ifndef PVM_VM_PUBLISHED_H
#define PVM_VM_PUBLISHED_H

#include <stdint.h>

struct pvm_vm_t;
struct pvm_program_t;

/** The note: owner "pvm", this type; its contents are the distance, 8 octets signed, from there to pvm_published_t. */
#define PVM_PUBLISHED_NOTE_NAME "pvm"
#define PVM_PUBLISHED_NOTE_TYPE 1
/** Of the meaning of what stands before `offsets`. */
#define PVM_PUBLISHED_VERSION 1

typedef enum {
#define PVM_PUBLISHED(name, type, member) PVM_PUBLISHED_##name,
#define PVM_PUBLISHED_SIZE(name, value)   PVM_PUBLISHED_##name,
#include "vm/published.def"
    PVM_PUBLISHED_COUNT
} pvm_published_field_t;

typedef struct {
    uint32_t version; /**< 0: no machine was made yet */
    uint32_t count;   /**< of `offsets`: PVM_PUBLISHED_COUNT of the library */
    uint64_t generation;
    uint64_t first_program; /**< address of a pvm_program_t, or 0 */
    uint64_t first_vm;      /**< address of a pvm_vm_t, or 0 */
    uint64_t programs;      /**< in the list */
    uint64_t vms;           /**< in the list */
    int64_t
        running; /**< distance from a thread's thread pointer to the address of the machine it runs, or 0 */
    uint32_t offsets[PVM_PUBLISHED_COUNT]; /**< by pvm_published_field_t */
} pvm_published_t;

/** Place of a machine in the list. */
typedef struct {
    struct pvm_vm_t *previous;
    struct pvm_vm_t *next;
} pvm_published_vm_t;

/** Place of a program in the list. */
typedef struct {
    struct pvm_program_t *previous;
    struct pvm_program_t *next;
    uint64_t serial; /**< number among the programs of this process, from 1; 0: not in the list */
} pvm_published_program_t;

extern pvm_published_t pvm_published __attribute__((visibility("hidden")));

/** The innermost machine that this thread runs; NULL: none. */
extern _Thread_local struct pvm_vm_t *pvm_published_running
    __attribute__((tls_model("initial-exec"), visibility("hidden")));

/** Put a machine into the list, and its program if that is new. Thread: any, as the others. */
void pvm_published_add(struct pvm_vm_t *vm);
void pvm_published_remove(struct pvm_vm_t *vm);
/** A program that is in the list, or not, is about to be freed. */
void pvm_published_remove_program(struct pvm_program_t *program);
/** Code of a program is there now. */
void pvm_published_changed(void);

#endif
