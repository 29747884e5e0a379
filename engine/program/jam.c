/* The standard program of GP A.7, as JAM stores services: metadata, data, stack size, program blob.
 *
 * The metadata prefix does not announce itself. What decides is which reading consumes every octet,
 * inner blob included; the two can hardly both do so, and then the prefix wins, because stored
 * services have one. */
#include "program/readers.h"

#include "support/error.h"

#include <assert.h>

/* GP A.7: zones are 2^16 octets, the arguments have a region of 2^24 below the last zone. */
#define ZONE           UINT64_C(0x10000)
#define ADDRESS_SPACE  (UINT64_C(1) << 32)
#define STACK_TOP      (ADDRESS_SPACE - 2 * ZONE - PVM_MAX_ARGUMENTS)
#define ARGUMENTS      (ADDRESS_SPACE - ZONE - PVM_MAX_ARGUMENTS)
#define RETURN_TO_HOST (ADDRESS_SPACE - ZONE)
#define MAX_U24        UINT64_C(0xffffff)
#define MAX_U16        UINT64_C(0xffff)

/* The condition of GP A.7 on the sizes needs no code: 24-bit lengths and a 16-bit page count cannot
 * break it. */
static_assert(5 * ZONE + 2 * (MAX_U24 + 1) + (MAX_U24 + 1 + PVM_PAGE_SIZE * MAX_U16 + ZONE) +
                      PVM_MAX_ARGUMENTS <=
                  ADDRESS_SPACE,
              "every standard program fits into the address space");

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

void pvm_program_parse_jam(pvm_cursor_t *cursor, bool has_metadata, pvm_jam_parts_t *out)
{
    *out = (pvm_jam_parts_t){0};
    if (has_metadata) {
        const uint64_t len = pvm_cursor_natural(cursor, PVM_CURSOR_64_BIT, "the metadata length");
        out->metadata_len = (size_t)len;
        out->metadata = pvm_cursor_bytes(cursor, out->metadata_len, "the metadata");
    }
    out->ro_len = pvm_cursor_u24(cursor, "the read-only data length");
    out->rw_len = pvm_cursor_u24(cursor, "the read-write data length");
    out->heap_pages = pvm_cursor_u16(cursor, "the number of heap pages");
    out->stack_len = pvm_cursor_u24(cursor, "the stack size");
    out->ro_data = pvm_cursor_bytes(cursor, out->ro_len, "the read-only data");
    out->rw_data = pvm_cursor_bytes(cursor, out->rw_len, "the read-write data");

    const uint32_t blob_len = pvm_cursor_u32(cursor, "the program blob length");
    const size_t offset = pvm_cursor_offset(cursor);
    const uint8_t *const blob = pvm_cursor_bytes(cursor, blob_len, "the program blob");
    pvm_cursor_finish(cursor, "the program blob");
    if (pvm_cursor_failed(cursor)) {
        return;
    }
    pvm_cursor_t inner = pvm_cursor_make(blob, blob_len, offset);
    pvm_program_parse_raw(&inner, &out->parts);
    if (pvm_cursor_failed(&inner)) {
        pvm_cursor_fail_at(cursor, inner.field, inner.problem, inner.where);
    }
}

static void lay_out(const pvm_jam_parts_t *jam, pvm_layout_t *layout)
{
    const uint64_t rw_address = 2 * ZONE + round_up(jam->ro_len, ZONE);
    const uint64_t rw_mapped =
        round_up(jam->rw_len, PVM_PAGE_SIZE) + (uint64_t)jam->heap_pages * PVM_PAGE_SIZE;
    const uint64_t stack_mapped = round_up(jam->stack_len, PVM_PAGE_SIZE);

    layout->regions[PVM_REGION_RO] = (pvm_region_t){
        .address = (uint32_t)ZONE,
        .data_len = jam->ro_len,
        .mapped_len = round_up(jam->ro_len, PVM_PAGE_SIZE),
        .data = jam->ro_len > 0 ? jam->ro_data : NULL,
        .access = PVM_ACCESS_READ,
    };
    layout->regions[PVM_REGION_RW] = (pvm_region_t){
        .address = (uint32_t)rw_address,
        .data_len = jam->rw_len,
        .mapped_len = rw_mapped,
        .data = jam->rw_len > 0 ? jam->rw_data : NULL,
        .access = PVM_ACCESS_WRITE,
    };
    layout->regions[PVM_REGION_STACK] = (pvm_region_t){
        .address = (uint32_t)(STACK_TOP - stack_mapped),
        .mapped_len = stack_mapped,
        .access = PVM_ACCESS_WRITE,
    };
    layout->registers[0] = RETURN_TO_HOST;
    layout->registers[1] = STACK_TOP;
    layout->registers[7] = ARGUMENTS;
    layout->heap_start = rw_address + rw_mapped;
    layout->heap_end_max = STACK_TOP - ZONE - stack_mapped;
}

int pvm_program_detect_jam(const uint8_t *blob, size_t len, bool *out_has_metadata,
                           pvm_jam_readings_t *out)
{
    pvm_jam_parts_t ignored;

    out->with_metadata = pvm_cursor_make(blob, len, 0);
    out->without_metadata = out->with_metadata;
    pvm_program_parse_jam(&out->with_metadata, true, &ignored);
    *out_has_metadata = !pvm_cursor_failed(&out->with_metadata);
    if (*out_has_metadata) {
        return 0;
    }
    pvm_program_parse_jam(&out->without_metadata, false, &ignored);
    return pvm_cursor_failed(&out->without_metadata) ? -1 : 0;
}

int pvm_program_read_jam(pvm_program_t *program, bool has_metadata)
{
    pvm_cursor_t cursor = pvm_cursor_make(program->blob, program->blob_len, 0);
    pvm_jam_parts_t jam;

    pvm_program_parse_jam(&cursor, has_metadata, &jam);
    if (pvm_cursor_failed(&cursor)) {
        return pvm_program_report(&cursor, "JAM program", "build it again");
    }
    program->metadata = jam.metadata;
    program->metadata_len = jam.metadata_len;
    lay_out(&jam, &program->layout);
    return pvm_program_build(program, &jam.parts);
}
