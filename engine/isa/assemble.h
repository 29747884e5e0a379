/* Assembler and disassembler: text to code, mask and jump table, and back. docs/assembler.md is
 * the manual.
 *
 * Knows instructions, labels and the few directives; nothing of containers or memory. */
#ifndef PVM_ISA_ASSEMBLE_H
#define PVM_ISA_ASSEMBLE_H

#include "isa/encode.h"
#include "isa/isa.h"
#include "support/buffer.h"

/** Limits on what one source may become. */
#define PVM_MAX_ASSEMBLY_TEXT  (UINT32_C(512) << 20)
#define PVM_MAX_ASSEMBLY_CODE  (UINT32_C(64) << 20)
#define PVM_MAX_ASSEMBLY_JUMPS (UINT32_C(1) << 24)

/** A label and where it came out. */
typedef struct {
    const char *name; /**< inside the assembly's own copy of the text, not NUL-terminated */
    uint32_t name_len;
    uint32_t pc;
    uint32_t line;
    uint32_t
        item; /**< index of the statement behind the label; means something during assembly only */
} pvm_label_t;

/** The result. Owned: pvm_isa_assembly_free(). */
typedef struct {
    pvm_isa_t isa;
    uint8_t *code;
    uint32_t code_len;
    uint8_t *mask; /**< packed, ceil(code_len / 8) octets */
    uint32_t *jump_table;
    uint32_t jump_table_len;
    pvm_label_t *labels; /**< sorted by name */
    uint32_t label_count;
    char *text;
} pvm_assembly_t;

/** Assemble a source. @param file_name  for error texts: "name:line: what; what to do"
 *  @param isa  numbering, unless the text has a .spec line
 *  @return 0, or -1 with pvm_last_error() set and *out empty. */
int pvm_isa_assemble(const char *text, size_t len, const char *file_name, pvm_isa_t isa,
                     pvm_assembly_t *out);
/** Free what pvm_isa_assemble() made; a zeroed one is fine. */
void pvm_isa_assembly_free(pvm_assembly_t *assembly);
/** Where a label is. @return 0, or -1 if there is none of that name. */
int pvm_isa_assembly_label(const pvm_assembly_t *assembly, const char *name, size_t name_len,
                           uint32_t *out_pc);

/** The numbering of a name: "0.7.2", "0.8.0", "latest64", "latest32"; PVM_ISA_COUNT for anything
 * else. */
pvm_isa_t pvm_isa_by_name(const char *name, size_t len);
/** The name of a numbering. */
const char *pvm_isa_name(pvm_isa_t isa);

/** The source line, without end of line, that assembles to exactly the octets of the instruction
 * at pc: plain where its encoding is the shortest, with explicit lengths or as `.byte` where it
 * is not.
 *  @return where the next line begins. */
uint32_t pvm_isa_disassemble_line(const pvm_code_t *code, uint32_t pc, pvm_buffer_t *out);
/** A whole source that assembles to exactly this code, mask and jump table: each line with its pc
 * in front. */
void pvm_isa_disassemble(const pvm_code_t *code, const uint32_t *jump_table,
                         uint32_t jump_table_len, pvm_buffer_t *out);

#endif
