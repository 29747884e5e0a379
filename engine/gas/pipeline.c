/* The quick way to the cost of a block: every instruction is placed into a calendar of units as it comes.
 *
 * Placing in program order is exact unless an instruction takes units that an older one was to have later; such
 * cases go to pipeline_correct.c. Nearly all cost is in feed(), which is written for few instructions, few
 * unpredictable branches and short chains of dependent loads. Why it is exact: docs/gas.md. */
#include "gas/pipeline.h"

#include "isa/roles.h"

#include <assert.h>
#include <string.h>

#define BUFFER          PVM_GAS_BUFFER_ENTRIES
#define LINE            PVM_GAS_LINE_CYCLES
#define SLOTS_PER_CYCLE 4
#define CYCLES_MAX      100 /* of any instruction */
#define MANY_UNITS      (2 | PVM_GAS_UNITS_MUL | PVM_GAS_UNITS_DIV)

/* The unretired end at most this much later than the youngest was decoded, else the ring would close. */
static_assert(BUFFER * CYCLES_MAX < PVM_GAS_CALENDAR_CYCLES - 2 * LINE,
              "the calendar holds all that can be under way");
static_assert(sizeof(pvm_gas_line_t) == LINE, "lines are found by masking the cycle");

/* What placing needs to know of an instruction, so prepared that few branches are left. -1 stands for yes: extended
 * to 64 bits it is a mask. */
typedef struct {
    _Alignas(
        32) uint64_t held; /* a bit for each cycle that it holds one ALU; branches: see place() */
    int8_t needs_alu;
    int8_t reads_a;
    int8_t reads_b;
    uint8_t writes_a; /* 15 or 0 */
    uint8_t sink;     /* 16 if it writes nothing, so that its result goes where nobody reads */
    uint8_t slots;
    uint8_t saved_a; /* slots saved if the destination is A */
    uint8_t saved_b;
    uint8_t
        cycles_simple; /* the cycles, or 0: a branch, 64 cycles or more, or more units than one ALU */
    uint8_t cycles;    /* 0: a branch */
    uint8_t units;
} row_t;

#define ONE_ALU(units)        (((units) & 1) != 0)
#define SIMPLE(cycles, units) ((cycles) < LINE && ((units) & MANY_UNITS) == 0)

#define ROW(reads, writes, cycles_, overlap, slots_overlap, slots_, units_)                        \
    {                                                                                              \
        .held = ONE_ALU(units_) ? (UINT64_C(1) << ((cycles_) % LINE)) - 1 : 0,                     \
        .needs_alu = ONE_ALU(units_) ? -1 : 0,                                                     \
        .reads_a = ((reads) & PVM_ROLE_A) != 0 ? -1 : 0,                                           \
        .reads_b = ((reads) & PVM_ROLE_B) != 0 ? -1 : 0,                                           \
        .writes_a = ((writes) & PVM_ROLE_A) != 0 ? 15 : 0,                                         \
        .sink = (writes) == 0 ? 16 : 0,                                                            \
        .slots = (slots_),                                                                         \
        .saved_a = ((reads) & PVM_ROLE_A) != 0 ? (slots_) - (slots_overlap) : 0,                   \
        .saved_b = ((reads) & PVM_ROLE_B) != 0 && (overlap) != PVM_OVERLAP_FIRST                   \
                       ? (slots_) - (slots_overlap)                                                \
                       : 0,                                                                        \
        .cycles_simple = SIMPLE(cycles_, units_) ? (cycles_) : 0,                                  \
        .cycles = (cycles_),                                                                       \
        .units = (units_),                                                                         \
    }

static const row_t rows[PVM_OP_COUNT] = {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, cycles, overlap, s1, \
                        s2, units, meaning)                                                        \
    [PVM_OP_##name] = ROW(PVM_READS_##effect(p, q, r, s), PVM_WRITES_##effect(p, q, r, s), cycles, \
                          PVM_OVERLAP_##overlap, s1, s2, PVM_UNITS_##units),
#include "isa/instructions.def"
};

