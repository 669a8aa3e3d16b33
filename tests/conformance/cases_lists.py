"""line/list and mag/list: pages, search, filters."""

from expect import COUNT, LIST, case, need, success


def five(k):
    """Five lines that one search finds, and another; that text, and the lines."""
    text = k.name() + "-page"
    k.line(max_allowed_connections=3)
    return text, [k.line(notes=text, max_allowed_connections=place)["created_id"] for place in range(1, 6)]


def ids(answer, name="lines"):
    rows = answer[name]
    return [found.get("id") for found in rows] if isinstance(rows, list) else None


@case("line/list", "total and lines in this order; at most 100 unless asked")
def plain(k):
    success(k.post("line/list"), {"total": COUNT, "lines": LIST})
    need(len(k.last["lines"]) <= 100, "at most 100 lines")


@case("line/list: limit, offset, after", "pages without gap or repeat; total is of all of them")
def pages(k):
    text, made = five(k)
    for wanted, fields in ((made[:2], {"limit": 2}), (made[2:4], {"limit": 2, "offset": 2}), (made[2:], {"after": made[1]}), ([], {"after": made[4]})):
        answer = k.post("line/list", search=text, **fields)
        need(sorted(ids(answer) or []) == wanted and answer["total"] == 5, f"total 5 and the lines {wanted} for {fields}")


@case("line/list: limit 1000", "good; it is the most")
def most(k):
    success(k.post("line/list", limit=1000, search=k.marker), {"total": COUNT, "lines": LIST})


@case("line/list: limit 1001", "refused, or 1,000 at most")
def over(k):
    answer = k.post("line/list", limit=1001)
    need(answer["result"] is False or len(answer["lines"]) <= 1000, "a refusal, or at most 1,000 lines")


@case("line/list: any column as a filter", "rows that have exactly this value")
def filters(k):
    text, made = five(k)
    answer = k.post("line/list", search=text, max_allowed_connections=3)
    need(ids(answer) == [made[2]] and answer["total"] == 1, f"total 1 and the line {made[2]}")
    answer = k.get("line/list", id=made[3])
    need(ids(answer) == [made[3]], f"the line {made[3]}")


@case("line/list: by reseller", "reseller_id as a filter")
def by_reseller(k):
    number = k.reseller()["created_id"]
    line, _ = k.line(reseller_id=number), k.line()
    need(ids(k.post("line/list", reseller_id=number)) == [line["created_id"]], f"the line {line['created_id']} alone")


@case("line/list: changed_since", "rows that changed at or after that time")
def changed(k):
    text, made = five(k)
    latest = max(k.info(found["username"])["updated_at"] for found in k.post("line/list", search=text)["lines"])
    need(ids(k.post("line/list", search=text, changed_since=latest + 3600)) == [], "no lines for an hour after the last change")
    need(made[4] in (ids(k.post("line/list", search=text, changed_since=latest)) or []), f"the line {made[4]} for its own time")


@case("updated_at", "rises with every change, also twice in a second")
def rising(k):
    name = k.line()["username"]
    seen = [k.info(name)["updated_at"]]
    for note in ("a", "b", "c"):
        k.post("line/update", username=name, data={"notes": note})
        seen.append(k.info(name)["updated_at"])
    need(seen == sorted(set(seen)), "a larger updated_at after each change")


@case("line/list: unknown filter", "refused, naming it")
def unknown(k):
    need(k.post("line/list", colour="red")["result"] is False and "colour" in str(k.last["error"]), "a refusal that names colour")


@case("mag/list", "total and mags, with search and filters")
def mags(k):
    text = k.name() + "-page"
    made, _ = k.mag(notes=text), k.mag()
    answer = success(k.post("mag/list", search=text), {"total": 1, "mags": LIST})
    need(ids(answer, "mags") == [made["created_id"]], f"the MAG {made['created_id']}")
    need(ids(k.post("mag/list", mac_address=made["mac_address"]), "mags") == [made["created_id"]], "the same by mac_address")
