"""scripts/conformance against a running server: it passes whole, leaves nothing behind, and finds what a server gets wrong.

conformance.py URL KEY
"""

import http.client
import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

url, key = sys.argv[1], sys.argv[2]
kit = os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "conformance")
place = urllib.parse.urlsplit(url)
LISTS = ("line", "mag", "administrators", "resellers", "servers", "streams", "groups", "bouquets", "categories", "subscription_plans")


def run(address, *options):
    """The exit code and the table."""
    done = subprocess.run([kit, *options, address], env={**os.environ, "LINECARD_API_KEY": key}, capture_output=True, text=True, timeout=200)
    return done.returncode, done.stdout + done.stderr


def totals():
    """How many rows there are of everything that the kit makes."""
    counts = {}
    for name in (*(f"{resource}/list" for resource in LISTS), "settings/whitelist_list", "settings/api_key_list"):
        sent = urllib.parse.urlencode({"api_key": key, **({} if "whitelist" in name else {"limit": 1})}).encode()
        counts[name] = json.load(urllib.request.urlopen(f"{url}/api/{name}", sent, timeout=20))["total"]
    return counts


class Liar(http.server.BaseHTTPRequestHandler):
    """The server, but for one fault: `before` changes what is asked, `after` what is answered."""

    def before(self, body, headers):
        return body, headers

    def after(self, status, kind, text):
        return status, kind, text

    def pass_on(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length", "connection")}
        body, headers = self.before(body, headers)
        link = http.client.HTTPConnection(place.hostname, place.port, timeout=40)
        link.request(self.command, self.path, body.encode() or None, headers)
        came = link.getresponse()
        status, kind, text = self.after(came.status, came.headers["Content-Type"], came.read().decode())
        link.close()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST = do_PUT = do_DELETE = pass_on

    def log_message(self, *_):
        pass


def without(field, calls=""):
    """Does not look at a field of the body or query, in calls that end so."""

    def rest(text):
        return "&".join(part for part in text.split("&") if part.split("=")[0] != field)

    def before(self, body, headers):
        path, _, query = self.path.partition("?")
        if not path.endswith(calls):
            return body, headers
        self.path = f"{path}?{rest(query)}"
        return rest(body), headers

    return {"before": before}


def answers(change):
    return {"after": lambda _, status, kind, text: (status, kind, change(text))}


def ordered(text):
    return json.dumps(json.loads(text), sort_keys=True)


# A fault, and a case that must find it.
FAULTS = {
    "members in another order": (answers(ordered), "line/new: both sent"),
    "another status": ({"after": lambda _, status, kind, text: (200, kind, text)}, "GET of a call that writes"),
    "another type": ({"after": lambda _, status, kind, text: (status, "text/html", text)}, "line/list: limit 1000"),
    "a full stop less": (answers(lambda text: text.replace("exists.", "exists")), "resellers/new: refusals"),
    "a full stop more": (answers(lambda text: text.replace("already exists", "already exists.")), "mag/new: taken"),
    "ids as texts": (answers(lambda text: re.sub(r'"created_id":(\d+)', r'"created_id":"\1"', text)), "line/new: nothing"),
    "flags as true and false": (answers(lambda text: text.replace('"disabled":0', '"disabled":false')), "line/info: types"),
    "the key in an error": (answers(lambda text: text.replace("There is no call", f"{key}: there is no call")), "unknown resource"),
    "no Idempotency-Key": ({"before": lambda _, body, headers: (body, {name: value for name, value in headers.items() if name != "Idempotency-Key"})},
                           "Idempotency-Key: add_credits"),
    "no dry runs": (without("dry_run"), "dry_run: update"),
    "no if_updated_at": (without("if_updated_at"), "if_updated_at: every"),
    "no offset": (without("offset"), "line/list: limit, offset"),
    "a top-level password that is not checked": (without("password"), "line/update: top-level"),
    # These two must not make it delete what is not its own.
    "no search": (without("search"), "mag/list"),
    "no filter by id": (without("id", "/list"), "resellers/list"),
}

begun = totals()
code, table = run(url)
assert code == 0 and "0 differ" in table, table
assert totals() == begun, (begun, totals())

for fault, (methods, case) in FAULTS.items():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Liar", (Liar,), methods))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    code, table = run(f"http://127.0.0.1:{server.server_address[1]}", "--only", case)
    server.shutdown()
    assert code == 1 and "  differs\n" in table, (fault, code, table)
    left = {name: count - begun[name] for name, count in totals().items() if count != begun[name]}
    assert not left, (fault, left, table)

# ^C in the middle, and a server that is not there.
running = subprocess.Popen([kit, url, "--only", "line/"], env={**os.environ, "LINECARD_API_KEY": key}, stdout=subprocess.PIPE, text=True)
for row in running.stdout:
    if row.startswith("line/update: rename"):
        running.send_signal(signal.SIGINT)
        break
rest = running.stdout.read()
assert running.wait(60) == 1 and "stopped" in rest and totals() == begun, (rest, begun, totals())
assert run("http://127.0.0.1:9")[0] == 2
print(f"conformance kit, {len(FAULTS)} faults found: passed")
