/* Events of programs: what they are, told again from time to time, and their translation. */
#include "events/events.h"
#include "program/convert.h"
#include "program/prices.h"

#include <string.h>

/** A reader who comes later, or whose buffers are overwritten, finds the program told again after this time. */
#define TELL_AGAIN_NS UINT64_C(5000000000)

static uint64_t hash_octets(uint64_t hash, const void *octets, size_t len)
{
    const uint8_t *const at = octets;

    /* FNV-1a. */
    for (size_t i = 0; i < len; i++) {
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    }
    return hash;
}

uint64_t pvm_events_program_hash(pvm_program_t *program)
{
    uint64_t hash = atomic_load_explicit(&program->hash, memory_order_relaxed);
    const uint8_t kind[2] = {(uint8_t)program->spec, (uint8_t)program->format};

    if (hash != 0) {
        return hash;
    }
    hash = hash_octets(UINT64_C(0xcbf29ce484222325), kind, sizeof(kind));
    if (program->blob != NULL) {
        hash = hash_octets(hash, program->blob, program->blob_len);
    } else {
        hash = hash_octets(hash, program->code.octets, program->code.len);
        hash = hash_octets(hash, program->code.mask, ((size_t)program->code.len + 7) / 8);
        hash = hash_octets(hash, program->jump_table,
                           program->jump_table_len * sizeof(*program->jump_table));
    }
    hash += hash == 0;
    atomic_store_explicit(&program->hash, hash, memory_order_relaxed);
    return hash;
}

void pvm_events_program_name(const pvm_program_t *program, char out[PVM_EVENTS_NAME_BYTES])
{
    pvm_metadata_t metadata;

    out[0] = '\0';
    if (program->metadata != NULL) {
        pvm_program_decode_metadata(program->metadata, program->metadata_len, &metadata);
        const size_t len = metadata.name.len < PVM_EVENTS_NAME_BYTES - 1
                               ? metadata.name.len
                               : PVM_EVENTS_NAME_BYTES - 1;
        if (len > 0) {
            memcpy(out, metadata.name.data, len);
            out[len] = '\0';
        }
    }
}

static void tell_data(pvm_program_t *program, uint64_t hash, const uint8_t *data, size_t len)
{
    for (size_t offset = 0; offset < len; offset += PVM_EVENTS_PIECE_BYTES) {
        const size_t rest = len - offset;
        const pvm_event_program_data_t piece = {

            .program = hash,
            .offset = offset,
            .data = data + offset,
            .data_len = (uint32_t)(rest < PVM_EVENTS_PIECE_BYTES ? rest : PVM_EVENTS_PIECE_BYTES)};
        pvm_events_tell_program_data(&piece);
    }
    (void)program;
}

static void tell_blocks(const pvm_program_t *program, uint64_t hash)
{
    uint32_t pc[PVM_EVENTS_PIECE_COUNTS];
    uint32_t gas[PVM_EVENTS_PIECE_COUNTS];

    pvm_program_price_all(program);
    for (uint32_t first = 0; first < program->block_count; first += PVM_EVENTS_PIECE_COUNTS) {
        const uint32_t rest = program->block_count - first;
        const uint32_t count = rest < PVM_EVENTS_PIECE_COUNTS ? rest : PVM_EVENTS_PIECE_COUNTS;
        for (uint32_t i = 0; i < count; i++) {
            pc[i] = program->blocks[first + i].pc;
            gas[i] = pvm_program_block_gas(program, first + i);
        }
        const pvm_event_program_blocks_t piece = {.program = hash,
                                                  .first = first,
                                                  .pc = pc,
                                                  .pc_len = count,
                                                  .gas = gas,
                                                  .gas_len = count};
        pvm_events_tell_program_blocks(&piece);
    }
}

static void tell_program(pvm_program_t *program)
{
    const uint64_t hash = pvm_events_program_hash(program);
    char name[PVM_EVENTS_NAME_BYTES];
    pvm_buffer_t made = {0};
    const uint8_t *data = program->blob;
    size_t len = program->blob_len;

    if (data == NULL) {
        pvm_convert_write_parts(program, &made);
        data = made.data;
        len = made.failed ? 0 : made.len;
    }
    pvm_events_program_name(program, name);
    const pvm_event_program_load_t load = {.process = pvm_events_process(),
                                           .program = hash,
                                           .name = name,
                                           .spec = (uint8_t)program->spec,
                                           .format = (uint8_t)program->format,
                                           .code_bytes = program->code.len,
                                           .blocks = program->block_count,
                                           .data_bytes = len};
    pvm_events_tell_program_load(&load);
    if (PVM_EVENTS_WANTED(program_data)) {
        tell_data(program, hash, data, len);
    }
    if (PVM_EVENTS_WANTED(program_blocks)) {
        tell_blocks(program, hash);
    }
    pvm_buffer_free(&made);
}

void pvm_events_program(pvm_program_t *program)
{
    if (!PVM_EVENTS_WANTED(program_load)) {
        return;
    }
    const uint64_t now_ns = pvm_events_now_ns();
    uint64_t told_ns = atomic_load_explicit(&program->told_ns, memory_order_acquire);

    if (told_ns <= pvm_events_sink_since_ns()) {
        /* Nobody runs it before whoever listens has heard of it, so of several threads at once each tells. */
        tell_program(program);
        atomic_store_explicit(&program->told_ns, now_ns, memory_order_release);
    } else if (now_ns - told_ns > TELL_AGAIN_NS &&
               atomic_compare_exchange_strong(&program->told_ns, &told_ns, now_ns)) {
        tell_program(program);
    }
}

uint64_t pvm_events_compile_begin(pvm_program_t *program, pvm_backend_t backend)
{
    if (!PVM_EVENTS_WANTED(compile_begin) && !PVM_EVENTS_WANTED(compile_end)) {
        return 0;
    }
    const pvm_event_compile_begin_t record = {.process = pvm_events_process(),
                                              .program = pvm_events_program_hash(program),
                                              .backend = (uint8_t)backend,
                                              .code_bytes = program->code.len};
    if (PVM_EVENTS_WANTED(compile_begin)) {
        pvm_events_tell_compile_begin(&record);
    }
    return pvm_events_now_ns();
}

void pvm_events_compile_end(pvm_program_t *program, pvm_backend_t backend, uint64_t began_ns,
                            uint64_t host_bytes)
{
    if (began_ns == 0) {
        return;
    }
    const pvm_event_compile_end_t record = {.process = pvm_events_process(),
                                            .program = pvm_events_program_hash(program),
                                            .backend = (uint8_t)backend,
                                            .code_bytes = program->code.len,
                                            .host_bytes = host_bytes,
                                            .duration_ns = pvm_events_now_ns() - began_ns};
    if (PVM_EVENTS_WANTED(compile_end)) {
        pvm_events_tell_compile_end(&record);
    }
}
