"""The portal with stb-reader against a running server: stalker.py URL MAC CHANNELS."""

import sys

from stb_reader import STBClient

url, mac, count = sys.argv[1], sys.argv[2], int(sys.argv[3])

client = STBClient(base_url=url, mac=mac)
client.authenticate()
assert len(client.live_tv.get_genres()) == 6
found = []
# It counts pages from 0 on the wire.
for page in range(1, 10):
    result = client.live_tv.get_channels(genre_id="*", page=page)
    assert result.total == count, result.total
    found += result.items
    if not result.items:
        break
assert len({channel.id for channel in found}) == len(found) == count, [channel.name for channel in found]
assert len(client.live_tv.get_all_channels()) == count
stream = client.live_tv.get_stream_url(found[0].cmd)
assert stream.startswith(f"{url}/play/"), stream
print("stb-reader: passed")
