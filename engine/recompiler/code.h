/* Emitted code of a program and the map between its host addresses and guest pcs.
 *
 * A stretch is a run of at most PVM_STRETCH_INSTRUCTIONS instructions that nothing enters but at its start, where
 * all registers hold their full values. Stretches are where code is entered from outside; in between the interpreter
 * steps. They are sorted by host address; where all code is emitted at once by pc, too. docs/recompiler.md draws them.
 *
 * Code of a large program grows while it runs (grow.h). What others read while it does, they read by the functions here. */
#ifndef PVM_RECOMPILER_CODE_H
#define PVM_RECOMPILER_CODE_H

#include "program/program.h"
#include "recompiler/arena.h"
#include "recompiler/cpu.h"

/** Bounds what is stepped or emitted again after something rare in the middle. */
#define PVM_STRETCH_INSTRUCTIONS 64

/** Variants of a program's code: bits of the index into pvm_program_t.recompiler_code. */
enum {
    PVM_VARIANT_COUNTING = 1, /**< counts edges */
    PVM_VARIANT_CHECKED = 2,  /**< tests every access instead of relying on page protection */
    PVM_VARIANT_TRACING = 4,  /**< notes every block; counts, too */
    PVM_VARIANT_CALLS = 8     /**< follows calls; counts, too */
};

typedef struct {
    uint32_t pc;
    uint32_t host;    /**< offset of the first instruction; the gas header stands before it */
    uint32_t lengths; /**< index into `lengths` of the first instruction */
    /** 0.7.2: instructions from here that are paid at once; 0: the step has to pay */
    uint32_t segment_rest;
    /** Instructions from here to the end of the block, as the block table counts them. */
    uint32_t block_rest;
    /** Gas that is paid here, too, for the block that this one jumps back to (control.h). */
    uint32_t ahead;
} pvm_stretch_t;

/** Why code leaves through a stub. */
typedef enum {
    PVM_STUB_LEAVE,       /**< at the instruction: the step does it */
    PVM_STUB_UNPAID_NEXT, /**< at a block whose gas is not there, by running on from `from` */
    PVM_STUB_UNPAID_JUMP, /**< the same by the jump at `from` */
    PVM_STUB_UNPAID_HUB,  /**< the same by the indirect jump whose pc is in the frame */
    PVM_STUB_ELSEWHERE    /**< on the way to a block that was not emitted; nothing is paid yet */
} pvm_stub_kind_t;

/** Octets of a stub: a call, whose return address tells which one it is. */
#define PVM_STUB_BYTES 5

typedef struct {
    uint32_t pc; /**< where the guest is, or would arrive */
    uint32_t
        from; /**< UNPAID: pc of the terminator (counting code); ELSEWHERE: the slot (grow.h) */
    uint32_t kind; /**< pvm_stub_kind_t */
} pvm_stub_t;

typedef struct {
    uint32_t pc;
    int32_t func_id;
    uint32_t behind; /**< stretch behind the ecalli, */
    uint32_t host;   /**< and its offset */
} pvm_host_site_t;

/** Counting code: what stands behind all instructions, as arrivals that are paid there. Sorted by host address. */
typedef struct {
    uint32_t host; /**< offset */
    uint32_t like; /**< offset of code before it, perhaps another tail, that it is a part of */
} pvm_tail_t;

struct pvm_activation_t;
struct pvm_growth_t; /* recompiler/grow.h */

