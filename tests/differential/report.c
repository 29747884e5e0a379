/* Making failing programs small, and printing them.
 *
 * Each attempt runs in a child process: what fails may well be a crash. Instructions are not removed but replaced, by
 * moves to themselves or by fallthrough, so that all places stay where they are and blocks stay blocks. */
#include "report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/** A run that takes longer than this hangs. */
#define TRY_SECONDS 20

static void check_in_child(const diff_program_t *program, volatile uint32_t *shared_at)
{
    diff_session_t session;

    (void)alarm(TRY_SECONDS);
    if (diff_session_begin(&session) != 0) {
        _exit(2);
    }
    session.shared_at = shared_at;
    _exit(diff_check(&session, program) < 0 ? 0 : 1);
}

diff_outcome_t diff_try(const diff_program_t *program)
{
    volatile uint32_t *const shared =
        mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    diff_outcome_t outcome = {.verdict = DIFF_VERDICT_SAME};
    int status = 0;

    if (shared == MAP_FAILED) {
        return outcome;
    }
    (void)fflush(NULL);
    const pid_t child = fork();
    if (child == 0) {
        check_in_child(program, shared);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        status = 0;
    }
    outcome.variant = *shared;
    (void)munmap((void *)(uintptr_t)shared, sizeof(*shared));
    if (WIFSIGNALED(status)) {
        outcome.verdict = DIFF_VERDICT_CRASHES;
        outcome.signal = WTERMSIG(status);
    } else if (WEXITSTATUS(status) != 0) {
        outcome.verdict = DIFF_VERDICT_DIFFERS;
    }
    return outcome;
}

/* -- Minimizing ---------------------------------------------------------------------------- */

typedef struct {
    diff_program_t *program;
    diff_program_t *attempt;
    diff_outcome_t outcome;
} minimizer_t;

/* Keep the attempt if it still fails in the same way. */
static bool keep(minimizer_t *m)
{
    if (memcmp(m->attempt, m->program, sizeof(*m->program)) == 0) {
        return false;
    }
    const diff_outcome_t now = diff_try(m->attempt);
    if (now.verdict != m->outcome.verdict || now.variant != m->outcome.variant ||
        now.signal != m->outcome.signal) {
        memcpy(m->attempt, m->program, sizeof(*m->program));
        return false;
    }
    memcpy(m->program, m->attempt, sizeof(*m->program));
    return true;
}

static bool mask_at(const diff_program_t *program, uint32_t pc)
{
    return ((program->mask[pc / 8] >> pc % 8) & 1) != 0;
}

/* The instruction at pc becomes one that does nothing and is as long. */
static void blank(diff_program_t *program, uint32_t pc)
{
    const pvm_isa_t isa = diff_program_isa(program);
    const pvm_op_t op = pvm_isa_op(isa, program->code[pc]);
    uint32_t end = pc + 1;

    while (end < program->code_len && !mask_at(program, end)) {
        end++;
    }
    const bool ends_block = op == PVM_OP_INVALID || pvm_isa_is_terminator(op);
    if (!ends_block && end - pc < 2) {
        return;
    }
    memset(program->code + pc, 0, end - pc);
    program->code[pc] =
        (uint8_t)pvm_isa_ops[ends_block ? PVM_OP_fallthrough : PVM_OP_move_reg].number[isa];
}

static bool blank_instructions(minimizer_t *m)
{
    bool changed = false;

    for (uint32_t pc = m->program->code_len; pc-- > 0;) {
        if (mask_at(m->program, pc)) {
            blank(m->attempt, pc);
            changed = keep(m) || changed;
        }
    }
    return changed;
}

/* The whole tail at once, which is what most programs do not need. */
static void cut_code(minimizer_t *m)
{
    for (uint32_t len = m->program->code_len / 2; len > 0; len /= 2) {
        while (len < m->program->code_len) {
            m->attempt->code_len -= len;
            /* 0.8.0 wants a terminator at the end, so a trap of one octet takes the last place. */
            const uint32_t last = m->attempt->code_len - 1;
            m->attempt->code[last] = 0;
            m->attempt->mask[last / 8] = (uint8_t)(m->attempt->mask[last / 8] | 1U << last % 8);
            if (!keep(m)) {
                break;
            }
        }
    }
}

