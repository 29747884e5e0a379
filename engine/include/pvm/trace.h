/* What libpvm lets instruments see: blocks, exact counts, and events of a VM.
 *
 * Instruments stand above the engine and use this interface only; the engine knows none of them.
 * Instrumentation that is off costs nothing: another instruction stream is executed. docs/counting.md
 * tells how counts stay exact at every exit.
 */
#ifndef PVM_TRACE_H
#define PVM_TRACE_H

#include <pvm/pvm.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Flags of pvm_set_instrumentation(). */
enum {
    PVM_INSTRUMENT_COUNTS = 1 << 0, /**< executions and gas of every block */
    PVM_INSTRUMENT_EDGES = 1 << 1,  /**< executions of every edge between blocks; implies COUNTS */
    PVM_INSTRUMENT_BLOCKS =
        1 << 2, /**< every block in order, handed over in batches; implies COUNTS */
    PVM_INSTRUMENT_GAS =
        1
        << 3, /**< every block with its gas, one by one: slow, the interpreter does it; implies COUNTS */
    PVM_INSTRUMENT_MEMORY =
        1 << 4, /**< guest memory that the host reads and writes goes to the sink, too */
    PVM_INSTRUMENT_CALLS = 1 << 5,  /**< the calling-context tree, see below; implies COUNTS */
    PVM_INSTRUMENT_FLIGHT = 1 << 6, /**< the last blocks are kept, see below; implies COUNTS */
    PVM_INSTRUMENT_SAMPLES = 1 << 7 /**< where guest time goes is sampled, see below */
};

/* -- Blocks -------------------------------------------------------------------------------- */

/** A basic block, GP A.3. Blocks are sorted by pc; each one also stands for what lies between it and the next. */
typedef struct pvm_block_t {
    uint32_t pc;           /**< first octet */
    uint32_t end_pc;       /**< behind the last instruction */
    uint32_t instructions; /**< defined instructions in it */
    uint32_t
        gas; /**< what one whole execution costs: 0.7.2 instructions, else the pipeline model */
} pvm_block_t;

/** Stands for "no block": an entry, an exit, the hub of all indirect jumps. */
#define PVM_BLOCK_NONE UINT32_MAX

/** Number of blocks; 0 for an invalid program. Cost: O(1). Thread: any. */
PVM_API uint32_t pvm_program_block_count(const pvm_program_t *program);
/** All blocks, sorted by pc. Borrowed from the program. Cost: under 0.8.0 and latest64 blocks are priced when somebody asks,
 *  so the first call may take as long as compiling the program; then O(1). Thread: any. */
PVM_API const pvm_block_t *pvm_program_blocks(const pvm_program_t *program);
/** Index of the last block that starts at or before pc. `pvm_program_block_count()` itself for what is in no
 *  block: an empty or invalid program, and the trap behind the code of a latest64 program. */
PVM_API uint32_t pvm_program_block_at(const pvm_program_t *program, uint32_t pc);

/* -- Exact counts -------------------------------------------------------------------------- */

/** What a block has done. */
typedef struct pvm_block_count_t {
    uint64_t
        hits; /**< arrivals whose first instruction was paid; going on after a host call or fault is none */
    uint64_t gas; /**< gas charged in it */
} pvm_block_count_t;

/** Kinds of edges. */
typedef enum {
    PVM_EDGE_NEXT = 0,     /**< branch not taken, or fallthrough, into the next block */
    PVM_EDGE_JUMP = 1,     /**< branch taken, or direct jump */
    PVM_EDGE_TO_HUB = 2,   /**< indirect jump out of `from` */
    PVM_EDGE_FROM_HUB = 3, /**< indirect jump into `to` */
    PVM_EDGE_ENTRY = 4     /**< execution began in `to` */
} pvm_edge_kind_t;

/** One edge that was executed. */
typedef struct pvm_edge_count_t {
    uint32_t from; /**< block index or PVM_BLOCK_NONE */
    uint32_t to;   /**< block index or PVM_BLOCK_NONE */
    pvm_edge_kind_t kind;
    uint64_t count;
} pvm_edge_count_t;

