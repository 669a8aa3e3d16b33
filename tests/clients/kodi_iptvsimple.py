"""Kodi with pvr.iptvsimple on a line with one connection: kodi_iptvsimple.py URL USERNAME PASSWORD CHANNELS."""

import sys
import tempfile
from pathlib import Path

from kodi import Kodi

url, username, password, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
login = f"username={username}&amp;password={password}"
values = {
    "m3uPathType": "1",
    "m3uUrl": f"{url}/get.php?{login}&amp;type=m3u_plus&amp;output=ts",
    "m3uCache": "false",
    "epgPathType": "1",
    "epgUrl": f"{url}/xmltv.php?{login}",
}

with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
    kodi = Kodi(Path(folder), "pvr.iptvsimple", values)
    try:
        channels = kodi.begin()
        assert len(channels) == count, f"Kodi sees {len(channels)} channels"
        for channel in channels:
            assert len(kodi.programmes(channel)) > 20, channel
        # Zapping forth and back, faster than players close what they leave.
        for place in (0, 5, 0, 1):
            kodi.zap(channels[place])
        kodi.call("Player.Stop", playerid=1)
    finally:
        kodi.end()
print("Kodi, pvr.iptvsimple: passed")
