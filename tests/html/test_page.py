"""The HTML report in a real browser: it loads without a complaint and without a network, its numbers are those of
`pvmscope report`, and it can be used by pointer, by keyboard and on a phone.

    test_page.py PVMSCOPE GUESTS       exit code 77 without chromium and its driver"""
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile

from browser import Browser, find_programs

HOSTILE = "</script><script>window.hurt=1</script><!--<script>\"'&"


class Runs:
    """Recordings and pages in a folder of their own."""

    def __init__(self, program, guests, folder):
        self.program, self.guests, self.folder = program, pathlib.Path(guests), pathlib.Path(folder)

    def call(self, *arguments):
        return subprocess.run([self.program, *map(str, arguments)], check=True, cwd=self.folder, text=True,
                              capture_output=True).stdout

    def record(self, name, guest, *options):
        self.call("record", self.guests / guest, "-o", name + ".db", *options)

    def sql(self, name, *statements):
        with sqlite3.connect(self.folder / (name + ".db")) as file:
            for statement in statements:
                file.execute(statement)
        file.close()

    def report(self, name):
        return json.loads(self.call("export", name + ".db", "--format", "json"))

    def page(self, *names):
        path = self.folder / ("-".join(names) + ".html")
        self.call("export", *[name + ".db" for name in names], "--format", "html", "-o", path)
        return path


def cells(browser, table, column):
    """Values of a column of a table that is shown whole."""
    return browser.run(f"return [...document.querySelectorAll('#{table} tbody td[data-id={column}]')]"
                       ".map((cell) => cell.dataset.value)")


def show_all(browser, section):
    browser.run(f"for (const button of document.querySelectorAll('#{section} .more')) if (!button.hidden) button.click()")


BOX = "[...document.querySelectorAll('.box')].find((box) => box.pvmNode.frame.name === arguments[0])"
FOCUSED = "return document.activeElement.pvmNode ? document.activeElement.pvmNode.frame.name : document.activeElement.id"
NAMES = """
    const nameless = [...document.querySelectorAll('button, input, select, [role=treeitem], [role=tree], [role=region]')]
        .filter((element) => !element.hidden && !(element.getAttribute('aria-label') || element.textContent.trim() ||
                             element.labels && element.labels.length));
    return nameless.map((element) => element.outerHTML.slice(0, 100));"""


def check_clean(browser):
    complaints = browser.console()
    assert complaints == [], complaints
    assert browser.run("return performance.getEntriesByType('resource').length") == 0, "the page asked for something"
    assert browser.run(NAMES) == []


def check_numbers(browser, report):
    summary = report["summary"]
    for key in ("gas_used", "host_calls", "executions", "duration_ns"):
        assert browser.run("return document.getElementById(arguments[0]).dataset.value", "sum-" + key) == str(summary[key])
    assert browser.run("return [...document.querySelectorAll('#summary-table td')].map((cell) => cell.dataset.value)") == \
        ["" if value is None else str(value) for value in summary.values()]
    for section, table, key, columns in (("functions", "functions-table", "functions", ("function", "self_gas", "pc")),
                                         ("calls", "calls-table", "host_calls", ("name", "calls", "gas", "duration_ns"))):
        show_all(browser, section)
        for column in columns:
            assert cells(browser, table, column) == [str(row[column]) for row in report[key]], column
    show_all(browser, "blocks")
    blocks = browser.run("return [...document.querySelectorAll('.block')].map((block) => "
                         "[block.dataset.pc, block.dataset.gas, block.dataset.hits].map(Number))")
    assert blocks == [[row["pc"], row["gas"], row["hits"]] for row in report["blocks"][:200]]
    totals = browser.run("return data.now.values.map((value) => [value.id, value.total, "
                         "value.self.reduce((sum, one) => sum + one, 0)])")
    assert all(total == added for _, total, added in totals)
    assert dict((key, total) for key, total, _ in totals) == {
        "gas": summary["gas_used"], "host_gas": summary["host_gas"], "host_calls": summary["host_calls"],
        "hits": sum(row["hits"] for row in report["blocks"]),
        "time": sum(row["duration_ns"] for row in report["host_calls"]),
        "calls": sum(row.get("calls") or 0 for row in report["functions"])}


