"""Runs the pinned auth vectors through the Python guard, and prints their number and the failures."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

import atlas_guard  # noqa: E402

VECTORS = json.loads((HERE.parent / "vectors" / "auth.json").read_text("utf-8"))
SECRET, NOW = VECTORS["secret"], VECTORS["now"]


def checks():
    for one in VECTORS["signed_urls"]:
        yield one["signed"], atlas_guard.verify_signed_url(one["signed"], [SECRET], NOW), "ok"
        yield one["signed"] + " rotated", atlas_guard.verify_signed_url(one["signed"], ["other", SECRET], NOW), "ok"
        yield one["signed"] + " forged", atlas_guard.verify_signed_url(one["signed"], ["other"], NOW), "bad_signature"
    for one in VECTORS["verify"] + VECTORS["stricter_than_exatlas"]:
        yield one["url"], atlas_guard.verify_signed_url(one["url"], [SECRET], one["now"]), one["result"]
    for one in VECTORS["hashes"]:
        yield one["token"], atlas_guard.hash_token(one["token"]), one["hash"]
        yield one["token"] + " verified", atlas_guard.verify_token(one["token"], one["hash"]), one["token"].isascii() and one["token"] != ""
    for candidate in (None, 1, b"bytes", "", "é", "a" * 1_000_000, ["list"]):
        yield repr(candidate)[:40], atlas_guard.verify_token(candidate, VECTORS["hashes"][1]["hash"]), False


def main():
    results = list(checks())
    failures = ["%s: %r, not %r" % one for one in results if one[1] != one[2]]
    print(json.dumps({"checked": len(results), "failures": failures}))


main()
