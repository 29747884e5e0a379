/* What a copy of libpvm publishes, read: see remote.h. */
#include "events/events.h"
#include "profiler/attach/remote.h"
#include "support/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/** How often a list that changes meanwhile is read again. */
#define TRIES 20
/** Bounds for what a process, possibly a damaged one, says. */
#define LIST_MAX           (1U << 20)
#define STRUCT_BYTES_MAX   65536
#define STRETCHES_MAX      (1U << 25)
#define MAPPED_BYTES_MAX   (UINT64_C(1) << 31)
#define PROGRAMS_MAX       4096
#define OFFSET_MAX         16384
#define FLIGHT_ENTRIES_MAX 64
#define FLIGHT_BYTES_MAX   256
static_assert(2 * OFFSET_MAX + FLIGHT_ENTRIES_MAX * FLIGHT_BYTES_MAX < STRUCT_BYTES_MAX,
              "what is read with offsets lies in a structure");

/* Whoever can be attached to may say anything: what is read with these must lie in what was read. */
static bool are_sound(const uint32_t *offsets)
{
    for (size_t i = 0; i < PVM_PUBLISHED_COUNT; i++) {
        if (offsets[i] > OFFSET_MAX) {
            return false;
        }
    }
    const uint32_t stretch = offsets[PVM_PUBLISHED_STRETCH_BYTES];
    return stretch >= sizeof(uint32_t) &&
           offsets[PVM_PUBLISHED_STRETCH_PC] + sizeof(uint32_t) <= stretch &&
           offsets[PVM_PUBLISHED_STRETCH_HOST] + sizeof(uint32_t) <= stretch &&
           offsets[PVM_PUBLISHED_STRETCH_LENGTHS] + sizeof(uint32_t) <= stretch &&
           offsets[PVM_PUBLISHED_TAIL_BYTES] >= sizeof(uint32_t) &&
           offsets[PVM_PUBLISHED_TAIL_HOST] + sizeof(uint32_t) <=
               offsets[PVM_PUBLISHED_TAIL_BYTES] &&
           offsets[PVM_PUBLISHED_TAIL_LIKE] + sizeof(uint32_t) <=
               offsets[PVM_PUBLISHED_TAIL_BYTES] &&
           offsets[PVM_PUBLISHED_FLIGHT_ENTRIES] <= FLIGHT_ENTRIES_MAX &&
           offsets[PVM_PUBLISHED_FLIGHT_BYTES] <= FLIGHT_BYTES_MAX &&
           offsets[PVM_PUBLISHED_EMITTED_VARIANTS] <= PVM_REMOTE_VARIANTS_MAX;
}

int pvm_remote_published(pid_t pid, const pvm_remote_copy_t *copy, pvm_published_t *out)
{
    if (pvm_remote_read(pid, copy->published, out, sizeof(*out)) != 0 || out->version == 0) {
        return -1;
    }
    return out->version == PVM_PUBLISHED_VERSION && out->count >= PVM_PUBLISHED_COUNT &&
                   are_sound(out->offsets)
               ? 0
               : PVM_REMOTE_OTHER_VERSION;
}

/* A member of a structure that was read as a whole. */
static uint64_t member(const pvm_published_t *published, const uint8_t *structure,
                       pvm_published_field_t field, size_t bytes)
{
    uint64_t value = 0;

    memcpy(&value, structure + published->offsets[field], bytes);
    return value;
}

static uint64_t generation(pid_t pid, const pvm_remote_copy_t *copy)
{
    uint64_t value = 1;

    (void)pvm_remote_read(pid, copy->published + offsetof(pvm_published_t, generation), &value,
                          sizeof(value));
    return value;
}

/* An array of the process, as octets. NULL: it cannot be read. */
static void *read_array(pid_t pid, uint64_t address, uint64_t count, uint64_t each)
{
    if (count > MAPPED_BYTES_MAX / each) {
        return NULL;
    }
    void *const octets = malloc((size_t)(count * each) + 1);
    if (octets != NULL && pvm_remote_read(pid, address, octets, (size_t)(count * each)) != 0) {
        free(octets);
        return NULL;
    }
    return octets;
}

/* -- Programs ------------------------------------------------------------------------------ */

