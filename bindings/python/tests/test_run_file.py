"""Run files in Python: the views, and the reports of pvmscope, say the same."""
import os
import pathlib
import subprocess
import tempfile
import unittest

import pvm
import pvmscope

GUESTS = pathlib.Path(__file__).resolve().parents[3] / "examples/guest/blobs"
PROGRAM = os.environ.get("PVMSCOPE", "pvmscope")


class RunFiles(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = self.folder / "a run?#%.db"
        subprocess.run([PROGRAM, "record", GUESTS / "service.polkavm", "--entry", "accumulate", "-o", self.path],
                       check=True, capture_output=True)

    def test_views(self):
        with pvmscope.open(self.path) as run:
            self.assertEqual(run.gas["gas_used"], run.gas["blocks_gas"] + run.gas["host_gas"])
            self.assertEqual(sum(run.table("hot_blocks").column("gas")), run.gas["blocks_gas"])
            self.assertEqual(len(run.table("host_calls")), 38)
            self.assertEqual(run.table("host_calls").records()[0]["seq"], 0)
            self.assertEqual((run.info["spec"], run.lost_events), ("0.8.0", {}))
            for name in run.tables:
                self.assertEqual(run.table(name).name, name)
            self.assertRaises(KeyError, run.table, "sqlite_master")
            self.assertRaises(KeyError, run.table("hot_blocks").column, "nothing")

    def test_recorded_by_the_process_itself(self):
        path = self.folder / "own.db"
        self.assertRaises(pvm.Error, pvm.record_end)
        self.assertRaises(pvm.Error, pvm.record, self.folder / "nowhere" / "own.db")
        pvm.record(path)
        with pvm.Program.load(GUESTS / "service.polkavm") as program, pvm.VM(program, gas=10**9, service=3) as vm:
            vm.set_host_callback(lambda vm, func_id: vm.use_gas(10) or pvm.HostResult.CONTINUE)
            vm.execute(program.entry("accumulate"))
            used = 10**9 - vm.gas
        pvm.record_end()
        with pvmscope.open(path) as run:
            self.assertEqual((run.gas["gas_used"], run.info["status"]), (used, "complete"))
            self.assertEqual(set(run.table("host_calls").column("service")), {3})

    def test_reports(self):
        with pvmscope.open(self.path) as run:
            blocks = run.report("block")
            self.assertEqual(sum(blocks.column("gas")), run.gas["blocks_gas"])
            self.assertEqual(len(run.report("function", top=3)), 3)
            self.assertEqual(run.report()["summary"]["gas_used"], run.gas["gas_used"])
            for by in ("line", "opcode", "edge", "hostcall", "service", "path"):
                self.assertGreater(len(run.report(by)), 0, by)
            self.assertEqual(len(run.hostcalls("--call", "write")), 18)
            self.assertIn("merge_command", run.annotate("merge_command").column("line_function"))
            self.assertEqual(run.recost("0.8.0")["summary"]["other_gas"], run.gas["gas_used"])
            self.assertRaisesRegex(pvmscope.RunFileError, "--by", run.report, "nonsense")

    def test_pandas(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("pandas is not installed")
        with pvmscope.open(self.path) as run:
            frame = run.table("hot_functions").to_pandas()
            self.assertIsInstance(frame, pandas.DataFrame)
            self.assertEqual(int(frame["self_gas"].sum()), run.gas["blocks_gas"])

    def test_other_files(self):
        other = self.folder / "other.db"
        self.assertRaises(FileNotFoundError, pvmscope.open, other)
        self.assertFalse(other.exists())
        other.write_bytes(b"no database at all, but long enough to be looked at" * 100)
        self.assertRaises(pvmscope.RunFileError, pvmscope.open, other)
        other.write_bytes(b"")
        self.assertRaises(pvmscope.RunFileError, pvmscope.open, other)


if __name__ == "__main__":
    unittest.main()
