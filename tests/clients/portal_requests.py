"""What a set-top box asks for from start to picture, request by request: portal_requests.py URL MAC CHANNELS.

It asks for do_auth whether or not the MAG has a login, as several apps do, and takes the list page by page.
"""

import json
import sys
import time
import urllib.parse
import urllib.request

url, mac, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
headers = {"Cookie": f"mac={urllib.parse.quote(mac)}; stb_lang=en; timezone=Europe%2FLondon", "User-Agent": "Mozilla/5.0 (QtEmbedded; U; Linux; C) MAG200 stbapp"}


def js(type, action, **parameters):
    query = urllib.parse.urlencode({"type": type, "action": action, "JsHttpRequest": "1-xml", **parameters})
    request = urllib.request.Request(f"{url}/portal.php?{query}", headers=headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["js"]


headers["Authorization"] = f"Bearer {js('stb', 'handshake', token='')['token']}"
assert "status" in js("stb", "get_profile", hd="1", stb_type="MAG250", sn="0123456789012")
assert js("stb", "do_auth", login="", password="") is True
assert js("account_info", "get_main_info")["mac"] == mac
genres = js("itv", "get_genres")
assert len(genres) == 6 and all(isinstance(genre["id"], str) for genre in genres), genres
found = []
for page in range(1, 10):
    part = js("itv", "get_ordered_list", genre="*", p=page, sortby="number", hd="0", fav="0", force_ch_link_check="")
    assert int(part["total_items"]) == count and int(part["max_page_items"]) == 14, part
    if not part["data"]:
        break
    found += part["data"]
assert len({channel["id"] for channel in found}) == len(found) == count
assert all(isinstance(channel["number"], str) and isinstance(channel["name"], str) for channel in found)
assert len(js("itv", "get_all_channels")["data"]) == count
short = js("itv", "get_short_epg", ch_id=found[0]["id"], size="3")
assert len(short) == 3 and all(isinstance(one["name"], str) and isinstance(one["descr"], str) for one in short), short
assert short[0]["start_timestamp"] <= time.time() < short[0]["stop_timestamp"] and short[0]["id"].startswith(found[0]["id"] + "_")
info = js("itv", "get_epg_info", period="5")["data"]
assert set(info) == {channel["id"] for channel in found}, list(info)
week = js("epg", "get_week")
assert [day["today"] for day in week].count(1) == 1, week
day = js("epg", "get_simple_data_table", ch_id=found[0]["id"], date=week[-2]["f_mysql"], p="1")
assert day["max_page_items"] == 10 and len(day["data"]) == min(10, day["total_items"]) > 0, day
link = js("itv", "create_link", cmd=found[0]["cmd"], series="", forced_storage="undefined", disable_ad="0")["cmd"].split()[-1]
assert "/play/" in link, link
with urllib.request.urlopen(link) as live:
    assert live.read(1) == b"G", "a transport stream"
assert "data" in js("watchdog", "get_events", cur_play_type="1", event_active_id="0", init="0")
print("requests of a box: passed")