static pvm_program_t *load_copy(pid_t pid, const pvm_published_t *published, const uint8_t *there)
{
#define MEMBER(field, bytes) member(published, there, PVM_PUBLISHED_PROGRAM_##field, bytes)
    const pvm_spec_t spec = (pvm_spec_t)MEMBER(SPEC, 4);
    const pvm_format_t format = (pvm_format_t)MEMBER(FORMAT, 4);
    pvm_program_t *program = NULL;

    if (MEMBER(BLOB, 8) != 0) {
        const uint64_t len = MEMBER(BLOB_LEN, 8);
        uint8_t *const blob = read_array(pid, MEMBER(BLOB, 8), len, 1);
        program = blob == NULL ? NULL : pvm_program_load(blob, (size_t)len, format, spec);
        free(blob);
        return program;
    }
    const uint64_t code_len = MEMBER(CODE_LEN, 4);
    const uint64_t jumps = MEMBER(JUMP_TABLE_LEN, 4);
    uint8_t *const code = read_array(pid, MEMBER(CODE, 8), code_len, 1);
    uint8_t *const mask = read_array(pid, MEMBER(MASK, 8), (code_len + 7) / 8, 1);
    uint32_t *const jump_table = read_array(pid, MEMBER(JUMP_TABLE, 8), jumps, sizeof(uint32_t));
    if (code != NULL && mask != NULL && jump_table != NULL) {
        program = pvm_program_from_parts(code, (size_t)code_len, mask, (size_t)(code_len + 7) / 8,
                                         jump_table, (size_t)jumps, spec);
    }
    free(code);
    free(mask);
    free(jump_table);
    return program;
#undef MEMBER
}

static int read_programs(pid_t pid, const pvm_remote_copy_t *copy, const pvm_published_t *published,
                         uint64_t after, pvm_remote_program_t **out)
{
    const uint32_t bytes = published->offsets[PVM_PUBLISHED_PROGRAM_BYTES];
    uint8_t there[STRUCT_BYTES_MAX];
    uint64_t address;
    int count = 0;

    *out = NULL;
    if (pvm_remote_read(pid, copy->published + offsetof(pvm_published_t, first_program), &address,
                        sizeof(address)) != 0) {
        return -1;
    }
    for (uint32_t i = 0; address != 0 && i < LIST_MAX; i++) {
        if (pvm_remote_read(pid, address, there, bytes) != 0) {
            return -1 - count;
        }
        const uint64_t serial = member(published, there, PVM_PUBLISHED_PROGRAM_SERIAL, 8);
        pvm_program_t *const program =
            serial > after && count < PROGRAMS_MAX ? load_copy(pid, published, there) : NULL;
        if (program != NULL) {
            pvm_remote_program_t *const more = realloc(*out, (size_t)(count + 1) * sizeof(*more));
            if (more == NULL) {
                pvm_program_release(program);
                return -1 - count;
            }
            *out = more;
            more[count++] = (pvm_remote_program_t){.address = address,
                                                   .serial = serial,
                                                   .program = program,
                                                   .hash = pvm_events_program_hash(program)};
        }
        address = member(published, there, PVM_PUBLISHED_PROGRAM_NEXT, 8);
    }
    return count;
}

static void free_programs(pvm_remote_program_t *programs, int count)
{
    for (int i = 0; i < count; i++) {
        pvm_remote_program_free(&programs[i]);
    }
    free(programs);
}

int pvm_remote_programs(pid_t pid, const pvm_remote_copy_t *copy, const pvm_published_t *published,
                        uint64_t after, pvm_remote_program_t **out)
{
    for (int i = 0; i < TRIES; i++) {
        const uint64_t before = generation(pid, copy);
        const int count = (before & 1) != 0 ? -1 : read_programs(pid, copy, published, after, out);
        if (count >= 0 && generation(pid, copy) == before) {
            return count;
        }
        if ((before & 1) == 0) {
            /* What was read before the failure. */
            free_programs(*out, count < 0 ? -1 - count : count);
        }
    }
    *out = NULL;
    return -1;
}

static void free_emitted(pvm_remote_emitted_t *emitted, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        free(emitted[i].stretches);
        free(emitted[i].lengths);
        free(emitted[i].tails);
    }
}

/* What walks the lengths of a stretch must stay inside of them, and who goes from a tail to what it is like must arrive. */
static bool is_sound(const pvm_remote_emitted_t *code)
{
    for (uint32_t i = 0; i < code->stretch_count; i++) {
        const pvm_stretch_t *const at = &code->stretches[i];
        if (at->lengths > code->length_count ||
            (i > 0 && (at->lengths < at[-1].lengths || at->host < at[-1].host))) {
            return false;
        }
    }
    for (uint32_t i = 0; i < code->tail_count; i++) {
        const pvm_tail_t *const at = &code->tails[i];
        if (at->like >= at->host || (i > 0 && at->host < at[-1].host)) {
            return false;
        }
    }
    return code->stretch_count > 0;
}

