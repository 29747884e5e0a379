/* pvmscope lockstep: single steps of the interpreter and a backend side by side, until they differ. */
#include "viewer/command.h"
#include "viewer/host_code.h"
#include "viewer/job.h"
#include "viewer/lockstep.h"
#include "viewer/render.h"
#include "viewer/rows.h"

#include "isa/assemble.h"
#include "vm/vm.h"

#include <inttypes.h>
#include <stdio.h>

#define COLUMN(id, header, unit, kind) {id, header, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}
#define COLUMNS(list)                  (list), sizeof(list) / sizeof((list)[0])

static const pvm_prof_column_t summary_columns[] = {
    COLUMN("program", "program", "", TEXT),
    COLUMN("spec", "spec", "", TEXT),
    COLUMN("backend", "backend", "", TEXT),
    COLUMN("every", "compared every", "", TEXT),
    COLUMN("answer", "answer", "", TEXT),
    COLUMN("result", "result", "", TEXT),
    COLUMN("blocks", "blocks", "", INT),
    COLUMN("instructions", "instructions", "", INT),
    COLUMN("host_calls", "host calls", "", INT),
    COLUMN("memory_compares", "memory compared", "times", INT),
};

static const pvm_prof_column_t difference_columns[] = {
    COLUMN("what", "what", "", TEXT),
    COLUMN("expected", "single steps", "", TEXT),
    COLUMN("got", "backend", "", TEXT),
    COLUMN("pc", "written at", "", PC),
};

static const pvm_prof_column_t register_columns[] = {
    COLUMN("register", "register", "", TEXT),
    COLUMN("expected", "single steps", "", REGISTER),
    COLUMN("got", "backend", "", REGISTER),
};

static const pvm_prof_column_t way_columns[] = {
    COLUMN("number", "block", "", ID),
    COLUMN("pc", "from pc", "", PC),
    COLUMN("instructions", "instructions", "", INT),
    COLUMN("host_calls", "host calls", "", INT),
};

static const pvm_prof_column_t guest_columns[] = {
    COLUMN("pc", "pc", "", PC),
    COLUMN("instruction", "instruction", "", TEXT),
};

static const pvm_prof_column_t host_columns[] = {
    COLUMN("pc", "pc", "", PC),
    COLUMN("address", "address", "", REGISTER),
    COLUMN("instruction", "instruction", "", TEXT),
};

/** What one call works with: the same file opened twice. */
typedef struct {
    pvm_view_t *view;
    pvm_job_t reference;
    pvm_job_t checked;
    pvm_lockstep_t lockstep;
    int answer; /**< of pvm_lockstep_run() */
} lockstep_job_t;

/* -- Tables -------------------------------------------------------------------------------- */

static pvm_prof_table_t *finish(pvm_prof_table_t *table, bool failed)
{
    if (failed) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    if (table != NULL) {
        table->row_count_all = table->row_count;
    }
    return table;
}

static pvm_prof_table_t *make_summary(const lockstep_job_t *job)
{
    const pvm_lockstep_t *lockstep = &job->lockstep;
    const pvm_run_outcome_t outcome = {.result = lockstep->result};
    pvm_prof_table_t *table = pvm_prof_table_create("Lockstep", COLUMNS(summary_columns));
    pvm_row_t row = pvm_row_add(table);

    pvm_row_text(&row, job->reference.input.path);
    pvm_row_text(&row, pvm_view_spec_name(pvm_program_spec(job->reference.program)));
    pvm_row_text(&row, pvm_view_backend_name(pvm_get_backend(job->checked.vm)));
    pvm_row_text(&row, pvm_view_text(job->view, PVM_OPTION_EVERY));
    pvm_row_text(&row, job->answer == 0 ? "identical" : "differs");
    pvm_row_text(&row, job->answer == 0 ? pvm_view_result_name(job->reference.vm, &outcome) : NULL);
    pvm_row_int(&row, (int64_t)lockstep->blocks);
    pvm_row_int(&row, (int64_t)lockstep->instructions);
    pvm_row_int(&row, (int64_t)lockstep->host_calls);
    pvm_row_int(&row, (int64_t)lockstep->memory_compares);
    if (table != NULL) {
        table->is_record = true;
    }
    return finish(table, row.failed);
}

static void add_value(pvm_row_t *row, const pvm_lockstep_difference_t *difference, uint64_t value,
                      const char *text)
{
    char number[32];

    if (difference->is_text) {
        pvm_row_text(row, text);
        return;
    }
    snprintf(number, sizeof(number), difference->is_hex ? "0x%" PRIx64 : "%" PRId64, value);
    pvm_row_text(row, number);
}

