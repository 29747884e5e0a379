/* The quick way, when a younger instruction takes units that an older one was to have later.
 *
 * Everything that begins up to that cycle stays as it is, since it cannot know of what comes after. All that
 * begins later is taken out of the calendar and placed again, the oldest first. Why this ends at the true
 * schedule: docs/gas.md. Spec: GP 0.8.0 A.9. */
#include "gas/pipeline.h"

#define BUFFER PVM_GAS_BUFFER_ENTRIES
/* Corrections allowed to a block, for each of its entries: keeps hostile code from costing more than a few times
 * what other code does. */
#define CORRECTIONS_PER_ENTRY 2
#define CORRECTIONS_FREE      64

static pvm_gas_entry_t *entry_of(pvm_gas_pipeline_t *pipeline, uint32_t number)
{
    return &pipeline->entries[number % BUFFER];
}

/* Number of the oldest entry that may not be retired. */
static uint32_t oldest_of(uint32_t number)
{
    return number > BUFFER ? number - BUFFER + 1 : 1;
}

/* Take out what begins after `start`. @return the set of them, a bit for each entry from `oldest` on */
static uint32_t take_out(pvm_gas_pipeline_t *pipeline, uint32_t oldest, uint32_t number,
                         uint32_t start, uint32_t out_already)
{
    uint32_t taken = out_already;

    for (uint32_t n = oldest; n < number; n++) {
        const pvm_gas_entry_t *const entry = entry_of(pipeline, n);
        const uint32_t bit = UINT32_C(1) << (n - oldest);

        if ((taken & bit) == 0 && entry->start > start) {
            pvm_gas_calendar_release(&pipeline->calendar, entry->start, entry->cycles,
                                     entry->units);
            taken |= bit;
        }
    }
    return taken;
}

/* A result as it is now: its writer may just have been placed again. What has left the buffer cannot be. */
static uint64_t refresh(pvm_gas_pipeline_t *pipeline, uint64_t result, uint32_t oldest)
{
    const uint32_t writer = (uint32_t)(result >> 32);

    if (writer < oldest) {
        return result;
    }
    const pvm_gas_entry_t *const entry = entry_of(pipeline, writer);
    return (uint64_t)writer << 32 | (entry->start + entry->cycles);
}

static uint32_t ready_of(pvm_gas_pipeline_t *pipeline, const pvm_gas_entry_t *entry,
                         uint32_t oldest)
{
    const uint32_t finish_a = (uint32_t)refresh(pipeline, entry->source_a, oldest);
    const uint32_t finish_b = (uint32_t)refresh(pipeline, entry->source_b, oldest);
    const uint32_t finish = finish_a > finish_b ? finish_a : finish_b;

    return finish > entry->decoded ? finish : entry->decoded;
}

/* What follows from where entries begin, of which `first` is the oldest that was placed again: results of registers,
 * retirement, the latest finish. Sources are brought up
 * to date as well, because their writers may have left the buffer when they are looked at again. */
static void derive(pvm_gas_pipeline_t *pipeline, uint32_t oldest, uint32_t first, uint32_t number)
{
    uint32_t finish = first > oldest ? entry_of(pipeline, first - 1)->retire - 2 : 0;

    for (int i = 0; i < 16; i++) {
        pipeline->results[i] = refresh(pipeline, pipeline->results[i], oldest);
    }
    for (uint32_t n = first; n <= number; n++) {
        pvm_gas_entry_t *const entry = entry_of(pipeline, n);
        entry->source_a = refresh(pipeline, entry->source_a, oldest);
        entry->source_b = refresh(pipeline, entry->source_b, oldest);
        finish = entry->start + entry->cycles > finish ? entry->start + entry->cycles : finish;
        entry->retire = finish + 2;
    }
    pipeline->finish = finish;
}

bool pvm_gas_pipeline_correct(pvm_gas_pipeline_t *pipeline, uint32_t number)
{
    pvm_gas_calendar_t *const calendar = &pipeline->calendar;
    const uint32_t oldest = oldest_of(number);
    const pvm_gas_entry_t *const latest = entry_of(pipeline, number);
    uint32_t out = take_out(pipeline, oldest, number, latest->start, 0);
    uint32_t moved = out;

    if (!pvm_gas_calendar_hold(calendar, latest->start, latest->cycles, latest->units)) {
        return false;
    }
    while (out != 0) {
        pvm_gas_entry_t *const entry = entry_of(pipeline, oldest + (uint32_t)__builtin_ctz(out));

        if (pipeline->corrections++ > CORRECTIONS_FREE + CORRECTIONS_PER_ENTRY * number) {
            return false;
        }
        entry->start =
            pvm_gas_calendar_find(calendar, ready_of(pipeline, entry, oldest), entry->units);
        out &= out - 1;
        if (!pvm_gas_calendar_hold(calendar, entry->start, entry->cycles, entry->units)) {
            out = take_out(pipeline, oldest, number, entry->start, out);
            moved |= out;
            if (!pvm_gas_calendar_hold(calendar, entry->start, entry->cycles, entry->units)) {
                return false;
            }
        }
    }
    derive(pipeline, oldest, oldest + (uint32_t)__builtin_ctz(moved), number);
    return true;
}
