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
#define BRANCH_CYCLES   20

/* The unretired end at most this much later than the youngest was decoded, else the ring would close. */
static_assert(BUFFER * CYCLES_MAX < PVM_GAS_CALENDAR_CYCLES - 2 * LINE,
              "the calendar holds all that can be under way");
static_assert(sizeof(pvm_gas_line_t) == LINE, "lines are found by masking the cycle");

/* What placing needs to know of an instruction, so prepared that few branches are left. -1 stands for yes: extended
 * to 64 bits it is a mask. */
typedef struct {
    _Alignas(32) uint64_t held; /* a bit for each cycle that it holds its units */
    int8_t needs_alu;           /* one */
    int8_t needs_multiplier;
    int8_t needs_divider;
    int8_t is_any;  /* the calendar's general functions place it: 64 cycles or more, or two ALUs */
    int8_t is_rare; /* that, or a multiplier or divider */
    uint8_t cycles;
    uint8_t slots;
    uint8_t saved_a; /* slots saved if the destination is source A, or B */
    uint8_t saved_b;
    uint8_t units;
    uint8_t a; /* where the registers are: shifts of fields_of() */
    uint8_t b;
    uint8_t destination;
} row_t;

static_assert(sizeof(row_t) == 32, "rows are found by shifting");

/* Registers that are none: as a source nobody writes it, as a destination nobody reads it. */
#define NO_SOURCE           UINT64_C(14)
#define NO_DESTINATION      UINT64_C(15)
#define FROM_NO_SOURCE      32
#define FROM_NO_DESTINATION 40

#define IS_TWO(form)  (PVM_FORM_##form == PVM_FORM_REG_REG)
#define PLACE_A(form) (IS_TWO(form) ? PVM_GAS_HIGH : PVM_GAS_LOW)
#define PLACE_D(form) (IS_TWO(form) ? PVM_GAS_LOW : PVM_GAS_THIRD)

#define YES(condition) ((condition) ? -1 : 0)

#define ROW(form, reads, writes, cycles_, overlap, slots_overlap, slots_, units_)                  \
    {                                                                                              \
        .held = (cycles_) < LINE ? (UINT64_C(1) << ((cycles_) % LINE)) - 1 : 0,                    \
        .needs_alu = YES(((units_) & PVM_GAS_UNITS_ALUS) == 1),                                    \
        .needs_multiplier = YES(((units_) & PVM_GAS_UNITS_MUL) != 0),                              \
        .needs_divider = YES(((units_) & PVM_GAS_UNITS_DIV) != 0),                                 \
        .is_any = YES((cycles_) >= LINE || ((units_) & PVM_GAS_UNITS_ALUS) > 1),                   \
        .is_rare = YES((cycles_) >= LINE || ((units_) & PVM_GAS_UNITS_ALUS) > 1 ||                 \
                       ((units_) & (PVM_GAS_UNITS_MUL | PVM_GAS_UNITS_DIV)) != 0),                 \
        .cycles = (cycles_),                                                                       \
        .slots = (slots_),                                                                         \
        .saved_a = ((reads) & PVM_ROLE_A) != 0 ? (slots_) - (slots_overlap) : 0,                   \
        .saved_b = ((reads) & PVM_ROLE_B) != 0 && (overlap) != PVM_OVERLAP_FIRST                   \
                       ? (slots_) - (slots_overlap)                                                \
                       : 0,                                                                        \
        .units = (units_),                                                                         \
        .a = ((reads) & PVM_ROLE_A) != 0 ? PLACE_A(form) : FROM_NO_SOURCE,                         \
        .b = ((reads) & PVM_ROLE_B) != 0 ? PVM_GAS_HIGH : FROM_NO_SOURCE,                          \
        .destination = ((writes) & PVM_ROLE_A) != 0   ? PLACE_A(form)                              \
                       : ((writes) & PVM_ROLE_D) != 0 ? PLACE_D(form)                              \
                                                      : FROM_NO_DESTINATION,                       \
    }

