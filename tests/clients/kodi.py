"""Kodi without a screen, driven over JSON-RPC: what the tests of its add-ons share."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path


def free_port():
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


def settings(values):
    lines = "".join(f'<setting id="{name}">{value}</setting>' for name, value in values.items())
    return f'<settings version="2">{lines}</settings>'


def prepare(home, port, addon, values):
    data = home / ".kodi/userdata"
    addon = data / "addon_data" / addon
    addon.mkdir(parents=True, exist_ok=True)
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
    (addon / "settings.xml").write_text(settings(values))


class Kodi:
    """A Kodi with one add-on and those settings of it; it has its channels once it was begun."""

    def __init__(self, home, addon, values):
        self.home = home
        self.addon = addon
        self.port = free_port()
        prepare(home, self.port, addon, values)
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
        try:
            label = self.call("Player.GetItem", playerid=1)["item"].get("label")
        except RuntimeError:
            # While it zaps, the player that was there a moment ago is gone.
            return False
        return codec != "" and label == channel and [states[name] for name in names] == [True, True, False]

    def begin(self):
        within(90, "it answers", self.answers)
        self.call("Addons.SetAddonEnabled", addonid=self.addon, enabled=True)
        return within(60, "the channels are there", self.channels)

    def zap(self, channel, seconds=30):
        """Tunes to a channel and waits until it plays."""
        self.call("Player.Open", item={"channelid": channel["channelid"]})
        within(seconds, f"{channel['label']} plays", lambda: plays(self, channel["label"]))

    def programmes(self, channel):
        """Titles of that channel's programmes, once they are there."""
        ask = lambda: self.call("PVR.GetBroadcasts", channelid=channel["channelid"], properties=["title"]).get("broadcasts")
        return [broadcast["title"] for broadcast in within(60, f"programmes of {channel['label']}", ask)]

    def log(self):
        return (self.home / ".kodi/temp/kodi.log").read_text(errors="replace")

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
