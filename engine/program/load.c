/* pvm_program_load(): from a file's octets to a program, by way of the right reader; and the choice
 * of a spec. */
#include "events/events.h"
#include "program/readers.h"

#include "support/error.h"
#include "support/large.h"

#include <string.h>

int pvm_program_report(const pvm_cursor_t *cursor, const char *what, const char *mend)
{
    return pvm_error_set("%s: %s %s at offset %zu; %s", what, cursor->field, cursor->problem,
                         cursor->where, mend);
}

/* Both ways to read a JAM program, because it cannot be told which one was meant. */
static void report_jam(const pvm_jam_readings_t *readings)
{
    const pvm_cursor_t *const without = &readings->without_metadata;
    const pvm_cursor_t *const with = &readings->with_metadata;

    pvm_error_set("JAM program: without metadata %s %s at offset %zu, with metadata %s %s at "
                  "offset %zu; build it again",
                  without->field, without->problem, without->where, with->field, with->problem,
                  with->where);
}

static void report_nearest(const uint8_t *blob, size_t len)
{
    pvm_cursor_t raw = pvm_cursor_make(blob, len, 0);
    pvm_jam_readings_t jam;
    pvm_parts_t ignored_parts;
    bool ignored;

    pvm_program_parse_raw(&raw, &ignored_parts);
    (void)pvm_program_detect_jam(blob, len, &ignored, &jam);
    pvm_error_set("no known program format: no PolkaVM magic number at offset 0; as JAM program %s "
                  "%s at offset %zu; as program blob %s %s at offset %zu; check that it is a "
                  "program",
                  jam.without_metadata.field, jam.without_metadata.problem,
                  jam.without_metadata.where, raw.field, raw.problem, raw.where);
}

/* Names what AUTO cannot load. */
static void report_unknown(const uint8_t *blob, size_t len, pvm_file_kind_t kind)
{
    if (kind == PVM_FILE_JAR) {
        pvm_error_set("a JAR capability manifest (\"JAR\\2\" at offset 0) is not a PVM program; "
                      "give the program that it describes");
    } else if (kind == PVM_FILE_ECALLI_TRACE) {
        pvm_error_set("an ecalli trace (text) is not a program file; "
                      "replay it as a trace, or give the octets of its program line");
    } else if (kind == PVM_FILE_SQLITE) {
        pvm_error_set("an SQLite database, as run files are, is not a program file; "
                      "give the program that was recorded");
    } else if (kind == PVM_FILE_JSON) {
        pvm_error_set("JSON text is not a program file; a test vector holds its program blob as "
                      "the array \"program\"");
    } else {
        report_nearest(blob, len);
    }
}

static pvm_format_t find_format(const uint8_t *blob, size_t len)
{
    const pvm_file_kind_t kind = pvm_program_detect(blob, len);

    switch (kind) {
    case PVM_FILE_RAW:
        return PVM_FORMAT_RAW;
    case PVM_FILE_JAM:
        return PVM_FORMAT_JAM;
    case PVM_FILE_POLKAVM:
        return PVM_FORMAT_POLKAVM;
    default:
        report_unknown(blob, len, kind);
        return PVM_FORMAT_AUTO;
    }
}

/* DEFAULT becomes what the file says, or 0.8.0. A file that says something else than the caller is
 * refused. */
static pvm_spec_t choose_spec(const uint8_t *blob, size_t len, pvm_format_t format,
                              pvm_spec_t wanted)
{
    static const char *const names[] = {"default", "0.7.2", "0.8.0", "latest64"};

    if (format != PVM_FORMAT_POLKAVM) {
        return wanted == PVM_SPEC_DEFAULT ? PVM_SPEC_0_8_0 : wanted;
    }
    const pvm_spec_t said = pvm_program_polkavm_spec(blob, len);
    if (said != PVM_SPEC_DEFAULT && wanted != PVM_SPEC_DEFAULT && wanted != said) {
        pvm_error_set("PolkaVM container: version %u at offset 4 means spec %s, not %s; load it "
                      "with its own spec",
                      blob[4], names[said], names[wanted]);
        return PVM_SPEC_DEFAULT;
    }
    return said;
}

static int copy_blob(pvm_program_t *program, const uint8_t *blob, size_t len)
{
    program->blob = pvm_large_take(len);
    if (program->blob == NULL) {
        return pvm_error_set("no memory for a program file of %zu octets", len);
    }
    if (len > 0) {
        memcpy(program->blob, blob, len);
    }
    program->blob_len = len;
    return 0;
}

