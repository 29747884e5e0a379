/* Programs under test: loading them, and their text form. */
#include "program.h"

#include "isa/assemble.h"
#include "program/program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

pvm_isa_t diff_program_isa(const diff_program_t *program)
{
    switch (program->spec) {
    case PVM_SPEC_0_7_2:
        return PVM_ISA_0_7_2;
    case PVM_SPEC_LATEST64:
        return program->is_32_bit ? PVM_ISA_LATEST32 : PVM_ISA_LATEST64;
    default:
        return PVM_ISA_0_8_0;
    }
}

pvm_program_t *diff_program_build(const diff_program_t *program)
{
    const pvm_parts_t parts = {
        .code = program->code,
        .code_len = program->code_len,
        .mask = program->mask,
        .jump_table = (const uint8_t *)program->jump_table,
        .jump_table_len = program->jump_table_len,
        .entry_bytes = sizeof(program->jump_table[0]),
    };

    if (!program->is_32_bit && !program->has_heap) {
        return pvm_program_from_parts(program->code, program->code_len, program->mask,
                                      (program->code_len + 7) / 8, program->jump_table,
                                      program->jump_table_len, program->spec);
    }
    /* What a container says about registers and heap has no place among the parts. */
    pvm_program_t *const built = pvm_program_new(program->spec, PVM_FORMAT_JAM);
    if (built == NULL) {
        return NULL;
    }
    built->is_32_bit = program->is_32_bit;
    if (program->has_heap) {
        built->layout.heap_start = DIFF_HEAP_START;
        built->layout.heap_end_max = DIFF_HEAP_END_MAX;
        built->layout.regions[PVM_REGION_RW] = (pvm_region_t){
            .address = DIFF_HEAP_REGION, .mapped_len = PVM_PAGE_SIZE, .access = PVM_ACCESS_WRITE};
    }
    if (pvm_program_build(built, &parts) != 0) {
        pvm_program_release(built);
        return NULL;
    }
    return built;
}

void diff_region_fill(const diff_region_t *region, uint8_t *out)
{
    uint64_t value = region->fill;
    uint64_t words[32];

    memset(out, 0, (size_t)region->pages * PVM_PAGE_SIZE);
    if (region->fill == 0) {
        return;
    }
    /* Words of all sizes, many of them small; the same ones again and again, because making them costs time. */
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        words[i] = value >> (value >> 58);
        value = value * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    }
    for (uint32_t at = 0; at < region->pages * PVM_PAGE_SIZE; at += sizeof(words)) {
        words[0] ^= at;
        memcpy(out + at, words, sizeof(words));
    }
}

/* -- Text -------------------------------------------------------------------------------- */

static const char *const access_names[] = {"none", "read", "write"};

static void write_octets(FILE *out, const char *key, const uint8_t *octets, size_t len)
{
    (void)fprintf(out, "%s ", key);
    for (size_t i = 0; i < len; i++) {
        (void)fprintf(out, "%02x", octets[i]);
    }
    (void)fprintf(out, "\n");
}

/* A program that does not validate has no disassembly to trust, but its octets can still be read. */
static void write_disassembly(const diff_program_t *program, FILE *out)
{
    uint8_t octets[DIFF_CODE_MAX + PVM_CODE_PADDING] = {0};
    uint8_t mask[(DIFF_CODE_MAX + PVM_CODE_PADDING) / 8 + 1];
    const pvm_code_t code = {
        .octets = octets, .mask = mask, .len = program->code_len, .isa = diff_program_isa(program)};
    pvm_buffer_t text = {0};

    memcpy(octets, program->code, program->code_len);
    memset(mask, 0xff, sizeof(mask));
    memcpy(mask, program->mask, (program->code_len + 7) / 8);
    if (program->code_len % 8 != 0) {
        const uint32_t last = program->code_len / 8;
        mask[last] = (uint8_t)(mask[last] | 0xffU << program->code_len % 8);
    }
    pvm_isa_disassemble(&code, program->jump_table, program->jump_table_len, &text);
    for (size_t at = 0; at < text.len && !text.failed;) {
        const uint8_t *const line = text.data + at;
        const uint8_t *const end = memchr(line, '\n', text.len - at);
        const size_t len = end == NULL ? text.len - at : (size_t)(end - line);
        (void)fprintf(out, "# %.*s\n", (int)len, (const char *)line);
        at += len + 1;
    }
    pvm_buffer_free(&text);
}

void diff_program_write(const diff_program_t *program, FILE *out)
{
    write_disassembly(program, out);
    (void)fprintf(out, "spec %s\n", pvm_isa_name(diff_program_isa(program)));
    (void)fprintf(out, "entry %" PRIu32 "\ngas %" PRId64 "\nhost 0x%016" PRIx64 "\n",
                  program->entry, program->gas, program->host_seed);
    (void)fprintf(out, "callback %d\nheap %d\nexits %" PRIu32 "\n", program->has_callback,
                  program->has_heap, program->exits);
    for (int i = 0; i < PVM_REGISTER_COUNT; i++) {
        if (program->registers[i] != 0) {
            (void)fprintf(out, "register %d 0x%" PRIx64 "\n", i, program->registers[i]);
        }
    }
    for (uint32_t i = 0; i < program->region_count; i++) {
        const diff_region_t *const region = &program->regions[i];
        (void)fprintf(out, "region 0x%08" PRIx32 " %" PRIu32 " %s %" PRIu32 "\n", region->address,
                      region->pages, access_names[region->access], region->fill);
    }
    for (uint32_t i = 0; i < program->jump_table_len; i++) {
        (void)fprintf(out, "jump %" PRIu32 "\n", program->jump_table[i]);
    }
    write_octets(out, "code", program->code, program->code_len);
    write_octets(out, "mask", program->mask, (program->code_len + 7) / 8);
}