/** Counts of all blocks, by block index, and of "no block" behind them.
 *  @param out  room for pvm_program_block_count() + 1 entries; @param max that number
 *  @return entries written, 0 if the VM does not count. Thread: that of the VM; also from callbacks and observers. */
PVM_API size_t pvm_get_block_counts(pvm_vm_t *vm, pvm_block_count_t *out, size_t max);
/** Edges with a count above 0. @return how many there are; at most `max` are written; out may be NULL with max 0. */
PVM_API size_t pvm_get_edge_counts(pvm_vm_t *vm, pvm_edge_count_t *out, size_t max);
/** Set all counts to zero. @return 0, or -1 if the VM does not count or is running. */
PVM_API int pvm_clear_counts(pvm_vm_t *vm);

/* -- Samples: where guest time goes ---------------------------------------------------------- */

/* With PVM_INSTRUMENT_SAMPLES a timer of the thread ticks while guest code runs, and each tick counts the place in the guest.
 * The ticks are a real-time signal, the highest below SIGRTMAX that nobody handles when the first VM of the process is
 * sampled (if all are handled, SIGRTMAX - 1; what is not ours goes on to the earlier handler), on the alternate stack if
 * there is one, with SA_RESTART. It is unblocked in threads that run sampled VMs. Time in host callbacks and observers is
 * nobody's; a tick there switches the timer off until guest code runs again. Switching the flag off forgets the samples.
 * Linux only. */

/** Highest rate. */
#define PVM_SAMPLE_HZ_MAX 10000

/** Samples of one place. */
typedef struct pvm_sample_t {
    uint32_t
        pc; /**< recompiled code: of the instruction; else where its block, or what follows an ecalli, begins; the length
                    of the code stands for all behind it */
    uint64_t count;
} pvm_sample_t;

/** All samples of a VM. */
typedef struct pvm_sample_sum_t {
    uint64_t hz;      /**< rate as it is set now */
    uint64_t samples; /**< at places, and in the engine */
    uint64_t
        engine; /**< of these: around host calls, entering and leaving code, compiling in the middle of a run */
    uint64_t lost; /**< runs without a timer: the system had none left; 0 in all likelihood */
    uint64_t
        missed; /**< ticks while the thread did not run, or came so late that the next was due: no samples */
} pvm_sample_sum_t;

/** Set how often PVM_INSTRUMENT_SAMPLES samples: 1 to PVM_SAMPLE_HZ_MAX a second, 99 unless set. Holds from the next run or
 *  the end of the host call on. @return 0, or -1: a bad rate, or the VM is running outside of a host call. */
PVM_API int pvm_set_sample_rate(pvm_vm_t *vm, uint32_t hz);
/** Places with samples, by pc. @return how many there are; at most `max` are written; out may be NULL with max 0. 0 also if the
 *  VM is not sampled. Cost: a pass over four octets for each octet of code. Thread: that of the VM; also from callbacks and
 *  observers. */
PVM_API size_t pvm_get_samples(pvm_vm_t *vm, pvm_sample_t *out, size_t max);
/** Their sums. @return 0, or -1 if the VM is not sampled. Thread: as above. */
PVM_API int pvm_get_sample_sum(pvm_vm_t *vm, pvm_sample_sum_t *out);
/** Forget all samples. @return 0, or -1 if the VM is not sampled or is running. */
PVM_API int pvm_clear_samples(pvm_vm_t *vm);

/* -- Calls --------------------------------------------------------------------------------- */

/* With PVM_INSTRUMENT_CALLS. The instruction set has no calls: they are recognised by what code leaves in its link register.
 * docs/counting.md says how, and what becomes of code that keeps to no convention. */

/** How a context began. */
typedef enum {
    PVM_CALL_ROOT = 0,  /**< the host: node 0, without gas of its own */
    PVM_CALL_ENTRY = 1, /**< the host let guest code begin there */
    PVM_CALL_CALL = 2,
    PVM_CALL_TAIL = 3, /**< a jump to another routine, which returns to where this one would have */
    PVM_CALL_UNKNOWN = 4 /**< a jump into a routine that nobody on the stack had called */
} pvm_call_kind_t;