/* What stands behind all instructions. @return 0, or -1 */
static int read_tails(pid_t pid, const pvm_published_t *published, uint64_t address,
                      pvm_remote_emitted_t *out)
{
    const uint32_t each = published->offsets[PVM_PUBLISHED_TAIL_BYTES];
    uint8_t *const tails =
        out->tail_count <= STRETCHES_MAX ? read_array(pid, address, out->tail_count, each) : NULL;

    out->tails = calloc(out->tail_count + (size_t)1, sizeof(*out->tails));
    for (uint32_t i = 0; i < out->tail_count && tails != NULL && out->tails != NULL; i++) {
        const uint8_t *const at = tails + (size_t)i * each;
        out->tails[i] =
            (pvm_tail_t){.host = (uint32_t)member(published, at, PVM_PUBLISHED_TAIL_HOST, 4),
                         .like = (uint32_t)member(published, at, PVM_PUBLISHED_TAIL_LIKE, 4)};
    }
    const bool is_read = tails != NULL && out->tails != NULL;
    free(tails);
    return is_read ? 0 : -1;
}

/* One piece of code. *out_outgrown is the address of the one that it took the place of, or 0. @return 0, or -1 and nothing
 * owned */
static int read_code(pid_t pid, const pvm_published_t *published, uint64_t address,
                     pvm_remote_emitted_t *out, uint64_t *out_outgrown)
{
#define MEMBER(field, bytes) member(published, there, PVM_PUBLISHED_EMITTED_##field, bytes)
    uint8_t there[STRUCT_BYTES_MAX];
    const uint32_t each = published->offsets[PVM_PUBLISHED_STRETCH_BYTES];

    if (pvm_remote_read(pid, address, there, published->offsets[PVM_PUBLISHED_EMITTED_BYTES]) !=
            0 ||
        each == 0) {
        return -1;
    }
    *out_outgrown = MEMBER(OUTGROWN, 8);
    *out = (pvm_remote_emitted_t){.region = {.base = (uint8_t *)(uintptr_t)MEMBER(BASE, 8),
                                             .bytes = (size_t)MEMBER(REGION_BYTES, 8)},
                                  .body_at = (uint32_t)MEMBER(BODY_AT, 4),
                                  .code_len = (uint32_t)MEMBER(CODE_LEN, 4),
                                  .tail_count = (uint32_t)MEMBER(TAIL_COUNT, 4),
                                  .stretch_count = (uint32_t)MEMBER(STRETCH_COUNT, 4),
                                  .length_count = (uint32_t)MEMBER(LENGTH_COUNT, 4)};
    if (out->stretch_count > STRETCHES_MAX) {
        return -1;
    }
    uint8_t *const stretches = read_array(pid, MEMBER(STRETCHES, 8), out->stretch_count, each);
    out->lengths = read_array(pid, MEMBER(LENGTHS, 8), out->length_count, 1);
    out->stretches = calloc(out->stretch_count + (size_t)1, sizeof(*out->stretches));
    for (uint32_t i = 0; i < out->stretch_count && stretches != NULL && out->stretches != NULL;
         i++) {
        const uint8_t *const at = stretches + (size_t)i * each;
        out->stretches[i] = (pvm_stretch_t){
            .pc = (uint32_t)member(published, at, PVM_PUBLISHED_STRETCH_PC, 4),
            .host = (uint32_t)member(published, at, PVM_PUBLISHED_STRETCH_HOST, 4),
            .lengths = (uint32_t)member(published, at, PVM_PUBLISHED_STRETCH_LENGTHS, 4)};
    }
    const bool is_whole = stretches != NULL && out->lengths != NULL && out->stretches != NULL &&
                          read_tails(pid, published, MEMBER(TAILS, 8), out) == 0 && is_sound(out);
    free(stretches);
    if (!is_whole) {
        free_emitted(out, 1);
    }
    return is_whole ? 0 : -1;
#undef MEMBER
}

/* A variant's code, and the one whose place it took, in which machines may still be. @return how many were read */
static uint32_t read_variant(pid_t pid, const pvm_published_t *published, uint64_t address,
                             pvm_remote_emitted_t *out)
{
    uint32_t count = 0;

    for (int i = 0; i < 2 && address != 0; i++) {
        uint64_t outgrown = 0;
        count += read_code(pid, published, address, &out[count], &outgrown) == 0;
        address = outgrown;
    }
    return count;
}

