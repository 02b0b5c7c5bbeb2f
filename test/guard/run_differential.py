"""Judges requests as the Python guard does, for a comparison with the TypeScript guard.

Reads lines of JSON: first the list of states, then for each line {"requests": [...]} writes one line with the verdicts.
"""

import json
import logging
import pathlib
import sys

HERE = pathlib.Path(__file__).parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE.parents[1] / "pod" / "python"))

import atlas_guard  # noqa: E402

logging.disable(logging.CRITICAL)
EDITED = ("cache-control", "content-security-policy", "location", "referrer-policy", "set-cookie")


def guard_for(state):
    guard = atlas_guard.Guard(
        hashes=state["hashes"],
        signing_secret=state["secrets"],
        schemes=state["schemes"],
        signed_methods=state["furtherMethods"],
        origins=state["origins"],
        public_paths=state["publicPaths"],
        compute_id=state["computeId"],
        now=lambda: state["now"],
        env={},
    )
    known = guard._knowledge
    guard._knowledge = atlas_guard._Knowledge(state["standing"], known.hashes, known.base_secrets, state["generation"])
    return guard


def judge(guard, request):
    asked = atlas_guard._Request(request["method"], request["url"], [tuple(one) for one in request["headers"]])
    verdict = guard._decide(asked)
    if verdict.kind == "answer":
        return answer(verdict)
    folder = verdict.folder and {"credential": verdict.folder.credential, "prefix": verdict.folder.prefix}
    edited = atlas_guard._edit_response(
        [tuple(one) for one in request["answer"]], verdict, asked, atlas_guard._cookie_names(guard._compute_id))
    return {
        "kind": "pass",
        "credential": verdict.credential,
        "url": verdict.url,
        "edits": verdict.edits,
        "headers": verdict.headers,
        "folder": folder,
        "answer": {name: [value for key, value in edited if key == name] for name in EDITED},
    }


def answer(verdict):
    return {
        "kind": verdict.name,
        "status": verdict.status,
        "headers": verdict.headers,
        "body": json.loads(verdict.body) if verdict.body else None,
        "reason": verdict.reason,
        "digest": verdict.asks,
    }


def main():
    guards = [guard_for(state) for state in json.loads(sys.stdin.readline())]
    for line in sys.stdin:
        verdicts = [judge(guards[one["state"]], one) for one in json.loads(line)]
        print(json.dumps(verdicts), flush=True)


main()