#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, cycles, overlap, s1, \
                        s2, units, meaning)                                                        \
    static_assert((cycles) <= CYCLES_MAX && (s1) >= 1 && (s2) >= (s1) &&                           \
                      (s2) <= SLOTS_PER_CYCLE &&                                                   \
                      ((PVM_READS_##effect(p, q, r, s) | PVM_WRITES_##effect(p, q, r, s) << 1) &   \
                       PVM_ROLE_D) == 0,                                                           \
                  #name ": more than the calendar or a decoder's cycle, or D read or B written");
#include "isa/instructions.def"

static uint64_t mask_of(int8_t yes)
{
    return (uint64_t)(int64_t)yes;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* All ones if equal. */
static uint32_t equal_mask(uint32_t a, uint32_t b)
{
    return 0 - (uint32_t)(a == b);
}

uint32_t pvm_gas_branch_cycles(const pvm_code_t *code, const pvm_instruction_t *in)
{
    const int trap = pvm_isa_ops[PVM_OP_trap].number[code->isa];
    const int unlikely = pvm_isa_ops[PVM_OP_unlikely].number[code->isa];
    /* Zeros follow the code, so that only a target can be far outside. */
    const int next = code->octets[in->next];
    const int target = (uint64_t)in->y < code->len ? code->octets[in->y] : 0;

    return next == trap || next == unlikely || target == trap || target == unlikely ? 1 : 20;
}

static __attribute__((noinline)) void extend(pvm_gas_calendar_t *calendar, uint32_t cycle)
{
    pvm_gas_calendar_extend(calendar, cycle);
}

/* Any units, any number of cycles. Starts and returns as place(). */
static __attribute__((noinline)) uint32_t place_any(pvm_gas_calendar_t *calendar, uint32_t ready,
                                                    uint32_t cycles, unsigned units, bool *out_held)
{
    const uint32_t start = pvm_gas_calendar_find(calendar, ready, units);

    *out_held = pvm_gas_calendar_hold(calendar, start, cycles, units);
    return start;
}

/* One ALU or none, held into the next line. @return false if it is not free all the time */
static __attribute__((noinline)) bool place_across(pvm_gas_calendar_t *calendar, uint32_t start,
                                                   uint32_t finish, uint64_t held)
{
    pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, start);
    pvm_gas_line_t *const next = pvm_gas_calendar_line(calendar, finish);
    const uint64_t low = held << start % LINE;
    const uint64_t high = held >> 1 >> (LINE - 1 - start % LINE);

    pvm_gas_calendar_extend(calendar, finish);
    if (((line->alus[2] & low) | (next->alus[2] & high)) != 0) {
        return false;
    }
    pvm_gas_line_add_alu(line, low);
    pvm_gas_line_add_alu(next, high);
    (*pvm_gas_calendar_starts(calendar, start))++;
    return true;
}

/* Find the first cycle from `start` on in which the instruction can begin, and hold its units.
 * @return that cycle; *out_held is false if an older entry that begins later has them: then nothing is held */
static inline __attribute__((always_inline)) uint32_t place(pvm_gas_pipeline_t *pipeline,
                                                            const pvm_instruction_t *in,
                                                            const row_t *row, uint32_t start,
                                                            uint32_t *out_cycles, bool *out_held)
{
    pvm_gas_calendar_t *const calendar = &pipeline->calendar;
    uint32_t cycles = row->cycles_simple;
    uint64_t held = row->held;

    *out_held = true;
    if (cycles == 0) {
        *out_cycles = row->cycles;
        if (*out_cycles != 0) {
            return place_any(calendar, start, *out_cycles, row->units, out_held);
        }
        cycles = pvm_gas_branch_cycles(pipeline->code, in);
        held = (UINT64_C(1) << cycles) - 1;
    }
    *out_cycles = cycles;
    if (start >= calendar->cleared) {
        extend(calendar, start);
    }
    pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, start);
    /* Branches instead of arithmetic: the processor goes on as if the first cycle were free, and mostly is right. */
    if (((line->alus[2] & mask_of(row->needs_alu)) >> start % LINE & 1) != 0) {
        const uint64_t free = ~line->alus[2] >> start % LINE;
        if (free == 0) {
            return place_any(calendar, start, cycles, row->units, out_held);
        }
        start += (uint32_t)__builtin_ctzll(free);
    }
    if (*pvm_gas_calendar_starts(calendar, start) == PVM_GAS_STARTS_PER_CYCLE) {
        return place_any(calendar, start, cycles, row->units, out_held);
    }
    if (start / LINE != (start + cycles) / LINE) {
        *out_held = place_across(calendar, start, start + cycles, held);
        return start;
    }
    held <<= start % LINE;
    if ((held & line->alus[2]) != 0) {
        *out_held = false;
        return start;
    }
    pvm_gas_line_add_alu(line, held);
    (*pvm_gas_calendar_starts(calendar, start))++;
    return start;
}

/* Feed until `end`, until the buffer has had 32 entries (unless `full` says that it had), or until correcting took too long.
 * @return the first instruction not fed */
static inline __attribute__((always_inline)) const pvm_instruction_t *
feed(pvm_gas_pipeline_t *pipeline, const pvm_instruction_t *in, const pvm_instruction_t *end,
     const bool full)
{
    uint64_t slots = pipeline->slots;
    uint32_t number = pipeline->number;
    uint32_t last = pipeline->finish;

    while (in != end && (full || number < BUFFER)) {
        const row_t *const row = &rows[in->op];
        const uint32_t destination = (in->a & row->writes_a) | in->d | row->sink;
        const uint32_t saved = (equal_mask(destination, in->a) & row->saved_a) |
                               (equal_mask(destination, in->b) & row->saved_b);
        const uint32_t needed = row->slots - saved;
        const uint64_t source_a = pipeline->results[in->a] & mask_of(row->reads_a);
        const uint64_t source_b = pipeline->results[in->b] & mask_of(row->reads_b);

        if (full) {
            /* The entry of 32 before must have retired; decoding goes on in that cycle with all slots. */
            const uint32_t space = pipeline->entries[(number + 1) % BUFFER].retire;
            slots = max_u64(slots, (uint64_t)space * SLOTS_PER_CYCLE);
        }
        /* Its last slot tells the cycle; if its first one lies in the cycle before, it moves up. */
        const uint64_t slot = slots + needed - 1;
        slots = max_u64(slots, slot & ~(uint64_t)(SLOTS_PER_CYCLE - 1)) + needed;

        if (in->op == PVM_OP_move_reg) {
            pipeline->results[destination] = source_a;
            in++;
            continue;
        }
        number++;
        const uint32_t decoded = (uint32_t)(slot / SLOTS_PER_CYCLE) + 1;
        const uint32_t ready = max_u32(max_u32((uint32_t)source_a, (uint32_t)source_b), decoded);
        uint32_t cycles;
        bool held;
        const uint32_t start = place(pipeline, in, row, ready, &cycles, &held);
        pvm_gas_entry_t *const entry = &pipeline->entries[number % BUFFER];
        entry->source_a = source_a;
        entry->source_b = source_b;
        entry->decoded = decoded;
        entry->start = start;
        entry->cycles = (uint8_t)cycles;
        entry->units = row->units;
        if (!held) {
            if (!pvm_gas_pipeline_correct(pipeline, number)) {
                pipeline->contended = true;
                break;
            }
            last = pipeline->finish;
        }
        const uint32_t finish = start + cycles;
        pipeline->results[destination] = (uint64_t)number << 32 | finish;
        last = max_u32(last, finish);
        entry->retire = last + 2;
        in++;
    }
    pipeline->slots = slots;
    pipeline->number = number;
    pipeline->finish = last;
    return in;
}

void pvm_gas_pipeline_begin(pvm_gas_pipeline_t *pipeline, const pvm_code_t *code, uint32_t pc)
{
    /* In two halves, which compilers make straight stores of; one memset would be a loop. */
    memset(pipeline->results, 0, 8 * sizeof(pipeline->results[0]));
    memset(pipeline->results + 8, 0, 8 * sizeof(pipeline->results[0]));
    pipeline->code = code;
    pipeline->pc = pc;
    pipeline->slots = 0;
    pipeline->number = 0;
    pipeline->finish = 0;
    pipeline->corrections = 0;
    pipeline->contended = false;
    pipeline->calendar.cleared = 0;
    pvm_gas_calendar_extend(&pipeline->calendar, 0);
}

void pvm_gas_pipeline_feed(pvm_gas_pipeline_t *pipeline, const pvm_instruction_t *instructions,
                           size_t count)
{
    const pvm_instruction_t *const end = instructions + count;
    const pvm_instruction_t *in = instructions;

    if (pipeline->number < BUFFER && !pipeline->contended) {
        in = feed(pipeline, in, end, false);
    }
    if (in != end && !pipeline->contended) {
        (void)feed(pipeline, in, end, true);
    }
}

uint32_t pvm_gas_pipeline_end(pvm_gas_pipeline_t *pipeline)
{
    if (pipeline->contended) {
        return pvm_gas_pipeline_stages(pipeline->code, pipeline->pc, NULL, 0);
    }
    /* The last entry retires two cycles after `finish`; three are not charged. */
    return pipeline->finish > 2 ? pipeline->finish - 1 : 1;
}

uint32_t pvm_gas_pipeline_block(const pvm_code_t *code, const pvm_instruction_t *instructions,
                                size_t count)
{
    pvm_gas_pipeline_t pipeline;

    pvm_gas_pipeline_begin(&pipeline, code, instructions[0].pc);
    pvm_gas_pipeline_feed(&pipeline, instructions, count);
    return pvm_gas_pipeline_end(&pipeline);
}

uint32_t pvm_gas_pipeline_cost(const pvm_code_t *code, uint32_t pc)
{
    pvm_gas_pipeline_t pipeline;
    pvm_instruction_t piece[PVM_GAS_BUFFER_ENTRIES];
    size_t count = 0;
    uint32_t at = pc;
    bool ended;

    pvm_gas_pipeline_begin(&pipeline, code, pc);
    do {
        pvm_isa_decode(code, at, &piece[count]);
        ended = pvm_isa_is_terminator((pvm_op_t)piece[count].op);
        at = piece[count].next;
        count++;
        if (ended || count == sizeof(piece) / sizeof(piece[0])) {
            pvm_gas_pipeline_feed(&pipeline, piece, count);
            count = 0;
        }
    } while (!ended);
    return pvm_gas_pipeline_end(&pipeline);
}
