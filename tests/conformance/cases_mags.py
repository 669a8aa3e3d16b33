"""mag/*: spellings of addresses, refusals, showing."""

from expect import ANY, FLAG, ID, LIST, NUMBER, OBJECT, TIME, case, need, refused, row, success

INVALID, NONE, TAKEN = "Invalid MAC Address", "MAC Address does not exist", "MAC Address already exists"


def spellings(mac):
    return [mac.replace(":", "-"), mac.replace(":", ""), mac.lower(), mac.lower().replace(":", "-")]


@case("mag/new", "created_id and mac_address, upper-case with colons")
def new(k):
    made = k.mag()
    success(made, {"created_id": ID, "mac_address": made["mac_address"]})


@case("mag/new: other spellings", "dashes, bare, small letters: answered upper-case with colons")
def new_spellings(k):
    for place in range(4):
        mac = k.mac()
        success(k.post("mag/new", data={"mac_address": spellings(mac)[place], "notes": k.marker}), {"created_id": ID, "mac_address": mac})


@case("mag/new: taken, in every spelling", TAKEN)
def new_taken(k):
    mac = k.mag()["mac_address"]
    for spelled in [mac, *spellings(mac)]:
        refused(k.post("mag/new", data={"mac_address": spelled, "notes": k.marker}), TAKEN)


@case("mag/new: malformed", INVALID)
def new_malformed(k):
    for mac in ("nonsense", "00:1A:79", "00:1A:79:00:00:0G", "00:1A:79:00:00:00:00", "00:1A:79:00:00:0"):
        refused(k.post("mag/new", data={"mac_address": mac, "notes": k.marker}), INVALID)


@case("mag/new: all-zero, broadcast, multicast", INVALID)
def new_no_device(k):
    for mac in ("00:00:00:00:00:00", "FF:FF:FF:FF:FF:FF", "01:00:5E:00:00:01"):
        refused(k.post("mag/new", data={"mac_address": mac, "notes": k.marker}), INVALID)


@case("mag/new: no mac_address", "refused")
def new_none(k):
    refused(k.post("mag/new", data={"notes": k.marker}), ANY)


@case("mag/update", "modified_id and mac_address; found in every spelling")
def update(k):
    made = k.mag()
    for spelled in spellings(made["mac_address"]):
        success(k.post("mag/update", mac_address=spelled, data={"max_allowed_connections": 2}),
                {"modified_id": made["created_id"], "mac_address": made["mac_address"]})


@case("mag/update: another address", "mac_address is the new one; a taken one is refused")
def update_mac(k):
    made, other, mac = k.mag(), k.mag(), k.mac()
    success(k.post("mag/update", mac_address=made["mac_address"], data={"mac_address": mac}), {"modified_id": made["created_id"], "mac_address": mac})
    refused(k.post("mag/update", mac_address=mac, data={"mac_address": other["mac_address"].lower()}), TAKEN)
    refused(k.post("mag/update", mac_address=mac, data={"mac_address": "nonsense"}), INVALID)


def gone(k):
    """An address that nobody has: it was ours."""
    made = k.mag()
    success(k.post("mag/delete", mac_address=made["mac_address"]), {"deleted_id": made["created_id"]})
    return made["mac_address"]


@case("mag/delete", "deleted_id; then update, delete and info: MAC Address does not exist")
def delete(k):
    mac = gone(k)
    for action in ("update", "delete", "info"):
        refused(k.post(f"mag/{action}", mac_address=mac), NONE)


@case("mag/update, delete, info: malformed", INVALID)
def malformed(k):
    for action in ("update", "delete", "info"):
        refused(k.post(f"mag/{action}", mac_address="nonsense"), INVALID)


@case("mag/info", "mag_info, mag_conn_info and mag_channel_ids in this order; GET too")
def info(k):
    made = k.mag()
    for ask in (k.post, k.get):
        answer = ask("mag/info", mac_address=made["mac_address"])
        row(answer.members, {"result": True, "mag_info": OBJECT, "mag_conn_info": [], "mag_channel_ids": []})
    row(answer["mag_info"], {"id": made["created_id"], "mac_address": made["mac_address"], "max_allowed_connections": NUMBER, "expire_date": None,
                             "disabled": FLAG, "allowed_ips": LIST, "bouquets": [], "created_at": TIME, "updated_at": TIME}, ordered=False)


@case("mag_channel_ids", "as those of a line")
def channels(k):
    one, two = k.new("streams", enabled=0), k.new("streams", enabled=0)
    made = k.mag(bouquets=[k.new("bouquets", streams=[two, one])])
    need(k.post("mag/info", mac_address=made["mac_address"])["mag_channel_ids"] == [two, one], f"mag_channel_ids {[two, one]}")
