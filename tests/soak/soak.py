"""A server under everything at once: writes, logins, boxes, viewers, sources that come and go, a full disk, a clock that leaps,
SIGTERM and kill -9. After each round everything rests for a moment and is looked at: scripts/soak says how it is called.

What is looked for: writes that were confirmed and are not there (or the other way round), sessions that nobody has, ffmpeg that nobody
wants, memory, descriptors, threads and processes that only grow within the life of one process, ends that take over 10 seconds, and what
the log should not hold.
"""

import argparse
import ctypes
import http.client
import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

KEY = "soak-key-0123456789"
PASSWORD = "soak-admin-password"
STREAMS = 6
ROUND = 20
problems = []


def note(text):
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def problem(text):
    problems.append(text)
    note(f"PROBLEM: {text}")


class Source(http.server.BaseHTTPRequestHandler):
    """A provider whose streams end after some seconds, and that sometimes has none."""

    def do_GET(self):
        if random.random() < 0.25:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Type", "video/mp2t")
        self.end_headers()
        until = time.monotonic() + random.uniform(3, 15)
        try:
            with open(self.server.picture, "rb") as picture:
                while time.monotonic() < until:
                    piece = picture.read(188 * 200)
                    if not piece:
                        picture.seek(0)
                    self.wfile.write(piece)
                    time.sleep(0.2)
        except OSError:
            pass

    def log_message(self, *_):
        pass