def check_flame(browser, report):
    hottest = report["functions"][0]
    width = f"return {BOX}.getBoundingClientRect().width / document.getElementById('flame-graph').clientWidth"
    share = hottest["self_gas"] / report["summary"]["gas_used"]
    assert abs(browser.run(width, hottest["function"]) - share) < 0.01
    browser.run(f"{BOX}.id = 'test-box'", hottest["function"])
    browser.click("#test-box")
    assert abs(browser.run(width, hottest["function"]) - 1) < 0.01, "a click zooms"
    assert f"{hottest['self_gas']:,} gas" in browser.text("#flame-details")
    browser.click("#flame-reset")
    assert abs(browser.run(width, hottest["function"]) - share) < 0.01
    # By keyboard: / searches, arrows walk, Enter zooms, Escape goes back.
    browser.run("document.activeElement.blur()")
    browser.press("/")
    assert browser.run(FOCUSED) == "flame-search"
    browser.type("#flame-search", "memset")
    gas = next(row["self_gas"] for row in report["functions"] if row["function"] == "memset")
    assert browser.text("#flame-found").startswith(f"1 found, {gas:,} gas"), browser.text("#flame-found")
    assert browser.run("return document.querySelectorAll('.box.hit').length") == 1
    browser.run("document.querySelector('.box[tabindex=\"0\"]').focus()")
    browser.press("ArrowDown")
    assert browser.run(FOCUSED) == hottest["function"]
    browser.press("ArrowRight")
    assert browser.run(FOCUSED) == report["functions"][1]["function"]
    browser.press("Enter")
    assert abs(browser.run(width, report["functions"][1]["function"]) - 1) < 0.01
    browser.press("Escape")
    assert browser.run(FOCUSED) == "all"
    # Upside down, and of another value.
    browser.click("#flame-inverted")
    assert browser.run("return [...document.querySelectorAll('.box')].filter((box) => box.pvmNode.depth === 1)"
                       ".reduce((sum, box) => sum + box.pvmNode.now, 0)") > 0.9 * report["summary"]["gas_used"]
    browser.run("const list = document.getElementById('flame-value'); list.value = 'host_gas'; "
                "list.dispatchEvent(new Event('change'))")
    assert f"all: {report['summary']['host_gas']:,} gas" in browser.text("#flame-details")
    # From the table into the graph.
    browser.run("document.querySelector('#functions-table .link').click()")
    assert browser.run("return document.getElementById('flame-search').value") == hottest["function"]


def check_tables(browser, report):
    browser.click("#functions-table th[data-id=function] button")
    names = cells(browser, "functions-table", "function")
    assert names == sorted(row["function"] for row in report["functions"])
    browser.type("#functions .filter", "mem")
    assert sorted(cells(browser, "functions-table", "function")) == ["memcpy", "memset"]
    browser.run("document.querySelectorAll('.block')[1].open = true")
    browser.wait("return document.querySelectorAll('.block')[1].querySelectorAll('tr').length > 2")
    assert browser.text(".block td.code").split()[0] != ""
    for column, total in (("gas", "gas"), ("executed", None)):
        values = browser.run("return [...document.querySelectorAll('.block')[1].querySelectorAll("
                             "'td[data-id=' + arguments[0] + ']')].map((cell) => Number(cell.dataset.value))", column)
        assert len(values) > 1
        if total:
            assert sum(values) == browser.run("return Number(document.querySelectorAll('.block')[1].dataset.gas)")


def in_order(browser):
    browser.run("const list = document.getElementById('timeline-axis'); list.value = 'order'; "
                "list.dispatchEvent(new Event('change'))")


def check_calls(browser, report):
    """A short conversation: every call is in the page."""
    calls = report["summary"]["host_calls"]
    shown = [int(value) for value in cells(browser, "single-calls", "seq")]
    assert shown == list(range(calls))
    assert sum(int(value) for value in cells(browser, "single-calls", "gas")) == report["summary"]["host_gas"]
    assert browser.run("return document.querySelectorAll('#sequence .call').length") > 0
    in_order(browser)
    assert browser.run("return document.querySelectorAll('#timeline .bar').length") == calls


