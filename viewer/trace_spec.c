/* The spec of a trace: nothing in the file names it, so the one is taken that reproduces the first figures. */
#include "viewer/program_file.h"
#include "viewer/trace_player.h"

#include "program/readers.h"

static pvm_host_result_t stop_at_first(pvm_vm_t *vm, int func_id, void *user_data)
{
    (void)vm;
    (void)func_id;
    (void)user_data;
    return PVM_HOST_YIELD;
}

/** How well a program reproduces the first figures: 3 pc and gas, 2 gas, 1 pc, 0 neither. */
static int score(const pvm_ecalli_trace_t *trace, pvm_program_t *program)
{
    const pvm_ecalli_state_t *first =
        trace->entry_count > 0 ? &trace->entries[0].state : &trace->end.state;
    pvm_player_t player = {.trace = trace, .program = program};
    pvm_vm_t *vm;
    int points = 0;

    if (pvm_program_error(program) != NULL || trace->start.gas > INT64_MAX) {
        return 0;
    }
    vm = pvm_instantiate(program, PVM_BACKEND_DEFAULT, 0, trace->start.gas);
    if (vm == NULL) {
        return 0;
    }
    if (pvm_player_start(&player, vm) == 0) {
        pvm_set_host_callback(vm, stop_at_first, NULL);
        pvm_execute(vm, trace->start.pc);
        points = (pvm_get_pc(vm) == first->pc ? 1 : 0) +
                 (pvm_get_gas(vm) == (int64_t)first->gas ? 2 : 0);
    }
    pvm_destroy(vm);
    return points;
}

/** Try all specs. @return the program of the best one, the first of equals, or NULL */
static pvm_program_t *probe(const pvm_ecalli_trace_t *trace)
{
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_0_8_0, PVM_SPEC_LATEST64};
    pvm_program_t *best = NULL;
    int best_points = -1;

    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]) && best_points < 3; i++) {
        pvm_program_t *program =
            pvm_program_load(trace->program, trace->program_len, PVM_FORMAT_AUTO, specs[i]);
        const int points = program != NULL ? score(trace, program) : -1;

        if (points > best_points) {
            pvm_program_release(best);
            best = program;
            best_points = points;
        } else {
            pvm_program_release(program);
        }
    }
    return best;
}

pvm_view_status_t pvm_player_load_program(pvm_view_t *view, const pvm_ecalli_trace_t *trace,
                                          pvm_program_t **out_program, bool *out_guessed)
{
    const uint64_t choice = pvm_view_number(view, PVM_OPTION_SPEC);
    const bool says_itself =
        pvm_program_detect(trace->program, trace->program_len) == PVM_FILE_POLKAVM;

    *out_guessed = choice == PVM_CHOICE_SPEC_AUTO && !says_itself;
    if (*out_guessed) {
        *out_program = probe(trace);
    } else {
        *out_program = pvm_program_load(trace->program, trace->program_len, PVM_FORMAT_AUTO,
                                        pvm_view_spec_of_choice(choice));
    }
    if (*out_program == NULL) {
        return pvm_view_fail(view, PVM_VIEW_INPUT, "%s:%zu: program: %s", trace->name,
                             trace->program_line, pvm_last_error());
    }
    return PVM_VIEW_FINE;
}
