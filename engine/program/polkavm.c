/* PolkaVM's container: a header, numbered sections, a program blob, its own memory map.
 *
 * Reads versions 0 to 3, and version 2 also as newer linkers write it, without a bitmask (maskless.h). Mandatory
 * sections are strict; debug sections are handed to debug_info.c, which may drop them. Names are kept as they are,
 * except that a NUL octet becomes the two characters \0. */
#include "program/readers.h"

#include "program/debug_info.h"
#include "program/maskless.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

#define WHAT "PolkaVM container"
#define MEND "link the program again"
/** Of code in version 2 that can be read in neither way. */
#define MEND_LATEST64 MEND "; it is no code without a bitmask (polkavm-linker 0.37), either"

#define HEADER_BYTES   13
#define VERSION_OFFSET 4

#define VERSION_LATEST32 1
#define VERSION_LATEST64 2

/* Limits of the format itself; ours on code and tables are wider. */
#define MAX_CODE_BYTES  (UINT32_C(32) << 20)
#define MAX_JUMP_TABLE  (UINT32_C(1) << 24)
#define MAX_ENTRY_BYTES 4

#define ZONE           UINT64_C(0x10000)
#define RETURN_TO_HOST UINT64_C(0xffff0000)
#define STACK_TOP      (RETURN_TO_HOST - ZONE)

enum {
    SECTION_END = 0,
    SECTION_MEMORY = 1,
    SECTION_RO_DATA = 2,
    SECTION_RW_DATA = 3,
    SECTION_IMPORTS = 4,
    SECTION_EXPORTS = 5,
    SECTION_CODE = 6,
    SECTION_DEBUG_STRINGS = 128,
    SECTION_DEBUG_LINES = 129,
    SECTION_DEBUG_RANGES = 130,
    SECTION_OPTIONAL = 128
};

/* Places of the known sections in container_t. */
enum { MEMORY, RO_DATA, RW_DATA, IMPORTS, EXPORTS, CODE, STRINGS, LINES, RANGES, KNOWN_COUNT };

static const uint8_t known_sections[KNOWN_COUNT] = {
    SECTION_MEMORY,        SECTION_RO_DATA,     SECTION_RW_DATA,
    SECTION_IMPORTS,       SECTION_EXPORTS,     SECTION_CODE,
    SECTION_DEBUG_STRINGS, SECTION_DEBUG_LINES, SECTION_DEBUG_RANGES};

typedef struct {
    bool has[KNOWN_COUNT];
    pvm_cursor_t sections[KNOWN_COUNT]; /* empty where the file has none */
    uint32_t ro_len;
    uint32_t rw_len;
    uint32_t stack_len;
    pvm_parts_t parts;
    pvm_maskless_t maskless; /**< what the parts point to where the code has no bitmask */
} container_t;

pvm_spec_t pvm_program_polkavm_spec(const uint8_t *blob, size_t len)
{
    static const pvm_spec_t specs[] = {PVM_SPEC_0_7_2, PVM_SPEC_LATEST64, PVM_SPEC_LATEST64,
                                       PVM_SPEC_0_8_0};

    if (len <= VERSION_OFFSET || memcmp(blob, "PVM", VERSION_OFFSET) != 0) {
        pvm_error_set(WHAT ": no magic number \"PVM\\0\" and version at offset 0; this is another "
                           "kind of file");
        return PVM_SPEC_DEFAULT;
    }
    if (blob[VERSION_OFFSET] >= sizeof(specs) / sizeof(*specs)) {
        pvm_error_set(WHAT ": version %u at offset %d is unknown; versions 0 to 3 can be read",
                      blob[VERSION_OFFSET], VERSION_OFFSET);
        return PVM_SPEC_DEFAULT;
    }
    return specs[blob[VERSION_OFFSET]];
}

/* -- Sections ------------------------------------------------------------------------------ */

