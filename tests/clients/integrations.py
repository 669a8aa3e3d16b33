"""The modules of integrations/ against a running server, through a proxy that loses what the plan says.

integrations.py URL KEY PACKED: PACKED is what scripts/pack-integrations made. The tests themselves are PHP; they ask the proxy
for faults at /faults?plan=lost,hang: one for each call from then on. QR codes are read back by zxing-cpp.
"""

import base64
import http.client
import http.server
import pathlib
import re
import subprocess
import sys
import threading
import time
import urllib.parse

import zxingcpp

url, key, packed = sys.argv[1:]
behind = urllib.parse.urlsplit(url).netloc
plan = []
once = {}
keyless = []


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.close_connection = True
        where = urllib.parse.urlsplit(self.path)
        if where.path == "/faults":
            plan[:] = [fault for fault in where.query.removeprefix("plan=").split(",") if fault]
            return self.answer(200, b"{}")
        fault = plan.pop(0) if plan else ""
        if fault == "refused":  # the call never arrives
            return None
        if self.path.endswith(("line/new", "line/update", "line/delete")):
            # Every write has a key, and a key has one body: who asks again asks the same.
            sent = self.headers["Idempotency-Key"]
            if not sent:
                keyless.append(self.path)
            once.setdefault(sent, set()).add(body)
        if fault == "late":  # arrives when the caller has given up
            time.sleep(3)
        if fault == "gateway":
            return self.answer(502, b"<h1>Bad gateway</h1>")
        server = http.client.HTTPConnection(behind, timeout=20)
        server.request("POST", self.path, body, {n: v for n, v in self.headers.items() if n.lower() not in ("host", "connection")})
        came = server.getresponse()
        text = came.read()
        server.close()
        if fault == "hang":  # done, and the answer comes too late
            time.sleep(1.2)
            return None
        if fault in ("lost", "late"):  # done, and the answer never comes
            return None
        return self.answer(came.status, text, len(text) // 2 if fault == "half" else len(text))

    def answer(self, status, text, part=None):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text[:part])

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(*_)  # others are callers that gave up


def read_code(image):
    """What a QR code says, drawn from the path of its SVG with 4 pixels a module."""
    svg = base64.b64decode(image.removeprefix("data:image/svg+xml;base64,")).decode()
    side = int(re.search(r"viewBox=\"0 0 (\d+)", svg)[1])
    rows = [[255] * (side * 4) for _ in range(side * 4)]
    for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", svg):
        for dy in range(4):
            rows[int(y) * 4 + dy][int(x) * 4:int(x) * 4 + 4] = [0] * 4
    pixels = memoryview(bytes(sum(rows, []))).cast("B", (side * 4, side * 4))
    return [code.text for code in zxingcpp.read_barcodes(pixels)]


proxy = Server(("127.0.0.1", 0), Proxy)
threading.Thread(target=proxy.serve_forever, daemon=True).start()
through = f"http://127.0.0.1:{proxy.server_port}"

folder = pathlib.Path(__file__).parent / "integrations"
codes = 0
for script in sorted(folder.glob("*_test.php")):
    done = subprocess.run(
        ["php", "-d", "error_reporting=E_ALL", "-d", "display_errors=stderr", script, packed, url, through, key],
        text=True, capture_output=True, timeout=400,
    )
    if done.returncode or done.stderr:
        raise SystemExit(f"{script.name}: {done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    for line in done.stdout.splitlines():
        if line.startswith("qr "):
            _, text, image = line.split(" ")
            assert read_code(image) == [text], text
            codes += 1
        else:
            print(line)
assert codes >= 10, codes
assert not keyless, keyless
assert sum(len(bodies) == 1 for bodies in once.values()) > 100
print(f"integrations: {codes} QR codes read back, passed")
