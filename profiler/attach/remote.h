/* Another process, seen from outside: where libpvm is in it, and what it publishes (docs/published.md). Reads only; a
 * process that ends or changes meanwhile makes a call fail, never more. */
#ifndef PVM_PROFILER_ATTACH_REMOTE_H
#define PVM_PROFILER_ATTACH_REMOTE_H

#include "recompiler/code.h"
#include "vm/published.h"

#include <pvm/pvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** Copies of libpvm in one process that are looked for. */
#define PVM_REMOTE_COPIES_MAX 8
/** Variants of emitted code that are understood. */
#define PVM_REMOTE_VARIANTS_MAX 16
/** Pieces of emitted code: of each variant that one, and the one that it took the place of. */
#define PVM_REMOTE_EMITTED_MAX (2 * PVM_REMOTE_VARIANTS_MAX)

/** One object with libpvm in it. */
typedef struct {
    char file[64]; /**< a path that leads to the mapped file even if that was replaced or deleted */
    char name[256];  /**< as the process knows it */
    uint64_t device; /**< with `inode`: which file; copies of one file have the same */
    uint64_t inode;
    uint64_t base;      /**< what is added to addresses of the file */
    uint64_t published; /**< address of its pvm_published_t */
} pvm_remote_copy_t;

/** Whether two copies are one file: probes hang on files. */
static inline bool pvm_remote_is_same_file(const pvm_remote_copy_t *a, const pvm_remote_copy_t *b)
{
    return a->inode == b->inode && a->device == b->device;
}

/** What tells one program that a process runs from the next one, after exec(): a hash of what the system gave it at its start,
 *  addresses chosen at random among them. 0: it cannot be read. */
uint64_t pvm_remote_identity(pid_t pid);

/** A machine, as it was read. */
typedef struct {
    uint64_t id;
    uint32_t service;
    uint32_t backend;
    uint64_t parent_id;
    uint64_t program; /**< address */
    uint64_t host_seq;
    bool is_in_host;
    /* Of the host call that it is in: */
    bool has_registers;
    uint64_t call_began_ns; /**< 0: nobody wanted to know */
    uint64_t call_registers[13];
    uint32_t call_pc;
    int32_t call_func_id;
    int64_t call_gas;
} pvm_remote_vm_t;

/** Emitted code of a program, as far as its map goes: what leads from its addresses to guest instructions. `region.base` is
 *  an address of the other process. */
typedef pvm_recompiler_code_t pvm_remote_emitted_t;

/** A program, as it was read. */
typedef struct {
    uint64_t address;
    uint64_t serial;
    pvm_program_t *program;   /**< a copy in this process; owned */
    uint64_t hash;            /**< its name in events */
    uint64_t read_generation; /**< as of which `emitted` was read */
    pvm_remote_emitted_t emitted[PVM_REMOTE_EMITTED_MAX];
    uint32_t emitted_count;
} pvm_remote_program_t;

/** The process id that a process has in its own eyes: in a container, another one than here. */
pid_t pvm_remote_own_pid(pid_t pid);

/** Read memory of a process. @return 0, or -1 */
int pvm_remote_read(pid_t pid, uint64_t address, void *out, size_t len);

/** Find the copies of libpvm in a process. @return how many, 0 for none; -1: it cannot be read, errno says why */
int pvm_remote_find(pid_t pid, pvm_remote_copy_t *out, int max);

/** What pvm_remote_published() says of a libpvm that is too old, or of a later version of its structures. */
#define PVM_REMOTE_OTHER_VERSION (-2)

/** Read what a copy publishes. @return 0; OTHER_VERSION; or -1: it cannot be read, or has made no machine yet */
int pvm_remote_published(pid_t pid, const pvm_remote_copy_t *copy, pvm_published_t *out);

/** Read the programs that are new (serial above `after`), without their emitted code. The entries belong to the caller, who
 *  ends each with pvm_remote_program_free(). @return how many; -1: it cannot be read, or changed all the time */
int pvm_remote_programs(pid_t pid, const pvm_remote_copy_t *copy, const pvm_published_t *published,
                        uint64_t after, pvm_remote_program_t **out);
/** Read the emitted code of a program again. @return 0, or -1 and nothing changed */
int pvm_remote_emitted(pid_t pid, const pvm_published_t *published, pvm_remote_program_t *program);
void pvm_remote_program_free(pvm_remote_program_t *program);

/** Read the machines. `*out` is the caller's to free. @return how many, or -1 */
int pvm_remote_vms(pid_t pid, const pvm_remote_copy_t *copy, const pvm_published_t *published,
                   pvm_remote_vm_t **out);

#endif
