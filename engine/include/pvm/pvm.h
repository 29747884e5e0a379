/* libpvm: run Polkadot Virtual Machine programs, with exact gas, from any language.
 *
 * The embedding interface. Handles are opaque; every call either succeeds or returns
 * NULL / -1 / PVM_RESULT_ERROR, changes nothing and leaves a text in pvm_last_error().
 * No call prints, exits or aborts; only what the environment asks for by PVM_TRACE and cannot be had is told on standard error.
 *
 * "GP" is the Gray Paper, appendix A, in the version that the program's spec names;
 * docs/spec-notes.md lists the places where we had to decide.
 *
 * Threads: a VM belongs to one thread at a time and may change threads between calls. A program is
 * immutable and counted, and may be shared by any number of VMs and threads.
 */
#ifndef PVM_PVM_H
#define PVM_PVM_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define PVM_API __attribute__((visibility("default")))
#else
#define PVM_API
#endif

#define PVM_VERSION_MAJOR 0
#define PVM_VERSION_MINOR 1
#define PVM_VERSION_PATCH 0

/** Guest registers: r0 .. r12. */
#define PVM_REGISTER_COUNT 13
/** Octets in a page of guest memory. */
#define PVM_PAGE_SIZE 4096
/** Most octets that pvm_set_arguments() takes (2^24). */
#define PVM_MAX_ARGUMENTS 0x1000000

/** A machine: registers, memory, gas, program counter. Owned: pvm_destroy(). */
typedef struct pvm_vm_t pvm_vm_t;
/** A loaded program: immutable, counted, shareable between VMs and threads. */
typedef struct pvm_program_t pvm_program_t;

/** How a run ended. */
typedef enum {
    PVM_RESULT_OK = 0,        /**< halted (or, from pvm_step(), goes on: state READY) */
    PVM_RESULT_OOG = 1,       /**< out of gas */
    PVM_RESULT_PANIC = 2,     /**< trap, bad jump, access below 2^16, host said ERROR */
    PVM_RESULT_HOST_CALL = 3, /**< an ecalli waits for the caller */
    PVM_RESULT_FAULT = 4,     /**< page fault: pvm_get_fault_address() */
    PVM_RESULT_ERROR = 5      /**< misuse of the API; the VM is unchanged */
} pvm_result_t;

/** What a host callback wants to happen next. */
typedef enum {
    PVM_HOST_CONTINUE = 0,  /**< go on behind the ecalli */
    PVM_HOST_TERMINATE = 1, /**< end with PVM_RESULT_OK */
    PVM_HOST_ERROR = 2,     /**< end with PVM_RESULT_PANIC */
    PVM_HOST_YIELD = 3,     /**< return PVM_RESULT_HOST_CALL to the caller of pvm_execute() */
    PVM_HOST_OOG = 4        /**< end with PVM_RESULT_OOG */
} pvm_host_result_t;

/** Machine states: the numbers that JAM's `invoke` returns, plus READY. */
enum {
    PVM_STATE_HALT = 0,
    PVM_STATE_PANIC = 1,
    PVM_STATE_FAULT = 2,
    PVM_STATE_HOST = 3,
    PVM_STATE_OOG = 4,
    PVM_STATE_READY = 255
};

/** Which engine executes. DEFAULT: the fastest that is available here. */
typedef enum {
    PVM_BACKEND_DEFAULT = 0,
    PVM_BACKEND_INTERPRETER = 1,
    PVM_BACKEND_RECOMPILER = 2
} pvm_backend_t;

/** Which rules a program runs under. DEFAULT: what a container says, else 0.8.0. */
typedef enum {
    PVM_SPEC_DEFAULT = 0,
    PVM_SPEC_0_7_2 = 1,   /**< GP 0.7.2: one gas per instruction */
    PVM_SPEC_0_8_0 = 2,   /**< GP 0.8.0: pipeline gas per block, validated blobs */
    PVM_SPEC_LATEST64 = 3 /**< PolkaVM's own numbering, gas of 0.8.0, no validation */
} pvm_spec_t;

/** The layout of a program file. AUTO tells them apart by exact consumption. */
typedef enum {
    PVM_FORMAT_AUTO = 0,
    PVM_FORMAT_RAW = 1,    /**< GP "program blob": jump table, code, bitmask */
    PVM_FORMAT_JAM = 2,    /**< GP standard program, with or without metadata prefix */
    PVM_FORMAT_POLKAVM = 3 /**< PolkaVM container ("PVM\0") */
} pvm_format_t;

