"""servers, streams, bouquets, categories, subscription_plans."""

import re

from expect import ANY, COUNT, ID, LIST, TEXT, TEXT_OR_NONE, case, naming, need, one_of, refused, row, success

NOWHERE = "192.0.2.1"  # of an example network: nothing answers there


def server(k):
    number = k.new("servers", server_ip=NOWHERE)
    return number


@case("servers/list (and /K)", "id, name, role, server_ip, vpn_ip, status; one is main")
def servers(k):
    for key in ("bearer", "path"):
        rows = k.call("servers/list", key=key, method="GET")["servers"]
        need(isinstance(rows, list) and rows, "servers")
        for found in rows:
            row(found, {"id": ID, "name": TEXT, "role": one_of("main", "load_balancer"), "server_ip": TEXT, "vpn_ip": TEXT,
                        "status": one_of("online", "offline")})
        need([found["id"] for found in rows if found["role"] == "main"] == [1], "server 1 as the only main")


@case("servers/info/K/ID, and id", "server; Server does not exist")
def server_info(k):
    number = server(k)
    for method in ("GET", "POST"):
        found = k.call("servers/info", key="path", segment=number, method=method)["server"]
        row(found, {"id": number, "name": TEXT, "role": "load_balancer", "server_ip": NOWHERE, "vpn_ip": ""})
    row(k.get("servers/info", id=number)["server"], {"id": number})
    refused(k.get("servers/info", id=4000000000), "Server does not exist")
    for wrong in ("x", "-1", "99999999999999999999999"):
        refused(k.get("servers/info", id=wrong), ANY)


@case("servers/update", 'modified_id, name, "IP address": server_ip')
def server_update(k):
    number, name = server(k), k.name()
    success(k.post("servers/update", id=number, data={"name": name, "server_ip": "2001:db8::7", "vpn_ip": "192.0.2.2"}),
            {"modified_id": number, "name": name, "IP address": "2001:db8::7"})
    success(k.post("servers/update", id=number, data={"vpn_ip": ""}), {"modified_id": number, "name": name, "IP address": "2001:db8::7"})


@case("servers/update: refusals", "Invalid IP address, Server does not exist")
def server_refusals(k):
    number = server(k)
    refused(k.post("servers/new", data={"name": k.name(), "server_ip": "nonsense"}), "Invalid IP address")
    for column in ("server_ip", "vpn_ip"):
        refused(k.post("servers/update", id=number, data={column: "300.1.1.1"}), "Invalid IP address")
    refused(k.post("servers/update", id=4000000000, data={"name": k.name()}), "Server does not exist")


@case("servers/delete", "deleted_id; then Server does not exist")
def server_delete(k):
    number = server(k)
    success(k.post("servers/delete", id=number), {"deleted_id": number})
    refused(k.post("servers/delete", id=number), "Server does not exist")


@case("streams/new, update, info, list, delete", "created_id, modified_id, stream, streams with total, deleted_id")
def stream(k):
    name = k.name()
    number = success(k.post("streams/new", data={"name": name, "sources": ["http://192.0.2.1/a", "http://192.0.2.1/b"], "enabled": 0}),
                     {"created_id": ID})["created_id"]
    success(k.post("streams/update", id=number, data={"number": 7}), {"modified_id": number})
    row(k.get("streams/info", id=number)["stream"], {"id": number, "name": name, "sources": ["http://192.0.2.1/a", "http://192.0.2.1/b"], "number": 7,
                                                      "enabled": 0})
    answer = k.get("streams/list", search=name)
    need(answer["total"] == 1 and isinstance(answer["streams"], list) and answer["streams"][0].get("id") == number, "total 1 and the stream")
    success(k.post("streams/delete", id=number), {"deleted_id": number})
    refused(k.post("streams/info", id=number), "Stream does not exist")


@case("streams: new columns", "their defaults, and values that are none")
def columns(k):
    number = k.new("streams", enabled=0)
    row(k.get("streams/info", id=number)["stream"], {"user_agent": "", "headers": [], "tls_verify": 1, "epg_shift_minutes": 0, "audio_to_aac": 0,
                                                      "at_end": "loop", "archive_days": 0}, ordered=False)
    for column, value in (("epg_shift_minutes", 1441), ("archive_days", 32), ("at_end", "begin"), ("headers", ["no colon"])):
        refused(k.post("streams/update", id=number, data={column: value}), naming(column))


