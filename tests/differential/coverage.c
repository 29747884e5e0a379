/* Sums and tables of what random programs have executed. */
#include "coverage.h"

#include "isa/assemble.h"

#include <inttypes.h>
#include <stdio.h>

/** Instructions that make a program a long one; at least half of all must be (issue of the differential test). */
#define LONG_INSTRUCTIONS 100

static const char *const result_names[] = {
    [PVM_RESULT_OK] = "halt",     [PVM_RESULT_OOG] = "out of gas",
    [PVM_RESULT_PANIC] = "panic", [PVM_RESULT_HOST_CALL] = "host call",
    [PVM_RESULT_FAULT] = "fault", [PVM_RESULT_ERROR] = "error",
};

void diff_coverage_add(diff_coverage_t *coverage, const diff_program_t *program,
                       const diff_session_t *session)
{
    const pvm_isa_t isa = diff_program_isa(program);
    const uint32_t *const opcodes = diff_oracle_opcodes(session->oracle);
    const uint64_t instructions = diff_oracle_instructions(session->oracle);

    coverage->programs++;
    coverage->long_programs += instructions >= LONG_INSTRUCTIONS;
    coverage->instructions += instructions;
    coverage->invalid_programs += session->reference.counts.block_count == 1;
    for (uint32_t op = 0; op < PVM_OP_COUNT; op++) {
        coverage->opcodes[isa][op] += opcodes[op];
    }
    for (uint32_t i = 0; i < session->reference.event_count; i++) {
        const diff_event_t *const event = &session->reference.events[i];
        if (event->kind == DIFF_EVENT_HOST_CALL) {
            coverage->host_calls++;
        } else if (event->kind == DIFF_EVENT_EXIT) {
            /* Steps that go on are no exit. */
            coverage->exits[isa][event->result] += event->state != PVM_STATE_READY;
        }
    }
}

void diff_coverage_merge(diff_coverage_t *into, const diff_coverage_t *from)
{
    into->programs += from->programs;
    into->long_programs += from->long_programs;
    into->instructions += from->instructions;
    into->invalid_programs += from->invalid_programs;
    into->host_calls += from->host_calls;
    for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
        for (int i = 0; i <= PVM_RESULT_ERROR; i++) {
            into->exits[isa][i] += from->exits[isa][i];
        }
        for (int i = 0; i < PVM_OP_COUNT; i++) {
            into->opcodes[isa][i] += from->opcodes[isa][i];
        }
    }
}

static void print_head(const char *first)
{
    (void)printf("\n%-24s", first);
    for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
        (void)printf("%12s", pvm_isa_name((pvm_isa_t)isa));
    }
    (void)printf("\n");
}

void diff_coverage_print(const diff_coverage_t *coverage)
{
    print_head("exits");
    for (int i = 0; i <= PVM_RESULT_ERROR; i++) {
        (void)printf("%-24s", result_names[i]);
        for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
            (void)printf("%12" PRIu64, coverage->exits[isa][i]);
        }
        (void)printf("\n");
    }
    print_head("instructions executed");
    for (int op = 0; op < PVM_OP_COUNT; op++) {
        (void)printf("%-24s", pvm_isa_ops[op].name);
        for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
            if (pvm_isa_ops[op].number[isa] < 0) {
                (void)printf("%12s", "-");
            } else {
                (void)printf("%12" PRIu64, coverage->opcodes[isa][op]);
            }
        }
        (void)printf("\n");
    }
    (void)printf("\n%" PRIu64 " programs (%" PRIu64 " invalid), %" PRIu64
                 " of them with 100 instructions or more; %" PRIu64 " instructions, %" PRIu64
                 " host calls\n",
                 coverage->programs, coverage->invalid_programs, coverage->long_programs,
                 coverage->instructions, coverage->host_calls);
}

unsigned diff_coverage_judge(const diff_coverage_t *coverage, uint64_t least)
{
    unsigned complaints = 0;

    for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
        for (int op = 0; op < PVM_OP_COUNT; op++) {
            if (pvm_isa_ops[op].number[isa] >= 0 && coverage->opcodes[isa][op] < least) {
                (void)printf("coverage: %s was executed %" PRIu64
                             " times under %s, less than %" PRIu64 "\n",
                             pvm_isa_ops[op].name, coverage->opcodes[isa][op],
                             pvm_isa_name((pvm_isa_t)isa), least);
                complaints++;
            }
        }
        for (int i = 0; i <= PVM_RESULT_ERROR; i++) {
            if (coverage->exits[isa][i] < least) {
                (void)printf("coverage: exit \"%s\" happened %" PRIu64
                             " times under %s, less than %" PRIu64 "\n",
                             result_names[i], coverage->exits[isa][i], pvm_isa_name((pvm_isa_t)isa),
                             least);
                complaints++;
            }
        }
    }
    if (2 * coverage->long_programs < coverage->programs) {
        (void)printf("coverage: only %" PRIu64 " of %" PRIu64
                     " programs executed 100 instructions or more\n",
                     coverage->long_programs, coverage->programs);
        complaints++;
    }
    return complaints;
}
