"""How calls are written: bodies, keys, methods, limits, and what is no call."""

import json
import re
import secrets

from expect import ANY, COUNT, ID, LIST, TEXT, case, naming, need, refused, success

ADDRESSES = ["192.0.2.7", "198.51.100.0/24"]


def listed(k, **how):
    """A line made with a list, in this form; the columns of it."""
    name = k.name()
    answer = k.call("line/new", {"data": {"username": name, "allowed_ips": ADDRESSES, "disabled": "1"}}, **how)
    success(answer, {"created_id": ID, "username": name, "password": TEXT})
    found = k.info(name)
    need(found.get("allowed_ips") == ADDRESSES and found.get("disabled") == 1, f"a line with allowed_ips {ADDRESSES} and disabled 1")


@case("form body, brackets encoded", "data%5Ballowed_ips%5D%5B0%5D= as http_build_query writes it")
def form_encoded(k):
    listed(k, body="form")


@case("form body, brackets plain", "unencoded brackets too")
def form_plain(k):
    listed(k, body="plain")


@case("form body, [] for the next place", "data[allowed_ips][]= is an entry of the list")
def form_next(k):
    name = k.name()
    data = "".join(f"&data[allowed_ips][]={address}" for address in ADDRESSES)
    sent = f"api_key={k.wire.key}&data[username]={name}{data}"
    answer = k.wire.send("POST", "/api/line/new", sent, {"Content-Type": "application/x-www-form-urlencoded"})
    success(k.seen("line/new", answer), {"created_id": ID, "username": name, "password": TEXT})
    need(k.info(name).get("allowed_ips") == ADDRESSES, f"allowed_ips {ADDRESSES}")


@case("multipart body", "multipart/form-data with the same names")
def multipart(k):
    listed(k, body="multipart")


@case("JSON body", "application/json with the same shape")
def json_body(k):
    listed(k, body="json")


@case("JSON body, native types", "true, numbers and arrays as JSON has them")
def json_native(k):
    name = k.name()
    k.call("line/new", {"data": {"username": name, "disabled": True, "restreamer": False, "max_allowed_connections": 3, "expire_date": 4102444800,
                                 "allowed_ips": ADDRESSES}}, body="json")
    found = k.info(name)
    came = [found.get(column) for column in ("disabled", "restreamer", "max_allowed_connections", "expire_date", "allowed_ips")]
    need(came == [1, 0, 3, 4102444800, ADDRESSES], "disabled 1, restreamer 0, 3 connections, end 4102444800 and the list")


@case("JSON body, [] for a list", "empty: the list has its default")
def json_empty(k):
    name = k.line(allowed_ips=ADDRESSES)["username"]
    k.call("line/update", {"username": name, "data": {"allowed_ips": []}}, body="json")
    need(k.info(name).get("allowed_ips") == [], "allowed_ips []")


@case("a list as JSON in a form field", '["192.0.2.7"] where a list is expected')
def json_in_form(k):
    found = k.info(k.line(allowed_ips=json.dumps(ADDRESSES))["username"])
    need(found.get("allowed_ips") == ADDRESSES, f"allowed_ips {ADDRESSES}")


@case("key: field of the body", "api_key beside data")
def key_field(k):
    success(k.call("line/list", {"limit": 1}, key="field"), {"total": COUNT, "lines": LIST})


@case("key: Authorization: Bearer", "the header, for POST and GET")
def key_bearer(k):
    for method in ("GET", "POST"):
        success(k.call("line/list", {"limit": 1}, key="bearer", method=method), {"total": COUNT, "lines": LIST})


@case("key: fourth segment of the path", "/api/RESOURCE/ACTION/K, for POST and GET")
def key_path(k):
    for method in ("GET", "POST"):
        success(k.call("line/list", {"limit": 1}, key="path", method=method), {"total": COUNT, "lines": LIST})


@case("key: body before header", "a right one in the body counts, whatever the header has")
def key_body_first(k):
    headers = {"Authorization": f"Bearer {secrets.token_hex(20)}"}
    success(k.call("line/list", {"limit": 1}, headers=headers), {"total": COUNT, "lines": LIST})


