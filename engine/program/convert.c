/* Writers of program files, conversion of formats, renumbering of opcodes. Spec: GP A.2, A.7. */
#include "program/convert.h"

#include "isa/assemble.h"
#include "program/blocks.h"
#include "support/error.h"

#include <stdlib.h>
#include <string.h>

#define MAX_U24 UINT64_C(0xffffff)
#define MAX_U16 UINT64_C(0xffff)

/* -- Writers ---------------------------------------------------------------------------- */

void pvm_convert_write_natural(uint64_t value, pvm_buffer_t *out)
{
    /* `low` octets follow the first one, whose leading ones count them; its free bits are the
     * highest of all. */
    unsigned low = 0;

    while (low < 8 && value >> (7 * low + 7) != 0) {
        low++;
    }
    const unsigned ones = 0xff & ~(0xffU >> low);
    const uint64_t high = low < 8 ? value >> (8 * low) : 0;
    pvm_buffer_append_le(out, ones | high, 1);
    pvm_buffer_append_le(out, value, low);
}

static uint64_t jump_entry(const pvm_parts_t *parts, size_t index)
{
    const uint8_t *const at = parts->jump_table + index * parts->entry_bytes;
    uint64_t value = 0;

    for (unsigned i = 0; i < parts->entry_bytes && i < sizeof(value); i++) {
        value |= (uint64_t)at[i] << (8 * i);
    }
    return value;
}

static unsigned entry_width(const pvm_parts_t *parts)
{
    unsigned width = 0;

    for (size_t i = 0; i < parts->jump_table_len; i++) {
        while (width < 8 && jump_entry(parts, i) >> (8 * width) != 0) {
            width++;
        }
    }
    return width;
}

void pvm_convert_write_raw(const pvm_parts_t *parts, pvm_buffer_t *out)
{
    const unsigned width = entry_width(parts);

    pvm_convert_write_natural(parts->jump_table_len, out);
    pvm_buffer_append_le(out, width, 1);
    pvm_convert_write_natural(parts->code_len, out);
    for (size_t i = 0; i < parts->jump_table_len; i++) {
        pvm_buffer_append_le(out, jump_entry(parts, i), width);
    }
    pvm_buffer_append(out, parts->code, parts->code_len);
    pvm_buffer_append(out, parts->mask, parts->code_len / 8);
    if (parts->code_len % 8 != 0) {
        const unsigned used = 0xffU >> (8 - parts->code_len % 8);
        pvm_buffer_append_le(out, parts->mask[parts->code_len / 8] & used, 1);
    }
}

int pvm_convert_write_jam(const pvm_jam_parts_t *jam, pvm_buffer_t *out)
{
    const struct {
        const char *what;
        uint64_t value;
        uint64_t max;
    } fields[] = {
        {"octets of read-only data", jam->ro_len, MAX_U24},
        {"octets of read-write data", jam->rw_len, MAX_U24},
        {"heap pages", jam->heap_pages, MAX_U16},
        {"octets of stack", jam->stack_len, MAX_U24},
    };
    pvm_buffer_t blob = {0};

    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        if (fields[i].value > fields[i].max) {
            return pvm_error_set(
                "%llu %s do not fit a JAM program (at most %llu); link it with less",
                (unsigned long long)fields[i].value, fields[i].what,
                (unsigned long long)fields[i].max);
        }
    }
    pvm_convert_write_raw(&jam->parts, &blob);
    if (jam->metadata != NULL) {
        pvm_convert_write_natural(jam->metadata_len, out);
        pvm_buffer_append(out, jam->metadata, jam->metadata_len);
    }
    pvm_buffer_append_le(out, jam->ro_len, 3);
    pvm_buffer_append_le(out, jam->rw_len, 3);
    pvm_buffer_append_le(out, jam->heap_pages, 2);
    pvm_buffer_append_le(out, jam->stack_len, 3);
    pvm_buffer_append(out, jam->ro_data, jam->ro_len);
    pvm_buffer_append(out, jam->rw_data, jam->rw_len);
    pvm_buffer_append_le(out, blob.len, 4);
    pvm_buffer_append(out, blob.data, blob.len);
    out->failed = out->failed || blob.failed;
    pvm_buffer_free(&blob);
    return out->failed ? pvm_error_set("no memory to write a JAM program") : 0;
}

static void write_string(const char *text, pvm_buffer_t *out)
{
    const size_t len = text == NULL ? 0 : strlen(text);

    pvm_convert_write_natural(len, out);
    pvm_buffer_append(out, text, len);
}

