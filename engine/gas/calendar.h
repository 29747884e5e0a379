/* The calendar of the quick way: which units are held in which cycle, and how many instructions begin in it.
 *
 * A ring of lines of 64 cycles, a bit for each cycle. Knows units, not instructions. docs/gas.md has a picture. */
#ifndef PVM_GAS_CALENDAR_H
#define PVM_GAS_CALENDAR_H

#include "isa/isa.h"

#include <string.h>

/** Cycles in a line: the bits of a word. */
#define PVM_GAS_LINE_CYCLES      64
#define PVM_GAS_LINES            64
#define PVM_GAS_CALENDAR_CYCLES  (PVM_GAS_LINES * PVM_GAS_LINE_CYCLES)
#define PVM_GAS_STARTS_PER_CYCLE 5

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
    uint64_t padding[3]; /* to 64 octets, so that finding a line needs no multiplication */
} pvm_gas_line_t;

typedef struct {
    _Alignas(64) pvm_gas_line_t lines[PVM_GAS_LINES];
    uint8_t starts[PVM_GAS_CALENDAR_CYCLES]; /**< instructions that begin in a cycle */
    uint32_t cleared;                        /**< valid for the cycles below this one */
} pvm_gas_calendar_t;

static inline pvm_gas_line_t *pvm_gas_calendar_line(pvm_gas_calendar_t *calendar, uint32_t cycle)
{
    return &calendar->lines[cycle / PVM_GAS_LINE_CYCLES % PVM_GAS_LINES];
}

static inline uint8_t *pvm_gas_calendar_starts(pvm_gas_calendar_t *calendar, uint32_t cycle)
{
    return &calendar->starts[cycle % PVM_GAS_CALENDAR_CYCLES];
}

/** Make it valid up to and with this cycle. Lines are cleared when they are reached, so that a short block does
 *  not pay for the ring. */
static inline void pvm_gas_calendar_extend(pvm_gas_calendar_t *calendar, uint32_t cycle)
{
    while (calendar->cleared <= cycle) {
        memset(pvm_gas_calendar_line(calendar, calendar->cleared), 0, sizeof(pvm_gas_line_t));
        memset(pvm_gas_calendar_starts(calendar, calendar->cleared), 0, PVM_GAS_LINE_CYCLES);
        calendar->cleared += PVM_GAS_LINE_CYCLES;
    }
}

/** One ALU more in these cycles of a line, all of which have one free. */
static inline void pvm_gas_line_add_alu(pvm_gas_line_t *line, uint64_t cycles)
{
    const uint64_t two = line->alus[0] & cycles;
    const uint64_t four = line->alus[1] & two;

    line->alus[0] ^= cycles;
    line->alus[1] ^= two;
    line->alus[2] |= four;
}

static inline void pvm_gas_line_remove_alu(pvm_gas_line_t *line, uint64_t cycles)
{
    const uint64_t two = cycles & ~line->alus[0];
    const uint64_t four = two & ~line->alus[1];

    line->alus[0] ^= cycles;
    line->alus[1] ^= two;
    line->alus[2] ^= four;
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
