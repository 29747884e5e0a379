/* The calendar of the quick way: which units are held in which cycle, and how many instructions begin in it.
 *
 * A ring of lines of 64 cycles, a bit for each cycle. Five instructions may begin in one. Knows units, not instructions. docs/gas.md has a picture. */
#ifndef PVM_GAS_CALENDAR_H
#define PVM_GAS_CALENDAR_H

#include "isa/isa.h"

#include <string.h>

/** Cycles in a line: the bits of a word. */
#define PVM_GAS_LINE_CYCLES     64
#define PVM_GAS_LINES           64
#define PVM_GAS_CALENDAR_CYCLES (PVM_GAS_LINES * PVM_GAS_LINE_CYCLES)

/* Parts of PVM_UNITS_*. Every load and store takes an ALU too, and there are as many load and store units as
 * ALUs, so that those two are never what is missing: nobody counts them. */
#define PVM_GAS_UNITS_ALUS 3
#define PVM_GAS_UNITS_MUL  16
#define PVM_GAS_UNITS_DIV  32

/** 64 cycles. */
typedef struct {
    uint64_t alus[3]; /**< how many of the four ALUs are held, in binary: ones, twos, fours */
    uint64_t multiplier;
    uint64_t divider;
    uint64_t starts[3]; /**< how many instructions begin there, in binary, five at most */
} pvm_gas_line_t;

typedef struct {
    _Alignas(64) pvm_gas_line_t lines[PVM_GAS_LINES];
    uint32_t cleared; /**< valid for the cycles below this one */
} pvm_gas_calendar_t;

static inline pvm_gas_line_t *pvm_gas_calendar_line(pvm_gas_calendar_t *calendar, uint32_t cycle)
{
    return &calendar->lines[cycle / PVM_GAS_LINE_CYCLES % PVM_GAS_LINES];
}

/** Make it valid up to and with this cycle. Lines are cleared when they are reached, so that a short block does
 *  not pay for the ring. */
static inline void pvm_gas_calendar_extend(pvm_gas_calendar_t *calendar, uint32_t cycle)
{
    while (calendar->cleared <= cycle) {
        memset(pvm_gas_calendar_line(calendar, calendar->cleared), 0, sizeof(pvm_gas_line_t));
        calendar->cleared += PVM_GAS_LINE_CYCLES;
    }
}

/** One more in these cycles, where numbers in binary stand beside each other. */
static inline void pvm_gas_count_up(uint64_t numbers[3], uint64_t cycles)
{
    const uint64_t two = numbers[0] & cycles;
    const uint64_t four = numbers[1] & two;

    numbers[0] ^= cycles;
    numbers[1] ^= two;
    numbers[2] |= four;
}

static inline void pvm_gas_count_down(uint64_t numbers[3], uint64_t cycles)
{
    const uint64_t two = cycles & ~numbers[0];
    const uint64_t four = two & ~numbers[1];

    numbers[0] ^= cycles;
    numbers[1] ^= two;
    numbers[2] ^= four;
}

/** Cycles of a line in which no instruction more can begin. */
static inline uint64_t pvm_gas_line_is_full(const pvm_gas_line_t *line)
{
    return line->starts[2] & line->starts[0];
}

/** First cycle from `ready` on in which these units are free and not too many begin. */
uint32_t pvm_gas_calendar_find(pvm_gas_calendar_t *calendar, uint32_t ready, unsigned units);
/** Hold units for `cycles` from `start` on and count the start. False, and nothing done, if the units are held
 *  by others in one of the cycles. */
bool pvm_gas_calendar_hold(pvm_gas_calendar_t *calendar, uint32_t start, uint32_t cycles,
                           unsigned units);
/** Undo a hold. */
void pvm_gas_calendar_release(pvm_gas_calendar_t *calendar, uint32_t start, uint32_t cycles,
                              unsigned units);

#endif
