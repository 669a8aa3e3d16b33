"""What the cases work with: calls, rows of their own, and the clearing away of all that was made."""

import contextlib
import random
import re
import secrets
import threading

from expect import Differs
from wire import OutOfTime, Stopped, Unreachable

# In the order in which they can go, who refers to others first: what selects a row, and the name of the list.
RESOURCES = {
    "line": ("username", "lines"),
    "mag": ("mac_address", "mags"),
    "administrators": ("id", "administrators"),
    "resellers": ("id", "resellers"),
    "subscription_plans": ("id", "subscription_plans"),
    "bouquets": ("id", "bouquets"),
    "streams": ("id", "streams"),
    "categories": ("id", "categories"),
    "groups": ("id", "groups"),
    "servers": ("id", "servers"),
}


class Kit:
    """One run. Whatever a call makes is noted here as soon as it is answered."""

    def __init__(self, wire):
        self.wire = wire
        self.marker = f"kit-{secrets.token_hex(5)}"
        self.made = {}       # (resource, id): what selects it, as it was made
        self.keys = []       # ids of API keys
        self.addresses = []  # of the whitelist
        self.latest = 0      # the number of an event that was there
        self.last = None     # the answer that the table shows
        self.count = 0

    # Calls.

    def call(self, name, fields=None, **how):
        """A call as Wire.call makes it. What every answer must be is looked at here."""
        answer = self.wire.call(name, fields, **how)
        return self.seen(name, answer)

    def seen(self, name, answer):
        self.last = answer
        resource, _, action = name.partition("/")
        if answer.good and answer["created_id"] and not answer["dry_run"]:
            if action in ("new", "convert_to_mag", "convert_to_line") and resource in RESOURCES:
                self.made[resource, answer["created_id"]] = answer[RESOURCES[resource][0]] or answer["created_id"]
            elif action == "api_key_new":
                self.keys.append(answer["created_id"])
            elif action == "whitelist_add":
                self.addresses.append(answer["address"])
        if self.wire.key in answer.text:
            answer.text = answer.text.replace(self.wire.key, "K")
            raise Differs("an answer without the key in it")
        kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
        if kind != "application/json":
            raise Differs(f"Content-Type: application/json, not {kind or 'none'}")
        if not re.match(r'\s*\{\s*"result"\s*:\s*(true|false)\b', answer.text):
            raise Differs("a JSON object that begins with result, true or false")
        return answer

    def post(self, name, **fields):
        return self.call(name, fields)

    def get(self, name, **fields):
        return self.call(name, fields, method="GET")

    def wrong(self, name, fields=None, **how):
        """A call with a wrong key. If there were too many lately, as after a run a minute ago, it waits as long as it is told to."""
        answer = self.call(name, fields, key=None, **how)
        after = answer.headers.get("retry-after", "")
        if answer.status == 429 and after.isdigit() and int(after) <= 120:
            self.pause(int(after) + 1)
            answer = self.call(name, fields, key=None, **how)
        return answer

    def pause(self, seconds):
        self.wire.pause(seconds)

    def keyed(self, name, repeat, **fields):
        """With an Idempotency-Key of this run."""
        return self.call(name, fields, headers={"Idempotency-Key": f"{self.marker}-{repeat}"})

    def at_once(self, times, name, fields, **how):
        """The same call several times at the same moment; their answers."""
        answers = []

        def ask():
            with contextlib.suppress(Unreachable, OutOfTime, Stopped):
                answers.append(self.wire.call(name, fields, **how))

        threads = [threading.Thread(target=ask) for _ in range(times)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for answer in answers:
            self.seen(name, answer)
        return answers

    # Names, and rows of our own.

    def name(self):
        self.count += 1
        return f"{self.marker}-{self.count}"

    def mac(self):
        """Of the makers of MAGs, as servers may ask for; three octets by chance."""
        return "00:1A:79:" + ":".join(f"{random.randrange(256):02X}" for _ in range(3))

    def new(self, resource, **data):
        """A row for a case; its id."""
        answer = self.post(f"{resource}/new", data={"name": self.name(), **data})
        if not answer.good:
            raise Differs(f"{resource}/new makes a row")
        return answer["created_id"]

    def line(self, **data):
        """A line for a case: its answer."""
        answer = self.post("line/new", data={"username": self.name(), **data})
        if not answer.good:
            raise Differs("line/new makes a line")
        return answer

    def mag(self, **data):
        """A MAG for a case: its answer. Another address if somebody has that one."""
        for _ in range(5):
            answer = self.post("mag/new", data={"mac_address": self.mac(), "notes": self.marker, **data})
            if answer["error"] != "MAC Address already exists":
                break
        if not answer.good:
            raise Differs("mag/new makes a MAG")
        return answer

    def reseller(self, **data):
        """A reseller for a case: its answer."""
        answer = self.post("resellers/new", data={"name": self.name(), **data})
        if not answer.good:
            raise Differs("resellers/new makes a reseller")
        return answer

    def info(self, username):
        """The columns of a line."""
        return self.post("line/info", username=username)["line_info"] or {}

    def balance(self, number):
        rows = self.post("resellers/list", id=number)["resellers"] or [{}]
        return rows[0].get("credits")

    # Clearing away.

    def own(self, resource, **filters):
        """Rows that `list` shows, only those that are ours by id or carry the marker."""
        ids = {number for kind, number in self.made if kind == resource}
        rows = self.wire.call(f"{resource}/list", {**filters, "limit": 1000})[RESOURCES[resource][1]]
        rows = rows if isinstance(rows, list) else []
        return [found for found in rows if isinstance(found, dict) and (found.get("id") in ids or self.marker in str(found))]

    def clear(self):
        """Deletes all that was made, also what a call without an answer may have made; what is left, in words."""
        left = []
        for _ in range(2):
            left = []
            for resource, (selector, _) in RESOURCES.items():
                left += self.attempt(resource, lambda: self.remove(resource, selector))
            left += self.attempt("API keys", self.revoke)
            left += self.attempt("whitelist", self.unlist)
            if not left:
                break
        return left

    @staticmethod
    def attempt(what, act):
        try:
            return act() or []
        except (Unreachable, OutOfTime) as error:
            return [f"{what}: {error or 'no time left'}"]

    def remove(self, resource, selector):
        names = {number: name for (kind, number), name in self.made.items() if kind == resource}
        for number in names:
            # By the name that it has now; a server that cannot show it is told the first one.
            names[number] = next((found[selector] for found in self.own(resource, id=number) if found["id"] == number), names[number])
        names.update({found["id"]: found[selector] for found in self.own(resource, search=self.marker)})
        for name in names.values():
            self.wire.call(f"{resource}/delete", {selector: name})
        still = [found for number in names for found in self.own(resource, id=number) if found["id"] == number]
        return [f"{resource} {found['id']} ({found[selector]})" for found in still]

    def revoke(self):
        for number in self.keys:
            self.wire.call("settings/api_key_revoke", {"id": number})
        rows = self.wire.call("settings/api_key_list", {"limit": 1000})["api_keys"] or []
        return [f"API key {found['id']}" for found in rows if found.get("id") in self.keys]

    def unlist(self):
        for address in self.addresses:
            self.wire.call("settings/whitelist_remove", {"address": address})
        rows = self.wire.call("settings/whitelist_list")["whitelist"] or []
        return [f"whitelist {found['address']}" for found in rows if found.get("address") in self.addresses]
