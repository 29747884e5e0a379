/*
 * Exports, imports and the stack size of a guest, in the form that the PolkaVM linker looks for.
 * Only for the RISC-V build. An export is a record of two addresses in section .polkavm_exports; an
 * import is a stub that holds one custom instruction and the address of its description; the linker
 * turns a call of the stub into one `ecalli`.
 */
#ifndef PVM_EXAMPLES_GUEST_LINK_H
#define PVM_EXAMPLES_GUEST_LINK_H

#include <stddef.h>
#include <stdint.h>

/* Two registers of result: r7 the address, r8 the length, which is how a JAM entry answers. */
typedef struct {
    const void *data;
    uint64_t length;
} guest_slice_t;

#define GUEST_NOINLINE __attribute__((noinline))

#define GUEST_STRING_(x) #x
#define GUEST_STRING(x)  GUEST_STRING_(x)

/* The description: version 2, no flags, name, register counts, and maybe a fixed index. */
#define GUEST_DESCRIPTION(label, name, inputs, outputs, indexed, index)                            \
    ".pushsection .polkavm_metadata,\"aw\",@progbits\n" label ": .byte 2\n"                        \
    ".4byte 0\n"                                                                                   \
    ".4byte 779f - 778f\n"                                                                         \
    ".8byte 778f\n"                                                                                \
    ".byte " GUEST_STRING(inputs) ", " GUEST_STRING(outputs) ", " GUEST_STRING(                    \
        indexed) "\n"                                                                              \
                 ".4byte " GUEST_STRING(index) "\n"                                                \
                                               "778: .ascii \"" name "\"\n"                        \
                                               "779:\n"                                            \
                                               ".popsection\n"

/** Exports `function` under `name`; inputs and outputs count argument and result registers. */
#define GUEST_EXPORT(function, name, inputs, outputs)                                              \
    __asm__(GUEST_DESCRIPTION(".Lexport_" #function, name, inputs, outputs, 0,                     \
                              0) ".pushsection .polkavm_exports,\"awR\",@progbits\n"               \
                                 ".byte 1\n"                                                       \
                                 ".8byte .Lexport_" #function "\n"                                 \
                                 ".8byte " #function "\n"                                          \
                                 ".popsection\n");

/** Defines `function`, declared elsewhere, as host call number `index`. */
#define GUEST_IMPORT(function, name, index, inputs, outputs)                                       \
    __asm__(GUEST_DESCRIPTION(".Limport_" #function, name, inputs, outputs, 1,                     \
                              index) ".pushsection .text." #function ",\"ax\",@progbits\n"         \
                                     ".type " #function ", @function\n" #function ":\n"            \
                                     ".4byte 0x0000000b\n"                                         \
                                     ".8byte .Limport_" #function "\n"                             \
                                     "ret\n"                                                       \
                                     ".size " #function ", . - " #function "\n"                    \
                                     ".popsection\n");

/** Asks for at least this much stack; the linker's own default is two pages. */
#define GUEST_STACK_SIZE(bytes)                                                                    \
    __asm__(".pushsection .polkavm_min_stack_size,\"\",@progbits\n"                                \
            ".4byte " GUEST_STRING(bytes) "\n"                                                     \
                                          ".popsection\n");                                        \
    _Static_assert((bytes) > 0, "a stack has a size")

/** A little-endian number of at most 8 bytes; missing bytes are zero. */
static inline uint64_t guest_number(const uint8_t *bytes, uint64_t length)
{
    uint64_t value = 0;

    for (uint64_t i = 0; i < length && i < sizeof(value); i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

#endif
