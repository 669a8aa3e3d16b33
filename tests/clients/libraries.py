"""Python libraries of players against a running server: libraries.py URL USERNAME PASSWORD CHANNELS."""

import asyncio
import inspect
import sys
import tempfile
import urllib.request

from ipytv import playlist
from pyxtream import XTream
from xtream_api_client import XtreamAuthenticationError, XtreamClient

url, username, password, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])


def pyxtream():
    with tempfile.TemporaryDirectory() as cache:
        player = XTream("t", username, password, url, cache_path=cache, validate_json=True)
        assert player.auth_data, "pyxtream does not log in"
        assert player.load_iptv(), "pyxtream does not load"
        assert len(player.channels) == count, f"pyxtream sees {len(player.channels)} channels"
        assert len(player.movies) == 0 and len(player.series) == 0


async def xtream_api_client():
    async def settled(value):
        return await value if inspect.isawaitable(value) else value

    client = XtreamClient(url, username, password)
    methods = [name for name in dir(client) if not name.startswith("_")]
    lists = [name for name in methods if name in ("get_live_streams", "get_live_categories", "get_channels", "get_categories")]
    assert lists, methods
    for name in lists:
        assert await settled(getattr(client, name)()), name
    epg = [name for name in methods if name in ("get_short_epg", "get_epg", "get_full_epg", "get_simple_data_table")]
    for name in epg:
        assert await settled(getattr(client, name)(1)), name
    wrong = XtreamClient(url, username, "wrong")
    try:
        await settled(wrong.authenticate()) if hasattr(wrong, "authenticate") else await settled(getattr(wrong, lists[0])())
    except XtreamAuthenticationError:
        return
    raise AssertionError("xtream-api-client takes a wrong password")


def ipytv():
    text = urllib.request.urlopen(f"{url}/get.php?username={username}&password={password}").read().decode()
    channels = playlist.loads(text)
    assert len(channels) == count, f"m3u-ipytv sees {len(channels)} channels"
    for channel in channels:
        assert channel.name == channel.attributes["tvg-name"], channel
        assert channel.url.startswith(f"{url}/live/{username}/{password}/"), channel.url


pyxtream()
asyncio.run(xtream_api_client())
ipytv()
print("python libraries: passed")
