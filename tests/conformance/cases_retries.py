"""What a billing system relies on: references, repeats, dry runs, changes meanwhile."""

from expect import ID, LIST, TEXT, case, naming, need, refused, row, success

WRONG = "Wrong Username/Password."


@case("reference: in place of the name", "every call that takes username or mac_address takes reference instead")
def instead(k):
    reference, other = k.name(), k.name()
    line, box = k.line(reference=reference), k.mag(reference=other)
    success(k.post("line/update", reference=reference, data={"notes": "x"}),
            {"modified_id": line["created_id"], "username": line["username"], "password": line["password"]})
    row(k.get("line/info", reference=reference)["line_info"], {"id": line["created_id"], "reference": reference}, ordered=False)
    success(k.post("mag/update", reference=other, data={"notes": k.marker}), {"modified_id": box["created_id"], "mac_address": box["mac_address"]})
    success(k.post("mag/delete", reference=other), {"deleted_id": box["created_id"]})
    success(k.post("line/delete", reference=reference), {"deleted_id": line["created_id"]})


@case("reference: taken", "Reference exists. for a second line, and for a MAG: unique among both")
def taken(k):
    reference = k.name()
    k.line(reference=reference)
    refused(k.post("line/new", data={"username": k.name(), "reference": reference}), "Reference exists.")
    refused(k.post("mag/new", data={"mac_address": k.mac(), "notes": k.marker, "reference": reference}), "Reference exists.")
    refused(k.post("line/update", username=k.line()["username"], data={"reference": reference}), "Reference exists.")


@case("reference: bounds", "64 characters are good, 65 refused; empty as often as one likes")
def bounds(k):
    k.line(reference=k.name().ljust(64, "x"))
    refused(k.post("line/new", data={"username": k.name(), "reference": k.name().ljust(65, "x")}), naming("reference"))
    k.line(reference="")
    k.line(reference="")


@case("reference: of a deleted line", "free again")
def freed(k):
    reference = k.name()
    k.post("line/delete", username=k.line(reference=reference)["username"])
    k.line(reference=reference)


@case("reference: unknown", "refused as a wrong username or MAC address")
def unknown(k):
    refused(k.post("line/info", reference=k.name()), WRONG)
    refused(k.post("mag/info", reference=k.name()), "MAC Address does not exist")


@case("reference: as a filter", "lists filter by it")
def filtered(k):
    reference = k.name()
    line = k.line(reference=reference)
    rows = k.post("line/list", reference=reference)["lines"]
    need(isinstance(rows, list) and [found["id"] for found in rows] == [line["created_id"]], f"the line {line['created_id']} alone")


@case("a sale that is repeated after days", "same reference, no Idempotency-Key: refused, and paid once")
def sold_once(k):
    plan = k.new("subscription_plans", duration=1, duration_unit="month", credits=10)
    number, reference = k.reseller(use_credits=1, credits=50)["created_id"], k.name()
    data = {"subscription_plan_id": plan, "reseller_id": number, "reference": reference}
    need(k.post("line/new", data=data).good, "a line")
    refused(k.post("line/new", data=data), "Reference exists.")
    need(k.balance(number) == 40, "a balance of 40")


@case("Idempotency-Key: line/new", "the repeat is the first answer, byte for byte, and makes no second line")
def repeat_new(k):
    note = k.name()
    first, second = (k.keyed("line/new", note, data={"notes": note}) for _ in range(2))
    need(first.good and first.text == second.text, f"again {first.text}")
    need(k.post("line/list", search=note)["total"] == 1, "one line")


@case("Idempotency-Key: add_credits", "the repeat answers the first balance and adds nothing")
def repeat_credits(k):
    number, key = k.reseller(credits=10)["created_id"], k.name()
    for _ in range(3):
        success(k.keyed("resellers/add_credits", key, id=number, credits=5), {"modified_id": number, "credits": 15})
    need(k.balance(number) == 15, "a balance of 15")
    success(k.keyed("resellers/add_credits", key + "b", id=number, credits=5), {"modified_id": number, "credits": 20})


@case("Idempotency-Key: on delete and update", "the repeat of a delete answers deleted_id again")
def repeat_delete(k):
    line, key = k.line(), k.name()
    for _ in range(2):
        success(k.keyed("line/delete", key, username=line["username"]), {"deleted_id": line["created_id"]})


@case("Idempotency-Key: four at once", "credits are added once; all get the one answer")
def at_once(k):
    number = k.reseller(credits=10)["created_id"]
    headers = {"Idempotency-Key": k.name()}
    answers = [answer.text for answer in k.at_once(4, "resellers/add_credits", {"id": number, "credits": 5}, headers=headers)]
    need(len(answers) == 4 and len(set(answers)) == 1, f"four times the same answer, not {sorted(set(answers))}")
    need(k.balance(number) == 15, "a balance of 15")


@case("four at once: one username", "one line; the others: Username exists.")
def one_name(k):
    answers = k.at_once(4, "line/new", {"data": {"username": k.name()}})
    need(sorted(answer["error"] or "" for answer in answers) == ["", *3 * ["Username exists."]], "one line, and three times Username exists.")


@case("four at once: credits for one sale", "one line; the others: Not enough credits")
def one_sale(k):
    plan = k.new("subscription_plans", duration=1, duration_unit="month", credits=10)
    number = k.reseller(use_credits=1, credits=15)["created_id"]
    answers = k.at_once(4, "line/new", {"data": {"subscription_plan_id": plan, "reseller_id": number, "notes": k.marker}})
    need(sorted(answer["error"] or "" for answer in answers) == ["", *3 * ["Not enough credits"]], "one line, and three times Not enough credits")
    need(k.balance(number) == 5, "a balance of 5")


