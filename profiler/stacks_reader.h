/* What the parts of the reader of stacks share. Internal to it. */
#ifndef PVM_PROFILER_STACKS_READER_H
#define PVM_PROFILER_STACKS_READER_H

#include "profiler/call_tree.h"
#include "profiler/map.h"
#include "profiler/stacks.h"

#include <pvm/pvm.h>

#include <sqlite3.h>

/** A block as it came from the file, to find the node of a pc again. */
typedef struct {
    int64_t program;
    int64_t pc;
    int64_t end_pc;
    uint32_t node;
    bool has_host; /**< its host calls hang below it with all that they took */
} pvm_stacks_place_t;

/** A function that code was executed of, and its contexts in the tree of calls. */
typedef struct {
    int64_t program;
    int64_t function;
    /* By place: of its blocks, and of the host calls in them. */
    int64_t gas;
    int64_t host_gas;
    int64_t host_calls;
    int64_t samples;
    /* By call. */
    uint32_t contexts;
    uint32_t node; /**< of the first */
    int64_t context_gas;
    int64_t context_host_gas;
    int64_t context_host_calls;
    uint64_t context_samples; /**< of all contexts */
    uint64_t samples_left;    /**< of these, of contexts that were not told yet */
    int64_t ns_left;          /**< and their time */
} pvm_stacks_function_t;

typedef struct {
    pvm_prof_run_file_t *file;
    pvm_prof_stacks_t *out;
    pvm_prof_stacks_kind_t kind;
    int64_t samples;        /**< of all places; 0: none */
    int64_t sampled_ns;     /**< the time that they are of */
    bool is_plural;         /**< several programs: each gets a frame */
    bool has_sites;         /**< sums of host calls by place are stored */
    bool has_calls;         /**< gas stands in the tree of calls, */
    bool has_host_calls;    /**< and host calls, too */
    int64_t loaded;         /**< id of `program`, or -1 */
    pvm_program_t *program; /**< NULL: cannot be loaded */
    pvm_debug_walk_t walk;
    pvm_debug_stack_t stack;
    pvm_stacks_place_t *places; /**< by program and pc */
    size_t place_count;
    size_t place_room;
    pvm_stacks_function_t *functions;
    uint32_t function_count;
    uint32_t function_room;
    pvm_prof_map_t function_index; /**< program and function -> place in `functions` */
} pvm_stacks_reader_t;

/** Sums of host calls by place, as stored or of single calls: program, pc, func_id, calls, gas, ns. */
#define PVM_STACKS_STORED_SITES                                                                    \
    "SELECT program, pc, func_id, calls, gas, duration_ns AS ns FROM host_site"
#define PVM_STACKS_COUNTED_SITES                                                                   \
    "SELECT v.program AS program, c.pc AS pc, c.func_id AS func_id, count(*) AS calls, "           \
    "wrap_sum(max(0, c.gas_before - coalesce(c.gas_after, c.gas_before))) AS gas, "                \
    "wrap_sum(coalesce(c.duration_ns, 0)) AS ns "                                                  \
    "FROM host_call c JOIN vm v ON v.id = c.vm GROUP BY 1, 2, 3"

/** @return an SQLite code; anything but SQLITE_OK ends the reading */
typedef int pvm_stacks_read_row_t(pvm_stacks_reader_t *reader, sqlite3_stmt *row);
int pvm_stacks_read_rows(pvm_stacks_reader_t *reader, const char *sql,
                         pvm_stacks_read_row_t *read_row);

/** The time that so many samples stand for. */
int64_t pvm_stacks_sampled_ns(const pvm_stacks_reader_t *reader, int64_t samples);
/** Have the program that debug information is taken of. */
pvm_prof_status_t pvm_stacks_load_program(pvm_stacks_reader_t *reader, int64_t id);
/** The node that stands for a program: the root, if it is the only one. */
uint32_t pvm_stacks_root_of(pvm_stacks_reader_t *reader, int64_t program, char *name);
/** A function, with what debug information says of its place pc, which stays in reader->stack. */
uint32_t pvm_stacks_push_outer(pvm_stacks_reader_t *reader, uint32_t node, pvm_prof_frame_t frame,
                               int64_t pc);

/* -- Calls: stacks_calls.c ----------------------------------------------------------------- */

/** All gas by who called whom, if the recording tells that: sets has_calls. @return an SQLite code */
int pvm_stacks_read_calls(pvm_stacks_reader_t *reader);

/** The function whose blocks stand below its one context; NULL: it has several, or none. */
const pvm_stacks_function_t *pvm_stacks_home(const pvm_stacks_reader_t *reader, int64_t program,
                                             int64_t function);
/** Whether the time of a function stands in its contexts, not in its blocks. */
bool pvm_stacks_has_context_time(const pvm_stacks_reader_t *reader, int64_t program,
                                 int64_t function);
/** Whether its host calls do, too. */
bool pvm_stacks_home_has_host(const pvm_stacks_function_t *home);

#endif