typedef struct pvm_recompiler_code_t {
    pvm_arena_region_t region;
    unsigned variant;  /**< PVM_VARIANT_* */
    pvm_cpu_t cpu;     /**< what it was emitted for */
    uint32_t body_at;  /**< offset of the first block, behind the thunks */
    uint32_t code_len; /**< octets of instructions, without stubs and tables */
    uint32_t stubs_at; /**< offset of the first stub */
    /** Enter emitted code; returns when it leaves. */
    void (*enter)(struct pvm_activation_t *activation, const void *host);
    /** Where the signal handler lets a faulting thread go on, with rcx = fault rip. */
    const uint8_t *leave;

    void *tables; /**< owned: what the following ones point into */
    pvm_stretch_t *stretches;
    uint32_t stretch_count;
    uint8_t *lengths; /**< host octets of each instruction */
    uint32_t length_count;
    uint32_t
        block_stub_count; /**< plain code: a stub for each block, for arrivals that cannot pay; */
    pvm_stub_t *stubs;    /**< those behind them */
    uint32_t stub_count;
    pvm_host_site_t *host_sites;
    uint32_t host_site_count;
    pvm_tail_t *tails;
    uint32_t tail_count;
    struct pvm_growth_t *growth; /**< owned; NULL: all code was emitted at once */
    /** Owned: the growing code that this one took the place of. Others may still be in it. NULL: none. */
    struct pvm_recompiler_code_t *outgrown;
} pvm_recompiler_code_t;

/** How many stretches there are by now. All that is in the code they stand for is in place. */
static inline uint32_t pvm_recompiler_stretch_count(const pvm_recompiler_code_t *code)
{
    return __atomic_load_n(&code->stretch_count, __ATOMIC_ACQUIRE);
}

/** Octets of the region up to the last instruction. */
static inline uint32_t pvm_recompiler_code_len(const pvm_recompiler_code_t *code)
{
    return __atomic_load_n(&code->code_len, __ATOMIC_ACQUIRE);
}

/** Octets of all stubs. */
static inline uint32_t pvm_recompiler_stub_bytes(const pvm_recompiler_code_t *code)
{
    return PVM_STUB_BYTES * (code->block_stub_count + code->stub_count);
}

static inline pvm_stub_t pvm_recompiler_stub(const pvm_recompiler_code_t *code,
                                             const pvm_program_t *program, uint32_t index)
{
    return index >= code->block_stub_count
               ? code->stubs[index - code->block_stub_count]
               : (pvm_stub_t){.pc = program->blocks[index].pc, .kind = PVM_STUB_UNPAID_NEXT};
}

/** Compile all of a valid program. NULL and pvm_last_error() if there is no memory for it. */
pvm_recompiler_code_t *pvm_recompiler_compile(const pvm_program_t *program, unsigned variant);
void pvm_recompiler_code_destroy(pvm_recompiler_code_t *code);

/** Guest registers whose host register lacks its upper half when the instruction at `pc` of this stretch begins. */
uint32_t pvm_recompiler_narrow_at(const pvm_program_t *program, const pvm_recompiler_code_t *code,
                                  const pvm_stretch_t *stretch, uint32_t pc);

/** The stub that code left through; `stop` is behind its call. */
pvm_stub_t pvm_recompiler_stub_at(const pvm_recompiler_code_t *code, const pvm_program_t *program,
                                  const uint8_t *stop);

/** The last stretch that begins at or before pc; NULL if there is none, or the block was not emitted. */
const pvm_stretch_t *pvm_recompiler_stretch_at(const pvm_recompiler_code_t *code, uint32_t pc);
/** The instruction that a host address lies in, and its stretch. The address is in the instructions of this code. */
uint32_t pvm_recompiler_pc_of(const pvm_recompiler_code_t *code, const pvm_program_t *program,
                              const uint8_t *host, const pvm_stretch_t **out_stretch);
/** The instruction that the processor was busy with at a host address of this code's region: also where a block is paid or
 *  counted, which is its first one. @return false: at none, but where the code is entered or left. */
bool pvm_recompiler_is_busy_at(const pvm_recompiler_code_t *code, const pvm_program_t *program,
                               const uint8_t *host, uint32_t *out_pc);
/** Number of instructions of the stretch before pc. */
uint32_t pvm_recompiler_index_in(const pvm_program_t *program, const pvm_stretch_t *stretch,
                                 uint32_t pc);

#endif
