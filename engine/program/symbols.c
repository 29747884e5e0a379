/* Compares programs instruction by instruction, and lends debug information. */
#include "program/symbols.h"

#include "isa/assemble.h"
#include "program/debug_info.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/** Longest instruction in a message. */
#define INSTRUCTION_SHOWN 60

static void write_instruction(const pvm_code_t *code, uint32_t pc, char *out, size_t out_bytes)
{
    pvm_buffer_t line = {0};

    if (pc >= code->len) {
        (void)snprintf(out, out_bytes, "the end of the code");
        return;
    }
    (void)pvm_isa_disassemble_line(code, pc, &line);
    (void)snprintf(out, out_bytes, "`%.*s`", (int)line.len,
                   line.failed ? "" : (const char *)line.data);
    pvm_buffer_free(&line);
}

static bool same_instruction(const pvm_instruction_t *a, const pvm_instruction_t *b)
{
    return a->op == b->op && a->implicit == b->implicit && a->next == b->next && a->a == b->a &&
           a->b == b->b && a->d == b->d && a->x == b->x && a->y == b->y;
}

static bool code_differs(const pvm_code_t *program, const pvm_code_t *symbols, char *out,
                         size_t out_bytes)
{
    pvm_instruction_t a = {0};
    pvm_instruction_t b = {0};
    const uint32_t len = program->len < symbols->len ? program->len : symbols->len;

    while (a.next < len) {
        const uint32_t pc = a.next;
        char here[INSTRUCTION_SHOWN];
        char there[INSTRUCTION_SHOWN];

        pvm_isa_decode(program, pc, &a);
        pvm_isa_decode(symbols, pc, &b);
        if (!same_instruction(&a, &b)) {
            write_instruction(program, pc, here, sizeof(here));
            write_instruction(symbols, pc, there, sizeof(there));
            (void)snprintf(out, out_bytes, "at pc %" PRIu32 " it has %s, the program %s", pc, there,
                           here);
            return true;
        }
    }
    if (program->len != symbols->len) {
        (void)snprintf(out, out_bytes, "it has %" PRIu32 " octets of code, the program %" PRIu32,
                       symbols->len, program->len);
        return true;
    }
    return false;
}

bool pvm_symbols_differ(const pvm_program_t *program, const pvm_program_t *symbols, char *out,
                        size_t out_bytes)
{
    if (code_differs(&program->code, &symbols->code, out, out_bytes)) {
        return true;
    }
    if (program->jump_table_len != symbols->jump_table_len) {
        (void)snprintf(out, out_bytes,
                       "its jump table has %" PRIu32 " entries, that of the program %" PRIu32,
                       symbols->jump_table_len, program->jump_table_len);
        return true;
    }
    for (uint32_t i = 0; i < program->jump_table_len; i++) {
        if (program->jump_table[i] != symbols->jump_table[i]) {
            (void)snprintf(out, out_bytes,
                           "entry %" PRIu32 " of its jump table is %" PRIu32
                           ", that of the program %" PRIu32,
                           i, symbols->jump_table[i], program->jump_table[i]);
            return true;
        }
    }
    return false;
}

/* Two jumps of a dispatch table are this far apart. */
#define DISPATCH_BYTES 5

static const char *export_at(const pvm_program_t *program, uint32_t pc)
{
    for (size_t i = 0; i < pvm_program_export_count(program); i++) {
        uint32_t at;
        const char *const name = pvm_program_export(program, i, &at);

        if (at == pc) {
            return name;
        }
    }
    return NULL;
}

size_t pvm_symbols_dispatch(const pvm_program_t *program, const pvm_program_t *symbols,
                            const char *out_names[PVM_SYMBOLS_DISPATCH_MAX])
{
    pvm_instruction_t jump;
    size_t found = 0;

    /* Some first jumps are the table, and behind the last of them all code has moved by the same. */
    for (size_t count = 1; count <= PVM_SYMBOLS_DISPATCH_MAX; count++) {
        const char *names[PVM_SYMBOLS_DISPATCH_MAX];
        size_t named = 0;

        pvm_isa_decode(&program->code, (uint32_t)(count - 1) * DISPATCH_BYTES, &jump);
        if (jump.op != PVM_OP_jump) {
            break;
        }
        const uint32_t moved = jump.next;
        for (uint32_t pc = 0; named < count; pc += DISPATCH_BYTES) {
            pvm_isa_decode(&program->code, pc, &jump);
            names[named] = jump.y >= moved && jump.y < program->code.len
                               ? export_at(symbols, (uint32_t)jump.y - moved)
                               : NULL;
            if (names[named] == NULL) {
                break;
            }
            named++;
        }
        if (named == count) {
            memcpy(out_names, names, count * sizeof(*names));
            found = count;
        }
    }
    return found;
}

void pvm_program_take_symbols(pvm_program_t *program, pvm_program_t *symbols)
{
    if (program == symbols || symbols->debug_info == NULL) {
        return;
    }
    pvm_program_acquire(symbols);
    if (program->symbols != NULL) {
        pvm_program_release(program->symbols);
    } else {
        pvm_debug_info_destroy(program->debug_info);
    }
    program->symbols = symbols;
    program->debug_info = symbols->debug_info;
}
