/* The quick way to the cost of a block: every instruction is placed into a calendar of units as it comes.
 *
 * Exact as long as no instruction takes a unit away from an older one that begins later. If one does, the block
 * goes the thorough way, pipeline_stages.c; one block in 500 of real programs. Why that is so: docs/gas.md. */
#include "gas/pipeline.h"

#include "isa/roles.h"

#include <assert.h>
#include <string.h>

#define CALENDAR_CYCLES (PVM_GAS_LINES * PVM_GAS_LINE_CYCLES)
#define SLOTS_PER_CYCLE 4
#define STARTS_PER_CYCLE 5
#define CYCLES_MAX 100 /* of any instruction */
#define NO_START UINT32_MAX

/* The unretired end at most this much later than the youngest was decoded, else the ring would close. */
static_assert(PVM_GAS_BUFFER_ENTRIES * CYCLES_MAX < CALENDAR_CYCLES - 2 * PVM_GAS_LINE_CYCLES,
              "the calendar holds all that can be under way");
static_assert(sizeof(pvm_gas_line_t) == PVM_GAS_LINE_CYCLES, "line_of() masks instead of dividing");

/* What placing needs to know of an instruction, so prepared that few branches are left. */
typedef struct {
    uint64_t held;      /* a bit for each cycle that it holds one ALU; branches: see place() */
    uint64_t needs_alu; /* all ones, or zero if it needs no unit */
    uint32_t reads_a;   /* all ones, or zero */
    uint32_t reads_b;
    uint8_t writes_a; /* 15 or 0 */
    uint8_t sink;     /* 16 if it writes nothing, so that its result goes where nobody reads */
    uint8_t slots;
    uint8_t saved_a; /* slots saved if the destination is A */
    uint8_t saved_b;
    uint8_t cycles_simple; /* the cycles, or 0: a branch, or more than one ALU for less than 64 cycles */
    uint8_t cycles;
    uint8_t units;
} row_t;

#define MUL 16
#define DIV 32
#define ONE_ALU(units) (((units)&1) != 0)
#define SIMPLE(cycles, units)                                                                       \
    ((cycles) < PVM_GAS_LINE_CYCLES && ((units) & (2 | MUL | DIV)) == 0)

#define ROW(reads, writes, cycles_, overlap, slots_overlap, slots_, units_)                         \
    {                                                                                               \
        .held = ONE_ALU(units_) ? (UINT64_C(1) << ((cycles_)&63)) - 1 : 0,                          \
        .needs_alu = ONE_ALU(units_) ? UINT64_MAX : 0,                                              \
        .reads_a = ((reads)&PVM_ROLE_A) != 0 ? UINT32_MAX : 0,                                      \
        .reads_b = ((reads)&PVM_ROLE_B) != 0 ? UINT32_MAX : 0,                                      \
        .writes_a = ((writes)&PVM_ROLE_A) != 0 ? 15 : 0,                                            \
        .sink = (writes) == 0 ? 16 : 0,                                                             \
        .slots = (slots_),                                                                          \
        .saved_a = ((reads)&PVM_ROLE_A) != 0 ? (slots_) - (slots_overlap) : 0,                      \
        .saved_b = ((reads)&PVM_ROLE_B) != 0 && (overlap) != PVM_OVERLAP_FIRST                      \
                       ? (slots_) - (slots_overlap)                                                 \
                       : 0,                                                                         \
        .cycles_simple = SIMPLE(cycles_, units_) ? (cycles_) : 0,                                   \
        .cycles = (cycles_),                                                                        \
        .units = (units_),                                                                          \
    }

static const row_t rows[PVM_OP_COUNT] = {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, cycles, overlap, s1,  \
                        s2, units, meaning)                                                         \
    [PVM_OP_##name] = ROW(PVM_READS_##effect(p, q, r, s), PVM_WRITES_##effect(p, q, r, s), cycles,  \
                          PVM_OVERLAP_##overlap, s1, s2, PVM_UNITS_##units),
#include "isa/instructions.def"
};

