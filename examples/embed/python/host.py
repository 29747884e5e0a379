"""A host in Python: the example service on a store of keys and values in memory. The same in four languages: ../README.md.

    pip install bindings/python && python host.py service.jam [ROUNDS]
"""
import sys

import pvm

GAS, READ, WRITE, ACCUMULATE_PC, PRICE = 0, 4, 5, 5, 10
NONE, WHAT = 2**64 - 1, 2**64 - 2
store: dict[bytes, bytes] = {}


def on_read(vm: pvm.VM) -> int:
    """Key at r8, r9 octets; its value from octet r11 on to r10, at most r12. Answers the value's length."""
    r = vm.registers
    value = store.get(vm.read_memory(r[8], r[9]))
    if value is None:
        return NONE
    vm.write_memory(r[10], value[r[11]:][:r[12]])
    return len(value)


def on_write(vm: pvm.VM) -> int:
    """Key at r7, r8 octets; value at r9, r10 octets, none to delete. Answers the length of the old value."""
    r = vm.registers
    key, value = vm.read_memory(r[7], r[8]), vm.read_memory(r[9], r[10])
    old = store.pop(key, None)
    if value:
        store[key] = value
    return NONE if old is None else len(old)


def on_host_call(vm: pvm.VM, func_id: int) -> pvm.HostResult:
    """An exception, as for memory that the guest cannot access, ends the run and comes out of execute()."""
    if vm.use_gas(PRICE) is not None:
        return pvm.HostResult.OOG
    answers = {GAS: lambda vm: vm.gas, READ: on_read, WRITE: on_write}
    vm.set_register(7, answers.get(func_id, lambda vm: WHAT)(vm))
    return pvm.HostResult.CONTINUE


def main() -> None:
    if len(sys.argv) < 2:
        sys.exit("usage: host.py service.jam [ROUNDS]")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    with pvm.Program.load(sys.argv[1], spec=pvm.Spec.V0_8_0) as program, pvm.VM(program, gas=10**9, service=7) as vm:
        vm.set_host_callback(on_host_call)
        for _ in range(rounds):
            vm.reset(10**9)
            result = vm.execute(ACCUMULATE_PC)
            if result != pvm.Result.OK:
                break
        print(f"result {int(result)}, gas used {10**9 - vm.gas}")
        print(f"store {len(store)} keys, {sum(map(len, store.values()))} octets")
        print("answer", vm.result.hex())


main()
