"""Kodi's catch-up with pvr.iptvsimple, in each of its ways, on the demo: kodi_catchup.py URL KEY USERNAME PASSWORD.

A programme that was recorded is played as a film of its own, and as live with a past (inputstream.ffmpegdirect); as the playlist says,
in unix seconds, and by the clock on the wall, as people set it for all channels.
"""

import calendar
import json
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from kodi import Kodi, within

url, key, username, password = sys.argv[1:5]
login = f"username={username}&amp;password={password}"
SHIFT, XTREAM_CODES = "3", "5"
WAYS = {
    "a film, as the playlist says": {},
    "live with a past, as the playlist says": {"catchupPlayEpgAsLive": "true"},
    "a film, catchup=xc for all channels": {"allChannelsCatchupMode": XTREAM_CODES, "catchupOverrideMode": "1"},
    "a film, catchup=shift for all channels": {"allChannelsCatchupMode": SHIFT, "catchupOverrideMode": "1"},
}


def call(name, **fields):
    body = urllib.parse.urlencode({"api_key": key, **fields}).encode()
    answer = json.load(urllib.request.urlopen(f"{url}/api/{name}", body, timeout=30))
    assert answer["result"], f"{name}: {answer}"
    return answer


def watched():
    """What the line watches: the kind, and the moment at which a window begins."""
    return [(it["kind"], it["stream_name"]) for it in call("connections/list", username=username)["connections"]]


def recorded():
    """The stream that is recorded, and a programme of it that is over and whole."""
    for stream in call("archive/list")["archives"]:
        found = call("guide/programmes", stream_id=stream["stream_id"], **{"from": int(time.time()) - 3 * 86400})
        over = [it for it in found["programmes"] if it["recorded"] and it["stop"] < time.time() - 3600]
        if over:
            return call("streams/info", id=stream["stream_id"])["stream"], over[len(over) // 2]
    raise AssertionError("nothing is recorded")


def began(broadcast):
    return calendar.timegm(time.strptime(broadcast["starttime"], "%Y-%m-%d %H:%M:%S"))


def listed(kodi, channel, programme):
    """The broadcasts from that programme on, once Kodi has it. It fills gaps with some that have no id."""
    properties = ["title", "starttime", "endtime"]
    found = kodi.call("PVR.GetBroadcasts", channelid=channel["channelid"], properties=properties).get("broadcasts", [])
    found = [it for it in found if "broadcastid" in it and began(it) >= programme["start"]]
    return found if len(found) > 1 and began(found[0]) == programme["start"] else None


def test(kodi, stream, programme):
    channels = kodi.begin()
    channel = next(channel for channel in channels if channel["label"] == stream["name"])
    broadcasts = within(120, "the programme is there", lambda: listed(kodi, channel, programme))
    broadcast = broadcasts[0]
    assert broadcast["title"] == programme["title"], (broadcast, programme)
    playable = lambda it: kodi.call("PVR.GetBroadcastIsPlayable", broadcastid=it["broadcastid"])
    assert playable(broadcast), "Kodi knows that it can be watched again"
    assert not playable(broadcasts[-1]), "what is to come cannot"
    kodi.call("Player.Open", item={"broadcastid": broadcast["broadcastid"]})
    try:
        within(60, "it plays", lambda: moves(kodi))
    except AssertionError as late:
        raise AssertionError(f"{late}: {kodi.log()[-6000:]}") from None
    assert ("archive", stream["name"]) in watched(), watched()
    return broadcast


def position(kodi):
    """How many seconds of what is shown have passed."""
    state = kodi.call("Player.GetProperties", playerid=1, properties=["time", "live"])
    if state["live"]:
        # Its time counts from when it was opened: of the programme, as the guide has it, this is known.
        passed = kodi.call("XBMC.GetInfoLabels", labels=["PVR.EpgEventElapsedTime"])["PVR.EpgEventElapsedTime"]
        return sum(int(part) * 60**place for place, part in enumerate(reversed(passed.split(":")))) if passed else 0
    return state["time"]["hours"] * 3600 + state["time"]["minutes"] * 60 + state["time"]["seconds"]


def moves(kodi):
    """Whether there is a picture, and time goes on."""
    if not kodi.call("Player.GetActivePlayers"):
        return False
    names = ["Player.HasVideo", "Player.Playing", "Player.Caching"]
    states = kodi.call("XBMC.GetInfoBooleans", booleans=names)
    if [states[name] for name in names] != [True, True, False]:
        return False
    before = position(kodi)
    time.sleep(2)
    return position(kodi) > before


def seeks(kodi):
    """Jumps two minutes ahead; it goes on from there."""
    can_seek = lambda: kodi.call("Player.GetProperties", playerid=1, properties=["canseek"])["canseek"]
    within(30, "it can be sought in", can_seek)
    before = position(kodi)
    kodi.call("Player.Seek", playerid=1, value={"seconds": 120})
    within(60, "it goes on two minutes later", lambda: moves(kodi) and position(kodi) > before + 100)


stream, programme = recorded()
for way, values in WAYS.items():
    values = {
        "m3uPathType": "1",
        "m3uUrl": f"{url}/get.php?{login}&amp;type=m3u_plus&amp;output=ts",
        "m3uCache": "false",
        "epgPathType": "1",
        "epgUrl": f"{url}/xmltv.php?{login}",
        "catchupEnabled": "true",
        "catchupDays": "3",
        **values,
    }
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        kodi = Kodi(Path(folder), "pvr.iptvsimple", values)
        try:
            test(kodi, stream, programme)
            seeks(kodi)
            kodi.call("Player.Stop", playerid=1)
            within(40, "its connection is gone", lambda: watched() == [])
        finally:
            kodi.end()
    print(f"Kodi, catch-up as {way}: passed", flush=True)
