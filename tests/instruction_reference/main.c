/* pvm-instruction-reference: prints docs/instructions.md from the instruction table. */
#include "isa/isa.h"

#include <stdio.h>

static const char *const form_names[PVM_FORM_COUNT] = {
#define PVM_OPERAND_FORM(name, text) [PVM_FORM_##name] = #name,
#include "isa/operands.def"
};

static const char *const form_operands[PVM_FORM_COUNT] = {
#define PVM_OPERAND_FORM(name, text) [PVM_FORM_##name] = text,
#include "isa/operands.def"
};

static const char *const intro =
    "# Instructions\n"
    "\n"
    "Made from `engine/isa/instructions.def` by `scripts/generate-instruction-reference`; do not "
    "edit. A test checks "
    "that it is current.\n"
    "\n"
    "Numbers are opcodes in GP 0.7.2, GP 0.8.0, and PolkaVM's Latest64 and Latest32 (`-`: not "
    "there). Operands are in the order "
    "of the assembler (docs/assembler.md): rA, rB, rD registers, x and y immediates "
    "(sign-extended, at most four octets, eight for "
    "`load_imm_64`), t a code offset. `M4[a]` is four octets of memory at a mod 2^32, "
    "little-endian; s32, u32, sx32 take the low 32 bits as "
    "signed, as unsigned, or sign-extended to 64.\n"
    "\n"
    "Cycles, slots and units are those of the block gas model of GP 0.8.0: slots are decode slots "
    "(a/b: a if the destination is also a source, "
    "for shifts and rotations by register: the first source), units A ALU, L load, S store, M "
    "multiplier, D divider. A branch takes 1 "
    "cycle if `trap` or `unlikely` stands at one of its two destinations, else 20. Under GP 0.7.2 "
    "every instruction costs 1.\n";

static void print_operands(pvm_form_t form)
{
    const char *roles = form_operands[form];

    for (const char *role = roles; *role != '\0'; role++) {
        static const struct {
            char role;
            const char *text;
        } texts[] = {{'A', "rA"}, {'B', "rB"}, {'D', "rD"}, {'X', "x"}, {'Y', "y"}, {'T', "@t"}};
        for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
            if (texts[i].role == *role) {
                (void)printf("%s%s", role == roles ? " " : ", ", texts[i].text);
            }
        }
    }
}

static void print_number(int number)
{
    if (number < 0) {
        (void)printf(" - |");
    } else {
        (void)printf(" %d |", number);
    }
}

/* A cell of a Markdown table: a bar would end it. */
static void print_cell(const char *text)
{
    for (; *text != '\0'; text++) {
        (void)printf(*text == '|' ? "\\|" : "%c", *text);
    }
}

static void print_cost(const pvm_op_info_t *op)
{
    const char *const units[] = {
        [PVM_UNITS_NONE] = "-", [PVM_UNITS_A] = "A",   [PVM_UNITS_AA] = "AA", [PVM_UNITS_AL] = "AL",
        [PVM_UNITS_AS] = "AS",  [PVM_UNITS_AM] = "AM", [PVM_UNITS_AD] = "AD"};

    if (op->effect == PVM_EFFECT_BRANCH) {
        (void)printf(" 1 or 20 |");
    } else {
        (void)printf(" %u |", op->cycles);
    }
    if (op->overlap == PVM_OVERLAP_NONE) {
        (void)printf(" %u |", op->slots);
    } else {
        (void)printf(" %u/%u |", op->slots_overlap, op->slots);
    }
    (void)printf(" %s |\n", units[op->units]);
}

static void print_form(pvm_form_t form)
{
    (void)printf("\n## %s\n\n", form_names[form]);
    (void)printf(
        "| Instruction | 0.7.2 | 0.8.0 | Latest64 | Latest32 | Effect | Cycles | Slots | Units |\n"
        "| --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | --- |\n");
    for (int op = 0; op < PVM_OP_COUNT; op++) {
        const pvm_op_info_t *info = &pvm_isa_ops[op];
        if (info->form != form) {
            continue;
        }
        (void)printf("| `%s", info->name);
        print_operands(form);
        (void)printf("` |");
        for (int isa = 0; isa < PVM_ISA_COUNT; isa++) {
            print_number(info->number[isa]);
        }
        (void)printf(" ");
        print_cell(info->meaning);
        (void)printf(" |");
        print_cost(info);
    }
}

int main(void)
{
    (void)printf("%s", intro);
    for (int form = 0; form < PVM_FORM_COUNT; form++) {
        print_form((pvm_form_t)form);
    }
    return ferror(stdout) != 0;
}
