/* Baselines of recordings. See baseline.h; the text is baseline_text.c. */
#include "profiler/baseline.h"

#include "profiler/ledger.h"
#include "profiler/reconcile.h"
#include "profiler/store.h"
#include "profiler/wrap_sum.h"
#include "support/buffer.h"
#include "support/utf8.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *left, const void *right)
{
    const pvm_baseline_item_t *const a = left;
    const pvm_baseline_item_t *const b = right;

    return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->name, b->name);
}

int pvm_baseline_add(pvm_baseline_t *baseline, pvm_baseline_kind_t kind, const char *name,
                     int64_t gas, int64_t count)
{
    if (baseline->count == baseline->room) {
        const size_t room = baseline->room == 0 ? 64 : 2 * baseline->room;
        pvm_baseline_item_t *const items = realloc(baseline->items, room * sizeof(*items));

        if (items == NULL) {
            return -1;
        }
        baseline->items = items;
        baseline->room = room;
    }
    char *const copy = strdup(name);
    if (copy == NULL) {
        return -1;
    }
    baseline->items[baseline->count++] =
        (pvm_baseline_item_t){.kind = kind, .name = copy, .gas = gas, .count = count};
    return 0;
}

void pvm_baseline_settle(pvm_baseline_t *baseline)
{
    size_t kept = 0;

    if (baseline->count == 0) {
        return;
    }
    qsort(baseline->items, baseline->count, sizeof(*baseline->items), compare);
    for (size_t i = 1; i < baseline->count; i++) {
        pvm_baseline_item_t *const last = &baseline->items[kept];
        pvm_baseline_item_t *const item = &baseline->items[i];

        if (compare(last, item) == 0) {
            last->gas = pvm_prof_wrap_add(last->gas, item->gas);
            last->count = pvm_prof_wrap_add(last->count, item->count);
            free(item->name);
        } else {
            baseline->items[++kept] = *item;
        }
    }
    baseline->count = kept + 1;
}

const pvm_baseline_item_t *pvm_baseline_find(const pvm_baseline_t *baseline,
                                             pvm_baseline_kind_t kind, const char *name)
{
    /* bsearch() takes no const key that is compared with non-const items, so the key only borrows the name. */
    const pvm_baseline_item_t key = {.kind = kind, .name = (char *)(uintptr_t)name};

    return baseline->count == 0
               ? NULL
               : bsearch(&key, baseline->items, baseline->count, sizeof(*baseline->items), compare);
}

void pvm_baseline_free(pvm_baseline_t *baseline)
{
    for (size_t i = 0; i < baseline->count; i++) {
        free(baseline->items[i].name);
    }
    free(baseline->items);
    *baseline = (pvm_baseline_t){0};
}

/* -- From a recording ---------------------------------------------------------------------- */

/* Names come from guests: one line of printable characters; the rest as \xNN, and so is the backslash. */
static void make_printable(const char *name, pvm_buffer_t *out)
{
    const uint8_t *const octets = (const uint8_t *)name;
    const size_t len = strlen(name);

    for (size_t at = 0; at < len && out->len < PVM_PROF_BASELINE_LINE_BYTES / 2;) {
        const size_t character = pvm_utf8_character(octets + at, len - at);

        if (character == 0 || octets[at] < ' ' || octets[at] == 0x7f || octets[at] == '\\') {
            pvm_buffer_printf(out, "\\x%02x", octets[at]);
            at++;
        } else {
            pvm_buffer_append(out, octets + at, character);
            at += character;
        }
    }
    pvm_buffer_append(out, "", 1);
}

/* Rows of (name, gas, count). */
static int read_items(sqlite3 *db, const char *sql, pvm_baseline_kind_t kind, pvm_baseline_t *out)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(db, sql, -1, &row, NULL);

    while (code == SQLITE_OK && (code = sqlite3_step(row)) == SQLITE_ROW) {
        const char *const name = (const char *)sqlite3_column_text(row, 0);
        pvm_buffer_t text = {0};

        make_printable(name != NULL && name[0] != '\0' ? name : "?", &text);
        code = !text.failed && pvm_baseline_add(out, kind, (const char *)text.data,
                                                sqlite3_column_int64(row, 1),
                                                sqlite3_column_int64(row, 2)) == 0
                   ? SQLITE_OK
                   : SQLITE_NOMEM;
        pvm_buffer_free(&text);
    }
    sqlite3_finalize(row);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

pvm_prof_status_t pvm_baseline_of_run(pvm_prof_run_file_t *file, pvm_baseline_t *out)
{
    pvm_prof_reckoning_t sums;
    int failed = 0;

    *out = (pvm_baseline_t){0};
    const pvm_prof_status_t status = pvm_prof_reconcile(file, &sums);
    if (status != PVM_PROF_OK) {
        return status;
    }
    out->is_incomplete =
        sums.is_incomplete || pvm_prof_run_file_status(file) != PVM_PROF_RUN_COMPLETE;
    pvm_prof_run_file_get_info(file, PVM_PROF_INFO_SPEC, out->spec, sizeof(out->spec));
    failed |= pvm_baseline_add(out, PVM_BASELINE_TOTAL, "", sums.gas_used, 0);
    failed |= pvm_baseline_add(out, PVM_BASELINE_HOST, "", sums.host_gas, 0);
    if (sums.is_counted) {
        failed |= pvm_baseline_add(out, PVM_BASELINE_BLOCKS, "", sums.blocks_gas, 0);
    }
    int code = failed == 0 ? SQLITE_OK : SQLITE_NOMEM;
    if (code == SQLITE_OK) {
        code = read_items(file->db, "SELECT result, 0, count(*) FROM execution GROUP BY result",
                          PVM_BASELINE_RESULT, out);
    }
    if (code == SQLITE_OK && sums.is_counted) {
        code = read_items(file->db,
                          "SELECT f.name, wrap_sum(b.gas), 0 FROM block b JOIN function f ON "
                          "f.program = b.program AND f.id = b.function GROUP BY f.name",
                          PVM_BASELINE_FUNCTION, out);
    }
    if (code == SQLITE_OK) {
        code =
            read_items(file->db,
                       "SELECT n.name, wrap_sum(h.gas), wrap_sum(h.calls) FROM host_total h JOIN "
                       "vm v ON v.id = h.vm JOIN host_function n ON n.program = v.program AND "
                       "n.func_id = h.func_id GROUP BY n.name",
                       PVM_BASELINE_HOST_CALL, out);
    }
    pvm_baseline_settle(out);
    return code == SQLITE_OK ? PVM_PROF_OK : pvm_prof_store_report(file, code, "read its sums");
}