/** A context: a routine, called from one place, in the context of its caller. Gas in all is the sum of `gas`, `host_gas` and
 *  `deeper_gas` over a node and all nodes below it; over the whole tree that is the gas used. */
typedef struct pvm_call_node_t {
    uint32_t parent;  /**< place of the caller's node, which is before its own; the root's is 0 */
    uint32_t site;    /**< pc of the jump, or PVM_BLOCK_NONE: none */
    uint32_t routine; /**< where it begins, or PVM_BLOCK_NONE: the root */
    uint8_t kind;     /**< pvm_call_kind_t */
    uint64_t calls; /**< jumps executed, also those after which the first block could not be paid */
    uint64_t gas;   /**< charged in it itself */
    uint64_t host_calls;
    uint64_t host_gas;     /**< taken by them */
    uint64_t deeper_calls; /**< calls below it that got no node: there are too many */
    uint64_t deeper_gas;   /**< and the gas charged in these */
} pvm_call_node_t;

/** The calling-context tree. @return nodes; at most `max` are written; out may be NULL with max 0; 0: the VM does not follow
 *  calls. Thread: that of the VM; also from callbacks and observers, but not from `blocks`. */
PVM_API size_t pvm_get_call_tree(pvm_vm_t *vm, pvm_call_node_t *out, size_t max);

/** A jump through a register, and where it led. */
typedef struct pvm_jump_pair_t {
    uint32_t from;  /**< pc of the jump */
    uint32_t to;    /**< pc of its target */
    uint64_t count; /**< arrivals that were paid, as of edges */
} pvm_jump_pair_t;

/** Where jumps through registers led. @return pairs; at most `max` are written (then some may be told apart that are one); out
 *  may be NULL with max 0. 0 also for programs with more than 2^26 pairs of such a jump and an entry of the jump table.
 *  Thread: as above. */
PVM_API size_t pvm_get_indirect_jumps(pvm_vm_t *vm, pvm_jump_pair_t *out, size_t max);

/* -- Flight record: how a run came to where it stopped -------------------------------------- */

/* The last host calls, pvm_get_flight_record(), and the way back through the callers are always there. They stay
 * until the VM runs again. */

/** How a frame of the return chain was found. Only CHECKED and HERE are sure for compiled code; no kind is sure for code that
 *  does not keep to PolkaVM's calling convention. */
typedef enum {
    PVM_FRAME_HERE = 0, /**< where the VM stopped */
    PVM_FRAME_CHECKED =
        1, /**< the address stood where the routine keeps it, and the call there goes to the routine */
    PVM_FRAME_LIKELY =
        2, /**< the same, but where the call goes cannot be told: a jump through a register, or one on the way */
    PVM_FRAME_GUESS = 3, /**< found by searching the stack: may be left over from an earlier call */
    PVM_FRAME_HOST = 4   /**< the end: back to the host; pc and routine are 0 */
} pvm_frame_kind_t;

/** One routine of the return chain. */
typedef struct pvm_frame_t {
    uint32_t pc; /**< HERE: where the VM stopped; else the call, of several that share `back` one */
    uint32_t back;    /**< where the call returns to; HERE: pc */
    uint32_t routine; /**< first octet of the routine it is in, as far as the code tells */
    uint32_t times;   /**< how often in a row: more than once for the same call of a recursion */
    uint8_t kind;     /**< pvm_frame_kind_t */
} pvm_frame_t;

/** Who called whom, innermost first. A chain that does not end with PVM_FRAME_HOST broke off, or is longer than `max` or
 *  than 65,536 calls. Cost: a pass over the code the first time for a program, then over the blocks in the chain.
 *  @return how many frames were written, at most `max`; 0: an argument is NULL. Thread: that of the VM. */
PVM_API size_t pvm_get_return_chain(pvm_vm_t *vm, pvm_frame_t *out, size_t max);

