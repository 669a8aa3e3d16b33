"""The kind of every field of the player API, as the strictest readers among players take them: field_kinds.py URL USERNAME PASSWORD CHANNELS.

A typed reader (serde, kotlinx.serialization, Swift's Codable) refuses a whole list for one number that is a text, or the other way round.
"""

import base64
import json
import sys
import urllib.parse
import urllib.request

url, username, password, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def ask(secret=password, **parameters):
    query = urllib.parse.urlencode({"username": username, "password": secret, **parameters})
    with urllib.request.urlopen(f"{url}/player_api.php?{query}") as answer:
        return json.load(answer)


def digits(value):
    return isinstance(value, str) and value.isascii() and value.isdigit()


def number(value):
    return type(value) is int


def text(value):
    return isinstance(value, str)


def nothing_or(kind):
    return lambda value: value is None or kind(value)


def each(kind):
    return lambda value: isinstance(value, list) and all(map(kind, value))


ACCOUNT = {
    "user_info": {
        "username": text, "password": text, "message": text, "status": text, "auth": number, "exp_date": nothing_or(digits),
        "is_trial": digits, "active_cons": digits, "max_connections": digits, "created_at": digits,
        "allowed_output_formats": each(text),
    },
    "server_info": {
        "url": text, "port": digits, "https_port": digits, "server_protocol": text, "rtmp_port": digits, "timezone": text,
        "timestamp_now": number, "time_now": text,
    },
}
CATEGORY = {"category_id": digits, "category_name": text, "parent_id": number}
CHANNEL = {
    "num": number, "name": text, "stream_type": text, "stream_id": number, "stream_icon": text,
    "epg_channel_id": nothing_or(text), "added": digits, "category_id": digits, "category_ids": each(number),
    "custom_sid": text, "direct_source": text, "tv_archive": number, "tv_archive_duration": number,
}

LISTING = {
    "id": digits, "epg_id": digits, "title": text, "lang": text, "start": text, "end": text, "description": text,
    "channel_id": text, "start_timestamp": digits, "stop_timestamp": digits, "now_playing": number, "has_archive": number,
}


def holds(kinds, record):
    for name, kind in kinds.items():
        assert name in record, f"{name} is missing in {record}"
        if isinstance(kind, dict):
            holds(kind, record[name])
        else:
            assert kind(record[name]), f"{name}: {record[name]!r} in {record}"


for action in ({}, {"action": "get_profile"}, {"action": "get_account_info"}, {"action": "no_such_action"}):
    account = ask(**action)
    holds(ACCOUNT, account)
    assert account["user_info"]["username"] == username
channels = ask(action="get_live_streams")
assert len(channels) == count, len(channels)
for channel in channels:
    holds(CHANNEL, channel)
    assert channel["name"] and channel["stream_type"] == "live" and "is_adult" not in channel, channel
categories = ask(action="get_live_categories")
for category in categories:
    holds(CATEGORY, category)
parts = [ask(action="get_live_streams", category_id=category["category_id"]) for category in categories]
assert sum(map(len, parts)) == count, "each channel has one category"
for action in "get_vod_categories", "get_vod_streams", "get_series_categories", "get_series":
    assert ask(action=action) == [], action
for action in "get_short_epg", "get_simple_data_table":
    listings = ask(action=action, stream_id=channels[0]["stream_id"])["epg_listings"]
    assert len(listings) >= 4, action
    for listing in listings:
        holds(LISTING, listing)
        assert base64.b64decode(listing["title"], validate=True).decode() and int(listing["id"]) < 2**31, listing
    assert sum(listing["now_playing"] for listing in listings) == 1, action
assert ask(secret="wrong") == {"user_info": {"auth": 0}}, "a wrong password"
with urllib.request.urlopen(f"{url}/live/{username}/{password}/{channels[0]['stream_id']}.ts") as live:
    assert live.read(1) == b"G", "a transport stream"
print("types of the player API: passed")
