"""A backup goes to moto, an S3 server of PyPI, encrypted; what comes back is decrypted with `age` and verified.

backups.py URL KEY PROGRAM: PROGRAM is linecard.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import boto3
from moto.server import ThreadedMotoServer

url, key, program = sys.argv[1], sys.argv[2], sys.argv[3]


def call(name, **fields):
    data = urllib.parse.urlencode({"api_key": key, **fields}).encode()
    answer = json.load(urllib.request.urlopen(f"{url}/api/{name}", data, timeout=20))
    assert answer["result"], (name, answer)
    return answer


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout


store = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
store.start()
host, port = store.get_host_and_port()
client = boto3.client(
    "s3",
    endpoint_url=f"http://127.0.0.1:{port}",
    region_name="eu-central-1",
    aws_access_key_id="AKIAKEY",
    aws_secret_access_key="s3/cr+et",
)
client.create_bucket(Bucket="tv-backups", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    run("age-keygen", "-o", str(folder / "key"))
    recipient = run("age-keygen", "-y", str(folder / "key")).strip()
    target = f"s3-http://AKIAKEY:s3%2Fcr%2Bet@127.0.0.1:{port}/tv-backups/north?region=eu-central-1"
    call("settings/update", **{"data[backup_target]": target, "data[backup_recipient]": recipient})
    made = call("backups/new")["created_id"]
    for _ in range(300):
        backup = next(row for row in call("backups/list")["backups"] if row["id"] == made)
        assert not (backup["error"] or backup["verify_error"] or backup["send_error"]), backup
        if backup["sent_at"]:
            break
        time.sleep(0.1)
    assert backup["good"] and backup["encrypted"], backup
    name = f"north/{backup['name']}.age"
    assert [one["Key"] for one in client.list_objects_v2(Bucket="tv-backups")["Contents"]] == [name]
    client.download_file("tv-backups", name, str(folder / "back.age"))
    run("age", "-d", "-i", str(folder / "key"), "-o", str(folder / "back.tar.zst"), str(folder / "back.age"))
    assert (folder / "back.tar.zst").stat().st_size == backup["bytes"]
    run(program, "verify", str(folder / "back.tar.zst"))
    call("settings/update", **{"data[backup_target]": "", "data[backup_recipient]": ""})
    call("backups/delete", id=made)

store.stop()
print("a backup went to moto and came back: passed")