/* Magic number and version have been looked at when the spec was chosen. */
static void read_header(pvm_cursor_t *cursor, size_t file_len)
{
    (void)pvm_cursor_bytes(cursor, VERSION_OFFSET, "the magic number");
    (void)pvm_cursor_u8(cursor, "the version");
    if (pvm_cursor_u64(cursor, "the file length") != file_len) {
        pvm_cursor_fail_at(cursor, "the file length", "is not that of this file",
                           HEADER_BYTES - sizeof(uint64_t));
    }
}

static int find_known(uint8_t id)
{
    for (int i = 0; i < KNOWN_COUNT; i++) {
        if (known_sections[i] == id) {
            return i;
        }
    }
    return -1;
}

static void read_sections(pvm_cursor_t *cursor, container_t *out)
{
    int last = -1;

    while (!pvm_cursor_failed(cursor)) {
        const size_t where = pvm_cursor_offset(cursor);
        const uint8_t id = pvm_cursor_u8(cursor, "a section number");
        if (pvm_cursor_failed(cursor) || id == SECTION_END) {
            break;
        }
        const int known = find_known(id);
        if (known < 0 && id < SECTION_OPTIONAL) {
            pvm_cursor_fail_at(cursor, "a section number", "is unknown and not optional", where);
        } else if (known >= 0 && known <= last) {
            pvm_cursor_fail_at(cursor, "a section number", "is repeated or out of order", where);
        }
        last = known >= 0 ? known : KNOWN_COUNT;

        const size_t len =
            (size_t)pvm_cursor_natural(cursor, PVM_CURSOR_32_BIT, "a section length");
        const size_t offset = pvm_cursor_offset(cursor);
        const uint8_t *const data = pvm_cursor_bytes(cursor, len, "a section");
        if (known >= 0 && data != NULL) {
            out->has[known] = true;
            out->sections[known] = pvm_cursor_make(data, len, offset);
        }
    }
    pvm_cursor_finish(cursor, "the end section");
    if (!pvm_cursor_failed(cursor) && !out->has[CODE]) {
        pvm_cursor_fail(cursor, "the code section", "is missing");
    }
}

/* -- Memory -------------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* Four zones of 2^16 octets stay free: below, between the regions, and above the stack. */
static bool fits_address_space(const container_t *container)
{
    return 3 * ZONE + round_up(container->ro_len, ZONE) + round_up(container->rw_len, ZONE) +
               round_up(container->stack_len, ZONE) <=
           STACK_TOP;
}

static bool read_memory(container_t *container, pvm_cursor_t *out_failed)
{
    pvm_cursor_t *const cursor = &container->sections[MEMORY];

    if (container->has[MEMORY]) {
        container->ro_len =
            (uint32_t)pvm_cursor_natural(cursor, PVM_CURSOR_32_BIT, "the read-only data size");
        container->rw_len =
            (uint32_t)pvm_cursor_natural(cursor, PVM_CURSOR_32_BIT, "the read-write data size");
        container->stack_len =
            (uint32_t)pvm_cursor_natural(cursor, PVM_CURSOR_32_BIT, "the stack size");
        pvm_cursor_finish(cursor, "the memory section");
    }
    if (!fits_address_space(container)) {
        pvm_cursor_fail(cursor, "the memory section", "asks for more than the address space");
    }
    if (container->sections[RO_DATA].len > container->ro_len) {
        pvm_cursor_fail_at(cursor, "the read-only data", "is longer than its declared size",
                           container->sections[RO_DATA].base);
    }
    if (container->sections[RW_DATA].len > container->rw_len) {
        pvm_cursor_fail_at(cursor, "the read-write data", "is longer than its declared size",
                           container->sections[RW_DATA].base);
    }
    *out_failed = *cursor;
    return !pvm_cursor_failed(cursor);
}

