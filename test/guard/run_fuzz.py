"""Bends valid credentials, and prints how many invalid ones the Python guard accepted, and at how many it raised."""

import json
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

import atlas_guard  # noqa: E402

TOKEN = "openfn-apollo-test-token"
SIGNED = "/p?a=1&exp=1700000060&sig=6r0BNu_DKWzzdviGOiKy6WOGvq8_CpJ_DiuJ8wuCfrk"
PAIR = "atlas.v1, atlas.bearer." + TOKEN
GUARD = atlas_guard.Guard(
    preshared_key=TOKEN, signing_secret="test-secret", origins=["https://app.example"], now=lambda: 1700000000, env={}
)


def bend(text, rng):
    """Return the text with an insertion, a deletion, a cut or a repetition, in characters with a meaning."""
    at, more = rng.randrange(len(text)), "".join(rng.choice("aA0-_=&?/#%\\.,; \t\0\u00e9\ud800") for _ in range(3))
    cut, rest = text[:at], text[at:]
    return rng.choice([cut + more + rest, cut + rest[1:], cut + more, text + text, text.upper(), ""])


def request(rng):
    url, headers = "/p", [("upgrade", "websocket")]
    kind = rng.randrange(3)
    if kind == 0:
        headers.append(("authorization", bend("Bearer " + TOKEN, rng)))
    elif kind == 1:
        headers.append(("sec-websocket-protocol", bend(PAIR, rng)))
    else:
        url = bend(SIGNED, rng)
    return atlas_guard._Request(rng.choice(["GET", "POST", "OPTIONS", "\0"]), url, headers)


def is_right(one):
    """Return True for a bend that left a valid credential: spaces, the case of a scheme and empty parameters do not count."""
    header = (one.header("authorization") or "").strip().lower()
    offered = [name.strip() for name in (one.header("sec-websocket-protocol") or "").split(",")]
    query = [pair for pair in one.url.partition("?")[2].split("&") if pair]
    return (
        (header.startswith("bearer ") and (one.header("authorization") or "").split()[1:] == [TOKEN])
        or "atlas.bearer." + TOKEN in offered
        or (one.url.startswith("/p?") and sorted(query) == sorted(SIGNED.partition("?")[2].split("&")))
    )


def main():
    rng, report = random.Random(1), {"judged": 0, "accepted": [], "raised": []}
    for _ in range(20_000):
        one = request(rng)
        if is_right(one):
            continue
        report["judged"] += 1
        try:
            if GUARD._decide(one).kind == "pass":
                report["accepted"].append(repr([one.url, one._headers]))
        except Exception as error:
            report["raised"].append(repr([error, one.url, one._headers]))
    print(json.dumps(report))


main()
