"""administrators/*, resellers/*, credits, groups."""

import re
import secrets

from expect import (ANY, COUNT, FLAG, ID, ID_OR_NONE, LIST, NUMBER, TEXT, TEXT_OR_NONE, TIME_OR_NONE, case, need, refused, row, success)


def person(k, **data):
    """What an administrator of ours is made of: a group without rights, a password by chance."""
    name = k.name()
    return {"username": name, "password": secrets.token_urlsafe(18), "email": f"{name}@example.com", "group_id": k.new("groups"), **data}


def administrator(k, **data):
    sent = person(k, **data)
    answer = k.post("administrators/new", data=sent)
    need(answer.good, "administrators/new makes one")
    return answer


@case("administrators/new", "created_id, username, email")
def new(k):
    sent = person(k)
    success(k.post("administrators/new", data=sent), {"created_id": ID, "username": sent["username"], "email": sent["email"]})


@case("administrators/new: missing fields", "Missing field: NAME")
def missing(k):
    sent = person(k)
    for name in sent:
        refused(k.post("administrators/new", data={key: value for key, value in sent.items() if key != name}), f"Missing field: {name}")


@case("administrators/new: refusals", "Username exists. Email exists. Invalid email, Group/Reseller does not exist")
def refusals(k):
    other, sent = administrator(k), person(k)
    for change, error in (({"username": other["username"]}, "Username exists."), ({"email": other["email"]}, "Email exists."),
                          ({"email": "nonsense"}, "Invalid email"), ({"group_id": 4000000000}, "Group does not exist"),
                          ({"reseller_id": 4000000000}, "Reseller does not exist")):
        refused(k.post("administrators/new", data={**sent, **change}), error)


@case("administrators/new: password of 7 characters", "refused")
def short(k):
    refused(k.post("administrators/new", data=person(k, password="seven77")), re.compile("password", re.I))


@case("administrators/update", "modified_id and username, by id and by username")
def update(k):
    made = administrator(k)
    for selector in ({"id": made["created_id"]}, {"username": made["username"]}):
        success(k.post("administrators/update", **selector, data={"disabled": 1}), {"modified_id": made["created_id"], "username": made["username"]})


@case("administrators/update: refusals", "Administrator does not exist, and those of new")
def update_refusals(k):
    made, other = administrator(k), administrator(k)
    refused(k.post("administrators/update", username=k.name(), data={"disabled": 1}), "Administrator does not exist")
    for change, error in (({"username": other["username"]}, "Username exists."), ({"email": other["email"]}, "Email exists."),
                          ({"email": "nonsense"}, "Invalid email"), ({"group_id": 4000000000}, "Group does not exist")):
        refused(k.post("administrators/update", id=made["created_id"], data=change), error)


@case("administrators/update: if_updated_at", "Changed meanwhile")
def update_meanwhile(k):
    refused(k.post("administrators/update", id=administrator(k)["created_id"], if_updated_at=1, data={"disabled": 1}), "Changed meanwhile")


@case("administrators/delete", "deleted_id; then Administrator does not exist")
def delete(k):
    made = administrator(k)
    success(k.post("administrators/delete", id=made["created_id"]), {"deleted_id": made["created_id"]})
    refused(k.post("administrators/delete", id=made["created_id"]), "Administrator does not exist")


@case("administrators/list", "id, username, email, group_id, group, reseller_id, reseller, disabled, last_login_at")
def administrators(k):
    sent = person(k)
    made = k.post("administrators/new", data=sent)
    rows = k.get("administrators/list", id=made["created_id"])["administrators"]
    need(isinstance(rows, list) and len(rows) == 1, "the one administrator")
    row(rows[0], {"id": made["created_id"], "username": sent["username"], "email": sent["email"], "group_id": sent["group_id"], "group": TEXT,
                  "reseller_id": ID_OR_NONE, "reseller": TEXT_OR_NONE, "disabled": FLAG, "last_login_at": TIME_OR_NONE})
    need(sent["password"] not in k.last.text and "argon2" not in k.last.text, "neither the password nor its hash")


@case("groups/new", "name and rights; info answers the row as group")
def groups(k):
    number = k.new("groups", rights=["line:read"])
    row(k.post("groups/info", id=number)["group"], {"id": number, "name": TEXT, "rights": ["line:read"]})


