"""Bends valid credentials, and prints how many invalid ones the Python guard accepted, and at how many it raised."""

import json
import os
import pathlib
import random
import sys
from urllib.parse import parse_qsl

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

import atlas_guard  # noqa: E402

TOKEN = "a" * 43
NOW, SECRET, EXP = 1_700_000_000, "test-secret", "1700000060"
SIGNED = "/p?a=1&exp=1700000060&sig=6r0BNu_DKWzzdviGOiKy6WOGvq8_CpJ_DiuJ8wuCfrk"
PAIR = "atlas.v1, atlas.bearer." + TOKEN
AT = "https://pod.example"
TICKET = "/.atlas/%s.2.%s" % (EXP, atlas_guard._link_signature("prefix", ["/hls/42/", EXP], SECRET))
LINK = "at=https%3A%2F%2Fpod.example&exp={0}&for=600&to=%2Flab&sig={1}".format(
    EXP, atlas_guard._link_signature("open", [EXP, "600", AT, "/lab"], SECRET))
COOKIE = atlas_guard._make_cookie({"at": AT, "seconds": 60}, "c1", SECRET, NOW).partition(";")[0]
RUNS = int(os.environ.get("FUZZ_RUNS", "30000"))
GUARD = atlas_guard.Guard(
    preshared_key=TOKEN,
    signing_secret=SECRET,
    schemes=atlas_guard.SCHEMES,
    compute_id="c1",
    origins=["https://app.example"],
    now=lambda: NOW,
    env={},
)


def bend(text, rng):
    """Return the text with an insertion, a deletion, a cut or a repetition, in characters with a meaning."""
    at = rng.randrange(len(text))
    more = "".join(rng.choice("aA0-_=&?/#%\\.,; \t\0\u00e9\u00a0") for _ in range(rng.randrange(1, 4)))
    cut, rest = text[:at], text[at:]
    return rng.choice([cut + more + rest, cut + rest[1:], cut + more, cut + more + rest[1:], text + text, text.upper(), ""])


def request(rng):
    """Return a request with one bent credential, and True when it is still genuine."""
    method, upgrade = rng.choice(["GET", "GET", "HEAD", "POST", "OPTIONS", "\0"]), [("upgrade", "websocket")]
    kind = rng.randrange(6)
    if kind == 0:
        header = bend("Bearer " + TOKEN, rng)
        is_right = header.strip(" \t")[:7].lower() == "bearer " and header.strip(" \t")[7:].strip(" ") == TOKEN
        return atlas_guard._Request(method, "/p", [*upgrade, ("authorization", header)]), is_right
    if kind == 1:
        header = bend(PAIR, rng)
        is_right = "atlas.bearer." + TOKEN in [one.strip() for one in header.split(",")]
        return atlas_guard._Request(method, "/p", [*upgrade, ("sec-websocket-protocol", header)]), is_right
    if kind == 2:
        url = bend(SIGNED, rng)
        path, _, query = url.partition("?")
        pairs = sorted(one for one in query.split("&") if one)
        return atlas_guard._Request(method, url, []), path == "/p" and pairs == sorted(SIGNED.partition("?")[2].split("&"))
    if kind == 3:
        url = bend(TICKET + "/hls/42/a/b.ts", rng)
        rest = url.partition("?")[0][len(TICKET) :]
        is_right = url.startswith(TICKET) and (atlas_guard._safe_path(rest) or "").startswith("/hls/42/")
        return atlas_guard._Request(method, url, []), is_right
    if kind == 4:
        query = bend(LINK, rng)
        # The platform's parser, not the guard's.
        is_right = "+" not in query and sorted(parse_qsl(query, True)) == sorted(parse_qsl(LINK, True))
        return atlas_guard._Request(method, atlas_guard.OPEN_PATH + "?" + query, []), is_right
    header = bend(COOKIE, rng)
    is_right = COOKIE in [one.strip(" \t") for one in header.split(";")]
    return atlas_guard._Request(method, "/p", [("cookie", header), ("sec-fetch-site", "same-origin")]), is_right


def main():
    rng, report = random.Random(int(os.environ.get("FUZZ_SEED", "1"))), {"judged": 0, "genuine": 0, "accepted": [], "raised": []}
    for _ in range(RUNS):
        one, is_right = request(rng)
        if is_right:
            report["genuine"] += 1
            continue
        report["judged"] += 1
        try:
            verdict = GUARD._decide(one)
            if verdict.kind == "pass" or verdict.name not in ("refused", "preflight"):
                report["accepted"].append([one.url, one.headers])
        except Exception as error:  # Every error is a finding.
            report["raised"].append([one.url, one.headers, repr(error)])
    print(json.dumps(report))


main()