class Server:
    """The program on a folder of its own."""

    def __init__(self, program, folder, library, clock):
        self.program, self.folder, self.library, self.clock = program, folder, library, clock
        self.child, self.port, self.lives = None, 0, 0
        self.log = os.path.join(os.path.dirname(folder), "server.log")

    def start(self):
        environment = {"PATH": os.environ["PATH"], "LINECARD_API_KEY": KEY, "LINECARD_ADMIN_PASSWORD": PASSWORD}
        if self.library:
            environment |= {
                "LD_PRELOAD": self.library,
                "FAKETIME_TIMESTAMP_FILE": self.clock,
                "FAKETIME_NO_CACHE": "1",
                "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
        listen = f"127.0.0.1:{self.port}"
        begun = time.monotonic()
        self.child = subprocess.Popen(
            [self.program, "serve", "--data", self.folder, "--listen", listen],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=open(self.log, "a"),
            text=True,
        )
        for line in self.child.stdout:
            if line.startswith("Linecard is listening on "):
                self.port = int(line.rsplit(":", 1)[1])
                break
        else:
            raise SystemExit(f"the server does not start: see {self.log}")
        threading.Thread(target=self.child.stdout.read, daemon=True).start()
        self.lives += 1
        note(f"life {self.lives}: started in {time.monotonic() - begun:.2f} s as {self.child.pid}")

    def end(self, how):
        family = children(self.child.pid)
        begun = time.monotonic()
        self.child.send_signal(how)
        try:
            code = self.child.wait(60)
        except subprocess.TimeoutExpired:
            problem("the server does not end")
            self.child.kill()
            code = self.child.wait()
        took = time.monotonic() - begun
        if how == signal.SIGTERM:
            if took > 10:
                problem(f"SIGTERM took {took:.1f} s")
            if code != 0:
                problem(f"SIGTERM ended with code {code}")
        time.sleep(1)
        left = [pid for pid in family if command(pid).startswith("ffmpeg")]
        if left:
            problem(f"ffmpeg outlives the server: {left}")
        note(f"ended by {how.name} within {took:.2f} s")
        checked = subprocess.run([self.program, "check", "--data", self.folder], capture_output=True, text=True)
        if checked.returncode:
            problem(f"linecard check: {checked.stdout}{checked.stderr}")

    def ask(self, method, path, body=None, headers=None, patience=30):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read(), answer
        finally:
            connection.close()

    def call(self, call, fields, once=None):
        """An answer of the Server API; a refusal of our own if nobody listens; None if what was sent has no answer."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if once:
            headers["Idempotency-Key"] = once
        body = urllib.parse.urlencode([("api_key", KEY), *fields])
        try:
            status, body, _ = self.ask("POST", f"/api/{call}", body, headers)
            return json.loads(body) if status == 200 else None
        except ConnectionRefusedError:
            time.sleep(0.1)
            return {"result": False}
        except (OSError, http.client.HTTPException, ValueError):
            return None


def children(pid):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            except (OSError, ValueError):
                continue
            if parent == pid:
                found += [int(entry), *children(int(entry))]
    return found


def command(pid):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as line:
            return os.path.basename(line.read().split(b"\0")[0].decode())
    except OSError:
        return ""


def measure(pid):
    """Memory in KiB, descriptors, sockets, threads, processes."""
    with open(f"/proc/{pid}/status") as status:
        text = status.read()
    field = lambda name: int(re.search(rf"^{name}:\s+(\d+)", text, re.M).group(1))
    files = []
    for number in os.listdir(f"/proc/{pid}/fd"):
        try:
            files.append(os.readlink(f"/proc/{pid}/fd/{number}"))
        except OSError:
            pass
    sockets = sum(file.startswith("socket:") for file in files)
    return {
        "memory": field("VmRSS"),
        "files": len(files) - sockets,
        "sockets": sockets,
        "threads": field("Threads"),
        "processes": len(children(pid)),
    }


class Load:
    """What is done at once; everything that was confirmed is remembered."""

    def __init__(self, server):
        self.server, self.going, self.threads = server, threading.Event(), []
        self.lock, self.lines, self.unsure, self.gone = threading.Lock(), {}, set(), set()
        self.counts = {}

    def count(self, what, many=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + many

    def begin(self):
        self.going.set()
        work = [self.write] * 4 + [self.log_in] + [self.box] * 2 + [self.watch] * 6 + [self.watch_hls] * 3 + [self.flap, self.look]
        self.threads = [threading.Thread(target=self.again, args=(one, number), daemon=True) for number, one in enumerate(work)]
        for thread in self.threads:
            thread.start()

    def rest(self):
        self.going.clear()
        for thread in self.threads:
            thread.join(60)
            if thread.is_alive():
                problem("a client waits for over a minute")

    def again(self, one, number):
        while self.going.is_set():
            try:
                one(number)
            except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
                time.sleep(0.1)

    def write(self, number):
        """A line is made, changed or deleted; what was not answered may have been done or not."""
        name = f"w{number}-{random.getrandbits(48):x}"
        with self.lock:
            old = random.choice(list(self.lines)) if self.lines and random.random() < 0.4 else None
            # Nobody else takes it meanwhile.
            notes = self.lines.pop(old) if old else None
        if old and random.random() < 0.3:
            answer = self.server.call("line/delete", [("username", old)])
            with self.lock:
                if answer and answer["result"]:
                    self.gone.add(old)
                elif answer:
                    self.lines[old] = notes
                else:
                    self.unsure.add(old)
        elif old:
            told = f"note {random.getrandbits(32)}"
            answer = self.server.call("line/update", [("username", old), ("data[notes]", told)])
            with self.lock:
                if answer is None:
                    self.unsure.add(old)
                else:
                    self.lines[old] = told if answer["result"] else notes
        else:
            fields = [("data[username]", name), ("data[password]", "soak-password"), ("data[notes]", "new"), ("data[bouquets][]", "1")]
            once = f"soak-{name}"
            answer = self.server.call("line/new", fields, once)
            if answer is None and random.random() < 0.5:
                answer = self.server.call("line/new", fields, once)
            with self.lock:
                if answer is None:
                    self.unsure.add(name)
                elif answer["result"]:
                    self.lines[name] = "new"
        self.count("writes" if answer and answer["result"] else "writes refused or unanswered")

    def log_in(self, _):
        body = urllib.parse.urlencode({"username": "admin", "password": PASSWORD})
        status, _, _ = self.server.ask("POST", "/panel/login", body, {"Content-Type": "application/x-www-form-urlencoded"})
        self.count(f"logins {status}")
        time.sleep(0.5)

    def box(self, number):
        mac = f"00:1A:79:00:00:{number:02X}"
        ask = lambda query, more: self.server.ask("GET", f"/portal.php?type=stb&{query}&JsHttpRequest=1-xml", None, {"Cookie": f"mac={mac}", **more})
        _, body, _ = ask("action=handshake", {})
        token = json.loads(body)["js"]["token"]
        status, _, _ = ask("action=get_profile", {"Authorization": f"Bearer {token}"})
        self.count(f"boxes {status}")
        time.sleep(0.1)

    def watch(self, number):
        """A viewer of MPEG-TS who goes after a while, closes without a word, or takes nothing."""
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as player:
            path = f"/live/soak/soak-password/{random.randint(1, STREAMS)}.ts"
            player.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nUser-Agent: soak-{number}\r\n\r\n".encode())
            until, taken = time.monotonic() + random.uniform(1, 12), 0
            is_stuck = random.random() < 0.15
            while time.monotonic() < until and self.going.is_set():
                if is_stuck and taken:
                    time.sleep(0.2)
                    continue
                piece = player.recv(65536)
                if not piece:
                    break
                taken += len(piece)
            self.count("bytes by MPEG-TS", taken)

    def watch_hls(self, number):
        headers = {"User-Agent": f"soak-hls-{number}"}
        path = f"/live/soak/soak-password/{random.randint(1, STREAMS)}.m3u8"
        for _ in range(random.randint(1, 4)):
            status, body, answer = self.server.ask("GET", path, None, headers)
            if status in (301, 302):
                path = answer.getheader("Location")
                continue
            if status != 200 or not self.going.is_set():
                time.sleep(0.3)
                return
            segments = [line for line in body.decode().splitlines() if line and not line.startswith("#")]
            if segments:
                segment = urllib.parse.urljoin(path, segments[-1])
                status, body, _ = self.server.ask("GET", segment, None, headers)
                self.count("bytes by HLS", len(body))
            time.sleep(1)

    def flap(self, _):
        stream = random.randint(1, STREAMS)
        self.server.call("streams/stop", [("id", stream)])
        time.sleep(random.uniform(0, 1))
        self.server.call("streams/start", [("id", stream)])
        time.sleep(random.uniform(0.5, 4))

    def look(self, _):
        for path in ("/healthz", "/healthz/ready", "/metrics"):
            status, _, _ = self.server.ask("GET", path, None, {"Authorization": f"Bearer {KEY}"}, patience=15)
            self.count(f"{path} {status}")
        time.sleep(1)


def check_writes(server, load):
    """Every confirmed line is there as it was confirmed, none that was deleted; None while the server cannot say."""
    there, after = {}, 0
    while True:
        answer = server.call("line/list", [("limit", 1000), ("after", after)])
        if not answer or not answer["result"]:
            return problem("lines cannot be listed")
        for line in answer["lines"]:
            there[line["username"]] = line["notes"]
            after = max(after, line["id"])
        if len(answer["lines"]) < 1000:
            break
    with load.lock:
        lost = [name for name, notes in load.lines.items() if there.get(name) != notes]
        back = [name for name in load.gone if name in there]
        strange = [name for name in there if name not in load.lines and name not in load.unsure and name != "soak"]
        if lost:
            problem(f"{len(lost)} confirmed writes are lost: {[(name, load.lines[name], there.get(name)) for name in lost[:3]]}")
        if back:
            problem(f"{len(back)} deleted lines are there: {back[:3]}")
        if strange:
            problem(f"{len(strange)} lines are there that were refused: {strange[:3]}")
        note(f"{len(load.lines)} lines as confirmed, {len(load.gone)} deleted, {len(load.unsure)} unanswered")


def check_ghosts(server):
    """Nobody watches any more: soon no connection is open, and on-demand streams stop."""
    until = time.monotonic() + 40
    while time.monotonic() < until:
        answer = server.call("connections/list", [])
        if answer and answer["result"] and not answer["connections"]:
            return
        time.sleep(1)
    problem(f"ghosts: {str(answer)[:300]}")


def fill_disk(folder, load):
    """A file takes what is left; for some seconds nothing can be confirmed, and soon after it can again."""
    file = os.path.join(folder, "..", "full")
    try:
        with open(file, "wb", buffering=0) as full:
            try:
                while True:
                    full.write(bytes(1 << 20))
            except OSError:
                pass
            try:
                while True:
                    full.write(bytes(4096))
            except OSError:
                pass
        time.sleep(6)
    finally:
        os.unlink(file)
    note("the disk was full for 6 seconds")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        before = load.counts.get("writes", 0)
        time.sleep(1)
        if load.counts.get("writes", 0) > before:
            return
    problem("nothing is written 20 seconds after the disk has room again")


def leap(clock):
    for off in random.choice([["+3d", "+0"], ["-2d", "+0"], ["+1h", "+0"]]):
        with open(clock + ".new", "w") as new:
            new.write(off)
        os.replace(clock + ".new", clock)
        time.sleep(3)
    note("the clock leapt and came back")


def check_leaks(before, now):
    """What rests should not grow within the life of one process, beyond what caches take."""
    allowed = {"memory": max(40_000, before["memory"] // 2), "files": 15, "sockets": 15, "threads": 12, "processes": 2 * STREAMS}
    for what, more in allowed.items():
        if now[what] - before[what] > more:
            problem(f"{what} grew from {before[what]} to {now[what]}")


def check_log(file, at):
    with open(file, errors="replace") as log:
        log.seek(at)
        text = log.read()
        for line in text.splitlines():
            if "panic" in line:
                problem(f"the log: {line[:200]}")
        if KEY in text or PASSWORD in text or "soak-password" in text:
            problem("a secret is in the log")
        return log.tell()


def mounted(folder):
    """A small file system of its own; False if this may not mount."""
    return os.geteuid() == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300m", "tmpfs", folder], stderr=subprocess.DEVNULL).returncode == 0


def prepare(server, port):
    os.makedirs(os.path.join(server.folder, "media"))
    picture = os.path.join(server.folder, "media", "test.ts")
    how = "-v error -y -f lavfi -i testsrc2=size=320x180:rate=25 -f lavfi -i sine -t 20 -c:v libx264 -preset ultrafast -g 50 -c:a aac -f mpegts"
    subprocess.run(["ffmpeg", *how.split(), picture], check=True)
    server.start()
    made = [
        ("settings/update", [("data[failure_limit]", 0), ("data[connections_per_address]", 0)]),
        *[
            ("streams/new", [("data[name]", f"S{n}"), ("data[sources][]", "media/test.ts" if n % 2 else f"http://127.0.0.1:{port}/{n}"), ("data[on_demand]", int(n % 3 == 0))])
            for n in range(1, STREAMS + 1)
        ],
        ("bouquets/new", [("data[name]", "All"), *[("data[streams][]", n) for n in range(1, STREAMS + 1)]]),
        ("line/new", [("data[username]", "soak"), ("data[password]", "soak-password"), ("data[bouquets][]", 1), ("data[max_allowed_connections]", 0)]),
        *[("mag/new", [("data[mac_address]", f"00:1A:79:00:00:{n:02X}"), ("data[bouquets][]", 1)]) for n in range(20)],
    ]
    for call, fields in made:
        answer = server.call(call, fields)
        if not answer or not answer["result"]:
            raise SystemExit(f"{call}: {answer}")
    return picture


def library():
    found = [path for path in subprocess.run("ls /usr/lib/*/faketime/libfaketime.so.1", shell=True, capture_output=True, text=True).stdout.split()]
    return found[0] if found else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--program", required=True)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    random.seed(options.seed)
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # Orphans become children of this, and can be seen.
    top = tempfile.mkdtemp(prefix="linecard-soak-")
    disk = os.path.join(top, "disk")
    os.mkdir(disk)
    is_small = mounted(disk)
    if not is_small:
        note("no small disk: only root may mount one; a full disk is not tried")
    clock = os.path.join(top, "clock")
    with open(clock, "w") as new:
        new.write("+0")
    faketime = library()
    if not faketime:
        note("no libfaketime (apt-get install faketime): leaps of the clock are not tried")
    note(f"seed {options.seed}, folder {top}")
    source = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Source)
    source.daemon_threads = True
    threading.Thread(target=source.serve_forever, daemon=True).start()
    server = Server(os.path.abspath(options.program), os.path.join(disk, "data"), faketime, clock)
    server.log = os.path.join(top, "server.log")
    try:
        source.picture = prepare(server, source.server_port)
        load, until, read, rounds, first = Load(server), time.monotonic() + options.minutes * 60, 0, 0, None
        while time.monotonic() < until or rounds < 3:
            rounds += 1
            load.begin()
            busy_until = time.monotonic() + ROUND
            time.sleep(3)
            if is_small and rounds % 3 == 1:
                fill_disk(server.folder, load)
            if faketime and rounds % 3 == 2:
                leap(clock)
            time.sleep(max(0, busy_until - time.monotonic()))
            # Every third round ends under load, by turns with and without a word.
            ends = (signal.SIGKILL if rounds % 6 == 3 else signal.SIGTERM) if rounds % 3 == 0 else None
            if ends:
                server.end(ends)
                server.start()
                first = None
            load.rest()
            check_ghosts(server)
            check_writes(server, load)
            now = measure(server.child.pid)
            note(f"round {rounds}: {now} {dict(sorted(load.counts.items()))}")
            if first:
                check_leaks(first, now)
            first = first or now
            read = check_log(server.log, read)
        server.end(signal.SIGTERM)
    finally:
        if server.child and server.child.poll() is None:
            server.child.kill()
            server.child.wait()
        source.shutdown()
        if is_small:
            subprocess.run(["umount", disk], check=False)
        if not problems:
            shutil.rmtree(top, ignore_errors=True)
    print(f"\n{rounds} rounds, {server.lives} lives, {len(problems)} problems")
    for text in problems:
        print(f"  {text}")
    if problems:
        print(f"the log of the server: {server.log}")
    sys.exit(1 if problems else 0)


main()
