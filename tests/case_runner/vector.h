/* A test program with what is done to it and what must come out, however it was written down. */
#ifndef CASE_RUNNER_VECTOR_H
#define CASE_RUNNER_VECTOR_H

#include <pvm/pvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** "Not given", for optional numbers that are 32 bits wide at most. */
#define ABSENT (-1)

/** Octets at an address. */
typedef struct {
    uint32_t address;
    size_t len;
    uint8_t *octets;
} chunk_t;

/** What must hold after a run. Whatever is absent is not looked at. */
typedef struct {
    int state;     /**< PVM_STATE_*, or ABSENT */
    int64_t pc;    /**< or ABSENT */
    int64_t fault; /**< page address, or ABSENT */
    int charged;   /**< 0, 1 or ABSENT */
    bool has_gas;
    bool gas_is_used; /**< `gas` is what was used since the beginning, not what is left */
    int64_t gas;
    bool has_host_call;
    int64_t host_call;
    uint32_t regs_given; /**< one bit for each register in `regs` */
    uint64_t regs[PVM_REGISTER_COUNT];
    bool memory_is_all; /**< mapped memory outside `memory` must be zero */
    chunk_t *memory;
    size_t memory_count;
} expectation_t;

typedef enum {
    ACTION_MAP,
    ACTION_POKE,
    ACTION_SET_REGISTER,
    ACTION_SET_GAS,
    ACTION_SET_CHARGED,
    ACTION_RUN,    /**< execute at `number` */
    ACTION_RESUME, /**< go on; the first one begins at the vector's entry */
    ACTION_EXPECT
} action_kind_t;

typedef struct {
    action_kind_t kind;
    uint32_t index;  /**< register */
    uint64_t number; /**< register value, gas, flag, pc */
    chunk_t chunk;   /**< POKE; MAP: address */
    uint64_t map_len;
    pvm_access_t access;
    expectation_t expect;
} action_t;

typedef struct {
    uint32_t pc;
    uint32_t gas;
} block_cost_t;

/** One program under one spec. Owned: vector_free(). */
typedef struct {
    char *name;
    char *file_name;
    pvm_spec_t spec;
    uint8_t *blob; /**< a raw program blob */
    size_t blob_len;
    uint32_t entry;
    uint64_t gas;
    action_t *actions;
    size_t action_count;
    block_cost_t *costs;
    size_t cost_count;
} vector_t;

/** Growing list of vectors. */
typedef struct {
    vector_t *items;
    size_t count;
} vector_list_t;

/** Memory that must exist: a test program has no use for a failed allocation but to stop. */
void *must_alloc(size_t bytes);
char *must_copy(const char *text);

/** An empty vector at the end of the list, with its names copied. */
vector_t *vector_list_add(vector_list_t *list, const char *name, const char *file_name);
void vector_list_free(vector_list_t *list);
/** A zeroed action at the end; an EXPECT has everything absent. */
action_t *vector_add_action(vector_t *vector, action_kind_t kind);
/** A chunk at the end of what an expectation lists; its octets are zero. */
chunk_t *expectation_add_memory(expectation_t *expect, uint32_t address, size_t len);
/** Expect nothing of memory any more. */
void expectation_clear_memory(expectation_t *expect);

/** Spec of a name, or PVM_SPEC_DEFAULT if there is none such. */
pvm_spec_t spec_by_name(const char *name, size_t len);
const char *spec_name(pvm_spec_t spec);
/** State of a name as test vectors write it (halt, page-fault, ecalli, ...), or ABSENT. */
int state_by_name(const char *name, size_t len);
const char *state_name(int state);

/** Read a JSON file: one vector, an array, or an object with "programs" and "defaults". Vectors
 * with block costs get `spec_with_costs`, the others `spec`, unless the file says its own.
 * @return 0, or -1 with a line on stderr. */
int json_vectors_load(const char *path, pvm_spec_t spec, pvm_spec_t spec_with_costs,
                      vector_list_t *out);
/** Read a .case file; each case gives one vector for each of its specs.
 *  @return 0, or -1 with a line on stderr. */
int case_file_load(const char *path, vector_list_t *out);
/** Change expectations that docs/spec-notes.md disagrees with, as a file lists them.
 *  @return 0, or -1. */
int exceptions_apply(const char *path, vector_list_t *list);

/** How one vector was run. */
typedef struct {
    unsigned runs;
    unsigned failures;
} tally_t;

/** Backends by their number, from PVM_BACKEND_INTERPRETER. */
#define PVM_BACKEND_COUNT (PVM_BACKEND_RECOMPILER + 1)

/** Run a vector on these backends, in every mode; compare all runs with each other and with what
 * is expected. */
void vector_run(const vector_t *vector, const bool backends[PVM_BACKEND_COUNT], tally_t *tally);

#endif
