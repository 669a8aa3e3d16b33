"""Kodi with pvr.iptvsimple, without a screen, on a line with one connection: kodi.py URL USERNAME PASSWORD CHANNELS."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

url, username, password, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
ADDON = "pvr.iptvsimple"


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def settings(values):
    lines = "".join(f'<setting id="{name}">{value}</setting>' for name, value in values.items())
    return f'<settings version="2">{lines}</settings>'


def prepare(home, port):
    data = home / ".kodi/userdata"
    addon = data / "addon_data" / ADDON
    addon.mkdir(parents=True)
    # Without a sound card the player's clock would stand still.
    (home / ".asoundrc").write_text("pcm.!default { type null }\nctl.!default { type null }\n")
    (data / "guisettings.xml").write_text(
        settings(
            {
                "services.webserver": "true",
                "services.webserverport": port,
                "services.webserverauthentication": "false",
                "services.esallinterfaces": "false",
                "general.addonupdates": "2",
            }
        )
    )
    login = f"username={username}&amp;password={password}"
    values = {
        "m3uPathType": "1",
        "m3uUrl": f"{url}/get.php?{login}&amp;type=m3u_plus&amp;output=ts",
        "m3uCache": "false",
        "epgPathType": "1",
        "epgUrl": f"{url}/xmltv.php?{login}",
    }
    (addon / "settings.xml").write_text(settings(values))


class Kodi:
    def __init__(self, home):
        self.port = free_port()
        prepare(home, self.port)
        environment = {**os.environ, "HOME": str(home), "LIBGL_ALWAYS_SOFTWARE": "1"}
        # A group of its own: xvfb-run ends neither Xvfb nor Kodi when it is ended.
        self.process = subprocess.Popen(
            ["xvfb-run", "-a", "kodi", "--windowing=x11", "--audio-backend=alsa"],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def call(self, method, **parameters):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/jsonrpc", body, {"Content-Type": "application/json"}
        )
        answer = json.load(urllib.request.urlopen(request, timeout=30))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def answers(self):
        try:
            return self.call("JSONRPC.Ping") == "pong"
        except OSError:
            return False

    def channels(self):
        try:
            return self.call("PVR.GetChannels", channelgroupid="alltv")["channels"]
        except RuntimeError:
            return []

    def shows(self, channel):
        """Whether that channel's picture moves; the time of a live channel always stands at 0."""
        if not self.call("Player.GetActivePlayers"):
            return False
        names = ["Player.HasVideo", "Player.Playing", "Player.Caching"]
        states = self.call("XBMC.GetInfoBooleans", booleans=names)
        codec = self.call("XBMC.GetInfoLabels", labels=["VideoPlayer.VideoCodec"])["VideoPlayer.VideoCodec"]
        label = self.call("Player.GetItem", playerid=1)["item"].get("label")
        return codec != "" and label == channel and [states[name] for name in names] == [True, True, False]

    def end(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def within(seconds, what, holds):
    until = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < until, f"Kodi: not within {seconds} seconds: {what}"
        time.sleep(0.5)
    return found


def plays(kodi, channel):
    if not kodi.shows(channel):
        return False
    time.sleep(3)
    return kodi.shows(channel)


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    kodi = Kodi(Path(folder))
    try:
        within(90, "it answers", kodi.answers)
        kodi.call("Addons.SetAddonEnabled", addonid=ADDON, enabled=True)
        channels = within(60, "the channels are there", kodi.channels)
        assert len(channels) == count, f"Kodi sees {len(channels)} channels"
        # Zapping forth and back, faster than players close what they leave.
        for place in (0, 5, 0, 1):
            channel = channels[place]
            kodi.call("Player.Open", item={"channelid": channel["channelid"]})
            within(30, f"{channel['label']} plays", lambda: plays(kodi, channel["label"]))
        kodi.call("Player.Stop", playerid=1)
    finally:
        kodi.end()
print("Kodi: passed")