static pvm_prof_table_t *make_differences(const lockstep_job_t *job)
{
    const pvm_lockstep_t *lockstep = &job->lockstep;
    pvm_prof_table_t *table = pvm_prof_table_create("Differences", COLUMNS(difference_columns));
    bool failed = table == NULL;

    for (size_t i = 0; i < lockstep->difference_count && !failed; i++) {
        const pvm_lockstep_difference_t *difference = &lockstep->differences[i];
        pvm_row_t row = pvm_row_add(table);

        pvm_row_text(&row, difference->what);
        add_value(&row, difference, difference->expected, difference->expected_text);
        add_value(&row, difference, difference->got, difference->got_text);
        if (difference->has_pc) {
            pvm_row_int(&row, difference->pc);
        }
        failed = row.failed;
    }
    if (!failed && lockstep->difference_count == PVM_LOCKSTEP_DIFFERENCES_MAX) {
        failed = pvm_prof_table_add_note(table, "There may be more; the first %d are listed.",
                                         PVM_LOCKSTEP_DIFFERENCES_MAX) < 0;
    }
    return finish(table, failed);
}

static pvm_prof_table_t *make_registers(const lockstep_job_t *job)
{
    pvm_prof_table_t *table = pvm_prof_table_create("Registers now", COLUMNS(register_columns));
    bool failed = table == NULL;
    char name[8];

    for (int i = 0; i < PVM_REGISTER_COUNT && !failed; i++) {
        pvm_row_t row = pvm_row_add(table);

        snprintf(name, sizeof(name), "r%d", i);
        pvm_row_text(&row, name);
        pvm_row_int(&row, (int64_t)pvm_get_register(job->reference.vm, i));
        pvm_row_int(&row, (int64_t)pvm_get_register(job->checked.vm, i));
        failed = row.failed;
    }
    return finish(table, failed);
}

static pvm_prof_table_t *make_way(const lockstep_job_t *job)
{
    const pvm_lockstep_t *lockstep = &job->lockstep;
    const uint64_t last = lockstep->blocks;
    const uint64_t first = last < PVM_LOCKSTEP_WAY ? 1 : last - PVM_LOCKSTEP_WAY + 1;
    pvm_prof_table_t *table = pvm_prof_table_create("The way there", COLUMNS(way_columns));
    bool failed = table == NULL;

    for (uint64_t number = first; number <= last && !failed; number++) {
        const pvm_lockstep_block_t *block = pvm_lockstep_way(lockstep, number);
        pvm_row_t row = pvm_row_add(table);

        pvm_row_int(&row, (int64_t)number);
        pvm_row_int(&row, block->pc);
        pvm_row_int(&row, (int64_t)block->instructions);
        pvm_row_int(&row, block->host_calls);
        failed = row.failed;
    }
    return finish(table, failed);
}

/** First octet behind the block that was entered at pc. */
static uint32_t end_of_block(const pvm_program_t *program, uint32_t pc)
{
    pvm_instruction_t in = {.next = pc};

    do {
        pvm_isa_decode(&program->code, in.next, &in);
    } while (in.next < program->code.len && !pvm_isa_is_terminator((pvm_op_t)in.op));
    return in.next;
}

static pvm_prof_table_t *make_guest(const lockstep_job_t *job, uint32_t pc, uint32_t end)
{
    const pvm_code_t *code = &job->reference.program->code;
    pvm_prof_table_t *table =
        pvm_prof_table_create("The block, guest code", COLUMNS(guest_columns));
    pvm_buffer_t line = {0};
    bool failed = table == NULL;

    while (pc < end && pc < code->len && !failed) {
        pvm_row_t row = pvm_row_add(table);

        line.len = 0;
        pvm_row_int(&row, pc);
        pc = pvm_isa_disassemble_line(code, pc, &line);
        pvm_buffer_append(&line, "", 1);
        pvm_row_text(&row, line.failed ? NULL : (const char *)line.data);
        failed = row.failed || line.failed;
    }
    pvm_buffer_free(&line);
    return finish(table, failed);
}

static void add_host_line(void *user_data, uint32_t pc, uint64_t address, const char *text)
{
    pvm_row_t *last = user_data;
    pvm_row_t row = pvm_row_add(last->table);

    pvm_row_int(&row, pc);
    pvm_row_int(&row, (int64_t)address);
    pvm_row_text(&row, text);
    last->failed = last->failed || row.failed;
}

