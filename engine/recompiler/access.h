/* Loads and stores of guest memory, and with PVM_MEMORY=checked the tests before them. */
#ifndef PVM_RECOMPILER_ACCESS_H
#define PVM_RECOMPILER_ACCESS_H

#include "recompiler/links.h"

/* Leave unless all octets of the access are allowed; the page of the first and of the last octet are looked at. The
 * access octets stand 1 MiB before guest address 0. */
static inline void pvm_compiler_check_access(pvm_compiler_t *c, pvm_emitter_t *e,
                                             pvm_address_t address, unsigned bytes, uint8_t need,
                                             uint32_t pc)
{
    for (unsigned i = 0; i < 2; i++) {
        if (i == 1 && bytes == 1) {
            break;
        }
        pvm_emit_address(e, address);
        if (i == 1) {
            e->at =
                pvm_x86_alu_imm(e->at, false, PVM_X86_ADD, PVM_HOST_SCRATCH, (int32_t)bytes - 1);
        }
        /* shr ecx, 12; test byte gs:[rcx - 1 MiB], need  |  test byte [r15 + rcx - 1 MiB], need */
        e->at = pvm_x86_shift(e->at, false, PVM_X86_SHR, PVM_HOST_SCRATCH, PVM_PAGE_BITS);
        e->at =
            e->cpu->segment ? pvm_x86_put(e->at, 0x81f665, 3) : pvm_x86_put(e->at, 0x0f84f641, 4);
        e->at = pvm_x86_put_32(e->at, -(int32_t)PVM_PAGE_COUNT);
        *e->at++ = need;
        pvm_compiler_leave_if(c, e, PVM_X86_E, PVM_STUB_LEAVE, pc, 0);
    }
}

PVM_EMIT pvm_address_t pvm_compiler_address(pvm_operand_t base, int64_t offset)
{
    return (pvm_address_t){
        .has_base = !base.is_immediate, .base = base.reg, .offset = (int32_t)offset};
}

/* What a load looks like: opcode, REX.W, and whether the value is extended or 64 bits. */
typedef struct {
    uint16_t opcode;
    bool wide;
    bool extended;
    uint8_t bytes;
} pvm_load_type_t;

#define PVM_LOAD_FIELDS_u8  {0xb60f, false, true, 1}
#define PVM_LOAD_FIELDS_i8  {0xbe0f, true, true, 1}
#define PVM_LOAD_FIELDS_u16 {0xb70f, false, true, 2}
#define PVM_LOAD_FIELDS_i16 {0xbf0f, true, true, 2}
#define PVM_LOAD_FIELDS_u32 {0x8b, false, false, 4}
#define PVM_LOAD_FIELDS_i32 {0x63, true, true, 4}
#define PVM_LOAD_FIELDS_u64 {0x8b, true, false, 8}

#define PVM_LOAD(type) ((pvm_load_type_t)PVM_LOAD_FIELDS_##type)

/* movzx|movsx|movsxd|mov d, [address] */
PVM_EMIT void pvm_compiler_load(pvm_compiler_t *c, pvm_emitter_t *e, uint32_t d,
                                pvm_load_type_t type, pvm_address_t address, uint32_t pc)
{
    if (c->checked) {
        pvm_emitter_t copy = *e;
        pvm_compiler_check_access(c, &copy, address, type.bytes, PVM_PAGE_READ, pc);
        pvm_emit_go_on(e, &copy);
    }
    pvm_emit_memory(e, 0, type.wide, false, type.opcode, pvm_host_register(d), address);
    pvm_emit_now(e, d, type.extended ? PVM_NOW_EXTENDED : PVM_NOW_64);
}

typedef struct {
    uint8_t prefix;
    uint8_t opcode; /**< of the register form */
    uint8_t immediate_opcode;
    bool wide;
    bool octet; /**< the register is named as an octet */
    uint8_t bytes;
} pvm_store_type_t;

#define PVM_STORE_u8  ((pvm_store_type_t){0, 0x88, 0xc6, false, true, 1})
#define PVM_STORE_u16 ((pvm_store_type_t){0x66, 0x89, 0xc7, false, false, 2})
#define PVM_STORE_u32 ((pvm_store_type_t){0, 0x89, 0xc7, false, false, 4})
#define PVM_STORE_u64 ((pvm_store_type_t){0, 0x89, 0xc7, true, false, 8})

/* mov [address], v */
PVM_EMIT void pvm_compiler_store(pvm_compiler_t *c, pvm_emitter_t *e, pvm_store_type_t type,
                                 pvm_address_t address, pvm_operand_t v, uint32_t pc)
{
    if (type.wide) {
        pvm_emit_widen(e, v);
    }
    if (c->checked) {
        pvm_emitter_t copy = *e;
        pvm_compiler_check_access(c, &copy, address, type.bytes, PVM_PAGE_WRITE, pc);
        pvm_emit_go_on(e, &copy);
    }
    if (v.is_immediate) {
        const int32_t value = (int32_t)v.immediate;
        pvm_emit_memory(e, type.prefix, type.wide, false, type.immediate_opcode, 0, address);
        e->at = pvm_x86_put(e->at, (uint32_t)value, type.bytes < 4 ? type.bytes : 4);
    } else {
        pvm_emit_memory(e, type.prefix, type.wide, type.octet, type.opcode,
                        pvm_host_register(v.reg), address);
    }
}

#endif
