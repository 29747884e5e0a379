/* Samples of a watched VM: the engine's counts, which only grow, into rows; and the time that they are shares of.
 *
 * That time is what passes between the events that frame guest code: without host callbacks, and without the recorder. It is of
 * all code, also where only a part is selected, so samples outside of the selected code keep a place: one for all of them. */
#include "events/filter.h"
#include "profiler/watch.h"
#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>

/** Stand for the engine, and for all code that is not selected, in `pc`. */
#define ENGINE_PC     (-1)
#define UNSELECTED_PC (-2)

/* -- Guest time ----------------------------------------------------------------------------- */

void pvm_prof_guest_begins(pvm_prof_watch_t *watch)
{
    if (watch->samples.is_sampled) {
        watch->samples.guest_began_ns = pvm_prof_now_ns();
    }
}

void pvm_prof_guest_ends(pvm_prof_watch_t *watch, uint64_t now_ns)
{
    pvm_prof_samples_t *const samples = &watch->samples;

    if (samples->guest_began_ns != 0) {
        samples->guest_ns += now_ns - samples->guest_began_ns;
        samples->guest_began_ns = 0;
    }
}

/* -- Samples -------------------------------------------------------------------------------- */

static void store_place(const pvm_prof_watch_t *watch, int64_t pc, uint64_t count)
{
    const pvm_filter_state_t *const filter = watch->vm->filter;
    pvm_prof_program_t *const entry = watch->program;
    pvm_prof_run_file_t *const file = watch->recorder->file;
    uint32_t block =
        pc == ENGINE_PC ? PVM_BLOCK_NONE : pvm_program_block_at(entry->program, (uint32_t)pc);

    if (pc != ENGINE_PC && filter != NULL && !pvm_filter_has_block(filter, entry->program, block)) {
        pc = UNSELECTED_PC;
        block = PVM_BLOCK_NONE;
    }
    if (block != PVM_BLOCK_NONE) {
        pvm_prof_program_store_function(entry, file, entry->functions.of_block[block]);
    }
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_SAMPLE);
    if (row == NULL) {
        return;
    }
    sqlite3_bind_int64(row, 1, entry->id);
    sqlite3_bind_int64(row, 2, pc);
    sqlite3_bind_int64(row, 3, pvm_prof_program_block_pc(entry, block));
    if (block != PVM_BLOCK_NONE) {
        sqlite3_bind_int64(row, 4, entry->functions.of_block[block]);
    }
    sqlite3_bind_int64(row, 5, (int64_t)count);
    pvm_prof_store_step(file, PVM_PROF_STATEMENT_SAMPLE);
}

static void store_sums(const pvm_prof_watch_t *watch, uint64_t hz)
{
    const pvm_prof_samples_t *const samples = &watch->samples;
    pvm_prof_run_file_t *const file = watch->recorder->file;
    sqlite3_stmt *const row = pvm_prof_store_begin_row(file, PVM_PROF_STATEMENT_SAMPLE_TOTAL);

    if (row != NULL) {
        sqlite3_bind_int64(row, 1, watch->id);
        sqlite3_bind_int64(row, 2, (int64_t)hz);
        sqlite3_bind_int64(row, 3, (int64_t)samples->total.samples);
        sqlite3_bind_int64(row, 4, (int64_t)samples->total.missed);
        sqlite3_bind_int64(row, 5, (int64_t)samples->guest_ns);
        pvm_prof_store_step(file, PVM_PROF_STATEMENT_SAMPLE_TOTAL);
    }
}

/* Both are sorted by pc, and what was there stays there. */
static void store_more(pvm_prof_watch_t *watch, const pvm_sample_t *places, size_t count)
{
    const pvm_prof_samples_t *const samples = &watch->samples;
    size_t old = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t more = places[i].count;

        while (old < samples->count && samples->places[old].pc < places[i].pc) {
            old++;
        }
        if (old < samples->count && samples->places[old].pc == places[i].pc) {
            more -= samples->places[old].count;
        }
        if (more != 0) {
            store_place(watch, places[i].pc, more);
        }
    }
}

/* The last reading becomes this one; what is new is stored, unless this is where the recording begins. */
static void read_places(pvm_prof_watch_t *watch, const pvm_sample_sum_t *sum, bool is_baseline)
{
    pvm_prof_samples_t *const samples = &watch->samples;
    const size_t room = pvm_get_samples(watch->vm, NULL, 0);
    pvm_sample_t *const places = malloc((room + 1) * sizeof(*places));

    if (places == NULL) {
        pvm_prof_store_fail(watch->recorder->file, "no memory to read samples");
        return;
    }
    const size_t count = pvm_get_samples(watch->vm, places, room);
    if (sum->samples < samples->last.samples) {
        /* Somebody has cleared them. */
        samples->last = (pvm_sample_sum_t){0};
        samples->count = 0;
    }
    if (!is_baseline) {
        store_more(watch, places, count);
        if (sum->engine != samples->last.engine) {
            store_place(watch, ENGINE_PC, sum->engine - samples->last.engine);
        }
        samples->total.samples += sum->samples - samples->last.samples;
        samples->total.missed += sum->missed - samples->last.missed;
        watch->recorder->file->lost[PVM_PROF_LOST_SAMPLE] += sum->lost - samples->last.lost;
    }
    free(samples->places);
    samples->places = places;
    samples->count = count;
    samples->last = *sum;
}

void pvm_prof_samples_begin(pvm_prof_watch_t *watch)
{
    pvm_sample_sum_t sum;

    if ((watch->recorder->instrument & PVM_PROF_SAMPLES) != 0 &&
        pvm_get_sample_sum(watch->vm, &sum) == 0) {
        watch->samples.is_sampled = true;
        read_places(watch, &sum, true);
    }
}

void pvm_prof_samples_store(pvm_prof_watch_t *watch)
{
    pvm_sample_sum_t sum;

    if (!watch->samples.is_sampled || pvm_get_sample_sum(watch->vm, &sum) != 0) {
        return;
    }
    if (memcmp(&sum, &watch->samples.last, sizeof(sum)) != 0) {
        read_places(watch, &sum, false);
    }
    store_sums(watch, sum.hz);
}
