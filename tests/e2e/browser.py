"""A real Chromium without a window, over its DevTools protocol on a pipe: pages opened, looked at, clicked and typed into, and
everything that they ask for and complain of written down. Standard library only."""
import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# Nothing that it would look up by itself: only what the page asks for is to be seen.
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--disable-extensions", "--disable-default-apps", "--disable-dev-shm-usage",
           "--password-store=basic", "--remote-debugging-pipe")


class Browser:
    """One page of one browser with a profile folder of its own."""

    def __init__(self, folder, languages="en", patience=60):
        self.patience, self.number, self.buffer = patience, 0, b""
        self.complaints, self.asked, self.sockets = [], [], []
        (out_read, self.write_fd), (self.read_fd, in_write) = (map(self.high, os.pipe()) for _ in range(2))

        def pipes():  # the browser reads what it is to do from 3, and answers on 4
            os.dup2(out_read, 3)
            os.dup2(in_write, 4)
        self.process = subprocess.Popen([PROGRAM, *OPTIONS, "--user-data-dir=" + folder, "--accept-lang=" + languages, "--lang=" + languages, "about:blank"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=pipes, pass_fds=(3, 4), env={**os.environ, "LANGUAGE": languages})
        os.close(out_read)
        os.close(in_write)
        self.session = None
        pages = self.until(lambda: [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"], "a page")
        self.session = self.call("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)["sessionId"]
        for part in ("Page", "Runtime", "Network", "Log"):
            self.call(part + ".enable")

    @staticmethod
    def high(fd):
        """The same file at a number out of the way of 3 and 4, closed in children."""
        copy = fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 20)
        os.close(fd)
        return copy

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.write_fd)
        os.close(self.read_fd)

    # ---- the protocol

    def read(self, end):
        while b"\0" not in self.buffer:
            if not select.select([self.read_fd], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError("the browser does not answer")
            piece = os.read(self.read_fd, 1 << 20)
            if not piece:
                raise AssertionError("the browser is gone")
            self.buffer += piece
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        self.note(message.get("method"), message.get("params", {}))
        return message

    def note(self, method, params):
        if method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description", details["text"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(str([one.get("value", one.get("description")) for one in params["args"]]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        elif method == "Network.requestWillBeSent":
            self.asked.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.sockets.append(params["url"])

    def call(self, method, **params):
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write_fd, data):]
        end = time.monotonic() + self.patience
        while True:
            answer = self.read(end)
            if answer.get("id") == number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]

    def until(self, check, what="it"):
        end = time.monotonic() + self.patience
        while True:
            found = check()
            if found:
                return found
            if time.monotonic() > end:
                raise AssertionError(f"{what} did not come within {self.patience} s; {self.complaints}")
            time.sleep(0.05)

    # ---- what a person does

    def open(self, address):
        self.call("Page.navigate", url=address)

    def run(self, script):
        """The value of an expression, promises waited for."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise AssertionError(f"{script}: {answer['exceptionDetails']['exception'].get('description')}")
        return answer["result"].get("value")

    def sees(self, script, what=None):
        """Waits until the expression is true, of a page that may not be there yet; its value."""
        return self.until(lambda: self.run(f"(() => {{ try {{ const v = {script}; return v instanceof Node || v; }} catch {{ return null; }} }})()"), what or script)

    def click(self, selector):
        """With the mouse, where the element is: one that is covered or hidden cannot be clicked."""
        box = self.run(f"""(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: "center"}});
            const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def press(self, key, code=None):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, **({"text": "\r"} if key == "Enter" and kind == "keyDown" else {}),
                      windowsVirtualKeyCode={"Enter": 13, "Tab": 9, "Escape": 27}.get(key, 0))

    def type(self, text):
        self.call("Input.insertText", text=text)

    def picture(self, path, width=1440, height=1000, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 700)
        time.sleep(0.3)
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
