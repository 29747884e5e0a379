"""Machines in Python: callbacks, exceptions, copies, errors, threads."""
import gc
import pathlib
import threading
import unittest

import pvm

GUESTS = pathlib.Path(__file__).resolve().parents[3] / "examples/guest/blobs"
HALT = 0xffff0000


def caller(gas=100):
    """ecalli 5, then a jump to r0, under 0.7.2."""
    with pvm.Program.from_parts(bytes([10, 5, 50, 0]), b"\x05", spec=pvm.Spec.V0_7_2) as program:
        vm = pvm.VM(program, gas=gas, service=7)
    vm.set_register(0, HALT)
    return vm


class Machines(unittest.TestCase):
    def test_samples(self):
        with pvm.Program.load(GUESTS / "service.polkavm") as program, pvm.VM(program, gas=10**9) as vm:
            self.assertRaises(pvm.Error, vm.set_sample_rate, 0)
            vm.set_sample_rate(999)
            vm.set_instrumentation(pvm.Instrument.SAMPLES | pvm.Instrument.CALLS)
            vm.set_host_callback(lambda vm, func_id: vm.use_gas(10) or pvm.HostResult.CONTINUE)
            self.assertEqual(vm.execute(program.entry("accumulate")), pvm.Result.OK)

    def test_host_call(self):
        def answer(inner, func_id):
            self.assertIs(inner, vm)
            self.assertEqual((func_id, inner.state, inner.host_call), (5, pvm.State.HOST, 5))
            inner.set_register(7, -1)
            return inner.use_gas(10) or pvm.HostResult.CONTINUE

        with caller() as vm:
            vm.set_host_callback(answer)
            self.assertEqual(vm.execute(0), pvm.Result.OK)
            self.assertEqual((vm.gas, vm.register(7), vm.state), (88, 2**64 - 1, pvm.State.HALT))
            vm.gas = 5
            self.assertEqual(vm.execute(0), pvm.Result.OOG)
            vm.gas = 100
            vm.set_host_callback(None)
            self.assertEqual(vm.execute(0), pvm.Result.HOST_CALL)
            self.assertEqual(vm.resume(), pvm.Result.OK)

    def test_callback_lives_as_long_as_the_machine(self):
        with caller() as vm:
            vm.set_host_callback(lambda vm, func_id: pvm.HostResult.CONTINUE)
            gc.collect()
            self.assertEqual(vm.execute(0), pvm.Result.OK)

    def test_exception_in_callback(self):
        def fail(vm, func_id):
            raise ValueError(f"no {func_id}")

        with caller() as vm, caller() as outer:
            vm.set_host_callback(fail)
            with self.assertRaisesRegex(ValueError, "no 5"):
                vm.execute(0)
            self.assertEqual(vm.state, pvm.State.PANIC)

            def run_inner(_vm, _func_id):
                vm.reset(100)
                self.assertRaises(ValueError, vm.execute, 0)
                self.assertRaisesRegex(pvm.Error, "running", outer.execute, 0)
                return pvm.HostResult.CONTINUE

            outer.set_host_callback(run_inner)
            self.assertEqual(outer.execute(0), pvm.Result.OK)
            vm.reset(100)
            vm.set_host_callback(lambda vm, func_id: "not a number")
            self.assertRaises(ValueError, vm.execute, 0)

    def test_memory(self):
        with caller() as vm:
            vm.map_memory(0x20000, pvm.PAGE_SIZE, pvm.Access.WRITE)
            vm.write_memory(0x20ffc, b"abcd")
            self.assertEqual(vm.read_memory(0x20ffb, 5), b"\0abcd")
            self.assertEqual(vm.read_memory(0x20000, 0), b"")
            self.assertEqual(vm.access(0x20000), pvm.Access.WRITE)
            for call in (lambda: vm.write_memory(0x20ffd, b"abcd"), lambda: vm.read_memory(0x21000, 1),
                         lambda: vm.read_memory(-1, 1), lambda: vm.read_memory(2**32, 1),
                         lambda: vm.read_memory(0, 2**63), lambda: vm.map_memory(0x20001, 4096, pvm.Access.READ)):
                self.assertRaises(pvm.Error, call)

    def test_errors(self):
        self.assertRaises(pvm.Error, pvm.Program.from_bytes, b"PVM\0")
        self.assertRaises(pvm.Error, pvm.Program.from_bytes, b"")
        self.assertRaises(FileNotFoundError, pvm.Program.load, "nowhere.jam")
        vm = caller()
        self.assertRaises(IndexError, vm.register, 13)
        self.assertRaises(OverflowError, setattr, vm, "gas", 2**63)
        self.assertRaises(pvm.Error, vm.set_arguments, b"")
        self.assertRaises(pvm.Error, lambda: vm.result)
        vm.close()
        vm.close()
        self.assertRaisesRegex(pvm.Error, "closed", vm.execute, 0)
        self.assertRaisesRegex(pvm.Error, "closed", lambda: vm.gas)

    def test_service(self):
        with pvm.Program.load(GUESTS / "service.jam", spec=pvm.Spec.V0_8_0) as program:
            self.assertEqual((program.format, program.spec, program.problem),
                             (pvm.Format.JAM, pvm.Spec.V0_8_0, None))
            self.assertEqual(program.entry("accumulate"), 5)
            self.assertRaises(KeyError, program.entry, "nowhere")
            self.assertEqual((program.host_call_name(4), program.host_call_name(99)), ("read", None))
            results = set()
            for backend in pvm.Backend.INTERPRETER, pvm.Backend.RECOMPILER:
                with pvm.VM(program, gas=10**9, backend=backend) as vm:
                    self.assertEqual(vm.backend, backend)
                    vm.set_host_callback(lambda vm, func_id: vm.set_register(7, -2) or pvm.HostResult.CONTINUE)
                    self.assertEqual(vm.execute(program.entry("refine")), pvm.Result.OK)
                    self.assertGreater(len(vm.result), 32)
                    results.add((vm.gas, vm.result))
            self.assertEqual(len(results), 1)

    def test_threads(self):
        failures = []

        def work(number):
            for _ in range(50):
                with caller() as vm:
                    vm.set_host_callback(lambda vm, func_id: vm.set_register(7, number) or pvm.HostResult.CONTINUE)
                    if vm.execute(0) != pvm.Result.OK or vm.register(7) != number:
                        failures.append(number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(failures, [])


if __name__ == "__main__":
    unittest.main()
