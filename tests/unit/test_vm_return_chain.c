/* The flight record beyond host calls: the return chain and the last blocks.
 *
 * The chain is held against a shadow stack: guests are stepped, every call and return is noted, and at many places
 * pvm_get_return_chain() must say the same. What it calls sure must be right everywhere. */
#include "program/frames.h"
#include "support/blob.h"
#include "unit/lab.h"

#include <stdio.h>

#define DEPTH_MAX 4096
#define FRAMES    256
#define STEPS     30000
#define GAS       UINT64_C(1000000000)

typedef struct {
    uint32_t backs[DEPTH_MAX]; /* where the calls return to that have not yet, outermost first */
    size_t depth;
    bool is_exact;    /* every return went where its call said */
    bool is_entering; /* a merged routine's return address is loaded, and its frame not yet made */
} shadow_t;

typedef struct {
    unsigned places;
    unsigned complete; /* the whole chain is right */
    unsigned checked;
    unsigned checked_wrong;
} score_t;

static void push(shadow_t *shadow, const pvm_routine_call_t *call)
{
    assert_true(shadow->depth < DEPTH_MAX);
    shadow->backs[shadow->depth++] = call->back;
}

/* Whether the program knows the return address as that of a call. */
static bool is_known(pvm_program_t *program, const pvm_routine_call_t *call)
{
    pvm_routine_call_t known;

    return pvm_frames_call_of(program, pvm_frames_of(program), call->address, &known) &&
           (known.pc == call->pc || known.target == call->target);
}

/* What the instruction about to be executed does to the stack of calls. */
static void follow(shadow_t *shadow, pvm_program_t *program, pvm_vm_t *vm)
{
    const uint32_t pc = pvm_get_pc(vm);
    const uint32_t block = pvm_program_block_at(program, pc);
    pvm_routine_call_t call;
    pvm_instruction_t in;

    pvm_isa_decode(&program->code, pc, &in);
    shadow->is_entering = shadow->is_entering && !pvm_routine_moves_stack(&in);
    if (in.op == PVM_OP_load_imm && in.a == PVM_REGISTER_RETURN &&
        pvm_frames_call_of(program, pvm_frames_of(program), (uint32_t)in.x, &call) &&
        call.pc == pc) {
        push(shadow, &call);
        shadow->is_entering = true;
        return;
    }
    if (block == program->block_count || in.next != program->blocks[block].end_pc) {
        return;
    }
    if (pvm_routine_call_at(program, block, &call) && (call.is_sure || is_known(program, &call))) {
        push(shadow, &call);
    } else if (pvm_isa_ops[in.op].effect == PVM_EFFECT_JUMP_IND &&
               pvm_frames_call_of(program, pvm_frames_of(program),
                                  (uint32_t)(pvm_get_register(vm, in.a) + (uint64_t)in.x), &call)) {
        shadow->is_exact = shadow->depth > 0 && shadow->backs[shadow->depth - 1] == call.back;
        shadow->depth -= shadow->depth > 0;
    }
}

static void compare(const shadow_t *shadow, pvm_vm_t *vm, score_t *score)
{
    pvm_frame_t frames[FRAMES];
    const size_t count = pvm_get_return_chain(vm, frames, FRAMES);
    bool is_right = true;
    size_t depth = 0;

    assert_true(count >= 1);
    assert_int_equal(frames[0].kind, PVM_FRAME_HERE);
    assert_int_equal(frames[0].pc, pvm_get_pc(vm));
    for (size_t i = 1; i < count && frames[i].kind != PVM_FRAME_HOST; i++) {
        bool matches = true;
        for (uint32_t n = 0; n < frames[i].times; n++) {
            depth++;
            matches = matches && depth <= shadow->depth &&
                      frames[i].back == shadow->backs[shadow->depth - depth];
        }
        if (frames[i].kind == PVM_FRAME_CHECKED) {
            score->checked++;
            score->checked_wrong += !matches;
        }
        is_right = is_right && matches;
    }
    score->places++;
    score->complete +=
        is_right && depth == shadow->depth && frames[count - 1].kind == PVM_FRAME_HOST;
}

