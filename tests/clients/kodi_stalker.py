"""Kodi's Stalker client on a MAG with one connection: kodi_stalker.py PROGRAM.

It has a server of its own, because it also stops and starts it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from pathlib import Path

from kodi import Kodi, free_port, within

KEY = "clients-key-0123456789"
MAC = "00:1A:79:DE:E0:01"


class Server:
    """A server with the demo's channels, started and stopped on one address."""

    def __init__(self, program):
        self.program = program
        self.data = tempfile.TemporaryDirectory()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = dict(os.environ, LINECARD_API_KEY=KEY, LINECARD_DATA=self.data.name)
        subprocess.run([program, "demo"], env=self.environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self):
        command = [self.program, "serve", "--listen", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        for line in self.process.stdout:
            if line.startswith("Linecard is listening on "):
                return
        raise AssertionError("the server does not start")

    def stop(self):
        self.process.terminate()
        self.process.wait()

    def call(self, call, **fields):
        body = urllib.parse.urlencode({"api_key": KEY, **fields}).encode()
        answer = json.load(urllib.request.urlopen(f"{self.url}/api/{call}", body, timeout=30))
        assert answer["result"], f"{call}: {answer}"
        return answer

    def watching(self):
        return [open["stream_name"] for open in self.call("mag/info", mac_address=MAC)["mag_conn_info"]]


def opens(kodi, channel):
    """Whether a channel plays within a moment."""
    try:
        kodi.zap(channel, 20)
    except (AssertionError, RuntimeError):
        return False
    return True


def refusals(kodi):
    """How many channels it could not open."""
    return kodi.log().count("GetChannelStreamProperties: Add-on 'pvr.stalker' returned an error")


def test(server, kodi):
    channels = kodi.begin()
    assert len(channels) == 20, f"Kodi sees {len(channels)} channels"
    groups = {group["label"] for group in kodi.call("PVR.GetChannelGroups", channeltype="tv")["channelgroups"]}
    assert {"News", "Sports", "Films", "Children", "Music"} <= groups, groups
    for channel in channels[:3]:
        assert len(kodi.programmes(channel)) > 10, channel
    for place in (0, 6, 0):
        kodi.zap(channels[place])
        assert server.watching() == [channels[place]["label"]], "one connection, and the channel that is on"
    # The token holds over a restart of the server.
    server.stop()
    server.start()
    within(120, "a channel opens after a restart", lambda: opens(kodi, channels[2]))
    assert server.watching() == [channels[2]["label"]], server.watching()
    # Disabled: the picture ends at once and no channel opens, though Kodi goes on to list what it knew.
    # Enabled again: they open, without anybody touching Kodi.
    for lost, back in ({"data[disabled]": 1}, {"data[disabled]": 0}), ({"data[expire_date]": 10**9}, {"data[expire_date]": ""}):
        time.sleep(5)
        server.call("mag/update", mac_address=MAC, **lost)
        within(2, "its picture ends", lambda: server.watching() == [])
        # Its player may hang on the sound card that there is not, with the last frame on the screen.
        if kodi.call("Player.GetActivePlayers"):
            kodi.call("Player.Stop", playerid=1)
        within(120, "Kodi shows nothing", lambda: kodi.call("Player.GetActivePlayers") == [])
        before = refusals(kodi)
        kodi.call("Player.Open", item={"channelid": channels[1]["channelid"]})
        within(30, "no channel opens", lambda: refusals(kodi) > before)
        # Longer than it takes Kodi to ask for events, and to try to sign in five times.
        time.sleep(75)
        assert server.watching() == [], server.watching()
        server.call("mag/update", mac_address=MAC, **back)
        within(30, "a channel opens again", lambda: opens(kodi, channels[1]))


def test_anew(server, kodi):
    channels = kodi.begin()
    assert len(channels) == 20, f"Kodi sees {len(channels)} channels after its restart"
    kodi.zap(channels[3])
    assert server.watching() == [channels[3]["label"]], server.watching()


server = Server(sys.argv[1])
server.start()
server.call("mag/new", **{"data[mac_address]": MAC, "data[subscription_plan_id]": 2, "data[max_allowed_connections]": 1})
values = {"active_portal": 0, "mac_0": MAC, "server_0": f"{server.url}/stalker_portal/c/", "time_zone_0": "Europe/London",
          "login_0": "", "password_0": "", "connection_timeout_0": 1, "guide_preference_0": 0, "guide_cache_0": 1,
          "guide_cache_hours_0": 24}
try:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for run in test, test_anew:
            kodi = Kodi(Path(folder), "pvr.stalker", values)
            try:
                run(server, kodi)
            finally:
                kodi.end()
finally:
    server.stop()
print("Kodi, pvr.stalker: passed")