static pvm_region_t make_region(uint64_t address, uint32_t declared, const pvm_cursor_t *data,
                                pvm_access_t access)
{
    return (pvm_region_t){
        .address = (uint32_t)address,
        .data_len = (uint32_t)data->len,
        .mapped_len = round_up(declared, PVM_PAGE_SIZE),
        .data = data->len > 0 ? data->data : NULL,
        .access = access,
    };
}

static void lay_out(const container_t *container, bool is_32_bit, pvm_layout_t *layout)
{
    static const pvm_cursor_t nothing;
    const uint64_t rw_address = 2 * ZONE + round_up(container->ro_len, ZONE);
    const uint64_t stack_mapped = round_up(container->stack_len, PVM_PAGE_SIZE);
    /* A 32-bit program keeps every register sign-extended, and both of these have bit 31 set. */
    const uint64_t upper = is_32_bit ? UINT64_C(0xffffffff00000000) : 0;

    layout->regions[PVM_REGION_RO] =
        make_region(ZONE, container->ro_len, &container->sections[RO_DATA], PVM_ACCESS_READ);
    layout->regions[PVM_REGION_RW] =
        make_region(rw_address, container->rw_len, &container->sections[RW_DATA], PVM_ACCESS_WRITE);
    layout->regions[PVM_REGION_STACK] =
        make_region(STACK_TOP - stack_mapped, container->stack_len, &nothing, PVM_ACCESS_WRITE);
    layout->registers[0] = upper | RETURN_TO_HOST;
    layout->registers[1] = upper | STACK_TOP;
    layout->heap_start = rw_address + container->rw_len;
    layout->heap_end_max = STACK_TOP - round_up(container->stack_len, ZONE) - ZONE;
}

/* -- Names --------------------------------------------------------------------------------- */

/* NULL without memory. */
static char *copy_name(const uint8_t *data, size_t len)
{
    char *const name = malloc(2 * len + 1);
    size_t at = 0;

    if (name == NULL) {
        pvm_error_set("no memory for a symbol of %zu octets", len);
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        if (data[i] == 0) {
            name[at++] = '\\';
            name[at++] = '0';
        } else {
            name[at++] = (char)data[i];
        }
    }
    name[at] = '\0';
    return name;
}

