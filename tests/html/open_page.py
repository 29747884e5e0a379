"""How long a browser takes to open an HTML report, and to answer when it is used: seconds, for bench/large_run.sh.

    open_page.py PAGE.html       exit code 77 without chromium and its driver"""
import sys
import time

from browser import Browser, find_programs

ACTIONS = (
    ("turn the flame graph over", "document.getElementById('flame-inverted').click()"),
    ("search it", "const box = document.getElementById('flame-search'); box.value = '@5'; box.dispatchEvent(new Event('input'))"),
    ("look into a bar", "document.querySelector('#timeline .bar:nth-child(50)').click()"),
)


def main():
    if find_programs() is None:
        print("no chromium with chromedriver")
        return 77
    with Browser() as browser:
        print(f"{'open the page':<28} {browser.open(sys.argv[1]):6.2f} s")
        for what, script in ACTIONS:
            began = time.monotonic()
            # The answer comes after the next frame is drawn.
            browser.run(script)
            browser.command("POST", "/execute/async", {"script": "requestAnimationFrame(() => setTimeout(arguments[0]))",
                                                       "args": []})
            print(f"{what:<28} {time.monotonic() - began:6.2f} s")
        complaints = browser.console()
        assert complaints == [], complaints
    return 0


if __name__ == "__main__":
    sys.exit(main())