/** Access to a page of guest memory. WRITE implies READ. */
typedef enum { PVM_ACCESS_NONE = 0, PVM_ACCESS_READ = 1, PVM_ACCESS_WRITE = 2 } pvm_access_t;

/** Called for each ecalli, on the thread that runs the VM, with registers, gas, pc and memory current.
 *  @param func_id    the sign-extended 32-bit immediate of the ecalli; negative numbers are legal
 *  @param user_data  as given to pvm_set_host_callback()
 *  @return what happens next; any value outside pvm_host_result_t ends with PVM_RESULT_ERROR.
 *  The callback may read and write this VM and may run other VMs; it must not execute, resume, step,
 *  reset or destroy this one. */
typedef pvm_host_result_t (*pvm_host_callback_t)(pvm_vm_t *vm, int func_id, void *user_data);

/* -- Programs ------------------------------------------------------------------------------ */

/** Load a program from a file's contents. The input is copied.
 *  Raw bytes that do not decode or validate still load, as a program that panics at once with its gas
 *  untouched; pvm_program_error() says why.
 *  @return a program to be given back with pvm_program_release(), or NULL: bad arguments, AUTO that
 *  recognises nothing, a broken JAM or PolkaVM container, a named limit, no memory. Spec: GP A.2, A.7. */
PVM_API pvm_program_t *pvm_program_load(const uint8_t *blob, size_t len, pvm_format_t format,
                                        pvm_spec_t spec);

/** Load a program from its parts. All inputs are copied.
 *  @param bitmask      packed, least significant bit first: bit i is set where code[i] starts an instruction
 *  @param bitmask_len  in octets: ceil(code_len / 8)
 *  @param jump_table   code offsets, @param jump_table_len in entries; NULL when 0
 *  @return as pvm_program_load() with PVM_FORMAT_RAW. */
PVM_API pvm_program_t *pvm_program_from_parts(const uint8_t *code, size_t code_len,
                                              const uint8_t *bitmask, size_t bitmask_len,
                                              const uint32_t *jump_table, size_t jump_table_len,
                                              pvm_spec_t spec);

/** Count one more user of the program. Thread: any. */
PVM_API void pvm_program_acquire(pvm_program_t *program);
/** Count one user less; the last one frees it. NULL is ignored. Thread: any. */
PVM_API void pvm_program_release(pvm_program_t *program);

/** The spec that the program runs under; never DEFAULT. */
PVM_API pvm_spec_t pvm_program_spec(const pvm_program_t *program);
/** The format that the program was read from; never AUTO. */
PVM_API pvm_format_t pvm_program_format(const pvm_program_t *program);
/** NULL for a valid program, or what is wrong and at which offset. Owned by the program. */
PVM_API const char *pvm_program_error(const pvm_program_t *program);

/** Exported entry points of a PolkaVM container; 0 for other formats. */
PVM_API size_t pvm_program_export_count(const pvm_program_t *program);
/** Name of export `index`, and its pc in *out_pc if that is not NULL. NULL past the end. Owned by the program. */
PVM_API const char *pvm_program_export(const pvm_program_t *program, size_t index,
                                       uint32_t *out_pc);
/** Import symbol `index` of a PolkaVM container: what `ecalli index` calls. NULL if there is none; may be "". */
PVM_API const char *pvm_program_import(const pvm_program_t *program, size_t index);
/** Find an export by name; `refine`, `is_authorized` (0) and `accumulate` (5) exist in JAM programs.
 *  @return 0 and the pc, or -1 if there is none of that name. */
PVM_API int pvm_program_find_entry(const pvm_program_t *program, const char *name,
                                   uint32_t *out_pc);
/** Name of a host call: the import symbol if not empty, else the JAM name under the program's spec.
 *  NULL if it has none. Owned by the program or static. */
PVM_API const char *pvm_host_call_name(const pvm_program_t *program, int func_id);

/* -- Lifecycle ----------------------------------------------------------------------------- */

/** Make a VM from raw parts: the one call that an FFI needs. Spec and backend come from the environment
 *  variables PVM_SPEC (0.7.2, 0.8.0, latest64) and PVM_BACKEND (interpreter, recompiler).
 *  @param service_index  any number; it labels the VM in profiles
 *  @param initial_regs   13 values, or NULL for zeros
 *  @param initial_gas    at most INT64_MAX
 *  @return a VM to be given back with pvm_destroy(), or NULL. */
