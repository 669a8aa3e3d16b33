"""Whether the time of a refusal tells if there is such a MAC: refusals.py PROGRAM [REQUESTS of each kind].

Eight clients ask for each action with each MAC in a random order, from ever new addresses, on a server of its own. The order of headers is by chance in every answer.
"""

import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

KEY = "clients-key-0123456789"
CLIENTS = 8
MACS = {name: f"00:1A:79:AA:00:0{n}" for n, name in enumerate(("unknown", "disabled", "banned", "expired"))}
ACTIONS = ("stb/handshake", "stb/get_profile", "stb/do_auth", "itv/get_genres")


def call(port, call, **fields):
    body = urllib.parse.urlencode({"api_key": KEY, **fields})
    server = http.client.HTTPConnection("127.0.0.1", port)
    server.request("POST", f"/api/{call}", body, {"Content-Type": "application/x-www-form-urlencoded"})
    answer = json.load(server.getresponse())
    assert answer["result"], answer


def ask(server, name, action, address, token):
    kind, action = action.split("/")
    headers = {"Cookie": f"mac={MACS[name]}", "Authorization": f"Bearer {token}", "X-Forwarded-For": address}
    began = time.perf_counter()
    server.request("GET", f"/portal.php?type={kind}&action={action}&device_id=X", headers=headers)
    answer = server.getresponse()
    text = answer.read()
    return (time.perf_counter() - began) * 1000, (answer.status, len(text), tuple(sorted(answer.headers)))


def client(number, port, requests, took, shapes):
    server = http.client.HTTPConnection("127.0.0.1", port)
    chance = random.Random(number)
    for turn in range(requests):
        kinds = list(took)
        chance.shuffle(kinds)
        for place, kind in enumerate(kinds):
            address = f"10.{number}.{turn % 250}.{place + 1}"
            milliseconds, shape = ask(server, *kind, address, f"{chance.getrandbits(128):032X}")
            took[kind].append(milliseconds)
            shapes[kind[1]].add(shape)


program, requests = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 480
with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as data:
    environment = dict(os.environ, LINECARD_API_KEY=KEY, LINECARD_DATA=data)
    command = [program, "serve", "--listen", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        port = next(int(line.rsplit(":", 1)[1]) for line in process.stdout if line.startswith("Linecard is listening on "))
        for name, change in ("disabled", {"data[disabled]": 1}), ("banned", {"data[banned]": 1}), ("expired", {"data[expire_date]": 10**9}):
            call(port, "mag/new", **{"data[mac_address]": MACS[name]}, **change)
        took = {(name, action): [] for name in MACS for action in ACTIONS}
        shapes = {action: set() for action in ACTIONS}
        each = requests // CLIENTS
        threads = [threading.Thread(target=client, args=(n, port, each, took, shapes)) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        process.terminate()
for action in ACTIONS:
    for name in MACS:
        times = took[name, action]
        print(f"{action:16} {name:9} {len(times)} requests, median {statistics.median(times):.2f} ms")
    assert len(shapes[action]) == 1, shapes[action]
