/* What the assembler's two halves share: statements as parsed (assemble_source.c) for layout
 * (assemble.c). */
#ifndef PVM_ISA_ASSEMBLE_SOURCE_H
#define PVM_ISA_ASSEMBLE_SOURCE_H

#include "isa/assemble.h"

#define PVM_NO_REFERENCE UINT32_MAX
#define PVM_NO_STATED_PC UINT32_MAX

/** A label as used; resolved once all are known. */
typedef struct {
    const char *name;
    uint32_t name_len;
    uint32_t line;
} pvm_reference_t;

/** One instruction, or a run of raw octets. */
typedef struct {
    uint32_t line;
    uint32_t pc;
    uint32_t stated_pc; /**< of an "@12:" in front, or PVM_NO_STATED_PC */
    uint32_t reference; /**< index of the label that is the target, or PVM_NO_REFERENCE */
    int64_t target;     /**< without a reference: the pc that is written there */
    uint32_t raw_first; /**< first octet in `raw` */
    uint32_t raw_count; /**< 0 for instructions */
    uint32_t octets;    /**< length in the present layout */
    pvm_lengths_t lengths;
    pvm_instruction_t in;
} pvm_item_t;

/** A jump table entry: a label, or a number if reference is PVM_NO_REFERENCE. */
typedef struct {
    uint32_t reference;
    uint32_t value;
} pvm_jump_t;

/** A parsed source: arrays in buffers. */
typedef struct {
    const char *file_name;
    pvm_isa_t isa;
    pvm_buffer_t items;      /**< pvm_item_t */
    pvm_buffer_t labels;     /**< pvm_label_t */
    pvm_buffer_t references; /**< pvm_reference_t */
    pvm_buffer_t jumps;      /**< pvm_jump_t */
    pvm_buffer_t raw;        /**< uint16_t: octet, and RAW_MASK where the mask bit is set */
    uint32_t stated_pc;      /**< for the next item */
} pvm_source_t;

#define PVM_RAW_MASK 0x100

/** Parse a source into statements. @return 0, or -1 with pvm_last_error() set. */
int pvm_isa_source_parse(pvm_source_t *source, const char *text, size_t len);
void pvm_isa_source_free(pvm_source_t *source);

static inline uint32_t pvm_isa_source_count(const pvm_buffer_t *buffer, size_t element_bytes)
{
    return (uint32_t)(buffer->len / element_bytes);
}

#endif