static score_t walk_guest(const lab_t *lab, const char *name)
{
    char path[256];
    shadow_t *const shadow = calloc(1, sizeof(*shadow));
    score_t score = {0};
    pvm_buffer_t blob = {0};
    uint32_t entry = 0;

    assert_non_null(shadow);
    shadow->is_exact = true;
    (void)snprintf(path, sizeof(path), "examples/guest/blobs/%s%s", name,
                   lab->spec == PVM_SPEC_0_7_2 ? "-0.7.2.jam" : ".jam");
    blob_load(&blob, path);
    pvm_program_t *const program =
        pvm_program_load(blob.data, blob.len, PVM_FORMAT_AUTO, lab->spec);
    assert_non_null(program);
    pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 0, GAS);
    assert_non_null(vm);
    if (pvm_program_export_count(program) > 0) {
        (void)pvm_program_export(program, 0, &entry);
    }
    assert_int_equal(pvm_set_pc(vm, entry), 0);
    for (int i = 0; i < STEPS && shadow->is_exact; i++) {
        follow(shadow, program, vm);
        const pvm_result_t result = pvm_step(vm);
        if (result == PVM_RESULT_HOST_CALL) {
            pvm_set_register(vm, 7, UINT64_MAX - 1);
        } else if (result != PVM_RESULT_OK || pvm_get_machine_state(vm) != PVM_STATE_READY) {
            break;
        }
        /* A number of steps that is prime to most loops, so that all their instructions have their turn. */
        if (i % 7 == 0 && !shadow->is_entering) {
            compare(shadow, vm, &score);
        }
    }
    pvm_destroy(vm);
    pvm_program_release(program);
    pvm_buffer_free(&blob);
    free(shadow);
    return score;
}

static void the_chain_is_right_wherever_a_guest_stops(const lab_t *lab)
{
    static const char *const guests[] = {"blake2b", "format", "interp",    "large",     "matmul",
                                         "sha256",  "sieve",  "recursive", "quicksort", "service"};

    for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++) {
        const score_t score = walk_guest(lab, guests[i]);
        print_message("%s: %u places, %u chains complete, %u frames checked, %u of them wrong\n",
                      guests[i], score.places, score.complete, score.checked, score.checked_wrong);
        assert_true(score.places > 100);
        assert_int_equal(score.checked_wrong, 0);
        assert_true(score.complete * 100 >= score.places * 98);
    }
}

/* -- By hand ------------------------------------------------------------------------------- */

/* Where `back` is the first jump table entry: a routine that calls one that runs out of everything. */
static const char two_routines[] = ".jump_table @back\n"
                                   "add_imm_64 r1, r1, -16\n"
                                   "store_ind_u64 r0, r1, 8\n"
                                   "call: load_imm_jump r0, 2, @inner\n"
                                   "back: trap\n"
                                   "inner: add_imm_64 r1, r1, -32\n store_ind_u64 r0, r1, 24\n"
                                   "load_imm r0, 7\n"
                                   "end: trap\n";

static void a_chain_names_the_call_and_the_routines(const lab_t *lab)
{
    pvm_frame_t frames[8];
    machine_t machine = lab_machine(lab, two_routines, GAS);

    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 0x1000, PVM_ACCESS_WRITE), 0);
    pvm_set_register(machine.vm, 0, 0xffff0000);
    pvm_set_register(machine.vm, 1, 0x21000);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_return_chain(machine.vm, frames, 8), 3);
    assert_int_equal(frames[0].pc, lab_at(&machine, "end"));
    assert_int_equal(frames[0].routine, lab_at(&machine, "inner"));
    assert_int_equal(frames[1].kind, PVM_FRAME_CHECKED);
    assert_int_equal(frames[1].pc, lab_at(&machine, "call"));
    assert_int_equal(frames[1].back, lab_at(&machine, "back"));
    assert_int_equal(frames[1].routine, 0);
    assert_int_equal(pvm_get_return_chain(machine.vm, frames, 2), 2);
    assert_int_equal(pvm_get_return_chain(machine.vm, frames, 0), 0);
    lab_free(&machine);
}