static void simplify_surroundings(minimizer_t *m)
{
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        m->attempt->registers[i] = 0;
        (void)keep(m);
    }
    for (uint32_t i = m->program->region_count; i-- > 1;) {
        memmove(&m->attempt->regions[i], &m->attempt->regions[i + 1],
                (DIFF_REGIONS_MAX - 1 - i) * sizeof(m->attempt->regions[0]));
        m->attempt->region_count--;
        (void)keep(m);
    }
    while (m->program->jump_table_len > 0) {
        m->attempt->jump_table_len--;
        if (!keep(m)) {
            break;
        }
    }
    m->attempt->entry = 0;
    (void)keep(m);
    m->attempt->has_heap = false;
    (void)keep(m);
    m->attempt->has_callback = false;
    (void)keep(m);
    for (int64_t step = m->program->gas / 2; step > 0; step /= 2) {
        while (m->program->gas > step) {
            m->attempt->gas -= step;
            if (!keep(m)) {
                break;
            }
        }
    }
}

void diff_minimize(diff_program_t *program, diff_outcome_t outcome)
{
    diff_program_t *const attempt = malloc(sizeof(*attempt));
    minimizer_t m = {.program = program, .attempt = attempt, .outcome = outcome};

    if (attempt == NULL) {
        return;
    }
    memcpy(attempt, program, sizeof(*attempt));
    cut_code(&m);
    for (int round = 0; round < 3 && blank_instructions(&m); round++) {
    }
    while (program->exits > 0) {
        attempt->exits--;
        if (!keep(&m)) {
            break;
        }
    }
    simplify_surroundings(&m);
    (void)blank_instructions(&m);
    cut_code(&m);
    free(attempt);
}

/* -- Printing ------------------------------------------------------------------------------ */

/** Events that are printed before the first one that differs. */
#define EVENTS_BEFORE 4

static void print_event(const diff_log_t *log, uint32_t index)
{
    static const char *const kinds[] = {"call", "exit", "nested"};

    if (index >= log->event_count) {
        return;
    }
    const diff_event_t *const event = &log->events[index];
    (void)printf("#   %2" PRIu32 " %-6s result %" PRId32 " state %u pc %" PRIu32 " gas %" PRId64
                 " charged %u fault %" PRIx32 " r",
                 index, kinds[event->kind % 3], event->result, event->state, event->pc, event->gas,
                 event->charged, event->fault);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        (void)printf(" %" PRIx64, event->registers[i]);
    }
    (void)printf("\n");
}

/* The way to the first event that differs, and that one as it should be and as it is. */
static void print_events(const diff_log_t *expected, const diff_log_t *got)
{
    uint32_t first = 0;

    while (first < expected->event_count && first < got->event_count &&
           memcmp(&expected->events[first], &got->events[first], sizeof(got->events[0])) == 0) {
        first++;
    }
    for (uint32_t i = first < EVENTS_BEFORE ? 0 : first - EVENTS_BEFORE; i < first; i++) {
        print_event(got, i);
    }
    (void)printf("# expected:\n");
    print_event(expected, first);
    (void)printf("# got:\n");
    print_event(got, first);
}

void diff_report(const diff_program_t *program, diff_outcome_t outcome)
{
    diff_session_t session;
    char text[400];

    diff_program_write(program, stdout);
    if (outcome.verdict == DIFF_VERDICT_CRASHES) {
        (void)printf("# %s: ended by signal %d (%s)\n", diff_variants[outcome.variant].name,
                     outcome.signal, strsignal(outcome.signal));
        return;
    }
    if (diff_session_begin(&session) != 0) {
        return;
    }
    const int found = diff_check(&session, program);
    if (found >= 0 && diff_describe(&session.reference, &session.other, text, sizeof(text))) {
        (void)printf("# %s: %s\n", diff_variants[found].name, text);
        print_events(&session.reference, &session.other);
    } else {
        (void)printf("# %s: refused: %s\n",
                     diff_variants[found < 0 ? outcome.variant : (uint32_t)found].name,
                     pvm_last_error());
    }
    diff_session_end(&session);
}
