"""Gives the Python guard signs of life, with a minute of a few milliseconds, and prints its reports."""

import json
import logging
import pathlib
import sys
import time
import urllib.error

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

import atlas_guard  # noqa: E402

logging.disable(logging.CRITICAL)
atlas_guard.HEARTBEAT_SECONDS = 0.05
TOKEN, NEXT = "first-token", "next-token"


def call(guard, token, path="/"):
    return guard._judge(atlas_guard._Request("GET", path, [("authorization", "Bearer " + token)])).kind


def wait_for(is_done):
    for _ in range(1000):
        if is_done():
            return
        time.sleep(0.005)
    raise AssertionError("the condition did not come true")


def main():
    sent = []
    answers = [
        OSError("no connection"),
        urllib.error.HTTPError("url", 503, "busy", {}, None),
        {"hashes": [{"hash": atlas_guard.hash_token(NEXT), "expiresAt": None}]},
    ]

    def fetch(url, token, body):
        sent.append([url, token, body["signs"]])
        answer = answers.pop(0) if answers else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    guard = atlas_guard.Guard(
        preshared_key=TOKEN,
        control_url="https://app.example/atlas/",
        pod_token="pod-token",
        public_paths=["/healthz"],
        fetch=fetch,
        env={},
    )
    refused = [call(guard, "wrong"), call(guard, TOKEN, "/healthz")]
    time.sleep(0.2)
    before = len(sent)
    accepted = call(guard, TOKEN)
    wait_for(lambda: len(sent) == 3 and call(guard, NEXT) == "pass")
    rotated = call(guard, TOKEN)
    guard.heartbeat()
    wait_for(lambda: any("heartbeats" in signs for _, _, signs in sent))
    print(json.dumps({"unseen": [refused, before], "accepted": accepted, "rotated": rotated, "sent": sent[:3]}))


main()