static void an_address_that_no_call_leaves_is_not_believed(const lab_t *lab)
{
    pvm_frame_t frames[8];
    static const uint64_t places[] = {0, 0x20fff, 0x21000, 0xffffffff, UINT64_MAX, 1U << 31};
    machine_t machine = lab_machine(lab, two_routines, GAS);

    assert_int_equal(pvm_map_memory(machine.vm, 0x20000, 0x1000, PVM_ACCESS_WRITE), 0);
    pvm_set_register(machine.vm, 1, 0x21000);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_PANIC);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        pvm_set_register(machine.vm, 1, places[i]);
        pvm_set_register(machine.vm, 0, places[i]);
        assert_int_equal(pvm_get_return_chain(machine.vm, frames, 8), 1);
    }
    /* The right address in a wrong place is a guess. */
    const uint64_t address = 2;
    assert_int_equal(pvm_write_memory(machine.vm, 0x20ff0, &address, sizeof(address)), 0);
    pvm_set_register(machine.vm, 1, 0x20f80);
    assert_true(pvm_get_return_chain(machine.vm, frames, 8) >= 2);
    assert_int_equal(frames[1].kind, PVM_FRAME_GUESS);
    assert_int_equal(frames[1].pc, lab_at(&machine, "call"));
    lab_free(&machine);
}

static void a_program_without_code_has_a_chain_of_one(const lab_t *lab)
{
    pvm_frame_t frame;
    uint32_t blocks[4];
    pvm_program_t *const program = pvm_program_from_parts(NULL, 0, NULL, 0, NULL, 0, lab->spec);

    assert_non_null(program);
    pvm_vm_t *const vm = pvm_instantiate(program, lab->backend, 0, GAS);
    assert_non_null(vm);
    assert_int_equal(pvm_execute(vm, 77), PVM_RESULT_PANIC);
    assert_int_equal(pvm_get_return_chain(vm, &frame, 1), 1);
    assert_int_equal(frame.kind, PVM_FRAME_HERE);
    assert_int_equal(pvm_get_last_blocks(vm, blocks, 4), 0);
    lab_clear_error();
    assert_int_equal(pvm_get_return_chain(NULL, &frame, 1), 0);
    lab_assert_explained();
    lab_clear_error();
    assert_int_equal(pvm_get_last_blocks(vm, NULL, 4), 0);
    lab_assert_explained();
    pvm_destroy(vm);
    pvm_program_release(program);
}

static void the_last_blocks_are_kept_when_asked_for(const lab_t *lab)
{
    uint32_t blocks[PVM_LAST_BLOCKS + 1];
    machine_t machine = lab_machine(lab,
                                    "load_imm r2, 5000\n fallthrough\n"
                                    "loop: add_imm_64 r2, r2, -1\n"
                                    "branch_ne_imm r2, 0, @loop\n"
                                    "ecalli 1\n trap\n",
                                    GAS);

    assert_int_equal(pvm_set_instrumentation(machine.vm, PVM_INSTRUMENT_FLIGHT), 0);
    assert_int_equal(lab_execute(lab, machine.vm, 0), PVM_RESULT_HOST_CALL);
    assert_int_equal(pvm_get_last_blocks(machine.vm, blocks, PVM_LAST_BLOCKS + 1), PVM_LAST_BLOCKS);
    for (int i = 0; i < PVM_LAST_BLOCKS - 1; i++) {
        assert_int_equal(blocks[i], 1);
    }
    assert_int_equal(blocks[PVM_LAST_BLOCKS - 1], 2);
    assert_int_equal(pvm_get_last_blocks(machine.vm, blocks, 2), 2);
    assert_int_equal(blocks[0], 1);
    assert_int_equal(blocks[1], 2);
    assert_int_equal(pvm_set_instrumentation(machine.vm, 0), 0);
    assert_int_equal(pvm_get_last_blocks(machine.vm, blocks, 2), 0);
    lab_free(&machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAB_TEST(the_chain_is_right_wherever_a_guest_stops, LAB_0_7_2 | LAB_0_8_0, LAB_PLAIN),
        LAB_TEST(a_chain_names_the_call_and_the_routines, LAB_ALL_SPECS, LAB_ALL_DRIVES),
        LAB_TEST(an_address_that_no_call_leaves_is_not_believed, LAB_ALL_SPECS, LAB_PLAIN),
        LAB_TEST(a_program_without_code_has_a_chain_of_one, LAB_ALL_SPECS, LAB_PLAIN),
        LAB_TEST(the_last_blocks_are_kept_when_asked_for, LAB_ALL_SPECS, LAB_PLAIN | LAB_STEPS),
    };

    lab_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
