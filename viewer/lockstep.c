/* Rounds of two machines: the reference steps to a border, the checked one is given the same gas and runs there. */
#include "viewer/lockstep_state.h"

#include "support/error.h"
#include "vm/vm.h"

#include <stdlib.h>
#include <string.h>

/* More than the reference paid, for the block that ends the run. Not all there is: a machine that misses its end would
 * run for hours. */
#define LAST_GAS 100000

/* -- Hosts --------------------------------------------------------------------------------- */

/* One more call, and behind it room for what is paid until the next. @return false without memory */
static bool push_call(pvm_lockstep_round_t *round)
{
    if (round->call_count + 1 >= round->call_room) {
        const uint32_t room = 2 * round->call_room;
        pvm_lockstep_call_t *const calls = realloc(round->calls, room * sizeof(*calls));
        if (calls == NULL) {
            return false;
        }
        round->calls = calls;
        round->call_room = room;
    }
    round->calls[++round->call_count].paid = 0;
    return true;
}

static pvm_host_result_t reference_call(pvm_vm_t *vm, int func_id, void *user_data)
{
    pvm_lockstep_round_t *const round = user_data;
    pvm_lockstep_call_t *const call = &round->calls[round->call_count];

    memcpy(call->registers, pvm_get_registers(vm), sizeof(call->registers));
    call->gas = pvm_get_gas(vm);
    call->pc = pvm_get_pc(vm);
    call->func_id = func_id;
    round->has_called = true;
    return round->reference_host.callback(vm, func_id, round->reference_host.user_data);
}

/* Give the checked side what the reference paid up to its next host call or the border, and keep the rest back. */
static void hand_out(pvm_lockstep_round_t *round, int64_t gas)
{
    int64_t share = round->calls[round->answered].paid;

    if (round->has_ended && round->answered == round->call_count) {
        /* The run ends here: what is left belongs to what must be seen, and paying too much must be possible. */
        share = round->result == PVM_RESULT_OOG ? gas : share + LAST_GAS;
    }
    share = share < gas ? share : gas;
    round->reserve = gas - share;
    pvm_set_gas(round->pair->checked, share);
}

static pvm_host_result_t checked_call(pvm_vm_t *vm, int func_id, void *user_data)
{
    pvm_lockstep_round_t *const round = user_data;
    const int64_t gas = pvm_get_gas(vm) + round->reserve;

    round->reserve = 0;
    pvm_set_gas(vm, gas);
    pvm_lockstep_compare_call(round, vm, func_id, gas);
    if (round->out->difference_count > 0) {
        return PVM_HOST_YIELD;
    }
    round->answered++;
    const pvm_host_result_t answer =
        round->checked_host.callback(vm, func_id, round->checked_host.user_data);
    if (answer == PVM_HOST_CONTINUE && !round->pair->every_instruction) {
        hand_out(round, pvm_get_gas(vm));
    }
    return answer;
}

/* -- The reference ------------------------------------------------------------------------- */

static void note_store(pvm_lockstep_round_t *round, const pvm_instruction_t *in)
{
    const uint64_t *const registers = pvm_get_registers(round->pair->reference);
    uint64_t base;

    switch ((pvm_form_t)pvm_isa_ops[in->op].form) {
    case PVM_FORM_REG_IMM_IMM:
        base = registers[in->a];
        break;
    case PVM_FORM_REG_REG_IMM:
        base = registers[in->b];
        break;
    default:
        base = 0;
        break;
    }
    if (round->store_count == PVM_LOCKSTEP_STORES_MAX) {
        round->compare_all = true;
        return;
    }
    round->stores[round->store_count++] =
        (pvm_lockstep_store_t){.address = (uint32_t)(base + (uint64_t)in->x),
                               .bytes = pvm_isa_ops[in->op].width,
                               .pc = in->pc};
}

static void note_effects(pvm_lockstep_round_t *round, const pvm_instruction_t *in)
{
    const pvm_op_info_t *const info = &pvm_isa_ops[in->op];
    const struct {
        int role;
        uint8_t reg;
    } roles[] = {{PVM_ROLE_A, in->a}, {PVM_ROLE_B, in->b}, {PVM_ROLE_D, in->d}};

    for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
        if ((info->writes & roles[i].role) != 0) {
            round->last_writer[roles[i].reg] = in->pc;
            round->written |= UINT32_C(1) << roles[i].reg;
        }
    }
    if (info->effect == PVM_EFFECT_STORE) {
        note_store(round, in);
    }
    /* The heap grows by pages that nothing has stored to. */
    round->compare_all = round->compare_all || info->effect == PVM_EFFECT_SBRK;
}

