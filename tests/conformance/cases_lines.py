"""line/*: creating, changing, deleting, showing."""

import re

from expect import (ANY, FLAG, ID, ID_OR_NONE, LIST, NUMBER, OBJECT, TEN, TEXT, TIME, TIME_OR_NONE, case, need, refused, row, success)

WRONG = "Wrong Username/Password."


@case("line/new: nothing sent", "created_id, username, password: 10 random letters and digits each")
def new_nothing(k):
    success(k.post("line/new"), {"created_id": ID, "username": TEN, "password": TEN})


@case("line/new: empty username and password", "as if they were absent")
def new_empty(k):
    success(k.post("line/new", data={"username": "", "password": ""}), {"created_id": ID, "username": TEN, "password": TEN})


@case("line/new: both sent", "created_id, username, password as sent")
def new_both(k):
    name = k.name()
    success(k.post("line/new", data={"username": name, "password": "Abc-123"}), {"created_id": ID, "username": name, "password": "Abc-123"})


@case("line/new: taken username", "Username exists. (without regard to case)")
def new_taken(k):
    name = k.line()["username"]
    for taken in (name, name.upper()):
        refused(k.post("line/new", data={"username": taken}), "Username exists.")


@case("line/new: all characters, 64 of them", "A-Z a-z 0-9 - . _ ~ @ are good")
def new_long(k):
    name = (k.name() + "-Az09._~@").ljust(64, "x")
    success(k.post("line/new", data={"username": name, "password": "Az09-._~@"}), {"created_id": ID, "username": name, "password": "Az09-._~@"})


@case("line/new: characters that break addresses", "space, slash, accent, 65 characters: refused, for both")
def new_invalid(k):
    for part in (" x", "/x", "é", "x" * 64):
        refused(k.post("line/new", data={"username": k.name() + part}), ANY)
        refused(k.post("line/new", data={"username": k.name(), "password": "p" + part}), ANY)


@case("line/new: defaults", "an absent or empty field has the default: 1 connection, no end, no lists")
def defaults(k):
    for data in ({}, {"expire_date": "", "allowed_ips": "", "notes": "", "max_allowed_connections": "", "disabled": ""}):
        found = k.info(k.line(**data)["username"])
        row(found, {"max_allowed_connections": 1, "restreamer": 0, "expire_date": None, "subscription_plan_id": None, "reseller_id": None,
                    "disabled": 0, "banned": 0, "allowed_ips": [], "allowed_user_agents": [], "server_id": None, "isp_lock": 0, "is_trial": 0,
                    "notes": "", "bouquets": [], "reference": "", "email": "", "reminders": 1, "catchup": 1}, ordered=False)


@case("line/new: values that are none", "no address, no flag, no number, no time, no such row: refused")
def invalid_values(k):
    for column, value in (("allowed_ips", ["nonsense"]), ("disabled", "maybe"), ("max_allowed_connections", "many"), ("expire_date", "tomorrow"),
                          ("subscription_plan_id", 4000000000), ("reseller_id", 4000000000), ("bouquets", [4000000000])):
        refused(k.post("line/new", data={"username": k.name(), column: value}), ANY)


@case("line/update: by username", "modified_id, username, password, as they are after the change")
def update(k):
    line = k.line(password="first-1")
    success(k.post("line/update", username=line["username"], data={"notes": "a", "password": "second-2"}),
            {"modified_id": line["created_id"], "username": line["username"], "password": "second-2"})
    need(k.info(line["username"]).get("notes") == "a", "the new notes")


@case("line/update: username in capitals", "found: usernames are the same in any case")
def update_case(k):
    line = k.line()
    success(k.post("line/update", username=line["username"].upper(), data={"notes": "b"}),
            {"modified_id": line["created_id"], "username": line["username"], "password": line["password"]})


@case("line/update: top-level password", "checked when sent: a right one changes, a wrong one is refused")
def update_password(k):
    line = k.line(password="right-1", notes="as it was")
    refused(k.post("line/update", username=line["username"], password="wrong-1", data={"notes": "changed"}), WRONG)
    need(k.info(line["username"]).get("notes") == "as it was", "unchanged notes")
    success(k.post("line/update", username=line["username"], password="right-1", data={"notes": "changed"}),
            {"modified_id": line["created_id"], "username": line["username"], "password": "right-1"})


@case("line/update, delete: unknown username, none", f"{WRONG}; refused")
def update_unknown(k):
    refused(k.post("line/update", username=k.name(), data={"notes": "x"}), WRONG)
    refused(k.post("line/delete", username=k.name()), WRONG)
    refused(k.post("line/update", data={"notes": "x"}), ANY)


@case("texts", "notes come back as they were sent, in every form of body: accents, signs, two lines")
def texts(k):
    sent = 'Zoë & "Ω" + 100% <b> שלום 🎬\nsecond line; a=b'
    for body in ("form", "plain", "multipart", "json"):
        name = k.name()
        k.call("line/new", {"data": {"username": name, "notes": sent}}, body=body)
        need(k.info(name).get("notes") == sent, f"the same notes from a {body} body")