@case("line/bulk: dry_run", "preview_id, count, credits, refused, sample of the lines that were named")
def preview(k):
    lines = [k.line()["created_id"] for _ in range(3)]
    # A bouquet of ours that is empty: whatever a server does with this, it shows nobody another channel.
    answer = k.post("line/bulk", dry_run=1, ids=lines, action="update", data={"add_bouquet": k.new("bouquets")})
    row(answer.members, {"result": True, "preview_id": ID, "count": 3, "credits": 0, "refused": [], "sample": LIST})


@case("dry_run: line/new", "created_id and generated names null, dry_run true; nothing is made or charged")
def dry_new(k):
    plan = k.new("subscription_plans", duration=1, duration_unit="month", credits=10)
    number, note = k.reseller(use_credits=1, credits=50)["created_id"], k.name()
    answer = k.post("line/new", dry_run=1, data={"subscription_plan_id": plan, "reseller_id": number, "notes": note})
    success(answer, {"created_id": None, "username": None, "password": None, "dry_run": True})
    need(k.post("line/list", search=note)["total"] == 0 and k.balance(number) == 50, "no line, and a balance of 50")


@case("dry_run: the refusals of the real call", "Username exists. Not enough credits, unknown fields")
def dry_refusals(k):
    refused(k.post("line/new", dry_run=1, data={"username": k.line()["username"]}), "Username exists.")
    refused(k.post("line/new", dry_run=1, data={"colour": "red"}), naming("colour"))
    refused(k.post("resellers/add_credits", dry_run=1, id=k.reseller()["created_id"], credits=-1), "Not enough credits")


@case("dry_run: update, delete, add_credits", "the answer that would come, with dry_run true; nothing changed")
def dry_changes(k):
    line, number = k.line(notes="as it was"), k.reseller(credits=10)["created_id"]
    name = line["username"]
    success(k.post("line/update", dry_run=1, username=name, data={"notes": "x"}),
            {"modified_id": line["created_id"], "username": name, "password": line["password"], "dry_run": True})
    success(k.post("line/delete", dry_run=1, username=name), {"deleted_id": line["created_id"], "dry_run": True})
    success(k.post("resellers/add_credits", dry_run=1, id=number, credits=5), {"modified_id": number, "credits": 15, "dry_run": True})
    need(k.info(name).get("notes") == "as it was" and k.balance(number) == 10, "the line and the balance as they were")


@case("dry_run: every new", "created_id null and dry_run true; nothing is made")
def dry_everything(k):
    name = k.name()
    for resource, data in (("mag", {"mac_address": k.mac(), "notes": name}), ("resellers", {"name": name}), ("streams", {"name": name, "enabled": 0}),
                           ("bouquets", {"name": name}), ("categories", {"name": name}), ("subscription_plans", {"name": name}),
                           ("groups", {"name": name}), ("servers", {"name": name, "server_ip": "192.0.2.1"})):
        row(k.post(f"{resource}/new", dry_run=1, data=data).members, {"result": True, "created_id": None, "dry_run": True})
        need(k.post(f"{resource}/list", search=name)["total"] == 0, f"no {resource}")
    row(k.post("settings/api_key_new", dry_run=1, data={"name": name, "scope": ["line:read"]}).members,
        {"result": True, "created_id": None, "api_key": None, "dry_run": True})


@case("dry_run: on a reading call", "an unknown field")
def dry_reading(k):
    refused(k.post("line/list", dry_run=1), naming("dry_run"))


@case("dry_run: does not use up an Idempotency-Key", "the same key then makes the line (ours)")
def dry_repeat(k):
    name, key = k.name(), k.name()
    need(k.keyed("line/new", key, dry_run=1, data={"username": name})["dry_run"] is True, "dry_run true")
    success(k.keyed("line/new", key, data={"username": name}), {"created_id": ID, "username": name, "password": TEXT})


@case("if_updated_at", "done with the row's own updated_at; Changed meanwhile with another")
def meanwhile(k):
    line = k.line(notes="a")
    name, seen = line["username"], k.info(line["username"])["updated_at"]
    need(k.post("line/update", username=name, if_updated_at=seen, data={"notes": "b"}).good, "the update")
    refused(k.post("line/update", username=name, if_updated_at=seen, data={"notes": "c"}), "Changed meanwhile")
    need(k.info(name).get("notes") == "b", "the notes b")


@case("if_updated_at: every update", "mag, resellers, streams, bouquets, plans, categories, groups, servers: Changed meanwhile")
def meanwhile_others(k):
    refused(k.post("mag/update", mac_address=k.mag()["mac_address"], if_updated_at=1, data={"notes": k.marker}), "Changed meanwhile")
    refused(k.post("resellers/update", id=k.reseller()["created_id"], if_updated_at=1, data={"use_credits": 1}), "Changed meanwhile")
    for name, data in (("streams", {"enabled": 0}), ("bouquets", {}), ("subscription_plans", {}), ("categories", {}), ("groups", {}),
                       ("servers", {"server_ip": "192.0.2.1"})):
        number = k.new(name, **data)
        refused(k.post(f"{name}/update", id=number, if_updated_at=1, data={"name": k.name()}), "Changed meanwhile")
