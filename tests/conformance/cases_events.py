"""events/list: what happened, in order."""

import re
import secrets
import threading
import time

from expect import ANY, COUNT, ID_OR_NONE, LIST, TEXT, Skipped, case, need, refused, row, success


def off(k):
    if (k.get("settings/get")["settings"] or {}).get("event_retention_days") == 0:
        raise Skipped("events are switched off (event_retention_days)")


def end(k):
    """The number of the latest event, without reading the log: what is behind it is refused."""
    low, step = k.latest, 1

    def there(number):
        answer = k.post("events/list", after=number, limit=1)
        return answer.good or "are gone" in str(answer["error"])

    while there(low + step):
        low, step = low + step, step * 2
        need(step < 1 << 61, "Event N is not there yet, for a number far above all")
    high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if there(middle) else (low, middle)
    k.latest = low
    return low


def since(k, number, **fields):
    """All events behind that number."""
    events = []
    for _ in range(50):
        answer = k.post("events/list", after=number, limit=1000, **fields)
        need(answer.good and isinstance(answer["events"], list), "events")
        events, number = events + answer["events"], answer["last_id"]
        if not answer["has_more"]:
            break
    return events


def of(events, number, resource="line"):
    return [found for found in events if found.get("type", "").startswith(f"{resource}.") and found.get("resource_id") == number]


@case("events/list", "log_id, events, last_id, oldest_id, has_more; an event: id, type, at, resource, ... omitted")
def shape(k):
    off(k)
    before, line = end(k), k.line(reference=k.name())
    answer = k.post("events/list", after=before, limit=1)
    row(answer.members, {"result": True, "log_id": TEXT, "events": LIST, "last_id": COUNT, "oldest_id": ID_OR_NONE})
    need(type(answer["has_more"]) is bool and list(answer.members)[-1] == "has_more", "has_more, true or false, at the end")
    found = of(since(k, before), line["created_id"])
    need([event.get("type") for event in found] == ["line.created"], "one event line.created of the new line")
    need(list(found[0]) == ["id", "type", "at", "resource", "resource_id", "key", "reference", "actor", "data", "omitted"],
         "members id, type, at, resource, resource_id, key, reference, actor, data, omitted")
    need(line["password"] not in k.last.text, "no password in it")


@case("events: types of a change", "updated and disabled for an update that disables; none where nothing changed")
def types(k):
    off(k)
    line, before = k.line(), end(k)
    for _ in range(2):
        k.post("line/update", username=line["username"], data={"disabled": 1})
    k.post("line/update", dry_run=1, username=line["username"], data={"disabled": 0})
    k.post("line/delete", username=line["username"])
    found = of(since(k, before, types=["line.*"]), line["created_id"])
    came = [event["type"] for event in found]
    need(sorted(came) == ["line.deleted", "line.disabled", "line.updated"] and came[-1] == "line.deleted",
         f"line.updated and line.disabled, then line.deleted; not {came}")
    numbers = [event["id"] for event in found]
    need(numbers == sorted(set(numbers)), "rising ids")


@case("events: banned, unbanned, enabled, credits", "beside updated: line.banned and so on, reseller.credits")
def more_types(k):
    off(k)
    line, made, before = k.line(disabled=1), k.reseller(credits=1), end(k)
    for change in ({"banned": 1}, {"banned": 0}, {"disabled": 0}):
        k.post("line/update", username=line["username"], data=change)
    k.post("resellers/add_credits", id=made["created_id"], credits=5)
    found = since(k, before)
    came = sorted(event["type"] for event in of(found, line["created_id"]))
    need(came == ["line.banned", "line.enabled", "line.unbanned", *3 * ["line.updated"]], f"line.banned, unbanned, enabled, three line.updated; not {came}")
    need("reseller.credits" in [event["type"] for event in of(found, made["created_id"], "reseller")], "reseller.credits")


@case("events: data, reference, omitted", "what changed, before and after; secrets masked; over 1,000 bytes: left out and named")
def data(k):
    off(k)
    reference = k.name()
    line, before = k.line(reference=reference, email="before@example.com", password="Secret-before-1"), end(k)
    k.post("line/update", username=line["username"], data={"email": "after@example.com", "password": "Secret-after-1", "notes": "n" * 1500})
    found = [event for event in of(since(k, before), line["created_id"]) if event["type"] == "line.updated"]
    need(len(found) == 1, "one line.updated")
    event, text = found[0], str(found[0]["data"])
    need(event["reference"] == reference and event["key"] == line["username"], f"the reference {reference} and the key {line['username']}")
    need("before@example.com" in text and "after@example.com" in text, "the address before and after")
    need("Secret-" not in text and "nnnn" not in text and event["omitted"] == ["notes"], "no password, no notes, and notes in omitted")


@case("events: filter by types", "only these; last_id passes the others")
def filtered(k):
    off(k)
    before = end(k)
    line, box = k.line(), k.mag()
    found = since(k, before, types=["mag.created"])
    need(all(event["type"] == "mag.created" for event in found) and of(found, box["created_id"], "mag"), "mag.created of the new MAG, and nothing else")
    need(not of(found, line["created_id"]) and k.last["last_id"] >= before + 2, "a last_id behind both")


@case("events: a number that is not there yet", "Event N is not there yet: the log is another one, begin with after=0")
def ahead(k):
    off(k)
    number = 1 << 60
    refused(k.post("events/list", after=number), f"Event {number} is not there yet: the log is another one, begin with after=0")


@case("events: a number that is gone", "Events before N are gone")
def gone(k):
    off(k)
    oldest = k.post("events/list", after=0, limit=1)["oldest_id"]
    if not oldest or oldest <= 2:
        raise Skipped("all events are kept yet")
    refused(k.post("events/list", after=1), re.compile(r"^Events before \d+ are gone"))


@case("events: wait", "answers as soon as there is one; a second's wait without one ends by itself")
def wait(k):
    off(k)
    before = end(k)
    begun, came = time.monotonic(), []

    def follow():
        came.append(k.wire.call("events/list", {"after": before, "wait": 20, "types": ["category.created"]}))
        came.append(time.monotonic() - begun)

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    k.pause(0.5)
    number = k.new("categories")
    thread.join(30)
    k.last = came[0] if came else k.last
    need(came and of(came[0]["events"] or [], number, "category") and came[1] < 15, "the event of a category, well before the 20 seconds")
    begun = time.monotonic()
    answer = k.post("events/list", after=end(k), wait=1, types=["group.deleted"])
    need(answer.good and time.monotonic() - begun < 10, "an answer after about a second")


@case("too many wrong keys", "429 with Retry-After for further wrong ones; a right key is answered")
def many_wrong(k):
    for _ in range(60):
        answer = k.call("line/list", {"api_key": secrets.token_hex(20)}, key=None)
        if answer.status == 429:
            break
    refused(answer, ANY, 429)
    need(answer.headers.get("retry-after", "").isdigit(), "Retry-After in seconds")
    success(k.post("line/list", limit=1), {"total": COUNT, "lines": LIST})