static pvm_prof_table_t *make_host(const lockstep_job_t *job, uint32_t pc, uint32_t end)
{
    pvm_prof_table_t *table = pvm_prof_table_create("The block, host code", COLUMNS(host_columns));
    pvm_row_t state = {.table = table, .failed = table == NULL};

    if (table != NULL) {
        const char *reason = pvm_view_host_code(job->checked.vm, pc, end, add_host_line, &state);

        if (reason != NULL && pvm_prof_table_add_note(table, "Not shown: %s.", reason) < 0) {
            state.failed = true;
        }
    }
    return finish(table, state.failed);
}

/* -- The command --------------------------------------------------------------------------- */

#define PARTS_MAX 6

static pvm_view_status_t print(const lockstep_job_t *job)
{
    const pvm_render_t render =
        pvm_view_render_make(stdout, pvm_view_number(job->view, PVM_OPTION_FORMAT));
    pvm_render_part_t parts[PARTS_MAX] = {{"lockstep", make_summary(job)}};
    pvm_prof_table_t *owned[PARTS_MAX] = {0};
    size_t count = 1;
    bool failed = false;

    if (job->answer != 0) {
        const pvm_lockstep_block_t *last = pvm_lockstep_way(&job->lockstep, job->lockstep.blocks);
        const uint32_t end = end_of_block(job->reference.program, last->pc);

        parts[count++] = (pvm_render_part_t){"differences", make_differences(job)};
        parts[count++] = (pvm_render_part_t){"registers", make_registers(job)};
        parts[count++] = (pvm_render_part_t){"guest_code", make_guest(job, last->pc, end)};
        parts[count++] = (pvm_render_part_t){"host_code", make_host(job, last->pc, end)};
        parts[count++] = (pvm_render_part_t){"way", make_way(job)};
    }
    for (size_t i = 0; i < count; i++) {
        failed = failed || parts[i].table == NULL;
    }
    failed = failed || pvm_view_render_document(&render, parts, count) < 0;
    for (size_t i = 0; i < count; i++) {
        owned[i] = (pvm_prof_table_t *)(uintptr_t)parts[i].table;
        pvm_prof_table_destroy(owned[i]);
    }
    return failed ? pvm_view_fail(job->view, PVM_VIEW_ENVIRONMENT,
                                  "lockstep: no memory for the output")
                  : PVM_VIEW_FINE;
}

/** Open the file twice: for the interpreter, and for the backend of the command line. */
static pvm_view_status_t open_both(lockstep_job_t *job, const char *path)
{
    pvm_option_value_t *backend = &job->view->values[PVM_OPTION_BACKEND];
    const uint64_t wanted = backend->number;
    pvm_view_status_t status;

    backend->number = PVM_BACKEND_INTERPRETER;
    status = pvm_view_job_open(job->view, path, &job->reference);
    backend->number = wanted;
    if (status == PVM_VIEW_FINE) {
        status = pvm_view_job_open(job->view, path, &job->checked);
    }
    return status;
}

/** What is to be said beside the tables. */
static pvm_view_status_t judge(lockstep_job_t *job)
{
    const pvm_lockstep_t *lockstep = &job->lockstep;

    if (job->answer != 0) {
        char memory[80] = "";

        if (lockstep->memory_checked_at != 0) {
            snprintf(memory, sizeof(memory), "; all memory was the same behind block %" PRIu64,
                     lockstep->memory_checked_at);
        }
        return pvm_view_fail(
            job->view, PVM_VIEW_NO, "%s: %s differs from single steps in block %" PRIu64 "%s",
            job->reference.input.path, pvm_view_backend_name(pvm_get_backend(job->checked.vm)),
            lockstep->blocks, memory);
    }
    if (job->reference.trace != NULL) {
        pvm_player_finish(&job->reference.player, job->reference.vm);
        return pvm_view_job_verdict(job->view, &job->reference);
    }
    return PVM_VIEW_FINE;
}

pvm_view_status_t pvm_command_lockstep(pvm_view_t *view)
{
    lockstep_job_t job = {.view = view};
    pvm_view_status_t status = open_both(&job, view->operands[0]);

    if (status == PVM_VIEW_FINE) {
        const pvm_lockstep_pair_t pair = {
            .reference = job.reference.vm,
            .checked = job.checked.vm,
            .entry = job.reference.entry,
            .every_instruction =
                pvm_view_number(view, PVM_OPTION_EVERY) == PVM_CHOICE_EVERY_INSTRUCTION,
        };

        job.answer = pvm_lockstep_run(&pair, &job.lockstep);
        status = job.answer < 0 ? pvm_view_fail(view, PVM_VIEW_ENVIRONMENT, "%s: %s",
                                                view->operands[0], pvm_last_error())
                                : print(&job);
    }
    if (status == PVM_VIEW_FINE) {
        status = judge(&job);
    }
    pvm_view_job_close(&job.reference);
    pvm_view_job_close(&job.checked);
    return status;
}
