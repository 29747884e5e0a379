"""The vectors that every binding carries out; tests/conformance/README.md tells what the directives are."""
import pathlib
import unittest

import pvm

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "tests/conformance"
SPECS = {"0.7.2": pvm.Spec.V0_7_2, "0.8.0": pvm.Spec.V0_8_0, "latest64": pvm.Spec.LATEST64}
RESULTS = {pvm.Result.OK: "halt", pvm.Result.OOG: "oog", pvm.Result.PANIC: "panic", pvm.Result.HOST_CALL: "host",
           pvm.Result.FAULT: "fault"}


class Driver:
    def __init__(self, backend_name, backend):
        self.backend_name, self.backend = backend_name, backend
        self.lines, self.name, self.program, self.vm, self.answers = [], "", None, None, []

    def put(self, text):
        self.lines.append(f"{self.name} {self.backend_name} {text}")

    def on_host_call(self, vm, func_id):
        self.put(f"host {func_id} pc={vm.pc} gas={vm.gas}")
        if not self.answers:
            return pvm.HostResult.YIELD
        result, price, register, value = self.answers.pop(0)
        vm.gas -= price
        vm.set_register(register, value)
        return result

    def run(self, verb, function, *arguments):
        try:
            result = RESULTS[function(*arguments)]
        except pvm.Error:
            result = "error"
        registers = ",".join(f"{value:x}" for value in self.vm.registers)
        self.put(f"{verb} {result} pc={self.vm.pc} gas={self.vm.gas} fault={self.vm.fault_address:#x} "
                 f"call={self.vm.host_call} regs={registers}")

    def may_fail(self, verb, function, *arguments):
        try:
            function(*arguments)
        except pvm.Error:
            self.put(f"{verb} error")

    def close(self):
        for owned in self.vm, self.program:
            if owned is not None:
                owned.close()

    def carry_out(self, verb, *words):
        number = lambda index: int(words[index], 0)
        if verb == "case":
            self.close()
            self.name = f"{words[0]}/{words[1]}"
            jumps = [] if words[4] == "-" else [int(word) for word in words[4].split(",")]
            self.program = pvm.Program.from_parts(bytes.fromhex(words[2]), bytes.fromhex(words[3]), jumps,
                                                  SPECS[words[1]])
        elif verb == "new":
            self.vm, self.answers = pvm.VM(self.program, gas=number(0), backend=self.backend), []
        elif verb == "reg":
            self.vm.set_register(number(0), number(1))
        elif verb == "gas":
            self.vm.gas = number(0)
        elif verb == "pc":
            self.vm.pc = number(0)
        elif verb == "page":
            self.may_fail(verb, self.vm.map_memory, number(0), number(1), pvm.Access[words[2].upper()])
        elif verb == "write":
            self.may_fail(verb, self.vm.write_memory, number(0), bytes.fromhex(words[1]))
        elif verb == "read":
            try:
                text = self.vm.read_memory(number(0), number(1)).hex()
            except pvm.Error:
                text = "error"
            self.put(f"read {number(0):#x} {text}")
        elif verb == "host":
            self.answers.append((pvm.HostResult[words[0].upper()], number(1), number(2), number(3)))
            self.vm.set_host_callback(self.on_host_call)
        elif verb == "execute":
            self.run(verb, self.vm.execute, number(0))
        else:
            self.run(verb, {"resume": self.vm.resume, "step": self.vm.step}[verb])


class Conformance(unittest.TestCase):
    def test_vectors(self):
        lines = []
        for name, backend in ("interpreter", pvm.Backend.INTERPRETER), ("recompiler", pvm.Backend.RECOMPILER):
            driver = Driver(name, backend)
            for line in (FOLDER / "vectors.txt").read_text().splitlines():
                words = line.split()
                if words and words[0] != "#":
                    driver.carry_out(*words)
            driver.close()
            lines += driver.lines
        expected = (FOLDER / "expected.txt").read_text().splitlines()
        self.assertGreater(len(expected), 100)
        self.assertEqual(lines, expected)


if __name__ == "__main__":
    unittest.main()
