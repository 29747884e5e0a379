"""A headless Chromium driven by WebDriver, with the standard library alone."""
import base64
import json
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"Enter": "\ue007", "Escape": "\ue00c", "ArrowDown": "\ue015", "ArrowUp": "\ue013", "ArrowLeft": "\ue012",
        "ArrowRight": "\ue014", "Tab": "\ue004"}
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--hide-scrollbars"]


def find_programs():
    """Driver and browser, or None."""
    driver = shutil.which("chromedriver")
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    return (driver, browser) if driver and browser else None


class Browser:
    """One page; use it in a with statement."""

    def __init__(self, width=1280, height=900, dark=False):
        driver, browser = find_programs()
        self.folder = tempfile.mkdtemp(prefix="pvmscope-browser-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process = subprocess.Popen([driver, f"--port={self.port}"], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, env={"PATH": "/usr/bin:/bin", "HOME": self.folder})
        args = FLAGS + [f"--user-data-dir={self.folder}/profile", f"--window-size={width},{height}"]
        if dark:
            args.append("--force-dark-mode")
        try:
            self.wait_for_driver()
            self.session = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {"binary": browser, "args": args}}}})["sessionId"]
            # The size of a window has a lower limit, that of a page has none.
            self.command("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
                "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}})
            self.command("POST", "/goog/cdp/execute", {"cmd": "Emulation.setEmulatedMedia", "params": {
                "features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]}})
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.ask("DELETE", f"/session/{self.session}")
        finally:
            self.close()

    def close(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def wait_for_driver(self):
        for _ in range(300):
            try:
                self.ask("GET", "/status")
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the driver does not answer")

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else b"{}" if method == "POST" else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=data, method=method,
                                         headers={"Content-Type": "application/json"})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=120) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"]) from None

    def command(self, method, path, body=None):
        return self.ask(method, f"/session/{self.session}{path}", body)

    def open(self, path):
        """Load a file and wait until its scripts have drawn it. Returns seconds."""
        began = time.monotonic()
        self.command("POST", "/url", {"url": pathlib.Path(path).resolve().as_uri()})
        self.wait("return document.documentElement.dataset.ready === 'yes'")
        return time.monotonic() - began

    def run(self, script, *arguments):
        return self.command("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script, seconds=60):
        until = time.monotonic() + seconds
        while not self.run(script):
            if time.monotonic() > until:
                raise RuntimeError(f"waited in vain for: {script}; console: {self.console()}")
            time.sleep(0.02)

    def find(self, selector):
        return self.command("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]

    def click(self, selector):
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center', behavior: 'instant'})", selector)
        self.command("POST", f"/element/{self.find(selector)}/click", {})

    def type(self, selector, text):
        element = self.find(selector)
        self.command("POST", f"/element/{element}/clear", {})
        self.command("POST", f"/element/{element}/value", {"text": text})

    def press(self, key):
        """Give a key to whatever has the focus."""
        letter = KEYS.get(key, key)
        self.command("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": [
            {"type": "keyDown", "value": letter}, {"type": "keyUp", "value": letter}]}]})

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def console(self):
        """Everything that the page or the browser complained about since the last question."""
        return [entry["message"] for entry in self.command("POST", "/se/log", {"type": "browser"})
                if entry["level"] in ("SEVERE", "WARNING")]

    def screenshot(self, path):
        pathlib.Path(path).write_bytes(base64.b64decode(self.command("GET", "/screenshot")))

    def whole_screenshot(self, path):
        """All of the page, not only what a window shows."""
        picture = self.command("POST", "/goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": {
            "captureBeyondViewport": True, "format": "png"}})
        pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))