@case("resellers/new", "created_id, name, credits")
def reseller(k):
    name = k.name()
    success(k.post("resellers/new", data={"name": name, "use_credits": 1, "credits": 15}), {"created_id": ID, "name": name, "credits": 15})
    success(k.post("resellers/new", data={"name": k.name()}), {"created_id": ID, "name": TEXT, "credits": 0})


@case("resellers/new: refusals", "Name exists. Missing field: name")
def reseller_refusals(k):
    refused(k.post("resellers/new", data={"name": k.reseller()["name"]}), "Name exists.")
    refused(k.post("resellers/new"), "Missing field: name")


@case("resellers/update", "modified_id, name, credits, by id and by name")
def reseller_update(k):
    made, name = k.reseller(credits=7), k.name()
    success(k.post("resellers/update", id=made["created_id"], data={"name": name}), {"modified_id": made["created_id"], "name": name, "credits": 7})
    success(k.post("resellers/update", id=made["created_id"], username=name, data={}), {"modified_id": made["created_id"], "name": name, "credits": 7})
    success(k.post("resellers/update", username=name, data={"use_credits": 1}), {"modified_id": made["created_id"], "name": name, "credits": 7})


@case("resellers/*: unknown", "Reseller does not exist")
def reseller_unknown(k):
    refused(k.post("resellers/update", username=k.name(), data={"use_credits": 1}), "Reseller does not exist")
    refused(k.post("resellers/add_credits", username=k.name(), credits=1), "Reseller does not exist")
    refused(k.post("resellers/delete", username=k.name()), "Reseller does not exist")


@case("resellers/*: by its administrator's username", "selects the reseller that the administrator works for")
def by_person(k):
    made = k.reseller(credits=1)
    username = administrator(k, reseller_id=made["created_id"])["username"]
    success(k.post("resellers/add_credits", username=username, credits=2), {"modified_id": made["created_id"], "credits": 3})


@case("resellers/*: id and username disagree", "refused, nothing changed")
def disagree(k):
    one, two = k.reseller(), k.reseller()
    refused(k.post("resellers/add_credits", id=one["created_id"], username=two["name"], credits=5), ANY)
    need(k.balance(one["created_id"]) == 0 and k.balance(two["created_id"]) == 0, "no credits for either")


@case("resellers/add_credits", "modified_id and the new balance")
def add(k):
    number = k.reseller(credits=10)["created_id"]
    for amount, balance in (("5", 15), ("-3", 12), ("-12", 0)):
        success(k.post("resellers/add_credits", id=number, credits=amount), {"modified_id": number, "credits": balance})


@case("resellers/add_credits: below 0", "Not enough credits; the balance stays")
def below(k):
    number = k.reseller(credits=10)["created_id"]
    refused(k.post("resellers/add_credits", id=number, credits=-11), "Not enough credits")
    need(k.balance(number) == 10, "a balance of 10")


@case("resellers/add_credits: no whole number", "Invalid credits; the balance stays")
def no_number(k):
    number = k.reseller(credits=10)["created_id"]
    for amount in ("many", "1.5", "1e3", "99999999999999999999999"):
        refused(k.post("resellers/add_credits", id=number, credits=amount), "Invalid credits")
    need(k.balance(number) == 10, "a balance of 10")


@case("a sale is paid from the credits", "the plan's credits go; without enough: Not enough credits, no line")
def sale(k):
    plan = k.new("subscription_plans", duration=1, duration_unit="month", credits=10)
    number = k.reseller(use_credits=1, credits=15)["created_id"]
    k.line(subscription_plan_id=plan, reseller_id=number)
    need(k.balance(number) == 5, "a balance of 5")
    name = k.name()
    refused(k.post("line/new", data={"username": name, "subscription_plan_id": plan, "reseller_id": number}), "Not enough credits")
    refused(k.post("line/info", username=name), "Wrong Username/Password.")
    refused(k.post("mag/new", data={"mac_address": k.mac(), "notes": k.marker, "subscription_plan_id": plan, "reseller_id": number}), "Not enough credits")
    need(k.balance(number) == 5, "a balance of 5")


