/* Gas accounting: see ledger.h. */
#include "profiler/ledger.h"

void pvm_prof_ledger_begin(pvm_prof_ledger_t *ledger, int64_t gas)
{
    *ledger = (pvm_prof_ledger_t){.start = pvm_prof_gas_clamp(gas), .now = pvm_prof_gas_clamp(gas)};
}

void pvm_prof_ledger_guest(pvm_prof_ledger_t *ledger, int64_t gas)
{
    ledger->now = pvm_prof_gas_clamp(gas);
}

void pvm_prof_ledger_call_begin(pvm_prof_ledger_t *ledger, int64_t gas)
{
    ledger->in_call = true;
    ledger->call_before = pvm_prof_gas_clamp(gas);
    ledger->now = ledger->call_before;
}

pvm_prof_charge_t pvm_prof_ledger_call_end(pvm_prof_ledger_t *ledger, int64_t gas)
{
    const int64_t after = pvm_prof_gas_clamp(gas);
    pvm_prof_charge_t charge = {0};

    if (after <= ledger->call_before) {
        charge.taken = ledger->call_before - after;
    } else {
        charge.added = after - ledger->call_before;
    }
    ledger->host_gas = pvm_prof_wrap_add(ledger->host_gas, charge.taken);
    ledger->added = pvm_prof_wrap_add(ledger->added, charge.added);
    ledger->now = after;
    ledger->in_call = false;
    return charge;
}

void pvm_prof_ledger_set(pvm_prof_ledger_t *ledger, int64_t old_gas, int64_t new_gas)
{
    if (ledger->in_call) {
        return;
    }
    const int64_t change = pvm_prof_gas_clamp(new_gas) - pvm_prof_gas_clamp(old_gas);
    ledger->added = pvm_prof_wrap_add(ledger->added, change);
    ledger->now = pvm_prof_gas_clamp(new_gas);
}

int64_t pvm_prof_ledger_used(const pvm_prof_ledger_t *ledger)
{
    return pvm_prof_wrap_sub(pvm_prof_wrap_add(ledger->start, ledger->added), ledger->now);
}