static int read_octets(const char *digits, uint8_t *out, uint32_t max)
{
    uint32_t len = 0;
    unsigned octet;

    for (; sscanf(digits, "%2x", &octet) == 1; digits += 2) {
        if (len == max || digits[1] == '\0' || digits[1] == '\n') {
            return -1;
        }
        out[len++] = (uint8_t)octet;
    }
    return (int)len;
}

static int read_spec(const char *name, diff_program_t *out)
{
    static const pvm_spec_t specs[] = {
        [PVM_ISA_0_7_2] = PVM_SPEC_0_7_2,
        [PVM_ISA_0_8_0] = PVM_SPEC_0_8_0,
        [PVM_ISA_LATEST64] = PVM_SPEC_LATEST64,
        [PVM_ISA_LATEST32] = PVM_SPEC_LATEST64,
    };
    const pvm_isa_t isa = pvm_isa_by_name(name, strcspn(name, "\n"));

    if (isa == PVM_ISA_COUNT) {
        return -1;
    }
    out->spec = specs[isa];
    out->is_32_bit = isa == PVM_ISA_LATEST32;
    return 0;
}

static int read_region(const char *text, diff_program_t *out)
{
    char access[8];
    diff_region_t region = {0};

    if (out->region_count == DIFF_REGIONS_MAX ||
        sscanf(text, "%" SCNx32 " %" SCNu32 " %7s %" SCNu32, &region.address, &region.pages, access,
               &region.fill) != 4 ||
        region.pages > DIFF_REGION_PAGES_MAX) {
        return -1;
    }
    for (int i = PVM_ACCESS_NONE; i <= PVM_ACCESS_WRITE; i++) {
        if (strcmp(access, access_names[i]) == 0) {
            region.access = (pvm_access_t)i;
            out->regions[out->region_count++] = region;
            return 0;
        }
    }
    return -1;
}

static int read_register(const char *text, diff_program_t *out)
{
    unsigned index;
    uint64_t value;

    if (sscanf(text, "%u %" SCNx64, &index, &value) != 2 || index >= PVM_REGISTER_COUNT) {
        return -1;
    }
    out->registers[index] = value;
    return 0;
}

static int read_number(const char *key, const char *text, diff_program_t *out)
{
    const int64_t number = (int64_t)strtoull(text, NULL, 0);

    if (strcmp(key, "entry") == 0) {
        out->entry = (uint32_t)number;
    } else if (strcmp(key, "gas") == 0) {
        out->gas = strtoll(text, NULL, 0);
    } else if (strcmp(key, "host") == 0) {
        out->host_seed = (uint64_t)number;
    } else if (strcmp(key, "callback") == 0) {
        out->has_callback = number != 0;
    } else if (strcmp(key, "exits") == 0) {
        out->exits = (uint32_t)number;
    } else if (strcmp(key, "heap") == 0) {
        out->has_heap = number != 0;
    } else if (strcmp(key, "jump") == 0 && out->jump_table_len < DIFF_JUMPS_MAX) {
        out->jump_table[out->jump_table_len++] = (uint32_t)number;
    } else {
        return -1;
    }
    return 0;
}

static int read_line(const char *key, const char *rest, diff_program_t *out)
{
    if (strcmp(key, "spec") == 0) {
        return read_spec(rest, out);
    }
    if (strcmp(key, "region") == 0) {
        return read_region(rest, out);
    }
    if (strcmp(key, "register") == 0) {
        return read_register(rest, out);
    }
    if (strcmp(key, "code") == 0) {
        const int len = read_octets(rest, out->code, DIFF_CODE_MAX);
        out->code_len = len < 0 ? 0 : (uint32_t)len;
        return len < 0 ? -1 : 0;
    }
    if (strcmp(key, "mask") == 0) {
        return read_octets(rest, out->mask, DIFF_CODE_MAX / 8) < 0 ? -1 : 0;
    }
    return read_number(key, rest, out);
}

int diff_program_read(const char *path, diff_program_t *out)
{
    FILE *const file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    unsigned number = 0;
    int status = 0;

    memset(out, 0, sizeof(*out));
    if (file == NULL) {
        (void)fprintf(stderr, "%s: cannot be opened\n", path);
        return -1;
    }
    while (status == 0 && getline(&line, &room, file) > 0) {
        char key[16] = "";
        int rest = 0;
        number++;
        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }
        if (sscanf(line, "%15s %n", key, &rest) < 1 || rest == 0 ||
            read_line(key, line + rest, out) != 0) {
            (void)fprintf(stderr, "%s:%u: not understood; see tests/differential/README.md\n", path,
                          number);
            status = -1;
        }
    }
    free(line);
    (void)fclose(file);
    return status;
}