PVM_API pvm_vm_t *pvm_create(uint32_t service_index, const uint8_t *code, size_t code_len,
                             const uint64_t *initial_regs, const uint8_t *bitmask,
                             size_t bitmask_len, const uint32_t *jump_table, size_t jump_table_len,
                             uint64_t initial_gas);

/** Make a VM for a loaded program (which is acquired). JAM programs get the standard initialization with
 *  empty arguments (GP A.7), PolkaVM containers their own map and start registers, raw programs nothing.
 *  @return a VM, or NULL: bad arguments, backend not available, no memory. */
PVM_API pvm_vm_t *pvm_instantiate(pvm_program_t *program, pvm_backend_t backend,
                                  uint32_t service_index, uint64_t initial_gas);

/** Replace the arguments of a JAM program: memory at 0xfeff0000, r7 and r8.
 *  @return 0, or -1: not a JAM program, more than 2^24 octets, or execution has begun. Spec: GP A.7. */
PVM_API int pvm_set_arguments(pvm_vm_t *vm, const uint8_t *args, size_t len);

/** Back to the state after pvm_instantiate(), with this gas. Keeps host callback and instrumentation; cheap.
 *  @return 0, or -1: the VM is running, or gas above INT64_MAX. */
PVM_API int pvm_reset(pvm_vm_t *vm, uint64_t gas);

/** Free the VM. NULL is ignored; a running VM (from its own callback) is left alone. */
PVM_API void pvm_destroy(pvm_vm_t *vm);

/* -- Execution ----------------------------------------------------------------------------- */

/** Set what is called for each ecalli; NULL makes ecalli return PVM_RESULT_HOST_CALL. */
PVM_API void pvm_set_host_callback(pvm_vm_t *vm, pvm_host_callback_t callback, void *user_data);

/** Run from an entry point until an exit. Registers, memory, gas and mappings are kept.
 *  @return how it ended; PVM_RESULT_ERROR if the VM is running. */
PVM_API pvm_result_t pvm_execute(pvm_vm_t *vm, uint32_t entry_point);

/** Go on after READY, HOST (behind the ecalli), FAULT or OOG (the same instruction again).
 *  @return how it ended; PVM_RESULT_ERROR in any other state, nothing changed. */
PVM_API pvm_result_t pvm_resume(pvm_vm_t *vm);

/** Execute one instruction, in any state that pvm_resume() takes. In HOST it passes the ecalli first.
 *  @return PVM_RESULT_OK with state READY while the program goes on. */
PVM_API pvm_result_t pvm_step(pvm_vm_t *vm);

/* -- State --------------------------------------------------------------------------------- */

/** Set register 0..12; another index sets pvm_last_error() only. 32-bit programs keep the low half, sign-extended. */
PVM_API void pvm_set_register(pvm_vm_t *vm, int index, uint64_t value);
/** Register 0..12; 0 and pvm_last_error() for another index. */
PVM_API uint64_t pvm_get_register(pvm_vm_t *vm, int index);
/** The 13 registers: valid as long as the VM, current at every exit and in callbacks. */
PVM_API const uint64_t *pvm_get_registers(pvm_vm_t *vm);
/** One of PVM_STATE_*. In a callback: HOST. */
PVM_API uint8_t pvm_get_machine_state(pvm_vm_t *vm);
/** Gas left. 0.7.2: 0 after out-of-gas; 0.8.0: what was left. */
PVM_API int64_t pvm_get_gas(pvm_vm_t *vm);
/** Set the gas left. Under 0.8.0 and latest64 a negative value counts as 0. */
PVM_API void pvm_set_gas(pvm_vm_t *vm, int64_t gas);
/** Program counter, an offset into the code. At an exit: the instruction that caused it. */
PVM_API uint32_t pvm_get_pc(pvm_vm_t *vm);
/** Set pc; the state becomes READY and the block uncharged. In a callback, CONTINUE goes on there. @return 0 or -1. */
PVM_API int pvm_set_pc(pvm_vm_t *vm, uint32_t pc);
/** 1 if the gas of the current block has been paid (0.8.0 and latest64), else 0. Spec: GP 0.8.0 A.1. */
PVM_API int pvm_get_charged(pvm_vm_t *vm);
/** Set that flag: an embedder that suspends a machine keeps it with pc. @return 0, or -1: 0.7.2 has no such
 *  flag, or the value is not 0 or 1. */