/* One step. @return false at a border: the block is over, the host moved the machine, or the run has ended */
static bool lead_one_step(pvm_lockstep_round_t *round)
{
    pvm_vm_t *const vm = round->pair->reference;
    pvm_lockstep_call_t *const call = &round->calls[round->call_count];
    const int64_t gas = pvm_get_gas(vm);
    pvm_instruction_t in;

    pvm_isa_decode(&pvm_get_program(vm)->code, pvm_get_pc(vm), &in);
    note_effects(round, &in);
    round->has_called = false;
    round->result = pvm_step(vm);
    call->paid += gas - (round->has_called ? call->gas : pvm_get_gas(vm));
    round->has_ended =
        round->result != PVM_RESULT_OK || pvm_get_machine_state(vm) != PVM_STATE_READY;
    if (round->result != PVM_RESULT_OOG || round->has_called) {
        round->instructions++;
    }
    if (round->has_called) {
        if (!push_call(round)) {
            round->has_ended = true;
            round->result = PVM_RESULT_ERROR;
        }
        if (pvm_get_pc(vm) != in.next) {
            return false;
        }
    }
    return !round->has_ended && !pvm_isa_is_terminator((pvm_op_t)in.op) &&
           !round->pair->every_instruction;
}

static void lead(pvm_lockstep_round_t *round)
{
    round->start_pc = pvm_get_pc(round->pair->reference);
    round->instructions = 0;
    round->call_count = 0;
    round->calls[0].paid = 0;
    round->store_count = 0;
    round->compare_all = false;
    round->written = 0;
    while (lead_one_step(round)) {
    }
}

/* -- The checked side ---------------------------------------------------------------------- */

static void follow(pvm_lockstep_round_t *round)
{
    pvm_vm_t *const vm = round->pair->checked;

    round->answered = 0;
    if (round->pair->every_instruction) {
        round->reserve = 0;
        round->checked_result = pvm_step(vm);
        return;
    }
    hand_out(round, pvm_get_gas(vm));
    if (round->has_begun) {
        round->checked_result = pvm_resume(vm);
    } else {
        round->checked_result = pvm_execute(vm, round->pair->entry);
    }
    round->has_begun = true;
    pvm_set_gas(vm, pvm_get_gas(vm) + round->reserve);
    round->reserve = 0;
}

/* -- Both ---------------------------------------------------------------------------------- */

static void remember(pvm_lockstep_round_t *round)
{
    pvm_lockstep_t *const out = round->out;

    out->blocks++;
    out->instructions += round->instructions;
    out->host_calls += round->call_count;
    round->instructions_since_compare += round->instructions;
    out->way[out->blocks % PVM_LOCKSTEP_WAY] = (pvm_lockstep_block_t){
        .number = out->blocks,
        .pc = round->start_pc,
        .instructions = round->instructions,
        .host_calls = round->call_count,
    };
}

static pvm_lockstep_host_t take_host(pvm_vm_t *vm, pvm_host_callback_t ours, void *round)
{
    const pvm_lockstep_host_t host = {
        .vm = vm, .callback = vm->callback, .user_data = vm->callback_data};

    if (host.callback != NULL) {
        pvm_set_host_callback(vm, ours, round);
    }
    return host;
}

static void give_host_back(const pvm_lockstep_host_t *host)
{
    pvm_set_host_callback(host->vm, host->callback, host->user_data);
}

static bool is_refused(const pvm_lockstep_round_t *round)
{
    return (round->has_ended && round->result == PVM_RESULT_ERROR) ||
           round->checked_result == PVM_RESULT_ERROR;
}

int pvm_lockstep_run(const pvm_lockstep_pair_t *pair, pvm_lockstep_t *out)
{
    pvm_lockstep_round_t *const round = calloc(1, sizeof(*round));
    int status = -1;

    memset(out, 0, sizeof(*out));
    if (round == NULL) {
        return pvm_error_set("no memory to compare two machines");
    }
    round->pair = pair;
    round->out = out;
    round->call_room = 16;
    round->calls = calloc(round->call_room, sizeof(*round->calls));
    if (round->calls == NULL) {
        free(round);
        return pvm_error_set("no memory to compare two machines");
    }
    round->reference_host = take_host(pair->reference, reference_call, round);
    round->checked_host = take_host(pair->checked, checked_call, round);
    if (pvm_set_pc(pair->reference, pair->entry) != 0 ||
        (pair->every_instruction && pvm_set_pc(pair->checked, pair->entry) != 0)) {
        goto exit;
    }
    do {
        lead(round);
        follow(round);
        remember(round);
        if (is_refused(round)) {
            goto exit;
        }
        if (pair->before_compare != NULL) {
            pair->before_compare(pair->user_data, out->blocks);
        }
        pvm_lockstep_compare(round, !round->has_ended && !pair->every_instruction);
    } while (!round->has_ended && out->difference_count == 0);
    out->result = round->result;
    status = out->difference_count == 0 ? 0 : 1;
exit:
    give_host_back(&round->reference_host);
    give_host_back(&round->checked_host);
    free(round->calls);
    free(round);
    return status;
}

const pvm_lockstep_block_t *pvm_lockstep_way(const pvm_lockstep_t *lockstep, uint64_t number)
{
    const pvm_lockstep_block_t *const block = &lockstep->way[number % PVM_LOCKSTEP_WAY];

    return number != 0 && block->number == number ? block : NULL;
}