int pvm_remote_emitted(pid_t pid, const pvm_published_t *published, pvm_remote_program_t *program)
{
    const uint32_t variants = published->offsets[PVM_PUBLISHED_EMITTED_VARIANTS];
    pvm_remote_emitted_t fresh[PVM_REMOTE_EMITTED_MAX];
    uint64_t places[PVM_REMOTE_VARIANTS_MAX];
    uint64_t serial = 0;
    uint32_t count = 0;

    if (pvm_remote_read(pid, program->address + published->offsets[PVM_PUBLISHED_PROGRAM_EMITTED],
                        places, variants * sizeof(places[0])) != 0) {
        return -1;
    }
    for (uint32_t i = 0; i < variants; i++) {
        count += read_variant(pid, published, places[i], &fresh[count]);
    }
    /* Still the same program: else what was read is somebody else's. */
    if (pvm_remote_read(pid, program->address + published->offsets[PVM_PUBLISHED_PROGRAM_SERIAL],
                        &serial, sizeof(serial)) != 0 ||
        serial != program->serial) {
        free_emitted(fresh, count);
        return -1;
    }
    free_emitted(program->emitted, program->emitted_count);
    memcpy(program->emitted, fresh, count * sizeof(fresh[0]));
    program->emitted_count = count;
    return 0;
}

void pvm_remote_program_free(pvm_remote_program_t *program)
{
    free_emitted(program->emitted, program->emitted_count);
    pvm_program_release(program->program);
}

/* -- Machines ------------------------------------------------------------------------------ */

static void read_call(const pvm_published_t *published, const uint8_t *there, pvm_remote_vm_t *out)
{
    const uint32_t *const offsets = published->offsets;
    const uint32_t entries = offsets[PVM_PUBLISHED_FLIGHT_ENTRIES];

    if (entries == 0 || out->host_seq == 0) {
        return;
    }
    const uint8_t *const entry =
        there + offsets[PVM_PUBLISHED_VM_FLIGHT] +
        (out->host_seq - 1) % entries * offsets[PVM_PUBLISHED_FLIGHT_BYTES];
    out->has_registers = member(published, there, PVM_PUBLISHED_VM_HAS_CALL_REGISTERS, 1) != 0;
    out->call_began_ns = member(published, there, PVM_PUBLISHED_VM_CALL_BEGAN_NS, 8);
    memcpy(out->call_registers, there + offsets[PVM_PUBLISHED_VM_CALL_REGISTERS],
           sizeof(out->call_registers));
    out->call_pc = (uint32_t)member(published, entry, PVM_PUBLISHED_FLIGHT_PC, 4);
    out->call_func_id = (int32_t)member(published, entry, PVM_PUBLISHED_FLIGHT_FUNC_ID, 4);
    out->call_gas = (int64_t)member(published, entry, PVM_PUBLISHED_FLIGHT_GAS, 8);
}

static int read_vms(pid_t pid, const pvm_remote_copy_t *copy, const pvm_published_t *published,
                    pvm_remote_vm_t **out)
{
    uint8_t there[STRUCT_BYTES_MAX];
    uint64_t address;
    int count = 0;
    int room = 0;

    *out = NULL;
    if (pvm_remote_read(pid, copy->published + offsetof(pvm_published_t, first_vm), &address,
                        sizeof(address)) != 0) {
        return -1;
    }
    for (uint32_t i = 0; address != 0 && i < LIST_MAX; i++) {
        if (pvm_remote_read(pid, address, there, published->offsets[PVM_PUBLISHED_VM_BYTES]) != 0) {
            return -1;
        }
        if (count == room) {
            room = room == 0 ? 16 : 2 * room;
            pvm_remote_vm_t *const more = realloc(*out, (size_t)room * sizeof(*more));
            if (more == NULL) {
                return -1;
            }
            *out = more;
        }
        pvm_remote_vm_t *const vm = &(*out)[count++];
        *vm = (pvm_remote_vm_t){
            .id = member(published, there, PVM_PUBLISHED_VM_ID, 8),
            .service = (uint32_t)member(published, there, PVM_PUBLISHED_VM_SERVICE, 4),
            .backend = (uint32_t)member(published, there, PVM_PUBLISHED_VM_BACKEND, 4),
            .parent_id = member(published, there, PVM_PUBLISHED_VM_PARENT_ID, 8),
            .program = member(published, there, PVM_PUBLISHED_VM_PROGRAM, 8),
            .host_seq = member(published, there, PVM_PUBLISHED_VM_HOST_SEQ, 8),
            .is_in_host = member(published, there, PVM_PUBLISHED_VM_HOST_PENDING, 1) != 0};
        if (vm->is_in_host) {
            read_call(published, there, vm);
        }
        address = member(published, there, PVM_PUBLISHED_VM_NEXT, 8);
    }
    return count;
}

int pvm_remote_vms(pid_t pid, const pvm_remote_copy_t *copy, const pvm_published_t *published,
                   pvm_remote_vm_t **out)
{
    for (int i = 0; i < TRIES; i++) {
        const uint64_t before = generation(pid, copy);
        const int count = (before & 1) != 0 ? -1 : read_vms(pid, copy, published, out);
        if (count >= 0 && generation(pid, copy) == before) {
            return count;
        }
        if ((before & 1) == 0) {
            free(*out);
        }
    }
    *out = NULL;
    return -1;
}
