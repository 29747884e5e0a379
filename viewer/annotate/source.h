/* Lines of source files, as far as these are on this machine. */
#ifndef PVM_VIEWER_ANNOTATE_SOURCE_H
#define PVM_VIEWER_ANNOTATE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

/** Longest source file that is read, and files that are kept. */
#define PVM_SOURCE_MAX_BYTES (UINT32_C(16) << 20)
#define PVM_SOURCE_MAX_FILES 256

/** A file; `text` NULL: it is not here. */
typedef struct {
    char *path;
    char *text;
    size_t len;
    size_t *lines; /**< where each line begins; line_count + 1 of them */
    size_t line_count;
} pvm_source_file_t;

/** Zero-initialized it is empty. */
typedef struct {
    pvm_source_file_t files[PVM_SOURCE_MAX_FILES];
    size_t count;
} pvm_source_t;

/** A line of a file, without its end, from 1 on. Paths that are not absolute are looked for from the working folder upwards: debug
 *  information is often relative to the folder of a build. @param out_len  may be 0
 *  @return borrowed, any octets; NULL: no such file or line, or no plain file */
const char *pvm_source_line(pvm_source_t *source, const char *path, size_t path_len, uint32_t line,
                            size_t *out_len);
void pvm_source_free(pvm_source_t *source);

#endif
