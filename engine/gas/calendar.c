/* Finding, holding and releasing units in the calendar, for any units and any number of cycles. */
#include "gas/calendar.h"

/* Cycles of a line in which these units cannot be had. */
static uint64_t busy(const pvm_gas_line_t *line, unsigned units)
{
    const unsigned alus = units & PVM_GAS_UNITS_ALUS;
    uint64_t cycles = alus != 0 ? line->alus[2] : 0;

    cycles |= alus == 2 ? line->alus[1] & line->alus[0] : 0;
    cycles |= (units & PVM_GAS_UNITS_MUL) != 0 ? line->multiplier : 0;
    cycles |= (units & PVM_GAS_UNITS_DIV) != 0 ? line->divider : 0;
    return cycles;
}

uint32_t pvm_gas_calendar_find(pvm_gas_calendar_t *calendar, uint32_t ready, unsigned units)
{
    uint32_t start = ready;

    for (;;) {
        pvm_gas_calendar_extend(calendar, start);
        const pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, start);
        const uint64_t free =
            ~(busy(line, units) | pvm_gas_line_is_full(line)) >> start % PVM_GAS_LINE_CYCLES;

        if (free != 0) {
            return start + (uint32_t)__builtin_ctzll(free);
        }
        start = (start | (PVM_GAS_LINE_CYCLES - 1)) + 1;
    }
}

/* The cycles from *at on, of *left, that lie in one line; moves both past them. */
static uint64_t next_part(uint32_t *at, uint32_t *left)
{
    const uint32_t offset = *at % PVM_GAS_LINE_CYCLES;
    const uint32_t room = PVM_GAS_LINE_CYCLES - offset;
    const uint32_t part = *left < room ? *left : room;

    *at += part;
    *left -= part;
    return UINT64_MAX >> (PVM_GAS_LINE_CYCLES - part) << offset;
}

/* The cycles as bits of one line, or 0 if they reach into the next. */
static uint64_t in_one_line(uint32_t start, uint32_t cycles)
{
    const uint32_t offset = start % PVM_GAS_LINE_CYCLES;

    return cycles == 0 || offset + cycles > PVM_GAS_LINE_CYCLES
               ? 0
               : UINT64_MAX >> (PVM_GAS_LINE_CYCLES - cycles) << offset;
}

static void take(pvm_gas_line_t *line, uint64_t cycles, unsigned units)
{
    for (unsigned alu = 0; alu < (units & PVM_GAS_UNITS_ALUS); alu++) {
        pvm_gas_count_up(line->alus, cycles);
    }
    line->multiplier |= (units & PVM_GAS_UNITS_MUL) != 0 ? cycles : 0;
    line->divider |= (units & PVM_GAS_UNITS_DIV) != 0 ? cycles : 0;
}

static void give(pvm_gas_line_t *line, uint64_t cycles, unsigned units)
{
    for (unsigned alu = 0; alu < (units & PVM_GAS_UNITS_ALUS); alu++) {
        pvm_gas_count_down(line->alus, cycles);
    }
    line->multiplier &= (units & PVM_GAS_UNITS_MUL) != 0 ? ~cycles : UINT64_MAX;
    line->divider &= (units & PVM_GAS_UNITS_DIV) != 0 ? ~cycles : UINT64_MAX;
}

/* As pvm_gas_calendar_hold(), over the end of a line. */
static bool hold_across(pvm_gas_calendar_t *calendar, uint32_t start, uint32_t cycles,
                        unsigned units)
{
    uint32_t at = start;
    uint32_t left = cycles;

    while (left != 0) {
        const pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, at);
        if ((next_part(&at, &left) & busy(line, units)) != 0) {
            return false;
        }
    }
    at = start;
    left = cycles;
    while (left != 0) {
        pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, at);
        take(line, next_part(&at, &left), units);
    }
    return true;
}

bool pvm_gas_calendar_hold(pvm_gas_calendar_t *calendar, uint32_t start, uint32_t cycles,
                           unsigned units)
{
    pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, start);
    const uint64_t held = in_one_line(start, cycles);

    pvm_gas_calendar_extend(calendar, start + cycles);
    if (units != 0 && held != 0) {
        if ((held & busy(line, units)) != 0) {
            return false;
        }
        take(line, held, units);
    } else if (units != 0 && !hold_across(calendar, start, cycles, units)) {
        return false;
    }
    pvm_gas_count_up(line->starts, UINT64_C(1) << start % PVM_GAS_LINE_CYCLES);
    return true;
}

void pvm_gas_calendar_release(pvm_gas_calendar_t *calendar, uint32_t start, uint32_t cycles,
                              unsigned units)
{
    uint32_t at = start;
    uint32_t left = units != 0 ? cycles : 0;

    pvm_gas_count_down(pvm_gas_calendar_line(calendar, start)->starts,
                       UINT64_C(1) << start % PVM_GAS_LINE_CYCLES);
    while (left != 0) {
        pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, at);
        give(line, next_part(&at, &left), units);
    }
}
