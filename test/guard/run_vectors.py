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
LINKS = json.loads((HERE.parent / "vectors" / "credentials.json").read_text("utf-8"))
AT = "https://pod-8000.proxy.runpod.net"


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


def link_checks():
    for one in LINKS["generation"]:
        yield one["generation"], atlas_guard.generation_secret(one["secret"], one["generation"]), one["want"]
    for one in LINKS["prefix"]:
        result, prefix, path = atlas_guard.verify_signed_prefix(one["path"], *settings(one))
        yield one["path"], {"prefix": prefix, "path": path} if result == "ok" else result, wanted(one, "prefix", "path")
    for one in LINKS["open"]:
        result, link = atlas_guard.verify_opening_link(one["query"], *settings(one))
        yield one["query"], link or result, wanted(one, "at", "to", "seconds")
    for one in LINKS["cookie"]:
        found = atlas_guard.verify_cookie(one["header"], [LINKS["secret"]], LINKS["computeId"], LINKS["now"])
        want = one["want"]
        yield one["header"], found, (want["at"], want["expiresAt"]) if want["ok"] else None
    for *request, want in LINKS["cookieMayAct"]:
        yield request, atlas_guard.cookie_may_act(*request, AT), want


def settings(one):
    return [one.get("secret", LINKS["secret"])], one.get("now", LINKS["now"])


def wanted(one, *names):
    want = one["want"]
    return {name: want[name] for name in names} if want["ok"] else want["reason"]


def main():
    results = [*checks(), *link_checks()]
    failures = ["%s: %r, not %r" % one for one in results if one[1] != one[2]]
    print(json.dumps({"checked": len(results), "failures": failures}))


main()
