/* Names for what `top` shows: programs, functions, processes. */
#include "events/events.h"
#include "viewer/top/state.h"

#include <pvm/trace.h>
#include <stdio.h>
#include <stdlib.h>

const top_program_t *pvm_top_program(pvm_top_t *top, uint64_t hash)
{
    const pvm_remote_program_t *found = NULL;

    for (size_t i = 0; i < top->program_count; i++) {
        if (top->programs[i].hash == hash) {
            return &top->programs[i];
        }
    }
    for (size_t i = 0; i < top->images.count; i++) {
        for (size_t p = 0; p < top->images.list[i].program_count && found == NULL; p++) {
            const pvm_remote_program_t *const program = &top->images.list[i].programs[p];
            found = program->hash == hash ? program : NULL;
        }
    }
    top_program_t *const programs =
        found == NULL ? NULL : realloc(top->programs, (top->program_count + 1) * sizeof(*programs));
    if (programs == NULL) {
        return NULL;
    }
    top->programs = programs;
    top_program_t *const made = &programs[top->program_count];
    *made = (top_program_t){.hash = hash, .program = found->program};
    if (pvm_prof_functions_find(found->program, &made->functions) != 0) {
        return NULL;
    }
    pvm_program_acquire(made->program);
    pvm_events_program_name(made->program, made->name);
    if (made->name[0] == '\0') {
        (void)snprintf(made->name, sizeof(made->name), "program-%08llx",
                       (unsigned long long)(hash >> 32));
    }
    top->program_count++;
    return made;
}

const char *pvm_top_function(const top_program_t *program, uint32_t pc)
{
    if (program == NULL) {
        return "?";
    }
    return program->functions
        .list[program->functions.of_block[pvm_program_block_at(program->program, pc)]]
        .name;
}

const char *pvm_top_process(const pvm_top_t *top, uint32_t process)
{
    size_t count;
    const pvm_attach_process_t *const processes = pvm_attach_processes(top->attach, &count);

    for (size_t i = count; i > 0; i--) {
        if ((uint32_t)processes[i - 1].pid == process) {
            return processes[i - 1].name;
        }
    }
    return "?";
}

uint64_t pvm_top_samples(const pvm_top_t *top, const pvm_samples_t *samples, uint64_t elsewhere)
{
    const pvm_sample_sums_t *const sums = &samples->sums;
    const uint64_t all = sums->guest + sums->engine + sums->host + sums->unknown + elsewhere;

    (void)top;
    return all > 0 ? all : 1;
}