PVM_API int pvm_set_charged(pvm_vm_t *vm, int charged);
/** In state FAULT: the page address of the first inaccessible octet in access order; else 0. */
PVM_API uint32_t pvm_get_fault_address(pvm_vm_t *vm);
/** In state HOST: the immediate of the ecalli; else -1 (which is also a legal number: ask the state). */
PVM_API int pvm_get_host_call(pvm_vm_t *vm);
/** Result of a halted run: the r8 octets at r7, if all are readable and do not wrap; else length 0. GP A.8.
 *  @return 0, or -1 if the VM has not halted. */
PVM_API int pvm_get_result(pvm_vm_t *vm, uint32_t *out_address, uint64_t *out_len);
/** The backend in use; never DEFAULT. */
PVM_API pvm_backend_t pvm_get_backend(pvm_vm_t *vm);
/** The service index that the VM was made with. */
PVM_API uint32_t pvm_get_service(pvm_vm_t *vm);
/** A number that no other VM of this process has had, from 1. */
PVM_API uint64_t pvm_get_id(pvm_vm_t *vm);
/** Say that `vm` is an inner machine of `parent` (NULL: of none), for profiles. A parent that is destroyed first is
 *  forgotten. @return 0, or -1 for vm itself. */
PVM_API int pvm_set_parent(pvm_vm_t *vm, pvm_vm_t *parent);

/* -- Memory: the only way to guest memory; copies, no pointers into it --------------------- */

/** Map, change or (NONE) unmap and discard whole pages. New pages are zero, remapping keeps contents.
 *  @param address  a multiple of 4096, at least 2^16
 *  @param length   in octets, a multiple of 4096; address + length <= 2^32
 *  @return 0 or -1. Thread: also from a callback of this VM. */
PVM_API int pvm_map_memory(pvm_vm_t *vm, uint32_t address, uint64_t length, pvm_access_t access);
/** Copy out of readable memory. All or nothing: 0 or -1. No wrap-around at 2^32. */
PVM_API int pvm_read_memory(pvm_vm_t *vm, uint32_t address, void *out, size_t length);
/** Copy into writable memory. All or nothing: 0 or -1. */
PVM_API int pvm_write_memory(pvm_vm_t *vm, uint32_t address, const void *data, size_t length);
/** As a loader does: copy into any mapped page, read-only ones too. All or nothing: 0 or -1. */
PVM_API int pvm_poke_memory(pvm_vm_t *vm, uint32_t address, const void *data, size_t length);
/** Access to the page that holds `address`. */
PVM_API pvm_access_t pvm_get_access(pvm_vm_t *vm, uint32_t address);
/** Perform the host call `grow_heap` of GP 0.8.0 on r7 and gas, mapping the new pages.
 *  @return 0; 1 if the gas does not suffice (nothing changed: answer PVM_HOST_OOG); -1: not a JAM program of 0.8.0. */
PVM_API int pvm_grow_heap(pvm_vm_t *vm);

/* -- Instrumentation (details in pvm/trace.h) ---------------------------------------------- */

/** One entry of the flight record: a host call. The way back through the callers: pvm_get_return_chain(), pvm/trace.h. */
typedef struct pvm_flight_entry_t {
    uint64_t seq;      /**< number of the host call in this VM, from 0 */
    uint32_t pc;       /**< of the ecalli */
    int32_t func_id;   /**< as given to the callback */
    int64_t gas;       /**< before the host acted */
    uint64_t result;   /**< r7 after it */
    int64_t gas_after; /**< as the host left it; that of before while it is not answered */
} pvm_flight_entry_t;

/** Choose what is collected: PVM_INSTRUMENT_* of pvm/trace.h. Takes effect at the next execute, resume or step.
 *  @return 0, or -1: unknown flags, the VM is running, no memory. */
PVM_API int pvm_set_instrumentation(pvm_vm_t *vm, uint32_t flags);
/** Load libpvm-lttng.so. @return 0 or -1. */
PVM_API int pvm_trace_load_lttng(void);
/** The VM's last host calls, oldest first. @return how many entries were written, at most `max`. */
PVM_API size_t pvm_get_flight_record(pvm_vm_t *vm, pvm_flight_entry_t *out, size_t max);

/* -- Library ------------------------------------------------------------------------------- */

/** What went wrong in the last failed call of this thread; "" if nothing did. Never NULL. */
PVM_API const char *pvm_last_error(void);
/** "0.1.0". */
PVM_API const char *pvm_version(void);

#ifdef __cplusplus
}
#endif

#endif
