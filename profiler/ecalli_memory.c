/* Sorts the accesses of a host call and joins what overlaps. Time: n log n. */
#include "profiler/ecalli_memory.h"

#include "profiler/watch.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t address; /**< wide, so that an end at 2^32 is one */
    uint64_t len;
    size_t at;    /**< place of its octets */
    size_t order; /**< in which it happened */
    bool is_write;
} access_t;

typedef struct {
    access_t *accesses;
    size_t count;
    size_t room;
    uint8_t *octets;
    size_t used;
    size_t octet_room;
} accesses_t;

void pvm_ecalli_put_hex(FILE *out, const void *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *const octets = data;
    char piece[4096];

    for (size_t done = 0; done < len;) {
        size_t used = 0;

        for (; done < len && used < sizeof(piece); done++) {
            piece[used++] = digits[octets[done] >> 4];
            piece[used++] = digits[octets[done] & 15];
        }
        (void)fwrite(piece, 1, used, out);
    }
}

void pvm_ecalli_put_access(FILE *out, bool is_write, uint32_t address, const void *data, size_t len)
{
    fprintf(out, "%s 0x%08x len=%zu %s 0x", is_write ? "memwrite" : "memread", address, len,
            is_write ? "<-" : "->");
    pvm_ecalli_put_hex(out, data, len);
    fputc('\n', out);
}

/* -- Reading ------------------------------------------------------------------------------- */

static int make_room(accesses_t *all, size_t len)
{
    if (all->count >= PVM_MAX_ECALLI_CALL_ACCESSES || all->used + len > PVM_MAX_ECALLI_CALL_BYTES) {
        return SQLITE_CORRUPT;
    }
    if (all->count == all->room) {
        const size_t room = all->room == 0 ? 16 : 2 * all->room;
        access_t *const accesses = realloc(all->accesses, room * sizeof(*accesses));

        if (accesses == NULL) {
            return SQLITE_NOMEM;
        }
        all->accesses = accesses;
        all->room = room;
    }
    if (all->used + len > all->octet_room) {
        const size_t room = 2 * (all->used + len);
        uint8_t *const octets = realloc(all->octets, room);

        if (octets == NULL) {
            return SQLITE_NOMEM;
        }
        all->octets = octets;
        all->octet_room = room;
    }
    return SQLITE_OK;
}

/* A long access was cut into rows that are full but for the last. */
static bool goes_on(const accesses_t *all, uint64_t address, bool is_write, size_t last_row)
{
    const access_t *const last = &all->accesses[all->count - 1];

    return last_row == PVM_PROF_MEMORY_ROW_BYTES && last->is_write == is_write &&
           last->address + last->len == address;
}

static int read_accesses(sqlite3_stmt *rows, accesses_t *all)
{
    size_t last_row = 0;
    int code;

    while ((code = sqlite3_step(rows)) == SQLITE_ROW) {
        const int64_t address = sqlite3_column_int64(rows, 0);
        const bool is_write = sqlite3_column_int(rows, 1) != 0;
        const size_t len = (size_t)sqlite3_column_bytes(rows, 2);

        if (address < 0 || address > UINT32_MAX || (uint64_t)address + len > UINT64_C(1) << 32) {
            return SQLITE_CORRUPT;
        }
        if (len == 0) {
            continue;
        }
        const int made = make_room(all, len);
        if (made != SQLITE_OK) {
            return made;
        }
        if (all->count > 0 && goes_on(all, (uint64_t)address, is_write, last_row)) {
            all->accesses[all->count - 1].len += len;
        } else {
            all->accesses[all->count] = (access_t){.address = (uint64_t)address,
                                                   .len = len,
                                                   .at = all->used,
                                                   .order = all->count,
                                                   .is_write = is_write};
            all->count++;
        }
        memcpy(all->octets + all->used, sqlite3_column_blob(rows, 2), len);
        all->used += len;
        last_row = len;
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* -- Writing ------------------------------------------------------------------------------- */

/* Reads first; then by address, then by time. */
static int compare(const void *left, const void *right)
{
    const access_t *const a = left;
    const access_t *const b = right;

    if (a->is_write != b->is_write) {
        return a->is_write ? 1 : -1;
    }
    if (a->address != b->address) {
        return a->address < b->address ? -1 : 1;
    }
    return a->order < b->order ? -1 : a->order > b->order;
}

static int compare_order(const void *left, const void *right)
{
    const access_t *const a = left;
    const access_t *const b = right;

    return a->order < b->order ? -1 : a->order > b->order;
}

/** Writes [first, first + count) that overlap. */
typedef struct {
    size_t first;
    size_t count;
    uint64_t address;
    uint64_t end;
    size_t order; /**< of the first that happened */
} group_t;

static group_t next_group(const accesses_t *all, size_t first)
{
    const access_t *const begin = &all->accesses[first];
    group_t group = {first, 1, begin->address, begin->address + begin->len, begin->order};

    for (size_t i = first + 1; i < all->count && all->accesses[i].address < group.end; i++) {
        const access_t *const access = &all->accesses[i];
        const uint64_t end = access->address + access->len;

        group.count++;
        group.end = end > group.end ? end : group.end;
        group.order = access->order < group.order ? access->order : group.order;
    }
    return group;
}

static int put_group(FILE *out, accesses_t *all, const group_t *group)
{
    access_t *const members = &all->accesses[group->first];

    if (group->count == 1) {
        pvm_ecalli_put_access(out, true, (uint32_t)members->address, all->octets + members->at,
                              members->len);
        return SQLITE_OK;
    }
    uint8_t *const whole = malloc(group->end - group->address);
    if (whole == NULL) {
        return SQLITE_NOMEM;
    }
    qsort(members, group->count, sizeof(*members), compare_order);
    for (size_t i = 0; i < group->count; i++) {
        memcpy(whole + (members[i].address - group->address), all->octets + members[i].at,
               members[i].len);
    }
    pvm_ecalli_put_access(out, true, (uint32_t)group->address, whole, group->end - group->address);
    free(whole);
    return SQLITE_OK;
}

/* Reads and groups of writes stand by address: one walk over both. */
static void put_reads(FILE *out, const accesses_t *all, size_t reads)
{
    group_t group = {.first = reads};
    bool has_group = false;

    for (size_t i = 0; i < reads; i++) {
        const access_t *const read = &all->accesses[i];

        while ((!has_group || group.end <= read->address) &&
               group.first + group.count < all->count) {
            group = next_group(all, group.first + group.count);
            has_group = true;
        }
        group_t at = group;
        bool is_own = false;

        while (has_group && at.address < read->address + read->len && at.end > read->address) {
            is_own |= at.order < read->order;
            if (at.first + at.count >= all->count) {
                break;
            }
            at = next_group(all, at.first + at.count);
        }
        if (!is_own) {
            pvm_ecalli_put_access(out, false, (uint32_t)read->address, all->octets + read->at,
                                  read->len);
        }
    }
}

int pvm_ecalli_put_memory(FILE *out, sqlite3_stmt *rows)
{
    accesses_t all = {0};
    int code = read_accesses(rows, &all);
    size_t reads = 0;

    if (code == SQLITE_OK && all.count > 0) {
        qsort(all.accesses, all.count, sizeof(*all.accesses), compare);
        while (reads < all.count && !all.accesses[reads].is_write) {
            reads++;
        }
        put_reads(out, &all, reads);
        for (size_t i = reads; i < all.count && code == SQLITE_OK;) {
            const group_t group = next_group(&all, i);

            code = put_group(out, &all, &group);
            i += group.count;
        }
    }
    free(all.accesses);
    free(all.octets);
    return code;
}
