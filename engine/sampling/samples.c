/* What the samples of a machine are counted in, and the questions to it. */
#include "sampling/samples.h"

#include "events/events.h"
#include "recompiler/recompiler.h"
#include "support/error.h"
#include "vm/calls.h"

#include <stdlib.h>
#include <string.h>

#define HZ_DEFAULT 99

pvm_samples_t *pvm_samples_create(const pvm_program_t *program, uint32_t hz)
{
    pvm_samples_t *const samples = calloc(1, sizeof(*samples));

    if (samples != NULL) {
        samples->sum.hz = samples->sum_told.hz = hz != 0 ? hz : HZ_DEFAULT;
        samples->places = program->code.len + 1;
        samples->at = calloc(2 * (size_t)samples->places, sizeof(*samples->at));
        samples->told = samples->at + samples->places;
    }
    if (samples == NULL || samples->at == NULL) {
        free(samples);
        pvm_error_set("no memory for the samples of %u octets of code", program->code.len);
        return NULL;
    }
    return samples;
}

void pvm_samples_destroy(pvm_samples_t *samples)
{
    if (samples != NULL) {
        free(samples->at);
        free(samples);
    }
}

/* -- Taking them: in the signal handler ----------------------------------------------------- */

/* Code switches the context before it leaves its caller: at the jump itself it is still the caller's. */
static void count_context(const pvm_vm_t *vm, const void *context, bool is_emitted, uint32_t pc)
{
    pvm_context_t *at = is_emitted ? pvm_recompiler_interrupted_in(context) : vm->calls->current;

    if (at != NULL && is_emitted && at->site == pc && at->parent != NULL) {
        at = at->parent;
    }
    if (at != NULL) {
        at->samples++;
    }
}

void pvm_samples_take(pvm_vm_t *vm, const void *context, unsigned missed)
{
    pvm_samples_t *const samples = vm->samples;
    uint32_t pc = 0;
    const bool is_emitted = pvm_recompiler_interrupted_at(vm, context, &pc);

    samples->sum.samples++;
    samples->sum.missed += missed;
    if (!is_emitted) {
        if (vm->state == PVM_STATE_HOST || vm->place != PVM_PLACE_PC) {
            samples->sum.engine++;
            return;
        }
        pc = vm->pc;
    }
    pc = pc < samples->places ? pc : samples->places - 1;
    samples->at[pc]++;
    if (samples->fresh_count < PVM_SAMPLES_FRESH) {
        samples->fresh[samples->fresh_count] = pc;
    }
    samples->fresh_count++;
    if (vm->calls != NULL) {
        count_context(vm, context, is_emitted, pc);
    }
}

/* -- Telling them as events ---------------------------------------------------------------- */

typedef struct {
    uint32_t count;
    uint32_t pcs[PVM_EVENTS_PIECE_COUNTS];
    uint64_t counts[PVM_EVENTS_PIECE_COUNTS];
} piece_t;

/* The sums go with the first piece. */
static void tell_piece(pvm_vm_t *vm, piece_t *piece)
{
    pvm_samples_t *const samples = vm->samples;
    const pvm_event_samples_t record = {
        .vm = pvm_events_name(vm->id),
        .service = vm->service,
        .hz = (uint32_t)samples->sum.hz,
        .engine = samples->sum.engine - samples->sum_told.engine,
        .lost = samples->sum.lost - samples->sum_told.lost,
        .missed = samples->sum.missed - samples->sum_told.missed,
        .pcs = piece->pcs,
        .pcs_len = piece->count,
        .counts = piece->counts,
        .counts_len = piece->count,
    };

    pvm_events_tell_samples(&record);
    samples->sum_told = samples->sum;
    piece->count = 0;
}

static void add_place(pvm_vm_t *vm, piece_t *piece, uint32_t pc)
{
    pvm_samples_t *const samples = vm->samples;
    const uint32_t more = samples->at[pc] - samples->told[pc];

    if (more == 0) {
        return;
    }
    samples->told[pc] = samples->at[pc];
    piece->pcs[piece->count] = pc;
    piece->counts[piece->count] = more;
    if (++piece->count == PVM_EVENTS_PIECE_COUNTS) {
        tell_piece(vm, piece);
    }
}

void pvm_samples_tell(pvm_vm_t *vm)
{
    pvm_samples_t *const samples = vm->samples;
    piece_t piece = {.count = 0};

    if (samples == NULL || memcmp(&samples->sum, &samples->sum_told, sizeof(samples->sum)) == 0 ||
        !PVM_EVENTS_WANTED_OF(vm, samples)) {
        return;
    }
    if (samples->fresh_count <= PVM_SAMPLES_FRESH) {
        for (uint32_t i = 0; i < samples->fresh_count; i++) {
            add_place(vm, &piece, samples->fresh[i]);
        }
    } else {
        for (uint32_t pc = 0; pc < samples->places; pc++) {
            add_place(vm, &piece, pc);
        }
    }
    samples->fresh_count = 0;
    if (piece.count > 0 || memcmp(&samples->sum, &samples->sum_told, sizeof(samples->sum)) != 0) {
        tell_piece(vm, &piece);
    }
}

/* -- Questions ----------------------------------------------------------------------------- */

int pvm_set_sample_rate(pvm_vm_t *vm, uint32_t hz)
{
    if (vm == NULL || (vm->running && !vm->host_pending)) {
        return pvm_error_set("pvm_set_sample_rate: no VM, or it is running outside of a host call");
    }
    if (hz == 0 || hz > PVM_SAMPLE_HZ_MAX) {
        return pvm_error_set("pvm_set_sample_rate: %u Hz; give 1 to %d", hz, PVM_SAMPLE_HZ_MAX);
    }
    vm->sample_hz = hz;
    if (vm->samples != NULL) {
        vm->samples->sum.hz = vm->samples->sum_told.hz = hz;
    }
    return 0;
}

int pvm_get_sample_sum(pvm_vm_t *vm, pvm_sample_sum_t *out)
{
    if (vm == NULL || out == NULL || vm->samples == NULL) {
        return pvm_error_set("pvm_get_sample_sum: an argument is NULL, or the VM is not sampled");
    }
    *out = vm->samples->sum;
    return 0;
}

size_t pvm_get_samples(pvm_vm_t *vm, pvm_sample_t *out, size_t max)
{
    size_t count = 0;

    if (vm == NULL || vm->samples == NULL || (out == NULL && max > 0)) {
        pvm_error_set("pvm_get_samples: no VM, it is not sampled, or no room");
        return 0;
    }
    for (uint32_t pc = 0; pc < vm->samples->places; pc++) {
        if (vm->samples->at[pc] == 0) {
            continue;
        }
        if (count < max) {
            out[count] = (pvm_sample_t){.pc = pc, .count = vm->samples->at[pc]};
        }
        count++;
    }
    return count;
}

int pvm_clear_samples(pvm_vm_t *vm)
{
    if (vm == NULL || vm->samples == NULL || vm->running) {
        return pvm_error_set("pvm_clear_samples: the VM is not sampled, or is running");
    }
    pvm_samples_t *const samples = vm->samples;
    pvm_samples_tell(vm);
    memset(samples->at, 0, 2 * (size_t)samples->places * sizeof(*samples->at));
    samples->sum = samples->sum_told = (pvm_sample_sum_t){.hz = samples->sum.hz};
    samples->fresh_count = 0;
    return 0;
}