void pvm_convert_write_metadata(const char *name, const char *version, const char *license,
                                const char *const *authors, size_t author_count, pvm_buffer_t *out)
{
    pvm_buffer_append_le(out, 0, 1);
    write_string(name, out);
    write_string(version, out);
    write_string(license, out);
    pvm_convert_write_natural(author_count, out);
    for (size_t i = 0; i < author_count; i++) {
        write_string(authors[i], out);
    }
}

/* -- Renumbering ------------------------------------------------------------------------ */

static pvm_isa_t isa_of_spec(pvm_spec_t spec)
{
    return spec == PVM_SPEC_0_7_2      ? PVM_ISA_0_7_2
           : spec == PVM_SPEC_LATEST64 ? PVM_ISA_LATEST64
                                       : PVM_ISA_0_8_0;
}

/* Put the target's opcode numbers into `octets`, a copy of the program's code. */
static int renumber(const pvm_code_t *from, pvm_isa_t to, uint8_t *octets)
{
    for (uint32_t pc = 0; pc < from->len; pc++) {
        if (!pvm_isa_mask_at(from, pc)) {
            continue;
        }
        const pvm_op_t op = pvm_isa_op(from->isa, octets[pc]);
        if (op == PVM_OP_INVALID) {
            return pvm_error_set(
                "code offset %u: opcode %u is undefined in %s and could mean something in "
                "%s; choose the spec that the program was made for",
                pc, octets[pc], pvm_isa_name(from->isa), pvm_isa_name(to));
        }
        if (pvm_isa_ops[op].number[to] < 0) {
            return pvm_error_set(
                "code offset %u: %s has no equivalent in %s; build the program for that "
                "spec",
                pc, pvm_isa_ops[op].name, pvm_isa_name(to));
        }
        octets[pc] = (uint8_t)pvm_isa_ops[op].number[to];
    }
    return 0;
}

/* The program's code in the numbering of `spec`, padded as the decoder needs it. NULL with the
 * error text set. */
static uint8_t *converted_code(const pvm_program_t *program, pvm_spec_t spec)
{
    const pvm_code_t *const from = &program->code;
    uint8_t *const octets = malloc(from->len + (size_t)PVM_CODE_PADDING);
    const pvm_code_t to = {octets, from->mask, from->len, isa_of_spec(spec)};
    char reason[128];

    if (octets == NULL) {
        (void)pvm_error_set("no memory for %u octets of code", from->len);
        return NULL;
    }
    memcpy(octets, from->octets, from->len + (size_t)PVM_CODE_PADDING);
    if (to.isa == from->isa) {
        return octets;
    }
    if (renumber(from, to.isa, octets) != 0) {
        free(octets);
        return NULL;
    }
    if (spec == PVM_SPEC_0_8_0 && pvm_program_find_violation(&to, reason, sizeof(reason))) {
        (void)pvm_error_set("the result is not a valid program of GP 0.8.0: %s; end it with a trap",
                            reason);
        free(octets);
        return NULL;
    }
    return octets;
}

/* -- Conversion ------------------------------------------------------------------------- */

static uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* Data with the zeros that the writer of the file left out, in case a region would become
 * shorter by pages. */
static void write_data(const pvm_region_t *region, pvm_buffer_t *out)
{
    pvm_buffer_append(out, region->data, region->data_len);
    if (round_up(region->data_len, PVM_PAGE_SIZE) < region->mapped_len) {
        pvm_buffer_append_zeros(out, (size_t)(region->mapped_len - PVM_PAGE_SIZE + 1) -
                                         region->data_len);
    }
}

/* The parts of a JAM program for a raw one or a PolkaVM container. `ro` receives the read-only
 * data. Heap pages are what the ecosystem's converters write: one more than the declared size of
 * the read-write data needs. */
static void make_jam(const pvm_program_t *program, pvm_buffer_t *ro, pvm_jam_parts_t *out)
{
    const pvm_region_t *const regions = program->layout.regions;
    const pvm_region_t *const rw = &regions[PVM_REGION_RW];
    const uint64_t declared = program->layout.heap_start - rw->address;
    const uint64_t stack_len = regions[PVM_REGION_STACK].mapped_len;

    write_data(&regions[PVM_REGION_RO], ro);
    *out = (pvm_jam_parts_t){
        .ro_data = ro->data,
        .ro_len = (uint32_t)ro->len,
        .rw_data = rw->data,
        .rw_len = rw->data_len,
        .heap_pages =
            rw->mapped_len == 0 ? 0 : (uint32_t)((declared - rw->data_len) / PVM_PAGE_SIZE + 1),
        /* A stack of 2^24 octets is declared as 2^24 - 1, which maps the same pages. */
        .stack_len = (uint32_t)(stack_len == MAX_U24 + 1 ? MAX_U24 : stack_len),
    };
}

