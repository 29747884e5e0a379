/*
 * Guest: an interpreter of a small register machine, running a program that is part of this file:
 * Collatz chain lengths, a histogram of them in the machine's memory, and greatest common divisors.
 * One indirect jump per instruction: the worst case for a branch predictor, and for us.
 */
#include "guest.h"

#define REGISTERS    16
#define MEMORY_WORDS 256

typedef enum {
    OP_HALT,          /* end; the result is register 0 */
    OP_LOAD,          /* a = constant */
    OP_MOVE,          /* a = b */
    OP_ADD,           /* a = b + c */
    OP_SUB,           /* a = b - c */
    OP_MUL,           /* a = b * c */
    OP_REM,           /* a = b % c, b when c is 0 */
    OP_AND,           /* a = b & c */
    OP_XOR,           /* a = b ^ c */
    OP_ADD_CONSTANT,  /* a = b + constant */
    OP_SHIFT_RIGHT,   /* a = b >> constant */
    OP_ROTATE,        /* a = b rotated left by constant */
    OP_LOAD_WORD,     /* a = memory[b] */
    OP_STORE_WORD,    /* memory[b] = a */
    OP_JUMP,          /* to constant */
    OP_JUMP_ZERO,     /* if a == 0 to constant */
    OP_JUMP_NOT_ZERO, /* if a != 0 to constant */
    OP_JUMP_LESS,     /* if a < b to constant */
} op_t;

typedef struct {
    uint8_t op;
    uint8_t a;
    uint8_t b;
    uint8_t c;
    int32_t constant;
} instruction_t;

/*
 * Registers: 0 result, 1 first start, 2 number of starts left, 3 current value, 4 steps, 5 and 6
 * scratch, 7 and 10 the numbers one and two, 8 previous start, 9 the mask of the memory.
 */
static const instruction_t program[] = {
    /* 0: the next start; ends when none is left */
    {OP_JUMP_ZERO, 2, 0, 0, 27},
    {OP_MOVE, 3, 1, 0, 0},
    {OP_LOAD, 4, 0, 0, 0},
    /* 3: one Collatz step: v / 2, or 3 v + 1, until v is 1 */
    {OP_JUMP_LESS, 3, 10, 0, 13},
    {OP_ADD_CONSTANT, 4, 4, 0, 1},
    {OP_AND, 5, 3, 7, 0},
    {OP_JUMP_NOT_ZERO, 5, 0, 0, 9},
    {OP_SHIFT_RIGHT, 3, 3, 0, 1},
    {OP_JUMP, 0, 0, 0, 3},
    /* 9: odd */
    {OP_ADD, 5, 3, 3, 0},
    {OP_ADD, 3, 5, 3, 0},
    {OP_ADD_CONSTANT, 3, 3, 0, 1},
    {OP_JUMP, 0, 0, 0, 3},
    /* 13: memory[steps % 256] += 1, and the new count into the result */
    {OP_AND, 6, 4, 9, 0},
    {OP_LOAD_WORD, 5, 6, 0, 0},
    {OP_ADD_CONSTANT, 5, 5, 0, 1},
    {OP_STORE_WORD, 5, 6, 0, 0},
    {OP_ROTATE, 0, 0, 0, 7},
    {OP_XOR, 0, 0, 5, 0},
    /* 19: v = gcd(start, 6 * previous start), by Euclid from 22 on */
    {OP_LOAD, 5, 0, 0, 6},
    {OP_MUL, 5, 5, 8, 0},
    {OP_MOVE, 3, 1, 0, 0},
    {OP_JUMP_ZERO, 5, 0, 0, 28},
    {OP_REM, 6, 3, 5, 0},
    {OP_MOVE, 3, 5, 0, 0},
    {OP_MOVE, 5, 6, 0, 0},
    {OP_JUMP, 0, 0, 0, 22},
    /* 27: no start is left */
    {OP_HALT, 0, 0, 0, 0},
    /* 28: fold the divisor and the steps in, go on with the next start */
    {OP_ADD, 0, 0, 3, 0},
    {OP_MUL, 5, 4, 4, 0},
    {OP_ADD, 0, 0, 5, 0},
    {OP_MOVE, 8, 1, 0, 0},
    {OP_ADD_CONSTANT, 1, 1, 0, 1},
    {OP_SUB, 2, 2, 7, 0},
    {OP_JUMP, 0, 0, 0, 0},
};

static uint64_t memory[MEMORY_WORDS];

GUEST_NOINLINE static uint64_t interpret(const instruction_t *code, uint64_t start, uint64_t count)
{
    uint64_t r[REGISTERS] = {0};
    const instruction_t *next = code;

    r[1] = start;
    r[2] = count;
    r[7] = 1;
    r[9] = MEMORY_WORDS - 1;
    r[10] = 2;
    for (;;) {
        const instruction_t *i = next++;
        const uint64_t constant = (uint64_t)(int64_t)i->constant;

        switch ((op_t)i->op) {
        case OP_HALT:
            return r[0];
        case OP_LOAD:
            r[i->a] = constant;
            break;
        case OP_MOVE:
            r[i->a] = r[i->b];
            break;
        case OP_ADD:
            r[i->a] = r[i->b] + r[i->c];
            break;
        case OP_SUB:
            r[i->a] = r[i->b] - r[i->c];
            break;
        case OP_MUL:
            r[i->a] = r[i->b] * r[i->c];
            break;
        case OP_REM:
            r[i->a] = r[i->c] == 0 ? r[i->b] : r[i->b] % r[i->c];
            break;
        case OP_AND:
            r[i->a] = r[i->b] & r[i->c];
            break;
        case OP_XOR:
            r[i->a] = r[i->b] ^ r[i->c];
            break;
        case OP_ADD_CONSTANT:
            r[i->a] = r[i->b] + constant;
            break;
        case OP_SHIFT_RIGHT:
            r[i->a] = r[i->b] >> (constant & 63);
            break;
        case OP_ROTATE:
            r[i->a] = r[i->b] << (constant & 63) | r[i->b] >> (-constant & 63);
            break;
        case OP_LOAD_WORD:
            r[i->a] = memory[r[i->b] % MEMORY_WORDS];
            break;
        case OP_STORE_WORD:
            memory[r[i->b] % MEMORY_WORDS] = r[i->a];
            break;
        case OP_JUMP:
            next = code + i->constant;
            break;
        case OP_JUMP_ZERO:
            next = r[i->a] == 0 ? code + i->constant : next;
            break;
        case OP_JUMP_NOT_ZERO:
            next = r[i->a] != 0 ? code + i->constant : next;
            break;
        case OP_JUMP_LESS:
            next = r[i->a] < r[i->b] ? code + i->constant : next;
            break;
        }
    }
}

PVM_GUEST_MAIN(interp)
{
    uint64_t checksum = 0;

    for (size_t i = 0; i < MEMORY_WORDS; i++) {
        memory[i] = 0;
    }
    for (uint64_t round = guest_rounds(n); round > 0; round--) {
        checksum = guest_mix(checksum, interpret(program, 1 + (checksum & 1023), 48));
    }
    return checksum;
}
