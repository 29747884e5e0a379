/* The flight record as tables: why the run ended, who called whom, the last host calls, the last blocks. */
#include "profiler/flight.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** Blocks of the longest loop that is folded. */
#define LOOP_MAX 16

#define COLUMN(id, header, unit, kind) {id, header, unit, PVM_PROF_TYPE_##kind, PVM_PROF_EXACT}

static const pvm_prof_column_t way_columns[] = {
    COLUMN("function", "function", "", TEXT),
    COLUMN("pc", "pc", "", PC),
    COLUMN("times", "times", "", INT),
    COLUMN("found", "found", "", TEXT),
};
static const pvm_prof_column_t call_columns[] = {
    COLUMN("seq", "number", "", ID),
    COLUMN("name", "host call", "", TEXT),
    COLUMN("pc", "pc", "", PC),
    COLUMN("gas_before", "gas before", "gas", GAS),
    COLUMN("gas_taken", "taken", "gas", GAS),
    COLUMN("result", "result (r7)", "", REGISTER),
};
static const pvm_prof_column_t block_columns[] = {
    COLUMN("pc", "pc", "", PC),
    COLUMN("function", "function", "", TEXT),
    COLUMN("times", "times", "", INT),
    COLUMN("loop", "blocks in loop", "", INT),
};

const char *const pvm_prof_flight_keys[PVM_PROF_FLIGHT_TABLES] = {
    [PVM_PROF_FLIGHT_WAY] = "way",
    [PVM_PROF_FLIGHT_CALLED] = "last_host_calls",
    [PVM_PROF_FLIGHT_PASSED] = "last_blocks",
};

#define CREATE(title, columns)                                                                     \
    pvm_prof_table_create((title), (columns), sizeof(columns) / sizeof((columns)[0]))

const char *pvm_prof_flight_kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [PVM_FRAME_HERE] = "stopped here", [PVM_FRAME_CHECKED] = "checked",
        [PVM_FRAME_LIKELY] = "likely",     [PVM_FRAME_GUESS] = "guess",
        [PVM_FRAME_HOST] = "host",
    };

    return kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "unknown";
}

/* -- Why ----------------------------------------------------------------------------------- */

static int add_gas_note(pvm_prof_table_t *table, const pvm_prof_flight_t *flight, const char *where)
{
    const uint64_t given = (uint64_t)flight->gas_start + (uint64_t)flight->gas_added;
    const uint64_t left = flight->gas < 0 ? 0 : (uint64_t)flight->gas;
    int status;

    if (flight->cost == 0) {
        status = pvm_prof_table_add_note(
            table, "Out of gas %s: the host ended the run in its last call; %" PRIu64 " are left.",
            where, left);
    } else {
        status = pvm_prof_table_add_note(
            table, "Out of gas %s: what comes next costs %" PRIu64 ", %" PRIu64 " are left.", where,
            flight->cost, left);
    }
    return status |
           pvm_prof_table_add_note(table,
                                   "Of %" PRIu64 " gas, %" PRIu64 " host calls took %" PRId64
                                   " and guest code %" PRIu64 ".",
                                   given, flight->host_calls, flight->host_gas,
                                   given - left - (uint64_t)flight->host_gas);
}

static int add_why(pvm_prof_table_t *table, const pvm_prof_flight_t *flight)
{
    const pvm_prof_flight_frame_t *const here = &flight->frames[0];
    char where[PVM_PROF_MAX_NAME_BYTES + 32];

    (void)snprintf(where, sizeof(where), "at pc %" PRIu32 " in %s", here->pc,
                   here->function != NULL ? here->function : "?");
    if (flight->execution != 0 &&
        pvm_prof_table_add_note(
            table, "How execution %" PRId64 " came to its end:", flight->execution) != 0) {
        return -1;
    }
    if (strcmp(flight->result, "oog") == 0) {
        return add_gas_note(table, flight, where);
    }
    if (strcmp(flight->result, "fault") == 0) {
        return pvm_prof_table_add_note(
            table, "Page fault %s: the page at 0x%" PRIx32 " does not allow that access.", where,
            flight->fault_address);
    }
    return pvm_prof_table_add_note(table, "Panic %s.", where);
}

static int add_certainty(pvm_prof_table_t *table, const pvm_prof_flight_t *flight)
{
    const uint8_t last = flight->frames[flight->frame_count - 1].kind;
    bool is_guessed = false;
    int status = 0;

    for (size_t i = 0; i < flight->frame_count; i++) {
        is_guessed = is_guessed || flight->frames[i].kind == PVM_FRAME_GUESS;
    }
    if (is_guessed) {
        status |= pvm_prof_table_add_note(
            table,
            "A guess was found by searching the stack, and may be left over from an earlier call.");
    }
    if (flight->frame_count == 1) {
        return status;
    }
    if (last != PVM_FRAME_HOST && flight->frame_count < PVM_PROF_FLIGHT_FRAMES) {
        status |= pvm_prof_table_add_note(
            table, "The chain breaks off: who called the last one is not to be seen on the stack.");
    } else if (last != PVM_FRAME_HOST) {
        status |= pvm_prof_table_add_note(table, "Only the innermost %d are shown.",
                                          PVM_PROF_FLIGHT_FRAMES);
    }
    return status;
}

