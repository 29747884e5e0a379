/* Between the readers of program files: what a file is, and its layers one by one.
 *
 * A reader fills a fresh program from program->blob, so that regions, metadata and debug info may
 * borrow from it. Reading is exact: a blob must be its own encoding, octet for octet, which is also
 * how formats without a magic number are told apart. Spec: GP A.2 (blob), A.7 (standard program);
 * PolkaVM's container. */
#ifndef PVM_PROGRAM_READERS_H
#define PVM_PROGRAM_READERS_H

#include "program/program.h"
#include "support/cursor.h"

/* -- What a file is ------------------------------------------------------------------------ */

typedef enum {
    PVM_FILE_UNKNOWN,
    PVM_FILE_RAW,
    PVM_FILE_JAM,
    PVM_FILE_POLKAVM,
    PVM_FILE_ECALLI_TRACE, /**< text with a program, start or ecalli record somewhere */
    PVM_FILE_JSON,         /**< a test vector, say */
    PVM_FILE_JAR,          /**< capability manifest of another system, "JAR\2" */
    PVM_FILE_SQLITE        /**< a database, as run files are */
} pvm_file_kind_t;

/** Tell what a file holds: magic numbers and text first, then JAM with metadata, JAM, raw by exact
 * consumption. A PolkaVM container is known by its magic alone, so it may still be broken. */
pvm_file_kind_t pvm_program_detect(const uint8_t *data, size_t len);

/** The spec that the command line's `auto` chooses: a container's version octet; for JAM and raw
 * blobs 0.8.0 if they validate as such and contain opcode 2 or none of 101..111, else 0.7.2. What
 * does not load gives 0.8.0.
 *  @param out_guessed  false where the file itself says it; may be NULL */
pvm_spec_t pvm_program_guess_spec(const uint8_t *blob, size_t len, pvm_format_t format,
                                  bool *out_guessed);

/* -- Layers of a file: they parse and check, but copy nothing ------------------------------ */

/** A standard program, cut up. Pointers go into the cursor's data. */
typedef struct {
    const uint8_t *metadata; /**< NULL without a metadata prefix */
    size_t metadata_len;
    const uint8_t *ro_data;
    uint32_t ro_len;
    const uint8_t *rw_data;
    uint32_t rw_len;
    uint32_t heap_pages;
    uint32_t stack_len;
    pvm_parts_t parts;
} pvm_jam_parts_t;

/** A program blob that reaches exactly to the end of the cursor's data. Ask pvm_cursor_failed(). */
void pvm_program_parse_raw(pvm_cursor_t *cursor, pvm_parts_t *out);
/** A standard program to the end of the data, with or without metadata in front. Ask
 * pvm_cursor_failed(). */
void pvm_program_parse_jam(pvm_cursor_t *cursor, bool has_metadata, pvm_jam_parts_t *out);

/* -- Readers: fill `program` from program->blob. 0, or -1 with pvm_last_error() ------------- */

/** Never fails for what the octets are: a malformed blob makes an invalid program. */
int pvm_program_read_raw(pvm_program_t *program);
/** @param has_metadata  as found by detection */
int pvm_program_read_jam(pvm_program_t *program, bool has_metadata);
/** Sets program->is_32_bit; program->spec must be what pvm_program_polkavm_spec() says. */
int pvm_program_read_polkavm(pvm_program_t *program);

/** What became of the two ways to read a JAM program. */
typedef struct {
    pvm_cursor_t with_metadata;
    pvm_cursor_t without_metadata;
} pvm_jam_readings_t;

/** Find out whether a JAM program has a metadata prefix.
 *  @return 0, or -1 if neither reading in *out is right */
int pvm_program_detect_jam(const uint8_t *blob, size_t len, bool *out_has_metadata,
                           pvm_jam_readings_t *out);
/** Spec of a container by its version octet. @return DEFAULT with pvm_last_error() if it has no
 * known one. */
pvm_spec_t pvm_program_polkavm_spec(const uint8_t *blob, size_t len);

/** Set the thread's error from a failed cursor: "<what>: <field> <problem> at offset <n>; <mend>".
 * @return -1 */
int pvm_program_report(const pvm_cursor_t *cursor, const char *what, const char *mend);

/* -- Metadata ------------------------------------------------------------------------------ */

/** Most authors that are kept; `author_count` may be larger. */
#define PVM_MAX_METADATA_AUTHORS 16

typedef enum {
    PVM_METADATA_NONE,
    PVM_METADATA_CONVENTIONAL, /**< name, version, license, authors */
    PVM_METADATA_TEXT,         /**< printable UTF-8, all of it in `text` */
    PVM_METADATA_OPAQUE        /**< anything else, in `text` */
} pvm_metadata_kind_t;

/** Octets from a file; text is valid UTF-8 but not NUL-terminated, and unescaped. */
typedef struct {
    const uint8_t *data;
    size_t len;
} pvm_octets_t;

typedef struct {
    pvm_metadata_kind_t kind;
    pvm_octets_t text; /**< all octets, in every kind */
    pvm_octets_t name;
    pvm_octets_t version;
    pvm_octets_t license;
    pvm_octets_t authors[PVM_MAX_METADATA_AUTHORS];
    size_t author_count;
} pvm_metadata_t;

/** Take metadata apart for people. Never fails: what follows no convention is text or opaque. */
void pvm_program_decode_metadata(const uint8_t *data, size_t len, pvm_metadata_t *out);

#endif