/* Behind each other as they are, and where branches are cheap: the cycles of the table are 0 for branches. */
static const row_t rows[2][PVM_OP_COUNT] = {
    {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, cycles, overlap, s1, \
                        s2, units, meaning)                                                        \
    [PVM_OP_##name] = ROW(form, PVM_READS_##effect(p, q, r, s), PVM_WRITES_##effect(p, q, r, s),   \
                          (cycles) != 0 ? (cycles) : BRANCH_CYCLES, PVM_OVERLAP_##overlap, s1, s2, \
                          PVM_UNITS_##units),
#include "isa/instructions.def"
    },
    {
#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, cycles, overlap, s1, \
                        s2, units, meaning)                                                        \
    [PVM_OP_##name] =                                                                              \
        ROW(form, PVM_READS_##effect(p, q, r, s), PVM_WRITES_##effect(p, q, r, s),                 \
            (cycles) != 0 ? (cycles) : 1, PVM_OVERLAP_##overlap, s1, s2, PVM_UNITS_##units),
#include "isa/instructions.def"
    },
};

#define PVM_INSTRUCTION(name, form, n072, n080, n64, n32, effect, p, q, r, s, cycles, overlap, s1, \
                        s2, units, meaning)                                                        \
    static_assert((cycles) <= CYCLES_MAX && (s1) >= 1 && (s2) >= (s1) && (s2) <= SLOTS_PER_CYCLE,  \
                  #name ": more than the calendar or a decoder's cycle");                          \
    static_assert(((PVM_READS_##effect(p, q, r, s) | PVM_WRITES_##effect(p, q, r, s) << 1) &       \
                   PVM_ROLE_D) == 0,                                                               \
                  #name ": D is read or B written, which has no place in a row");
#include "isa/instructions.def"

static inline const row_t *row_of(pvm_gas_word_t word)
{
    return &rows[(word & PVM_GAS_CHEAP) != 0][pvm_gas_word_op(word)];
}

static inline uint64_t mask_of(int8_t yes)
{
    return (uint64_t)(int64_t)yes;
}

static inline uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static inline uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

/* All ones if equal. */
static inline uint32_t equal_mask(uint32_t a, uint32_t b)
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

    return next == trap || next == unlikely || target == trap || target == unlikely ? 1
                                                                                    : BRANCH_CYCLES;
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

/* Cycles of a line in which what the instruction needs is held; unless it is rare, that is an ALU at most. */
static inline __attribute__((always_inline)) uint64_t busy(const pvm_gas_line_t *line,
                                                           const row_t *row, const bool rare)
{
    const uint64_t cycles = line->alus[2] & mask_of(row->needs_alu);

    return !rare ? cycles
                 : cycles | (line->multiplier & mask_of(row->needs_multiplier)) |
                       (line->divider & mask_of(row->needs_divider));
}

static inline __attribute__((always_inline)) void hold(pvm_gas_line_t *line, const row_t *row,
                                                       uint64_t cycles, const bool rare)
{
    pvm_gas_count_up(line->alus, cycles & mask_of(row->needs_alu));
    if (rare) {
        line->multiplier |= cycles & mask_of(row->needs_multiplier);
        line->divider |= cycles & mask_of(row->needs_divider);
    }
}

/* Held into the next line. @return false if it is not free all the time */
static __attribute__((noinline)) bool place_across(pvm_gas_calendar_t *calendar, uint32_t start,
                                                   const row_t *row)
{
    pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, start);
    pvm_gas_line_t *const next = pvm_gas_calendar_line(calendar, start + row->cycles);
    const uint64_t low = row->held << start % LINE;
    const uint64_t high = row->held >> 1 >> (LINE - 1 - start % LINE);

    pvm_gas_calendar_extend(calendar, start + row->cycles);
    if (((busy(line, row, true) & low) | (busy(next, row, true) & high)) != 0) {
        return false;
    }
    hold(line, row, low, true);
    hold(next, row, high, true);
    pvm_gas_count_up(line->starts, UINT64_C(1) << start % LINE);
    return true;
}

static inline __attribute__((always_inline)) uint32_t place_line(pvm_gas_calendar_t *calendar,
                                                                 const row_t *row, uint32_t start,
                                                                 bool *out_held, const bool rare)
{
    *out_held = true;
    if (start >= calendar->cleared) {
        extend(calendar, start);
    }
    pvm_gas_line_t *const line = pvm_gas_calendar_line(calendar, start);
    const uint64_t taken = busy(line, row, rare);
    const uint64_t closed = taken | pvm_gas_line_is_full(line);
    /* Branches instead of arithmetic: the processor goes on as if the first cycle were free, and mostly is right. */
    if ((closed >> start % LINE & 1) != 0) {
        const uint64_t free = ~closed >> start % LINE;
        if (free == 0) {
            return place_any(calendar, start, row->cycles, row->units, out_held);
        }
        start += (uint32_t)__builtin_ctzll(free);
    }
    if (start % LINE + row->cycles > LINE) {
        *out_held = place_across(calendar, start, row);
        return start;
    }
    const uint64_t held = row->held << start % LINE;
    if ((held & taken) != 0) {
        *out_held = false;
        return start;
    }
    hold(line, row, held, rare);
    pvm_gas_count_up(line->starts, UINT64_C(1) << start % LINE);
    return start;
}

static __attribute__((noinline)) uint32_t place_rare(pvm_gas_calendar_t *calendar, const row_t *row,
                                                     uint32_t start, bool *out_held)
{
    return row->is_any ? place_any(calendar, start, row->cycles, row->units, out_held)
                       : place_line(calendar, row, start, out_held, true);
}

/* Find the first cycle from `start` on in which the instruction can begin, and hold its units.
 * @return that cycle; *out_held is false if an older entry that begins later has them: then nothing is held */
static inline __attribute__((always_inline)) uint32_t place(pvm_gas_calendar_t *calendar,
                                                            const row_t *row, uint32_t start,
                                                            bool *out_held)
{
    return row->is_rare ? place_rare(calendar, row, start, out_held)
                        : place_line(calendar, row, start, out_held, false);
}

typedef struct {
    uint32_t a;
    uint32_t b;
    uint32_t destination;
} fields_t;

static inline __attribute__((always_inline)) fields_t fields_of(pvm_gas_word_t word,
                                                                const row_t *row)
{
    const uint64_t all = word | NO_SOURCE << FROM_NO_SOURCE | NO_DESTINATION << FROM_NO_DESTINATION;

    return (fields_t){all >> row->a & 15, all >> row->b & 15, all >> row->destination & 15};
}

/* Decode slots that the instruction takes. */
static inline __attribute__((always_inline)) uint32_t slots_of(fields_t fields, const row_t *row)
{
    return row->slots - ((equal_mask(fields.destination, fields.a) & row->saved_a) |
                         (equal_mask(fields.destination, fields.b) & row->saved_b));
}

/* Its last slot tells the cycle; if its first one lies in the cycle before, it moves up. @return the last slot */
static inline __attribute__((always_inline)) uint64_t decode(uint64_t *slots, uint32_t needed)
{
    const uint64_t slot = *slots + needed - 1;

    *slots = max_u64(*slots, slot & ~(uint64_t)(SLOTS_PER_CYCLE - 1)) + needed;
    return slot;
}

/* A block that fits into the buffer and where nobody is in the way of who came before: no entries are needed. That is
 * nearly every block. @return the latest finish, or 0 if it is no such block */
static uint32_t finish_of_short(const pvm_gas_word_t *words, size_t count)
{
    pvm_gas_calendar_t calendar;
    uint32_t results[16] = {0};
    uint64_t slots = 0;
    uint32_t last = 0;

    calendar.cleared = 0;
    pvm_gas_calendar_extend(&calendar, 0);
    for (size_t i = 0; i < count; i++) {
        const pvm_gas_word_t word = words[i];
        const row_t *const row = row_of(word);
        const fields_t fields = fields_of(word, row);
        const uint32_t source_a = results[fields.a];
        const uint32_t source_b = results[fields.b];
        const uint64_t slot = decode(&slots, slots_of(fields, row));

        if (pvm_gas_word_op(word) == PVM_OP_move_reg) {
            results[fields.destination] = source_a;
            continue;
        }
        const uint32_t ready =
            max_u32(max_u32(source_a, source_b), (uint32_t)(slot / SLOTS_PER_CYCLE) + 1);
        bool held;
        const uint32_t finish = place(&calendar, row, ready, &held) + row->cycles;
        if (!held) {
            return 0;
        }
        results[fields.destination] = finish;
        last = max_u32(last, finish);
    }
    return last;
}

/* Feed until `end`, until the buffer has had 32 entries (unless `full` says that it had), or until correcting took too long.
 * @return the first word not fed */
static inline __attribute__((always_inline)) const pvm_gas_word_t *
feed(pvm_gas_pipeline_t *pipeline, const pvm_gas_word_t *at, const pvm_gas_word_t *end,
     const bool full)
{
    uint64_t slots = pipeline->slots;
    uint32_t number = pipeline->number;
    uint32_t last = pipeline->finish;

    while (at != end && (full || number < BUFFER)) {
        const pvm_gas_word_t word = *at++;
        const row_t *const row = row_of(word);
        const fields_t fields = fields_of(word, row);
        const uint64_t source_a = pipeline->results[fields.a];
        const uint64_t source_b = pipeline->results[fields.b];

        if (full) {
            /* The entry of 32 before must have retired; decoding goes on in that cycle with all slots. */
            const uint32_t space = pipeline->entries[(number + 1) % BUFFER].retire;
            slots = max_u64(slots, (uint64_t)space * SLOTS_PER_CYCLE);
        }
        const uint64_t slot = decode(&slots, slots_of(fields, row));
        if (pvm_gas_word_op(word) == PVM_OP_move_reg) {
            pipeline->results[fields.destination] = source_a;
            continue;
        }
        number++;
        const uint32_t decoded = (uint32_t)(slot / SLOTS_PER_CYCLE) + 1;
        const uint32_t ready = max_u32(max_u32((uint32_t)source_a, (uint32_t)source_b), decoded);
        bool held;
        const uint32_t start = place(&pipeline->calendar, row, ready, &held);
        pvm_gas_entry_t *const entry = &pipeline->entries[number % BUFFER];
        entry->source_a = source_a;
        entry->source_b = source_b;
        entry->decoded = decoded;
        entry->start = start;
        entry->cycles = row->cycles;
        entry->units = row->units;
        if (!held) {
            if (!pvm_gas_pipeline_correct(pipeline, number)) {
                pipeline->contended = true;
                break;
            }
            last = pipeline->finish;
        }
        const uint32_t finish = start + row->cycles;
        pipeline->results[fields.destination] = (uint64_t)number << 32 | finish;
        last = max_u32(last, finish);
        entry->retire = last + 2;
    }
    pipeline->slots = slots;
    pipeline->number = number;
    pipeline->finish = last;
    return at;
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

void pvm_gas_pipeline_feed(pvm_gas_pipeline_t *pipeline, const pvm_gas_word_t *words, size_t count)
{
    const pvm_gas_word_t *const end = words + count;
    const pvm_gas_word_t *at = words;

    if (pipeline->number < BUFFER && !pipeline->contended) {
        at = feed(pipeline, at, end, false);
    }
    if (at != end && !pipeline->contended) {
        (void)feed(pipeline, at, end, true);
    }
}

/* The last entry retires two cycles after the latest finish; three are not charged. */
static uint32_t cost_of_finish(uint32_t finish)
{
    return finish > 2 ? finish - 1 : 1;
}

uint32_t pvm_gas_pipeline_end(pvm_gas_pipeline_t *pipeline)
{
    if (pipeline->contended) {
        return pvm_gas_pipeline_stages(pipeline->code, pipeline->pc, NULL, 0);
    }
    return cost_of_finish(pipeline->finish);
}

static __attribute__((noinline)) uint32_t cost_of_any(const pvm_code_t *code, uint32_t pc,
                                                      const pvm_gas_word_t *words, size_t count)
{
    pvm_gas_pipeline_t pipeline;

    pvm_gas_pipeline_begin(&pipeline, code, pc);
    pvm_gas_pipeline_feed(&pipeline, words, count);
    return pvm_gas_pipeline_end(&pipeline);
}

uint32_t pvm_gas_pipeline_block(const pvm_code_t *code, uint32_t pc, const pvm_gas_word_t *words,
                                size_t count)
{
    const uint32_t finish = count <= BUFFER ? finish_of_short(words, count) : 0;

    return finish != 0 ? cost_of_finish(finish) : cost_of_any(code, pc, words, count);
}

/* @param piece  its first BUFFER words; room for as many more */
static __attribute__((noinline)) uint32_t cost_of_long(const pvm_code_t *code, uint32_t pc,
                                                       uint32_t at, pvm_gas_word_t *piece)
{
    pvm_gas_pipeline_t pipeline;
    size_t count = BUFFER;
    bool ended = false;

    pvm_gas_pipeline_begin(&pipeline, code, pc);
    for (;;) {
        pvm_gas_pipeline_feed(&pipeline, piece, count);
        if (ended) {
            return pvm_gas_pipeline_end(&pipeline);
        }
        count = pvm_gas_words(code, &at, piece, BUFFER, &ended);
    }
}

uint32_t pvm_gas_pipeline_cost(const pvm_code_t *code, uint32_t pc)
{
    pvm_gas_word_t piece[BUFFER];
    uint32_t at = pc;
    bool ended;
    const size_t count = pvm_gas_words(code, &at, piece, BUFFER, &ended);

    if (ended) {
        return pvm_gas_pipeline_block(code, pc, piece, count);
    }
    return cost_of_long(code, pc, at, piece);
}