/* Offset of symbol `index`; the one behind the last symbol is the end of the section. */
static size_t symbol_offset(const uint8_t *offsets, size_t count, size_t index, size_t end)
{
    if (index == count) {
        return end;
    }
    const uint8_t *const at = offsets + 4 * index;
    return at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

static int read_imports(pvm_program_t *program, pvm_cursor_t *cursor)
{
    const size_t count =
        (size_t)pvm_cursor_natural(cursor, PVM_CURSOR_32_BIT, "the number of imports");

    if (count > PVM_MAX_IMPORTS) {
        pvm_cursor_fail_at(cursor, "the number of imports", "is above 1024", cursor->base);
    }
    const size_t table = pvm_cursor_offset(cursor);
    const uint8_t *const offsets = pvm_cursor_bytes(
        cursor, pvm_cursor_failed(cursor) ? 0 : 4 * count, "the table of import symbols");
    const size_t end = pvm_cursor_left(cursor);
    const uint8_t *const symbols = pvm_cursor_bytes(cursor, end, "the import symbols");
    if (symbols == NULL) {
        return pvm_program_report(cursor, WHAT, MEND);
    }
    program->imports = calloc(count > 0 ? count : 1, sizeof(*program->imports));
    if (program->imports == NULL) {
        return pvm_error_set("no memory for %zu imports", count);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t from = symbol_offset(offsets, count, i, end);
        const size_t to = symbol_offset(offsets, count, i + 1, end);
        if (from > to || to > end) {
            pvm_cursor_fail_at(cursor, "an import symbol",
                               "does not lie between its neighbours in the section", table + 4 * i);
            return pvm_program_report(cursor, WHAT, MEND);
        }
        program->imports[i] = copy_name(symbols + from, to - from);
        if (program->imports[i] == NULL) {
            return -1;
        }
        program->import_count = i + 1;
    }
    return 0;
}

static int read_exports(pvm_program_t *program, pvm_cursor_t *cursor, size_t code_len)
{
    /* An export takes at least two octets, so that the count cannot ask for more memory than the
     * file justifies. */
    const size_t count =
        (size_t)pvm_cursor_natural(cursor, PVM_CURSOR_32_BIT, "the number of exports");

    if (count > PVM_MAX_EXPORTS || count > pvm_cursor_left(cursor) / 2) {
        pvm_cursor_fail_at(cursor, "the number of exports",
                           "is above 65536 or more than the section holds", cursor->base);
    }
    if (pvm_cursor_failed(cursor)) {
        return pvm_program_report(cursor, WHAT, MEND);
    }
    program->exports = calloc(count > 0 ? count : 1, sizeof(*program->exports));
    if (program->exports == NULL) {
        return pvm_error_set("no memory for %zu exports", count);
    }
    for (size_t i = 0; i < count; i++) {
        const size_t where = pvm_cursor_offset(cursor);
        const uint32_t pc =
            (uint32_t)pvm_cursor_natural(cursor, PVM_CURSOR_32_BIT, "the code offset of an export");
        if (pc >= code_len) {
            pvm_cursor_fail_at(cursor, "the code offset of an export", "lies behind the code",
                               where);
        }
        const size_t len =
            (size_t)pvm_cursor_natural(cursor, PVM_CURSOR_32_BIT, "the name length of an export");
        const uint8_t *const name = pvm_cursor_bytes(cursor, len, "the name of an export");
        if (name == NULL) {
            return pvm_program_report(cursor, WHAT, MEND);
        }
        program->exports[i] = (pvm_export_t){.pc = pc, .name = copy_name(name, len)};
        if (program->exports[i].name == NULL) {
            return -1;
        }
        program->export_count = i + 1;
    }
    pvm_cursor_finish(cursor, "the last export");
    return pvm_cursor_failed(cursor) ? pvm_program_report(cursor, WHAT, MEND) : 0;
}

/* -- The whole ----------------------------------------------------------------------------- */

/* The limits of the format. */
static void check_parts(pvm_cursor_t *cursor, pvm_parts_t *parts)
{
    if (parts->entry_bytes > MAX_ENTRY_BYTES) {
        pvm_cursor_fail_at(cursor, "the width of jump table entries", "is above 4", cursor->base);
    }
    if (parts->jump_table_len > MAX_JUMP_TABLE) {
        pvm_cursor_fail_at(cursor, "the number of jump table entries", "is above 2^24",
                           cursor->base);
    }
    if (parts->code_len > MAX_CODE_BYTES) {
        pvm_cursor_fail_at(cursor, "the code length", "is above 32 MiB", cursor->base);
    }
    if (parts->entry_bytes == 0) {
        /* The linker writes width 0 when no entry is used; the Gray Paper would make each of them
         * 0. */
        parts->jump_table_len = 0;
    }
}

/* Jump table, and code up to the end of the section. @return 0; 1: that is not what it is; -1 without memory */
static int read_maskless(container_t *container, pvm_cursor_t cursor)
{
    pvm_parts_t *const parts = &container->parts;
    bool is_plain = false;

    *parts = (pvm_parts_t){0};
    parts->jump_table_len =
        (size_t)pvm_cursor_natural(&cursor, PVM_CURSOR_32_BIT, "the number of jump table entries");
    parts->entry_bytes = pvm_cursor_u8(&cursor, "the width of jump table entries");
    check_parts(&cursor, parts);
    parts->jump_table = pvm_cursor_bytes(
        &cursor, pvm_cursor_failed(&cursor) ? 0 : parts->jump_table_len * parts->entry_bytes,
        "the jump table");
    parts->code_len = pvm_cursor_left(&cursor);
    const uint8_t *const code = pvm_cursor_bytes(&cursor, parts->code_len, "the code");
    check_parts(&cursor, parts);
    if (pvm_cursor_failed(&cursor)) {
        return 1;
    }
    if (pvm_maskless_translate(code, parts->code_len, &container->maskless, &is_plain) != 0) {
        return -1;
    }
    parts->code = container->maskless.code;
    parts->mask = container->maskless.mask;
    return is_plain ? 0 : 1;
}

/* The linker of version 2 gave up the bitmask under the same version octet: what is no code with one is looked at as such. */
static int read_code(container_t *container, uint8_t version)
{
    const pvm_cursor_t begin = container->sections[CODE];
    pvm_cursor_t *const cursor = &container->sections[CODE];

    pvm_program_parse_raw(cursor, &container->parts);
    check_parts(cursor, &container->parts);
    if (!pvm_cursor_failed(cursor)) {
        return 0;
    }
    if (version != VERSION_LATEST64) {
        return pvm_program_report(cursor, WHAT, MEND);
    }
    const int status = read_maskless(container, begin);
    return status == 1 ? pvm_program_report(cursor, WHAT, MEND_LATEST64) : status;
}

/* Code without a bitmask is taken for that only if something leads into it, and always to blocks: damaged code with one
 * does not pass for it. */
static int check_maskless(const pvm_program_t *program, const container_t *container)
{
    bool is_sound = program->export_count > 0;

    if (container->maskless.code == NULL || program->error != NULL) {
        return 0;
    }
    for (size_t i = 0; i < program->export_count; i++) {
        is_sound = is_sound && pvm_program_is_block_start(program, program->exports[i].pc);
    }
    for (size_t i = 0; i < program->jump_table_len; i++) {
        is_sound = is_sound && pvm_program_is_block_start(program, program->jump_table[i]);
    }
    return is_sound ? 0 : pvm_program_report(&container->sections[CODE], WHAT, MEND_LATEST64);
}

static pvm_debug_section_t debug_section(const container_t *container, int known)
{
    const pvm_cursor_t *const cursor = &container->sections[known];

    return (pvm_debug_section_t){
        .data = container->has[known] ? cursor->data : NULL,
        .len = cursor->len,
        .offset = cursor->base,
    };
}

static int read_debug_info(pvm_program_t *program, const container_t *container)
{
    const pvm_debug_sections_t sections = {
        .strings = debug_section(container, STRINGS),
        .lines = debug_section(container, LINES),
        .ranges = debug_section(container, RANGES),
    };

    if (!container->has[STRINGS] && !container->has[LINES] && !container->has[RANGES]) {
        return 0;
    }
    program->debug_info = pvm_debug_info_create(&sections, (uint32_t)container->parts.code_len);
    return program->debug_info != NULL ? 0 : -1;
}

static int build(pvm_program_t *program, container_t *container)
{
    if (read_code(container, program->blob[VERSION_OFFSET]) != 0 ||
        (container->has[IMPORTS] && read_imports(program, &container->sections[IMPORTS]) != 0) ||
        (container->has[EXPORTS] &&
         read_exports(program, &container->sections[EXPORTS], container->parts.code_len) != 0)) {
        return -1;
    }
    program->is_32_bit = program->blob[VERSION_OFFSET] == VERSION_LATEST32;
    lay_out(container, program->is_32_bit, &program->layout);
    if (read_debug_info(program, container) != 0 ||
        pvm_program_build(program, &container->parts) != 0) {
        return -1;
    }
    return check_maskless(program, container);
}

int pvm_program_read_polkavm(pvm_program_t *program)
{
    pvm_cursor_t cursor = pvm_cursor_make(program->blob, program->blob_len, 0);
    container_t container = {0};

    read_header(&cursor, program->blob_len);
    read_sections(&cursor, &container);
    if (pvm_cursor_failed(&cursor) || !read_memory(&container, &cursor)) {
        return pvm_program_report(&cursor, WHAT, MEND);
    }
    const int status = build(program, &container);
    pvm_maskless_free(&container.maskless);
    return status;
}