@case("key: header before path", "a right one in the header counts, whatever the path has")
def key_header_first(k):
    headers = {"Authorization": f"Bearer {k.wire.key}"}
    success(k.call(f"line/list/{secrets.token_hex(20)}", {"limit": 1}, key=None, headers=headers), {"total": COUNT, "lines": LIST})


@case("key: wrong in the body, right in the header", "401: body wins over header")
def key_wrong_body(k):
    fields = {"api_key": secrets.token_hex(20), "limit": 1}
    refused(k.wrong("line/list", fields, headers={"Authorization": f"Bearer {k.wire.key}"}), ANY, 401)


@case("key: only in the query", "401: never from the query string")
def key_query(k):
    refused(k.seen("line/list", k.wire.send("GET", f"/api/line/list?api_key={k.wire.key}")), ANY, 401)


@case("key: none", "401")
def key_none(k):
    refused(k.wrong("line/list"), ANY, 401)


@case("key: wrong", "401, and the key sent is in no answer")
def key_wrong(k):
    wrong = secrets.token_hex(20)
    refused(k.wrong("line/list", {"api_key": wrong}), ANY, 401)
    need(wrong not in k.last.text, "an error without the key")


@case("key: in no log", "a key never reaches a log: a wrong one, in the path, is found in none")
def key_in_logs(k):
    wrong = secrets.token_hex(20)
    refused(k.wrong(f"line/list/{wrong}"), ANY, 401)
    for kind in ("login", "error", "audit"):
        need(k.post("logs/list", kind=kind, search=wrong)["logs"] == [], f"no log of the kind {kind} with the key in it")


@case("GET of calls that only read", "line/list, servers/list, streams/online and offline")
def get_reads(k):
    success(k.get("line/list", limit=1), {"total": COUNT, "lines": LIST})
    for name in ("mag/list", "servers/list", "streams/online", "streams/offline", "administrators/list", "resellers/list"):
        need(k.get(name).good, f"an answer of GET {name}")


@case("GET of a call that writes", "405")
def get_write(k):
    refused(k.get("line/new"), ANY, 405)


@case("PUT and DELETE", "405")
def other_methods(k):
    for method in ("PUT", "DELETE"):
        headers = {"Authorization": f"Bearer {k.wire.key}"}
        refused(k.seen("line/info", k.wire.send(method, "/api/line/info", None, headers)), ANY, 405)


@case("unknown resource or action", "404; error names the path, without the key")
def unknown_call(k):
    for name in ("nonsense/new", "line/nonsense"):
        refused(k.call(name, key="path"), naming(name), 404)


@case("JSON that cannot be parsed", "400; error says what and where")
def bad_json(k):
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {k.wire.key}"}
    for text in ('{"data":{"username":', "{'data':{}}"):
        refused(k.seen("line/new", k.wire.send("POST", "/api/line/new", text, headers)), ANY, 400)


@case("a body over 1 MiB", "413")
def large_body(k):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Bearer {k.wire.key}"}
    sent = f"data[username]={k.name()}&data[notes]="
    refused(k.seen("line/new", k.wire.send("POST", "/api/line/new", sent + "a" * ((1 << 20) + 1 - len(sent)), headers)), ANY, 413)


@case("a body of 1 MiB", "is read, and its unknown field refused as in any other")
def full_body(k):
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Bearer {k.wire.key}"}
    sent = f"data[username]={k.name()}&data[colour]="
    refused(k.seen("line/new", k.wire.send("POST", "/api/line/new", sent + "a" * ((1 << 20) - len(sent)), headers)), naming("colour"))


@case("unknown field in data", "refused, naming the field and the fields there are; nothing is written")
def unknown_in_data(k):
    name = k.name()
    refused(k.post("line/new", data={"username": name, "colour": "red"}), naming("colour", "max_allowed_connections"))
    refused(k.post("line/info", username=name), "Wrong Username/Password.")


@case("unknown field beside data", "refused, naming it")
def unknown_beside(k):
    refused(k.post("line/list", colour="red"), naming("colour"))


@case("columns that only the server sets", "id and created_at in data are refused")
def derived(k):
    line = k.line()
    for column in ("id", "created_at", "updated_at"):
        refused(k.post("line/update", username=line["username"], data={column: 1}), re.compile(column))
