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
        const uint64_t free =
            ~busy(pvm_gas_calendar_line(calendar, start), units) >> start % PVM_GAS_LINE_CYCLES;

        if (free == 0) {
            start = (start | (PVM_GAS_LINE_CYCLES - 1)) + 1;
            continue;
        }
        start += (uint32_t)__builtin_ctzll(free);
        if (*pvm_gas_calendar_starts(calendar, start) < PVM_GAS_STARTS_PER_CYCLE) {
            return start;
        }
        start++;
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

bool pvm_gas_calendar_hold(pvm_gas_calendar_t *calendar, uint32_t start, uint32_t cycles,
                           unsigned units)
{
    uint32_t at = start;
    uint32_t left = cycles;

    pvm_gas_calendar_extend(calendar, start + cycles);
    while (units != 0 && left != 0) {
        const pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, at);
        if ((next_part(&at, &left) & busy(line, units)) != 0) {
            return false;
        }
    }
    (*pvm_gas_calendar_starts(calendar, start))++;
    at = start;
    left = units != 0 ? cycles : 0;
    while (left != 0) {
        pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, at);
        const uint64_t part = next_part(&at, &left);
        for (unsigned alu = 0; alu < (units & PVM_GAS_UNITS_ALUS); alu++) {
            pvm_gas_line_add_alu(line, part);
        }
        line->multiplier |= (units & PVM_GAS_UNITS_MUL) != 0 ? part : 0;
        line->divider |= (units & PVM_GAS_UNITS_DIV) != 0 ? part : 0;
    }
    return true;
}

void pvm_gas_calendar_release(pvm_gas_calendar_t *calendar, uint32_t start, uint32_t cycles,
                              unsigned units)
{
    uint32_t at = start;
    uint32_t left = units != 0 ? cycles : 0;

    (*pvm_gas_calendar_starts(calendar, start))--;
    while (left != 0) {
        pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, at);
        const uint64_t part = next_part(&at, &left);
        for (unsigned alu = 0; alu < (units & PVM_GAS_UNITS_ALUS); alu++) {
            pvm_gas_line_remove_alu(line, part);
        }
        line->multiplier &= (units & PVM_GAS_UNITS_MUL) != 0 ? ~part : UINT64_MAX;
        line->divider &= (units & PVM_GAS_UNITS_DIV) != 0 ? ~part : UINT64_MAX;
    }
}