@case("resellers/delete", "refused while lines belong to it, saying how many; then deleted_id")
def reseller_delete(k):
    number = k.reseller()["created_id"]
    lines = [k.line(reseller_id=number)["username"] for _ in range(2)]
    refused(k.post("resellers/delete", id=number), re.compile(r"\b2\b"))
    for username in lines:
        k.post("line/delete", username=username)
    success(k.post("resellers/delete", id=number), {"deleted_id": number})


@case("resellers/list", "id, name, usernames, emails, max_allowed_connections, use_credits, credits, lines, mags")
def resellers(k):
    made = k.reseller(credits=4)
    someone = administrator(k, reseller_id=made["created_id"])
    k.line(reseller_id=made["created_id"])
    rows = k.get("resellers/list", id=made["created_id"])["resellers"]
    need(isinstance(rows, list) and len(rows) == 1, "the one reseller")
    row(rows[0], {"id": made["created_id"], "name": made["name"], "usernames": [someone["username"]], "emails": [someone["email"]],
                  "max_allowed_connections": NUMBER, "use_credits": FLAG, "credits": 4, "lines": 1, "mags": 0})
    row(rows[0], {"trials_per_day": 10}, ordered=False)


@case("settings/get, whitelist_list, api_key_list", "settings as an object; the lists as arrays; no secret in them")
def settings(k):
    need(isinstance(k.get("settings/get")["settings"], dict), "settings")
    for name, rows in (("whitelist_list", "whitelist"), ("api_key_list", "api_keys")):
        need(isinstance(k.get(f"settings/{name}")[rows], list), rows)


@case("settings/api_key_new, api_key_revoke", "a key of less right is refused what it may not, then revoked: 401")
def api_key(k):
    made = k.post("settings/api_key_new", data={"name": k.name(), "scope": ["line:read"]})
    row(made.members, {"created_id": ID, "api_key": TEXT}, ordered=False)
    key = made["api_key"]
    success(k.call("line/list", {"api_key": key, "limit": 1}, key=None), {"total": COUNT, "lines": LIST})
    refused(k.call("line/new", {"api_key": key, "data": {"username": k.name()}}, key=None), ANY)
    success(k.post("settings/api_key_revoke", id=made["created_id"]), {"deleted_id": made["created_id"]})
    refused(k.wrong("line/list", {"api_key": key}), ANY, 401)


@case("settings/whitelist_add, whitelist_remove", "an address goes on the whitelist, is listed, and goes again")
def whitelist(k):
    address = f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::/64".replace(":0", ":1")
    row(k.post("settings/whitelist_add", address=address).members, {"created_id": ID, "address": TEXT})
    kept = k.last["address"]
    need(any(found.get("address") == kept for found in k.get("settings/whitelist_list")["whitelist"]), f"{kept} on the list")
    refused(k.post("settings/whitelist_add", address="nonsense"), ANY)
    need(k.post("settings/whitelist_remove", address=kept)["deleted_id"], "deleted_id")
    need(not any(found.get("address") == kept for found in k.get("settings/whitelist_list")["whitelist"]), f"{kept} no longer on the list")


@case("settings/update: unknown field", "refused, naming it")
def settings_unknown(k):
    refused(k.post("settings/update", data={"colour": "red"}), re.compile("colour"))


@case("logs/list", "kind error, audit, login: logs as an array")
def logs(k):
    for kind in ("error", "audit", "login"):
        need(isinstance(k.get("logs/list", kind=kind, limit=1)["logs"], list), f"logs of the kind {kind}")


@case("logs/list: audit", "a change of ours stands there, without its password")
def audit(k):
    line = k.line(password="Secret-of-a-line-1")
    rows = k.post("logs/list", kind="audit", search=line["username"])["logs"]
    need(isinstance(rows, list) and len(rows) == 1 and line["password"] not in k.last.text, "one row, without the password")


@case("connections/list, kill", "connections as an array; an unknown connection is refused")
def connections(k):
    need(isinstance(k.get("connections/list")["connections"], list), "connections")
    need(k.get("connections/list", username=k.line()["username"])["connections"] == [], "none of a new line")
    refused(k.post("connections/kill", connection_id=(1 << 62) + 1), ANY)