@case("line/update: rename", "username is the new one; the old one is gone")
def rename(k):
    line, name = k.line(), k.name()
    success(k.post("line/update", username=line["username"], data={"username": name}),
            {"modified_id": line["created_id"], "username": name, "password": line["password"]})
    refused(k.post("line/info", username=line["username"]), WRONG)


@case("line/update: rename to a taken one", "Username exists.")
def rename_taken(k):
    line, other = k.line(), k.line()
    refused(k.post("line/update", username=line["username"], data={"username": other["username"].upper()}), "Username exists.")


@case("line/update: absent and empty", "absent leaves the column; empty resets it to the default")
def update_empty(k):
    line = k.line(expire_date=4102444800, allowed_ips=["192.0.2.7"], notes="n", max_allowed_connections=4)
    k.post("line/update", username=line["username"], data={"expire_date": "", "allowed_ips": ""})
    found = k.info(line["username"])
    row(found, {"max_allowed_connections": 4, "expire_date": None, "allowed_ips": [], "notes": "n"}, ordered=False)


@case("line/update: one good and one wrong field", "refused, and nothing changed")
def all_or_nothing(k):
    line = k.line(notes="as it was")
    refused(k.post("line/update", username=line["username"], data={"notes": "changed", "max_allowed_connections": "many"}), ANY)
    need(k.info(line["username"]).get("notes") == "as it was", "unchanged notes")


@case("flags", '"1" "0" "true" "false" are written, 1 and 0 are answered')
def flags(k):
    line = k.line()
    for sent, kept in (("1", 1), ("0", 0), ("true", 1), ("false", 0)):
        k.post("line/update", username=line["username"], data={"disabled": sent})
        row(k.info(line["username"]), {"disabled": kept}, ordered=False)


@case("line/delete", "deleted_id; then there is no such line")
def delete(k):
    line = k.line()
    success(k.post("line/delete", username=line["username"]), {"deleted_id": line["created_id"]})
    for action in ("delete", "info", "update"):
        refused(k.post(f"line/{action}", username=line["username"]), WRONG)


@case("line/info: shape", "line_info, line_conn_info, line_channel_ids in this order; GET and POST the same")
def info(k):
    name = k.line()["username"]
    for ask in (k.post, k.get):
        success(ask("line/info", username=name), {"line_info": OBJECT, "line_conn_info": [], "line_channel_ids": []})


@case("line/info: types of the columns", "flags 1/0, ids and counts numbers, times unix seconds or null, lists arrays")
def info_types(k):
    line = k.line(expire_date="4102444800", allowed_user_agents=["VLC*"])
    row(k.info(line["username"]), {
        "id": line["created_id"], "username": line["username"], "password": line["password"], "max_allowed_connections": NUMBER, "restreamer": FLAG,
        "expire_date": 4102444800, "subscription_plan_id": ID_OR_NONE, "reseller_id": ID_OR_NONE, "disabled": FLAG, "allowed_ips": LIST,
        "allowed_user_agents": ["VLC*"], "server_id": ID_OR_NONE, "isp_lock": FLAG, "notes": TEXT, "banned": FLAG, "bouquets": LIST, "is_trial": FLAG,
        "created_at": TIME, "updated_at": TIME}, ordered=False)


@case("line/info: unknown username, none", "refused")
def info_unknown(k):
    refused(k.get("line/info", username=k.name()), WRONG)
    refused(k.get("line/info"), re.compile(f"{re.escape(WRONG)}|username"))


@case("line_channel_ids", "the plan's bouquets by position, then its own; in a bouquet's order; each once")
def channels(k):
    one, two, three, four = (k.new("streams", enabled=0) for _ in range(4))
    late = k.new("bouquets", streams=[two, one], position=9)
    early = k.new("bouquets", streams=[three], position=1)
    own = k.new("bouquets", streams=[four, one])
    plan = k.new("subscription_plans", bouquets=[late, early], duration=1, duration_unit="month")
    line = k.line(subscription_plan_id=plan, bouquets=[own])
    ids = k.post("line/info", username=line["username"])["line_channel_ids"]
    need(ids == [three, two, one, four], f"line_channel_ids {[three, two, one, four]}")


@case("a new line with a plan", "has the plan's end and connections")
def plan(k):
    number = k.new("subscription_plans", duration=2, duration_unit="day", max_allowed_connections=3)
    found = k.info(k.line(subscription_plan_id=number)["username"])
    row(found, {"max_allowed_connections": 3, "expire_date": TIME_OR_NONE, "subscription_plan_id": number}, ordered=False)
    need((found["expire_date"] or 0) - found["created_at"] == 2 * 86400, "an end two days after created_at")