#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, cycles, overlap, s1,  \
                        s2, units, meaning)                                                         \
    static_assert((cycles) <= CYCLES_MAX && (s1) >= 1 && (s2) >= (s1) && (s2) <= SLOTS_PER_CYCLE && \
                      ((PVM_READS_##effect(p, q, r, s) | PVM_WRITES_##effect(p, q, r, s) << 1) &    \
                       PVM_ROLE_D) == 0,                                                            \
                  #name ": more than the calendar or a decoder's cycle, or D read or B written");
#include "isa/instructions.def"

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline pvm_gas_line_t *line_of(pvm_gas_pipeline_t *pipeline, uint32_t cycle)
{
    return &pipeline->lines[cycle / PVM_GAS_LINE_CYCLES % PVM_GAS_LINES];
}

static inline uint8_t *starts_of(pvm_gas_pipeline_t *pipeline, uint32_t cycle)
{
    return &pipeline->starts[cycle % CALENDAR_CYCLES];
}

/* Make the calendar valid up to and with this cycle. Lines are cleared when they are reached, so that a short
 * block does not pay for the ring. */
static __attribute__((noinline)) void extend(pvm_gas_pipeline_t *pipeline, uint32_t cycle)
{
    while (pipeline->cleared <= cycle) {
        memset(line_of(pipeline, pipeline->cleared), 0, sizeof(pvm_gas_line_t));
        memset(starts_of(pipeline, pipeline->cleared), 0, PVM_GAS_LINE_CYCLES);
        pipeline->cleared += PVM_GAS_LINE_CYCLES;
    }
}

static inline void add_alu(pvm_gas_line_t *line, uint64_t cycles)
{
    const uint64_t two = line->alus[0] & cycles;
    const uint64_t four = line->alus[1] & two;

    line->alus[0] ^= cycles;
    line->alus[1] ^= two;
    line->alus[2] |= four;
}

/* Cycles of a line in which these units cannot be had. Every load and store takes an ALU too and there are as
 * many load and store units as ALUs, so those two are never what is missing. */
static uint64_t busy(const pvm_gas_line_t *line, unsigned units)
{
    uint64_t cycles = 0;

    if ((units & 3) != 0) {
        cycles |= line->alus[2];
    }
    if ((units & 2) != 0) {
        cycles |= line->alus[1] & line->alus[0];
    }
    if ((units & MUL) != 0) {
        cycles |= line->multiplier;
    }
    if ((units & DIV) != 0) {
        cycles |= line->divider;
    }
    return cycles;
}

/* Hold units for `cycles` from `start` on. False: somebody older has them in one of the cycles. */
static bool hold(pvm_gas_pipeline_t *pipeline, uint32_t start, uint32_t cycles, unsigned units)
{
    uint32_t left = units != 0 ? cycles : 0;

    extend(pipeline, start + cycles);
    for (uint32_t at = start; left != 0;) {
        pvm_gas_line_t *const line = line_of(pipeline, at);
        const uint32_t offset = at % PVM_GAS_LINE_CYCLES;
        const uint32_t room = PVM_GAS_LINE_CYCLES - offset;
        const uint32_t part = left < room ? left : room;
        const uint64_t mask = UINT64_MAX >> (PVM_GAS_LINE_CYCLES - part) << offset;

        if ((mask & busy(line, units)) != 0) {
            return false;
        }
        for (unsigned alu = 0; alu < (units & 3); alu++) {
            add_alu(line, mask);
        }
        line->multiplier |= (units & MUL) != 0 ? mask : 0;
        line->divider |= (units & DIV) != 0 ? mask : 0;
        at += part;
        left -= part;
    }
    return true;
}

/* Any units, any number of cycles, first free cycle in any line. @return the start, or NO_START */
static __attribute__((noinline)) uint32_t place_thoroughly(pvm_gas_pipeline_t *pipeline, uint32_t ready,
                                                           uint32_t cycles, unsigned units)
{
    uint32_t start = ready;

    for (;;) {
        extend(pipeline, start);
        const uint64_t free = ~busy(line_of(pipeline, start), units) >> start % PVM_GAS_LINE_CYCLES;

        if (free == 0) {
            start = (start | (PVM_GAS_LINE_CYCLES - 1)) + 1;
            continue;
        }
        start += (uint32_t)__builtin_ctzll(free);
        if (*starts_of(pipeline, start) < STARTS_PER_CYCLE) {
            return hold(pipeline, start, cycles, units) ? start : NO_START;
        }
        start++;
    }
}

/* One ALU or none, held into the next line. */
static __attribute__((noinline)) bool hold_across(pvm_gas_pipeline_t *pipeline, uint32_t start,
                                                  uint32_t finish, uint64_t held)
{
    const uint32_t offset = start % PVM_GAS_LINE_CYCLES;
    pvm_gas_line_t *const line = line_of(pipeline, start);
    pvm_gas_line_t *const next = line_of(pipeline, finish);
    const uint64_t low = held << offset;
    const uint64_t high = held >> 1 >> (PVM_GAS_LINE_CYCLES - 1 - offset);

    if (finish >= pipeline->cleared) {
        extend(pipeline, finish);
    }
    if (((line->alus[2] & low) | (next->alus[2] & high)) != 0) {
        return false;
    }
    add_alu(line, low);
    add_alu(next, high);
    return true;
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

/* Find the first cycle from `ready` on in which the instruction can begin, and hold its units.
 * @return the start, or NO_START; *out_finish  start plus cycles */
static inline __attribute__((always_inline)) uint32_t
place(pvm_gas_pipeline_t *pipeline, const pvm_instruction_t *in, uint32_t ready, uint32_t *out_finish)
{
    const row_t *const row = &rows[in->op];
    uint32_t cycles = row->cycles_simple;
    uint64_t held = row->held;
    uint32_t start = ready;

    if (cycles == 0) {
        cycles = row->cycles;
        if (cycles != 0) {
            start = place_thoroughly(pipeline, ready, cycles, row->units);
            *out_finish = start + cycles;
            return start;
        }
        cycles = pvm_gas_branch_cycles(pipeline->code, in);
        held = (UINT64_C(1) << cycles) - 1;
    }
    if (start >= pipeline->cleared) {
        extend(pipeline, start);
    }
    pvm_gas_line_t *const line = line_of(pipeline, start);
    /* Branches instead of arithmetic: the processor goes on as if the first cycle were free, and mostly is right. */
    if (((line->alus[2] & row->needs_alu) >> start % PVM_GAS_LINE_CYCLES & 1) != 0) {
        const uint64_t free = ~line->alus[2] >> start % PVM_GAS_LINE_CYCLES;
        start = free == 0 ? NO_START : start + (uint32_t)__builtin_ctzll(free);
    }
    if (start == NO_START || *starts_of(pipeline, start) == STARTS_PER_CYCLE) {
        start = place_thoroughly(pipeline, ready, cycles, row->units);
        *out_finish = start + cycles;
        return start;
    }
    *out_finish = start + cycles;
    if (start / PVM_GAS_LINE_CYCLES != *out_finish / PVM_GAS_LINE_CYCLES) {
        return hold_across(pipeline, start, *out_finish, held) ? start : NO_START;
    }
    held <<= start % PVM_GAS_LINE_CYCLES;
    if ((held & line->alus[2]) != 0) {
        return NO_START;
    }
    add_alu(line, held);
    return start;
}

/* All ones if equal. */
static inline uint32_t equal_mask(uint32_t a, uint32_t b)
{
    return 0 - (uint32_t)(a == b);
}

/* Feed until `end`, until the buffer has had 32 entries (unless `full` says that it had), or until contention.
 * @return the first instruction not fed */
static inline __attribute__((always_inline)) const pvm_instruction_t *
feed(pvm_gas_pipeline_t *pipeline, const pvm_instruction_t *in, const pvm_instruction_t *end,
     const bool full)
{
    uint64_t slots = pipeline->slots;
    uint32_t entries = pipeline->entries;
    uint32_t last = pipeline->finish;

    while (in != end) {
        const row_t *const row = &rows[in->op];
        const uint32_t destination = (in->a & row->writes_a) | in->d | row->sink;
        const uint32_t saved = (equal_mask(destination, in->a) & row->saved_a) |
                               (equal_mask(destination, in->b) & row->saved_b);
        const uint32_t needed = row->slots - saved;
        const uint32_t ready_a = pipeline->results[in->a] & row->reads_a;
        const uint32_t ready_b = pipeline->results[in->b] & row->reads_b;
        uint32_t finish;

        if (full) {
            /* The entry of 32 before must have retired; decoding goes on in that cycle with all slots. */
            const uint64_t space = (uint64_t)pipeline->retires[entries] * SLOTS_PER_CYCLE;
            slots = slots > space ? slots : space;
        }
        /* Its last slot tells the cycle; if its first one lies in the cycle before, it moves up. */
        const uint64_t slot = slots + needed - 1;
        const uint64_t cycle_slot = slot & ~(uint64_t)(SLOTS_PER_CYCLE - 1);
        slots = (slots > cycle_slot ? slots : cycle_slot) + needed;

        if (in->op == PVM_OP_move_reg) {
            pipeline->results[destination] = ready_a;
            in++;
            continue;
        }
        const uint32_t ready = max_u32(max_u32(ready_a, ready_b), (uint32_t)(slot / SLOTS_PER_CYCLE) + 1);
        const uint32_t start = place(pipeline, in, ready, &finish);
        if (start == NO_START) {
            pipeline->contended = true;
            break;
        }
        (*starts_of(pipeline, start))++;
        pipeline->results[destination] = finish;
        last = max_u32(last, finish);
        pipeline->retires[entries++] = last + 2;
        in++;
        if (full) {
            entries %= PVM_GAS_BUFFER_ENTRIES;
        } else if (entries == PVM_GAS_BUFFER_ENTRIES) {
            break;
        }
    }
    pipeline->slots = slots;
    pipeline->entries = entries;
    pipeline->finish = last;
    return in;
}

void pvm_gas_pipeline_begin(pvm_gas_pipeline_t *pipeline, const pvm_code_t *code, uint32_t pc)
{
    memset(pipeline->results, 0, sizeof(pipeline->results) / 2);
    pipeline->code = code;
    pipeline->pc = pc;
    pipeline->slots = 0;
    pipeline->entries = 0;
    pipeline->finish = 0;
    pipeline->full = false;
    pipeline->contended = false;
    pipeline->cleared = 0;
    extend(pipeline, 0);
}

void pvm_gas_pipeline_feed(pvm_gas_pipeline_t *pipeline, const pvm_instruction_t *instructions,
                           size_t count)
{
    const pvm_instruction_t *const end = instructions + count;
    const pvm_instruction_t *in = instructions;

    if (!pipeline->full && !pipeline->contended) {
        in = feed(pipeline, in, end, false);
        if (pipeline->entries == PVM_GAS_BUFFER_ENTRIES) {
            pipeline->full = true;
            pipeline->entries = 0;
        }
    }
    if (pipeline->full && !pipeline->contended) {
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