static int read_program(pvm_program_t *program, bool has_metadata)
{
    switch (program->format) {
    case PVM_FORMAT_JAM:
        return pvm_program_read_jam(program, has_metadata);
    case PVM_FORMAT_POLKAVM:
        return pvm_program_read_polkavm(program);
    default:
        return pvm_program_read_raw(program);
    }
}

static bool are_arguments_fine(const uint8_t *blob, size_t len, pvm_format_t format,
                               pvm_spec_t spec)
{
    if (blob == NULL && len > 0) {
        pvm_error_set("pvm_program_load: blob is NULL but its length is not 0");
    } else if ((int)format < PVM_FORMAT_AUTO || format > PVM_FORMAT_POLKAVM) {
        pvm_error_set("pvm_program_load: unknown format %d", (int)format);
    } else if ((int)spec < PVM_SPEC_DEFAULT || spec > PVM_SPEC_LATEST64) {
        pvm_error_set("pvm_program_load: unknown spec %d", (int)spec);
    } else if (len > PVM_MAX_BLOB_BYTES) {
        pvm_error_set("program file of %zu octets is too large; the limit is %u", len,
                      PVM_MAX_BLOB_BYTES);
    } else {
        return true;
    }
    return false;
}

pvm_program_t *pvm_program_load(const uint8_t *blob, size_t len, pvm_format_t format,
                                pvm_spec_t spec)
{
    static const uint8_t nothing[1];
    bool has_metadata = false;
    pvm_jam_readings_t readings;

    if (!are_arguments_fine(blob, len, format, spec)) {
        return NULL;
    }
    if (blob == NULL) {
        blob = nothing;
    }
    if (format == PVM_FORMAT_AUTO) {
        format = find_format(blob, len);
    }
    if (format == PVM_FORMAT_AUTO) {
        return NULL;
    }
    if (format == PVM_FORMAT_JAM &&
        pvm_program_detect_jam(blob, len, &has_metadata, &readings) != 0) {
        report_jam(&readings);
        return NULL;
    }
    spec = choose_spec(blob, len, format, spec);
    if (spec == PVM_SPEC_DEFAULT) {
        return NULL;
    }
    pvm_program_t *const program = pvm_program_new(spec, format);
    if (program != NULL &&
        (copy_blob(program, blob, len) != 0 || read_program(program, has_metadata) != 0)) {
        pvm_program_release(program);
        return NULL;
    }
    if (program != NULL) {
        pvm_events_start();
        pvm_events_program(program);
    }
    return program;
}

/* 101 to 111 mean other instructions in 0.7.2 than in 0.8.0; 2 exists in 0.8.0 only. */
static bool looks_like_0_8_0(const pvm_code_t *code)
{
    bool has_moved_opcode = false;

    for (uint32_t pc = 0; pc < code->len; pc++) {
        if (pvm_isa_mask_at(code, pc)) {
            if (code->octets[pc] == 2) {
                return true;
            }
            has_moved_opcode |= code->octets[pc] >= 101 && code->octets[pc] <= 111;
        }
    }
    return !has_moved_opcode;
}

pvm_spec_t pvm_program_guess_spec(const uint8_t *blob, size_t len, pvm_format_t format,
                                  bool *out_guessed)
{
    pvm_spec_t spec = PVM_SPEC_DEFAULT;
    bool guessed = false;

    if (format == PVM_FORMAT_AUTO && pvm_program_detect(blob, len) == PVM_FILE_POLKAVM) {
        format = PVM_FORMAT_POLKAVM;
    }
    if (format == PVM_FORMAT_POLKAVM) {
        spec = pvm_program_polkavm_spec(blob, len);
    } else {
        pvm_program_t *const program = pvm_program_load(blob, len, format, PVM_SPEC_0_8_0);
        guessed = true;
        if (program != NULL) {
            spec = program->error == NULL && looks_like_0_8_0(&program->code) ? PVM_SPEC_0_8_0
                                                                              : PVM_SPEC_0_7_2;
        }
        pvm_program_release(program);
    }
    if (out_guessed != NULL) {
        *out_guessed = guessed;
    }
    return spec != PVM_SPEC_DEFAULT ? spec : PVM_SPEC_0_8_0;
}