/** Blocks that PVM_INSTRUMENT_FLIGHT keeps. */
#define PVM_LAST_BLOCKS 64

/** The last blocks that were entered, as places in pvm_program_blocks(), oldest first. @return how many were written, at most
 *  `max`; 0 without PVM_INSTRUMENT_FLIGHT. Thread: that of the VM, while it does not run, or inside its host calls. */
PVM_API size_t pvm_get_last_blocks(pvm_vm_t *vm, uint32_t *out, size_t max);

/* -- Events -------------------------------------------------------------------------------- */

/** Which call runs the VM. */
typedef enum { PVM_RUN_EXECUTE = 0, PVM_RUN_RESUME = 1, PVM_RUN_STEP = 2 } pvm_run_kind_t;

/** A host call. Borrowed: valid during the observer's call only. Registers: pvm_get_registers(). */
typedef struct pvm_host_call_t {
    uint64_t seq; /**< number of the host call in this VM since pvm_instantiate(), from 0 */
    uint32_t pc;  /**< of the ecalli */
    int32_t func_id;
    int64_t gas; /**< begin: after the ecalli's charge; end: as the host left it */
} pvm_host_call_t;

/** Called on the VM's thread, with registers, gas, pc and counts current. Unused members are NULL. An observer
 *  reads the VM and changes nothing. Set `size` to sizeof(pvm_observer_t). */
typedef struct pvm_observer_t {
    size_t size;
    /** Guest code is about to run: pvm_get_pc(), gas and registers are the start. */
    void (*run_begin)(void *user_data, pvm_vm_t *vm, pvm_run_kind_t kind);
    /** It stopped: `result` is what the caller is about to get. */
    void (*run_end)(void *user_data, pvm_vm_t *vm, pvm_result_t result);
    /** Before the host callback, or before the caller gets HOST_CALL. */
    void (*host_call_begin)(void *user_data, pvm_vm_t *vm, const pvm_host_call_t *call);
    /** After the callback; for calls left to the caller: when it resumes or steps. Absent for a call never answered. */
    void (*host_call_end)(void *user_data, pvm_vm_t *vm, const pvm_host_call_t *call);
    /** The host set the gas outside a host call. */
    void (*gas_set)(void *user_data, pvm_vm_t *vm, int64_t old_gas, int64_t new_gas);
    /** pvm_read_memory (is_write 0), pvm_write_memory or pvm_poke_memory (1) succeeded inside a host call. */
    void (*host_memory)(void *user_data, pvm_vm_t *vm, uint32_t address, const void *data,
                        size_t length, int is_write);
    /** pvm_reset() is about to happen. */
    void (*reset)(void *user_data, pvm_vm_t *vm);
    /** pvm_destroy() is about to happen; the last call for this VM. */
    void (*destroy)(void *user_data, pvm_vm_t *vm);
    /** With PVM_INSTRUMENT_BLOCKS: blocks in the order in which they were entered, as places in
     *  pvm_program_blocks(), or pvm_program_block_count() for "no block". When the VM's buffer is full, before each
     *  host call and at every exit, before run_end. When the buffer is full, pc and gas are not current. */
    void (*blocks)(void *user_data, pvm_vm_t *vm, const uint32_t *blocks, size_t count);
    /** With PVM_INSTRUMENT_GAS: one block, when it is entered. @param gas  left before anything of it was paid */
    void (*block_gas)(void *user_data, pvm_vm_t *vm, uint32_t block, int64_t gas);
} pvm_observer_t;

/** Watch a VM. The structure is copied. NULL ends it. @return 0, or -1: bad size, or the VM is running. */
PVM_API int pvm_set_observer(pvm_vm_t *vm, const pvm_observer_t *observer, void *user_data);

/* -- Events of all machines of this process ------------------------------------------------ */

typedef struct pvm_trace_sink_t pvm_trace_sink_t;