@case("streams: headers with secrets", "answered as ***; *** sent back keeps what is stored")
def headers(k):
    number = k.new("streams", enabled=0, headers=["Authorization: Basic c2VjcmV0", "Referer: http://192.0.2.1/"])
    hidden = ["Authorization: ***", "Referer: http://192.0.2.1/"]
    row(k.get("streams/info", id=number)["stream"], {"headers": hidden}, ordered=False)
    need(k.post("streams/update", id=number, data={"headers": hidden}).good, "the update")
    row(k.get("streams/info", id=number)["stream"], {"headers": hidden}, ordered=False)


@case("streams/new: a scheme that cannot be played", "refused")
def scheme(k):
    refused(k.post("streams/new", data={"name": k.name(), "sources": ["gopher://192.0.2.1/x"], "enabled": 0}), re.compile("sources"))


@case("streams/offline (and /K)", "a stopped one stands there with why; a row has id, name, server_id, status")
def offline(k):
    number = k.new("streams", enabled=0, server_id=server(k))
    for key in ("bearer", "path"):
        rows = k.call("streams/offline", key=key, method="GET")["streams"]
        found = [found for found in rows if found.get("id") == number] if isinstance(rows, list) else []
        need(len(found) == 1, "the new stream")
        row(found[0], {"id": number, "name": TEXT, "server_id": ID, "status": TEXT}, ordered=True)
        row(found[0], {"why": TEXT}, ordered=False)


@case("streams/online (and /K)", "rows: id, name, server_id, status, started_at, uptime, clients, bitrate_kbps, source, codecs")
def online(k):
    for key in ("bearer", "path"):
        rows = k.call("streams/online", key=key, method="GET")["streams"]
        need(isinstance(rows, list), "streams")
    for found in rows[:3]:
        there = [name for name in found if name in STREAM]
        need(there == STREAM, f"members in this order: {', '.join(STREAM)}")


STREAM = ["id", "name", "server_id", "status", "started_at", "uptime", "clients", "bitrate_kbps", "source", "video_codec", "audio_codec"]


@case("streams/offline: members", "the same shape as online, in the same order")
def offline_members(k):
    number = k.new("streams", enabled=0)
    found = [found for found in k.get("streams/offline")["streams"] if found.get("id") == number]
    need(found and [name for name in found[0] if name in STREAM] == STREAM, f"members in this order: {', '.join(STREAM)}")
    row(found[0], {"started_at": None, "clients": COUNT, "video_codec": TEXT_OR_NONE}, ordered=False)


@case("streams/start and stop: /K/ID", "started and stopped: the ids; GET too; enabled follows")
def start_stop(k):
    number = k.new("streams", enabled=0, on_demand=1, sources=["http://192.0.2.1/a"])
    for method in ("GET", "POST"):
        for action, enabled in (("start", 1), ("stop", 0)):
            success(k.call(f"streams/{action}", key="path", segment=number, method=method), {"started" if enabled else "stopped": [number]})
            row(k.get("streams/info", id=number)["stream"], {"enabled": enabled})


@case("streams/stop: every way to write ids", "7,8 after the key; stream_ids[], stream_id, id; by query and body")
def ids(k):
    one, two = k.new("streams", enabled=0), k.new("streams", enabled=0)
    success(k.call("streams/stop", key="path", segment=f"{one},{two}"), {"stopped": [one, two]})
    for ask in (k.post, k.get):
        success(ask("streams/stop", stream_ids=[one, two]), {"stopped": [one, two]})
        success(ask("streams/stop", stream_id=two), {"stopped": [two]})
        success(ask("streams/stop", id=one), {"stopped": [one]})


@case("streams/start: an unknown id", "Stream does not exist: ID, and none is touched")
def unknown(k):
    number = k.new("streams", enabled=0)
    refused(k.post("streams/start", stream_ids=[number, 4000000000]), "Stream does not exist: 4000000000")
    row(k.get("streams/info", id=number)["stream"], {"enabled": 0})


