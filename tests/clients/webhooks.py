"""A receiver that checks webhooks with the `standardwebhooks` package of PyPI, and hands each on to that of npm.

webhooks.py URL KEY SCRIPT: SCRIPT is webhooks.mjs beside its packages. Makes a webhook at a running server, lets something happen, and compares.
"""

import http.server
import json
import queue
import subprocess
import sys
import threading
import urllib.parse
import urllib.request

from standardwebhooks.webhooks import Webhook

url, key, node = sys.argv[1], sys.argv[2], sys.argv[3]
came = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        came.put(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def call(name, **fields):
    data = urllib.parse.urlencode({"api_key": key, **fields}).encode()
    answer = json.load(urllib.request.urlopen(f"{url}/api/{name}", data, timeout=20))
    assert answer["result"], (name, answer)
    return answer


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
call("settings/update", **{"data[fetch_local]": 1})
hook = f"http://127.0.0.1:{server.server_address[1]}/hook"
made = call("webhooks/new", **{"data[url]": hook, "data[types]": "line.*"})
first = made["secret"]
call("line/new", **{"data[username]": "webhook-client"})


def check(secrets):
    """Each of the secrets, and no other, in both languages."""
    headers, body = came.get(timeout=30)
    for secret in secrets:
        event = Webhook(secret).verify(body, headers)
    try:
        Webhook("whsec_" + "A" * 43 + "=").verify(body, headers)
    except Exception:
        pass
    else:
        raise SystemExit("a strange secret is good")
    asked = json.dumps({"secrets": secrets, "headers": headers, "body": body})
    done = subprocess.run(["node", node], input=asked, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return event


assert check([first])["type"] == "line.created"
second = call("webhooks/rotate", id=made["created_id"])["secret"]
call("line/update", username="webhook-client", **{"data[notes]": "x"})
event = check([first, second])
assert event["data"]["data"]["after"] == {"notes": "x"}, event
call("line/delete", username="webhook-client")
assert check([first, second])["type"] == "line.deleted"
call("webhooks/delete", id=made["created_id"])
print("webhooks: verified by standardwebhooks of PyPI and npm, with one secret and with two")