/** Who gets the events of trace/events.def: in most processes libpvm-lttng.so, see pvm_trace_load_lttng(). */
struct pvm_trace_sink_t {
    size_t size;     /**< sizeof(pvm_trace_sink_t) */
    uint32_t layout; /**< PVM_EVENT_LAYOUT of trace/events.h: of another version, it is refused */
    /** Whether events of this kind (pvm_event_kind_t) are wanted now. Cheap: asked before each. Thread: any. */
    int (*is_enabled)(const pvm_trace_sink_t *sink, uint32_t kind);
    /** One event: `record` is its pvm_event_NAME_t, valid during the call. Thread: that of the VM. */
    void (*event)(const pvm_trace_sink_t *sink, uint32_t kind, const void *record);
};

/** Set who gets the events; NULL: nobody. The sink is borrowed for good, because other threads may be using it.
 *  @return 0, or -1: built for another version. Thread: any. */
PVM_API int pvm_trace_set_sink(const pvm_trace_sink_t *sink);

/** Record all machines of this process into a run file, until pvm_trace_record_end() or the end of the process: exact block and
 *  edge counts, every host call, and for machines with PVM_INSTRUMENT_MEMORY what the host reads and writes. Loads
 *  libpvm-record.so and makes it the sink. An older run file is replaced. Machines that are running count from their next
 *  execute, resume or step on. `PVM_TRACE=record:FILE` in the environment does the same when the first program is loaded, and
 *  `PVM_TRACE_INSTRUMENT` (samples=HZ, calls, blocks, gas, memory, flight) asks for more of machines that are made from then on.
 *  A child of fork() is not recorded.
 *  @return 0, or -1: no such library, the file cannot be written, a recording is going on, a word of PVM_TRACE_INSTRUMENT is
 *  not understood. Thread: any. */
PVM_API int pvm_trace_record(const char *path);
/** Finish the run file. Machines that are running end there as they stand. @return 0, or -1: nothing was being recorded, or not
 *  all could be stored: the file says what is missing. Thread: any. */
PVM_API int pvm_trace_record_end(void);

/* -- Selective tracing ---------------------------------------------------------------------- */

/** Select what of a machine is told to its observer, to the sink, to probes and in its counts; what is told is exact. Words,
 *  separated by commas; of one key any may hold, of several keys all must:
 *
 *      service=N       machines of this service; of others nothing is told
 *      pc=FROM..TO     host calls and blocks that begin in this code, TO is behind the last
 *      function=NAME   the same for the code of a function, as reports name it; * and ? stand for any octets; the name after
 *                      the last "::" is enough
 *      after=N         begin when the Nth host call of an execution has ended
 *      start=CALL      begin with such a host call, by name or number, each time
 *      stop=CALL       end after such a host call; `start` begins anew
 *      around=CALL     such a host call, and what the guest does until the next one
 *
 *  Where nothing is told, code without instrumentation runs. Executions of selected machines are told in any case, and gas
 *  that the host adds in host calls that are not is told as gas_set.
 *  @param vm      NULL: all machines that are made from now on, instead of PVM_TRACE_FILTER in the environment; a text there
 *                 that is not understood selects nothing, and so does a function that a program does not have
 *  @param filter  copied; NULL or "": everything
 *  @return 0, or -1: not understood, no such function, or the VM is running. Thread: that of the VM; any for NULL. */
PVM_API int pvm_set_trace_filter(pvm_vm_t *vm, const char *filter);
/** The filter of a machine, or NULL. Borrowed until it is set anew. */
PVM_API const char *pvm_get_trace_filter(pvm_vm_t *vm);
/** Whether anything of this machine may be told: 0 if its service is not selected. */
PVM_API int pvm_is_selected(pvm_vm_t *vm);

/** The program that the VM runs. Borrowed: acquire it to keep it longer than the VM. */
PVM_API pvm_program_t *pvm_get_program(pvm_vm_t *vm);
/** The machine that pvm_set_parent() named, or NULL. */
PVM_API pvm_vm_t *pvm_get_parent(pvm_vm_t *vm);

#ifdef __cplusplus
}
#endif

#endif