@case("streams/start: no id", "Missing field: stream_ids")
def none(k):
    # Limited to a server of ours, which has no streams: whatever it does, it does to nothing.
    refused(k.post("streams/start", server_id=server(k)), "Missing field: stream_ids")


@case("bouquets: streams in their order", "the list as it was sent; Stream does not exist: ID; Name exists.")
def bouquets(k):
    one, two = k.new("streams", enabled=0), k.new("streams", enabled=0)
    name = k.name()
    number = success(k.post("bouquets/new", data={"name": name, "streams": [two, one]}), {"created_id": ID})["created_id"]
    row(k.get("bouquets/info", id=number)["bouquet"], {"id": number, "name": name, "streams": [two, one]}, ordered=False)
    refused(k.post("bouquets/new", data={"name": k.name(), "streams": [one, 4000000000]}), "Stream does not exist: 4000000000")
    refused(k.post("bouquets/new", data={"name": name}), "Name exists.")
    k.post("streams/delete", id=two)
    row(k.get("bouquets/info", id=number)["bouquet"], {"streams": [one]}, ordered=False)


@case("bouquets/update: add_streams, remove_streams", "added at the end, removed; the others stay in their order")
def bouquet_changes(k):
    one, two, three = (k.new("streams", enabled=0) for _ in range(3))
    number = k.new("bouquets", streams=[two, one])
    success(k.post("bouquets/update", id=number, data={"add_streams": [three], "remove_streams": [two]}), {"modified_id": number})
    row(k.get("bouquets/info", id=number)["bouquet"], {"streams": [one, three]}, ordered=False)


@case("subscription_plans: for_resellers", "absent: 1 with a price or as a trial, else 0; it does not follow credits later")
def for_resellers(k):
    for data, wanted in (({}, 0), ({"credits": 1}, 1), ({"is_trial": 1}, 1), ({"credits": 1, "for_resellers": 0}, 0)):
        number = k.new("subscription_plans", **data)
        row(k.get("subscription_plans/info", id=number)["subscription_plan"], {"for_resellers": wanted, "catchup": 1}, ordered=False)
    k.post("subscription_plans/update", id=number, data={"credits": 9})
    row(k.get("subscription_plans/info", id=number)["subscription_plan"], {"for_resellers": 0}, ordered=False)


@case("categories/delete", "refused while streams use it; then deleted_id")
def categories(k):
    number = k.new("categories")
    stream_id = k.new("streams", category_id=number, enabled=0)
    refused(k.post("categories/delete", id=number), ANY)
    k.post("streams/update", id=stream_id, data={"category_id": ""})
    success(k.post("categories/delete", id=number), {"deleted_id": number})


@case("subscription_plans", "new, info, list; an unknown unit and a missing name are refused")
def plans(k):
    number = k.new("subscription_plans", duration=3, duration_unit="day", max_allowed_connections=2, credits=4, is_trial=1)
    row(k.get("subscription_plans/info", id=number)["subscription_plan"],
        {"id": number, "name": TEXT, "bouquets": [], "duration": 3, "duration_unit": "day", "max_allowed_connections": 2, "credits": 4, "is_trial": 1},
        ordered=False)
    need(isinstance(k.get("subscription_plans/list", id=number)["subscription_plans"], list), "subscription_plans")
    refused(k.post("subscription_plans/new", data={"name": k.name(), "duration_unit": "fortnight"}), naming("duration_unit"))
    refused(k.post("subscription_plans/new"), "Missing field: name")


@case("subscription_plans/delete", "refused while lines or MAGs use it; then deleted_id")
def plan_delete(k):
    number = k.new("subscription_plans", duration=1, duration_unit="day")
    line, box = k.line(subscription_plan_id=number), k.mag(subscription_plan_id=number)
    refused(k.post("subscription_plans/delete", id=number), ANY)
    k.post("line/delete", username=line["username"])
    refused(k.post("subscription_plans/delete", id=number), ANY)
    k.post("mag/delete", mac_address=box["mac_address"])
    success(k.post("subscription_plans/delete", id=number), {"deleted_id": number})


@case("lists of the resources", "the rows under the plural name, with total")
def lists(k):
    for name in ("streams", "bouquets", "categories", "subscription_plans", "groups"):
        row(k.get(f"{name}/list", limit=1).members, {"total": COUNT, name: LIST}, ordered=False)