def check_long(browser, calls):
    """A long one: slices, to be looked into, without a gap and without a loss."""
    sum_of = ("return conversation.make(data.now.calls).buckets(0, data.now.calls.stored, 1e9, 'order')"
              ".reduce((sum, one) => sum + one.calls, 0)")
    assert browser.run(sum_of) == calls
    in_order(browser)  # by time a bar is empty where the recorder did not run
    browser.click("#timeline .bar:nth-child(40)")
    browser.wait("return document.querySelectorAll('.crumb').length === 2")
    for _ in range(4):
        browser.run("document.querySelector('#timeline .bar:not(:disabled)').click()")
    assert "SELECT" in browser.text("#timeline-below")
    assert int(cells(browser, "single-calls", "seq")[0]) > 0
    assert browser.run("return document.querySelectorAll('*').length") < 20000


def check_two(browser, runs, before, after):
    for side, name in (("before", before), ("after", after)):
        gas = dict(zip(cells(browser, "functions-table", "function"), cells(browser, "functions-table", side)))
        assert {key: int(value) for key, value in gas.items() if value != ""} == \
            {row["function"]: row["self_gas"] for row in runs.report(name)["functions"] if row["self_gas"] is not None}
        assert "(engine)" not in gas
    assert browser.run("return document.querySelectorAll('.box.compared').length") > 10


def check_hostile(browser):
    assert browser.run("return window.hurt === undefined")
    assert HOSTILE in cells(browser, "functions-table", "function")
    assert HOSTILE in browser.text("#calls-table")
    assert browser.run("return document.querySelectorAll('#notes .note').length") > 0, "a recording without an end"


def check_broken(browser):
    """Totals that do not agree are not shown, and the page stands all the same."""
    assert "difference -1" in browser.text("#notes")
    assert browser.run("return document.getElementById('sum-gas_used').dataset.value") == ""
    assert browser.text("#sum-gas_used") == "\u2013"
    assert "null" not in browser.text("#summary")


def check_sums(browser):
    """Of executions that were only summed up (attach --aggregate) nobody knows how they ended."""
    assert "only summed up" in browser.text("#notes")
    assert browser.run("return document.getElementById('sum-executions').dataset.value") == "3"
    assert not any(word in browser.text("#summary") for word in ("null", "ended with", "do not agree"))


def check_narrow(browser):
    """Columns that people can do without give way, an interval as a whole, and come back when asked for."""
    wide = "return [...document.querySelectorAll('#functions .scroll')].filter((box) => box.scrollWidth > box.clientWidth).length"
    shown = ("return [...document.querySelectorAll('#functions-table th')].filter((head) => !head.hidden)"
             ".map((head) => head.dataset.id)")
    browser.wait(wide.replace("return", "return 0 ===", 1))
    columns = browser.run(shown)
    assert "self_gas" in columns and "time_share_high" in columns and "time_ns" not in columns, columns
    assert not any(name in columns for name in ("time_low_ns", "time_high_ns")), columns
    browser.run("[...document.querySelectorAll('#functions .more')].find((one) => !one.hidden).click()")
    assert "time_high_ns" in browser.run(shown)


def check_phone(browser):
    # Rows are cards: nothing of a table is wider than the page, and every figure has its label.
    assert browser.run("return [...document.querySelectorAll('.rows tbody')].filter((body) => "
                       "body.scrollWidth > body.parentNode.parentNode.clientWidth).length") == 0
    assert browser.run("return getComputedStyle(document.querySelector('#functions-table td[data-id=self_gas]'), "
                       "'::before').content") == '"self gas"'
    paper = "return getComputedStyle(document.body).backgroundColor"
    light = "rgb(246, 246, 249)"
    assert browser.run("return document.documentElement.scrollWidth") <= 390
    assert browser.run(paper) != light
    browser.run("document.getElementById('theme').click()")
    assert browser.run(paper) == light


