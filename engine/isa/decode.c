/* One instruction from code octets: skip, operand forms, jump targets. Reads the padded code only, so it
 * cannot leave it. Spec: GP A.3 (skip), A.5.1 to A.5.13 (operands). */
#include "isa/operands.h"

void pvm_isa_decode(const pvm_code_t *code, uint32_t pc, pvm_instruction_t *out)
{
    *out = (pvm_instruction_t){.pc = pc, .next = pc, .op = PVM_OP_trap, .implicit = true};
    if (pc >= code->len) {
        return;
    }
    const uint32_t skip = pvm_isa_skip(code, pc);
    out->next = pc + 1 + skip;
    if (!pvm_isa_mask_at(code, pc)) {
        return;
    }
    const pvm_op_t op = pvm_isa_op(code->isa, code->octets[pc]);
    if (op == PVM_OP_INVALID) {
        return;
    }
    out->op = (uint8_t)op;
    out->implicit = false;
    pvm_operands_decode((pvm_form_t)pvm_isa_ops[op].form, code->octets + pc + 1, skip, out);
}
