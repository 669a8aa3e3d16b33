"""A stream whose source is an RTSP server, GStreamer's, is watched: rtsp.py URL API_KEY.

Run it with Debian's own python3, which sees python3-gi.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from pathlib import Path

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

url, key = sys.argv[1], sys.argv[2]


def call(name, **fields):
    body = urllib.parse.urlencode({"api_key": key, **fields}).encode()
    answer = json.load(urllib.request.urlopen(f"{url}/api/{name}", body, timeout=30))
    assert answer["result"], f"{name}: {answer}"
    return answer


def picture(path):
    """A minute of H.264 and AAC."""
    sources = ["-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=frequency=440"]
    codecs = ["-t", "60", "-c:v", "libx264", "-preset", "ultrafast", "-g", "25", "-pix_fmt", "yuv420p", "-c:a", "aac"]
    subprocess.run(["ffmpeg", "-v", "error", *sources, *codecs, path], check=True)


def serve(path):
    """The address of an RTSP server of that file."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service("0")
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f"( filesrc location={path} ! tsdemux name=d "
        "d. ! queue ! h264parse config-interval=1 ! rtph264pay name=pay0 pt=96 "
        "d. ! queue ! aacparse ! rtpmp4apay name=pay1 pt=97 )"
    )
    factory.set_shared(True)
    server.get_mount_points().add_factory("/live", factory)
    server.attach(None)
    threading.Thread(target=GLib.MainLoop().run, daemon=True).start()
    return f"rtsp://127.0.0.1:{server.get_bound_port()}/live"


def running(stream):
    """What is told of the stream once it runs."""
    for _ in range(60):
        found = [row for row in call("streams/online")["streams"] if row["id"] == stream]
        if found:
            return found[0]
        time.sleep(0.5)
    raise AssertionError(f"it does not run: {call('streams/offline')}")


with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "picture.ts"
    picture(path)
    source = serve(path)
    # Running, and open to nobody who holds the demo's bouquets: a line of its own watches it.
    stream = call("streams/new", **{"data[name]": "RTSP", "data[sources][]": source})["created_id"]
    bouquet = call("bouquets/new", **{"data[name]": "RTSP", "data[streams][]": stream})["created_id"]
    line = {"data[username]": "rtsp", "data[password]": "rtsp", "data[bouquets][]": bouquet}
    call("line/new", **line)
    try:
        told = running(stream)
        assert told["source"] == source, told
        watched = ["ffprobe", "-v", "error", "-of", "csv=p=0", "-show_entries", "stream=codec_name", f"{url}/live/rtsp/rtsp/{stream}"]
        tracks = subprocess.run(watched, check=True, capture_output=True, text=True, timeout=60).stdout.split()
        assert {"h264", "aac"} <= set(tracks), tracks
    finally:
        call("line/delete", username="rtsp")
        call("streams/delete", id=stream)
        call("bouquets/delete", id=bouquet)
print("RTSP, GStreamer's server: passed")