static pvm_prof_table_t *make_way(const pvm_prof_flight_t *flight)
{
    pvm_prof_table_t *const table = CREATE("The way there, innermost first", way_columns);
    int status = table == NULL ? -1 : add_why(table, flight) | add_certainty(table, flight);

    for (size_t i = 0; i < flight->frame_count && status == 0; i++) {
        const pvm_prof_flight_frame_t *const frame = &flight->frames[i];
        pvm_prof_value_t *const row = pvm_prof_table_add_row(table);
        if (row == NULL) {
            status = -1;
            break;
        }
        status =
            pvm_prof_value_set_text(&row[0], frame->function != NULL ? frame->function : "(host)");
        if (frame->kind != PVM_FRAME_HOST) {
            pvm_prof_value_set_int(&row[1], frame->pc);
        }
        pvm_prof_value_set_int(&row[2], frame->times);
        status |= pvm_prof_value_set_text(&row[3], pvm_prof_flight_kind_name(frame->kind));
    }
    if (status != 0) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = table->row_count;
    return table;
}

/* -- Host calls ---------------------------------------------------------------------------- */

static pvm_prof_table_t *make_calls(const pvm_prof_flight_t *flight)
{
    pvm_prof_table_t *const table = CREATE("The last host calls", call_columns);
    int status = table == NULL ? -1 : 0;

    for (size_t i = 0; i < flight->call_count && status == 0; i++) {
        const pvm_flight_entry_t *const entry = &flight->calls[i].entry;
        pvm_prof_value_t *const row = pvm_prof_table_add_row(table);
        if (row == NULL) {
            status = -1;
            break;
        }
        pvm_prof_value_set_int(&row[0], (int64_t)entry->seq);
        status = pvm_prof_value_set_text(&row[1], flight->calls[i].name);
        pvm_prof_value_set_int(&row[2], entry->pc);
        pvm_prof_value_set_int(&row[3], entry->gas);
        pvm_prof_value_set_int(&row[4],
                               (int64_t)((uint64_t)entry->gas - (uint64_t)entry->gas_after));
        pvm_prof_value_set_int(&row[5], (int64_t)entry->result);
    }
    if (status != 0) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = table->row_count;
    return table;
}

/* -- Blocks -------------------------------------------------------------------------------- */

/* How often the `length` blocks from `at` on follow each other. */
static size_t count_repeats(const pvm_prof_flight_t *flight, size_t at, size_t length)
{
    size_t end = at + length;

    while (end < flight->block_count && flight->blocks[end].pc == flight->blocks[end - length].pc) {
        end++;
    }
    return (end - at) / length;
}

/* The loop that takes in most blocks from `at` on; of these the shortest. */
static size_t find_loop(const pvm_prof_flight_t *flight, size_t at, size_t *out_times)
{
    size_t best = 1;

    *out_times = count_repeats(flight, at, 1);
    for (size_t length = 2; length <= LOOP_MAX && at + 2 * length <= flight->block_count;
         length++) {
        const size_t times = count_repeats(flight, at, length);
        if (times > 1 && times * length > *out_times * best) {
            best = length;
            *out_times = times;
        }
    }
    return best;
}

static int add_block(pvm_prof_table_t *table, const pvm_prof_flight_block_t *block, size_t times,
                     size_t length)
{
    pvm_prof_value_t *const row = pvm_prof_table_add_row(table);

    if (row == NULL) {
        return -1;
    }
    pvm_prof_value_set_int(&row[0], block->pc);
    pvm_prof_value_set_int(&row[2], (int64_t)times);
    if (times > 1) {
        pvm_prof_value_set_int(&row[3], (int64_t)length);
    }
    return pvm_prof_value_set_text(&row[1], block->function);
}

static pvm_prof_table_t *make_blocks(const pvm_prof_flight_t *flight)
{
    pvm_prof_table_t *const table = CREATE("The last blocks, loops folded", block_columns);
    int status = table == NULL ? -1 : 0;
    size_t times;

    for (size_t at = 0; at < flight->block_count && status == 0;) {
        const size_t length = find_loop(flight, at, &times);
        for (size_t i = 0; i < length && status == 0; i++) {
            status = add_block(table, &flight->blocks[at + i], times, length);
        }
        at += length * times;
        if (at >= flight->block_count && times > 1 && status == 0) {
            status = pvm_prof_table_add_note(
                table, "The run ended in a loop of %zu block%s: at least %zu rounds.", length,
                length == 1 ? "" : "s", times);
        }
    }
    if (status != 0) {
        pvm_prof_table_destroy(table);
        return NULL;
    }
    table->row_count_all = table->row_count;
    return table;
}

int pvm_prof_flight_tables(const pvm_prof_flight_t *flight,
                           pvm_prof_table_t *out[PVM_PROF_FLIGHT_TABLES])
{
    bool failed = false;

    memset(out, 0, PVM_PROF_FLIGHT_TABLES * sizeof(*out));
    if (flight->frame_count > 0) {
        out[PVM_PROF_FLIGHT_WAY] = make_way(flight);
        failed = out[PVM_PROF_FLIGHT_WAY] == NULL;
    }
    if (flight->call_count > 0) {
        out[PVM_PROF_FLIGHT_CALLED] = make_calls(flight);
        failed = failed || out[PVM_PROF_FLIGHT_CALLED] == NULL;
    }
    if (flight->block_count > 0) {
        out[PVM_PROF_FLIGHT_PASSED] = make_blocks(flight);
        failed = failed || out[PVM_PROF_FLIGHT_PASSED] == NULL;
    }
    for (int i = 0; i < PVM_PROF_FLIGHT_TABLES && failed; i++) {
        pvm_prof_table_destroy(out[i]);
        out[i] = NULL;
    }
    return failed ? -1 : 0;
}
