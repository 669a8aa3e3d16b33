"""One call: how it is written on the wire, and what came back."""

import http.client
import json
import random
import ssl
import time
from urllib.parse import quote_plus, urlsplit

SECONDS_PER_CALL = 40


class Unreachable(Exception):
    """No answer at all."""


class OutOfTime(Exception):
    """The run has lasted as long as it may."""


class Stopped(Exception):
    """Somebody pressed ^C."""


class Answer:
    """What came: `members` is the JSON object, in the order in which it was written, or None."""

    def __init__(self, asked, status, headers, text):
        self.asked, self.status, self.headers, self.text = asked, status, headers, text
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        self.members = value if isinstance(value, dict) else None

    @property
    def good(self):
        return self.members is not None and self.members.get("result") is True

    def __getitem__(self, name):
        return (self.members or {}).get(name)

    def __str__(self):
        return f"{'' if self.status == 200 else f'{self.status} '}{' '.join(self.text.split())}"


def pairs(name, value):
    """Nested fields as PHP's http_build_query names them: data[allowed_ips][0]."""
    if isinstance(value, dict):
        return [pair for key, inner in value.items() for pair in pairs(f"{name}[{key}]", inner)]
    if isinstance(value, list):
        return [pair for place, inner in enumerate(value) for pair in pairs(f"{name}[{place}]", inner)]
    return [(name, "" if value is None else str(int(value)) if isinstance(value, bool) else str(value))]


def form(fields, encoded=True):
    """A form body or query; with `encoded` off the brackets stay as they are."""
    flat = [pair for name, value in fields.items() for pair in pairs(name, value)]
    return "&".join(f"{quote_plus(name, safe='' if encoded else '[]')}={quote_plus(value)}" for name, value in flat)


def multipart(fields):
    """A multipart body and its type."""
    mark = f"kit{random.getrandbits(64):016x}"
    flat = [pair for name, value in fields.items() for pair in pairs(name, value)]
    parts = "".join(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in flat)
    return f"{parts}--{mark}--\r\n", f"multipart/form-data; boundary={mark}"


class Wire:
    """A server, the key, and how long all of it may take."""

    def __init__(self, url, key, seconds):
        parts = urlsplit(url if "://" in url else f"http://{url}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("the address must be http://HOST[:PORT] or https://HOST[:PORT]")
        self.secure, self.host, self.port = parts.scheme == "https", parts.hostname, parts.port
        self.base, self.key = parts.path.rstrip("/"), key
        self.ends = time.monotonic() + seconds
        self.stopped = False

    def grant(self, seconds):
        """For clearing away: so many seconds from now, whatever was left, and whether it was stopped."""
        self.ends, self.stopped = time.monotonic() + seconds, False

    def pause(self, seconds):
        """Sleeps, but not behind a ^C or the end."""
        until = time.monotonic() + seconds
        while (now := time.monotonic()) < until:
            self.go_on()
            time.sleep(min(0.2, until - now))

    def go_on(self):
        """Between two calls, never within one: what a call makes is always noted."""
        if self.stopped:
            raise Stopped
        if time.monotonic() >= self.ends:
            raise OutOfTime

    def send(self, method, path, body=None, headers=None):
        """One request on a connection of its own. Raises Unreachable without an answer, Stopped or OutOfTime before it."""
        self.go_on()
        seconds = min(SECONDS_PER_CALL, max(1, self.ends - time.monotonic()))
        if self.secure:
            link = http.client.HTTPSConnection(self.host, self.port, timeout=seconds, context=ssl.create_default_context())
        else:
            link = http.client.HTTPConnection(self.host, self.port, timeout=seconds)
        asked = f"{method} {path.replace(self.key, 'K')}"
        try:
            try:
                link.request(method, self.base + path, body.encode() if body is not None else None, headers or {})
            except (BrokenPipeError, ConnectionResetError):
                pass  # it answers before it has read all: the answer may lie there already
            came = link.getresponse()
            text = came.read(4 << 20).decode("utf-8", "replace")
            return Answer(asked, came.status, {name.lower(): value for name, value in came.getheaders()}, text)
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{asked}: {error or type(error).__name__}") from error
        finally:
            link.close()

    def call(self, name, fields=None, *, method="POST", body="form", key="field", segment=None, headers=None):
        """A call of the API. `body`: form, plain (brackets as they are), multipart, json. `key`: field, bearer, path, or None."""
        fields, headers = dict(fields or {}), dict(headers or {})
        path = f"/api/{name}"
        if key == "field" and method == "POST":
            fields = {"api_key": self.key, **fields}
        elif key in ("field", "bearer"):
            headers["Authorization"] = f"Bearer {self.key}"
        elif key == "path":
            path += f"/{self.key}" + (f"/{segment}" if segment is not None else "")
        if method != "POST":
            query = form(fields)
            return self.note(self.send(method, path + (f"?{query}" if query else ""), None, headers), fields)
        if body == "json":
            sent, kind = json.dumps(fields), "application/json"
        elif body == "multipart":
            sent, kind = multipart(fields)
        else:
            sent, kind = form(fields, encoded=body != "plain"), "application/x-www-form-urlencoded"
        return self.note(self.send("POST", path, sent, {"Content-Type": kind, **headers}), fields)

    def note(self, answer, fields):
        """What was asked, for whoever reads the table."""
        shown = form({name: value for name, value in fields.items() if name != "api_key"}, encoded=False)
        answer.asked = f"{answer.asked} {shown}".replace(self.key, "K")[:400].strip()
        return answer
