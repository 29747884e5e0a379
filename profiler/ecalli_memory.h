/* What a host did to guest memory in one host call, as lines of an ecalli trace. */
#ifndef PVM_PROFILER_ECALLI_MEMORY_H
#define PVM_PROFILER_ECALLI_MEMORY_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** Octets that one host call may have read and written together. */
#define PVM_MAX_ECALLI_CALL_BYTES (UINT64_C(1) << 30)
/** Accesses in one host call. */
#define PVM_MAX_ECALLI_CALL_ACCESSES (UINT32_C(1) << 16)

/** Octets as hexadecimal digits. */
void pvm_ecalli_put_hex(FILE *out, const void *data, size_t len);
/** A memwrite or memread line. */
void pvm_ecalli_put_access(FILE *out, bool is_write, uint32_t address, const void *data,
                           size_t len);

/** The lines of one host call, in the order of JIP-7: reads, then writes, each by address. Writes that overlap become
 *  one, with what was written last. A read of what the same call had written before is left out: a reader
 *  looks at reads before it writes.
 *  @param rows  a bound statement that gives address, is_write and data, in the order in which it happened
 *  @return SQLite's code: SQLITE_OK; SQLITE_CORRUPT, also above the limits; SQLITE_NOMEM */
int pvm_ecalli_put_memory(FILE *out, sqlite3_stmt *rows);

#endif