def make_runs(runs):
    """good; short, the same with less gas; long, with 70000 host calls; cut, the same with calls put in by hand, so that
    sums are not stored; hostile, with names that mean harm."""
    text = HOSTILE.replace("'", "''")
    runs.record("good", "service.polkavm", "--entry", "accumulate")
    runs.record("short", "service.polkavm", "--entry", "accumulate", "--gas", "300000")
    (runs.folder / "long.asm").write_text(".spec 0.8.0\nload_imm r2, 35000\nfallthrough\nloop: ecalli 1\necalli 2\n"
                                          "add_imm_64 r2, r2, -1\nbranch_ne_imm r2, 0, @loop\ntrap\n")
    runs.call("asm", "long.asm", "-o", "long.pvm")
    # Time that no function has: a row without gas.
    runs.sql("short", "INSERT INTO sample VALUES (1, -1, -1, NULL, 3)",
             "INSERT INTO sample_total VALUES (1, 1000, 3, 0, 3000000)")
    runs.record("long", runs.folder / "long.pvm", "--spec", "0.8.0")
    runs.record("cut", "service.polkavm", "--entry", "refine")
    runs.sql("cut", """INSERT INTO host_call (seq, execution, vm, pc, func_id, started_ns, duration_ns, gas_before,
        gas_after, result, r7, r8, r9, r10, r11, r12) WITH RECURSIVE n(i) AS (SELECT 5 UNION ALL SELECT i + 1 FROM n
        WHERE i < 69999) SELECT i, 1, 1, 663, 100, 4000000 + 100 * i, 50, 900000000 - i, 900000000 - i - 10, 0,
        2, 0, 0, 0, 0, 0 FROM n""", "UPDATE total SET host_calls = 70000")
    runs.record("broken", "service.polkavm", "--entry", "refine")
    runs.sql("broken", "UPDATE block SET gas = gas + 1 WHERE pc = (SELECT max(pc) FROM block)")
    runs.record("sums", "service.polkavm", "--entry", "refine", "--instrument", "hostcalls")
    runs.sql("sums", "INSERT INTO run_total SELECT vm, 3, gas_start + gas_added - gas_end - host_gas, duration_ns FROM execution",
             "DELETE FROM execution", "DELETE FROM host_call_register", "DELETE FROM host_call", "DELETE FROM host_slice",
             "UPDATE total SET executions = 3")
    runs.record("timed", "service.polkavm", "--entry", "accumulate", "--instrument", "counts,edges,hostcalls,calls")
    runs.sql("timed", "INSERT INTO sample SELECT program, pc, pc, function, 1 FROM block",
             "INSERT INTO sample_total SELECT 1, 1000, sum(samples), 0, 3000000 FROM sample")
    runs.record("hostile", "service.polkavm", "--entry", "refine")
    runs.sql("hostile", f"UPDATE function SET name = '{text}' WHERE name = 'merge_command'",
             f"UPDATE host_function SET name = '{text}'", f"UPDATE info SET value = '{text}' WHERE key = 'program'",
             "UPDATE info SET value = 'recording' WHERE key = 'status'")


def look(runs):
    report = runs.report("good")
    with Browser() as browser:
        browser.open(runs.page("good"))
        for check in (check_numbers, check_flame, check_tables, check_calls):
            check_clean(browser)
            check(browser, report)
        check_clean(browser)
        print("one run: numbers as in the report; pointer, keyboard, search")
        for names, what, check in ((("good", "short"), "two runs: what was and what is",
                                    lambda: check_two(browser, runs, "good", "short")),
                                   (("long",), "a long conversation: slices", lambda: check_long(browser, 70000)),
                                   (("cut",), "the same without stored sums", lambda: check_long(browser, 70000)),
                                   (("sums",), "sums instead of executions", lambda: check_sums(browser)),
                                   (("broken",), "totals that do not agree", lambda: check_broken(browser)),
                                   (("hostile",), "hostile names: text", lambda: check_hostile(browser))):
            browser.open(runs.page(*names))
            check_clean(browser)
            check()
            check_clean(browser)
            print(what)
    with Browser(width=390, height=844, dark=True) as browser:
        browser.open(runs.page("good"))
        check_clean(browser)
        check_phone(browser)
        print("a phone, dark and light")
    with Browser(width=800, height=844) as browser:
        browser.open(runs.page("timed"))
        check_narrow(browser)
        check_clean(browser)
        print("a small window")


def main():
    program, guests = sys.argv[1:]
    if find_programs() is None:
        print("no chromium with chromedriver")
        return 77
    folder = tempfile.mkdtemp()
    try:
        runs = Runs(str(pathlib.Path(program).resolve()), pathlib.Path(guests).resolve(), folder)
        make_runs(runs)
        look(runs)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