static int write_as_jam(const pvm_program_t *program, const pvm_conversion_t *conversion,
                        const pvm_parts_t *parts, pvm_buffer_t *out)
{
    pvm_buffer_t ro = {0};
    pvm_jam_parts_t jam;
    int result = -1;

    if (program->format == PVM_FORMAT_JAM) {
        pvm_cursor_t cursor = pvm_cursor_make(program->blob, program->blob_len, 0);
        pvm_program_parse_jam(&cursor, program->metadata != NULL, &jam);
    } else {
        make_jam(program, &ro, &jam);
    }
    if (conversion->metadata != NULL) {
        jam.metadata = conversion->metadata;
        jam.metadata_len = conversion->metadata_len;
    }
    jam.parts = *parts;
    if (ro.failed) {
        (void)pvm_error_set("no memory for the read-only data");
    } else {
        result = pvm_convert_write_jam(&jam, out);
    }
    pvm_buffer_free(&ro);
    return result;
}

static int check_convertible(const pvm_program_t *program, const pvm_conversion_t *conversion)
{
    if (conversion->format != PVM_FORMAT_RAW && conversion->format != PVM_FORMAT_JAM) {
        return pvm_error_set("programs can be written as raw blobs and as JAM programs only");
    }
    if (program->error != NULL) {
        return pvm_error_set("an invalid program cannot be converted: %s", program->error);
    }
    if (program->is_32_bit) {
        return pvm_error_set(
            "a program for 32-bit registers cannot be converted; raw blobs and JAM programs "
            "are 64-bit, build it for that");
    }
    return 0;
}

int pvm_convert_program(const pvm_program_t *program, const pvm_conversion_t *conversion,
                        pvm_buffer_t *out)
{
    const pvm_spec_t spec = conversion->spec == PVM_SPEC_DEFAULT ? program->spec : conversion->spec;
    const size_t len_before = out->len;
    int result = 0;

    if (check_convertible(program, conversion) != 0) {
        return -1;
    }
    uint8_t *const code = converted_code(program, spec);
    if (code == NULL) {
        return -1;
    }
    const pvm_parts_t parts = {
        .code = code,
        .code_len = program->code.len,
        .mask = program->code.mask,
        .jump_table = (const uint8_t *)program->jump_table,
        .jump_table_len = program->jump_table_len,
        .entry_bytes = sizeof(*program->jump_table),
    };
    if (conversion->format == PVM_FORMAT_JAM) {
        result = write_as_jam(program, conversion, &parts, out);
    } else {
        pvm_convert_write_raw(&parts, out);
        result = out->failed ? pvm_error_set("no memory to write a program blob") : 0;
    }
    free(code);
    out->len = result == 0 ? out->len : len_before;
    return result;
}

void pvm_convert_write_parts(const pvm_program_t *program, pvm_buffer_t *out)
{
    pvm_buffer_t mask = {0};
    pvm_buffer_t table = {0};
    const size_t mask_bytes = ((size_t)program->code.len + 7) / 8;

    pvm_buffer_append(&mask, program->code.mask, mask_bytes);
    if (!mask.failed && program->code.len % 8 != 0) {
        /* Behind the code the mask in memory is all ones; in a blob these bits are zero. */
        mask.data[mask_bytes - 1] &= (uint8_t)((1U << (program->code.len % 8)) - 1);
    }
    for (uint32_t i = 0; i < program->jump_table_len; i++) {
        pvm_buffer_append_le(&table, program->jump_table[i], 4);
    }
    const pvm_parts_t parts = {.code = program->code.octets,
                               .code_len = program->code.len,
                               .mask = mask.data,
                               .jump_table = table.data,
                               .jump_table_len = program->jump_table_len,
                               .entry_bytes = 4};
    if (mask.failed || table.failed) {
        out->failed = true;
    } else {
        pvm_convert_write_raw(&parts, out);
    }
    pvm_buffer_free(&mask);
    pvm_buffer_free(&table);
}
