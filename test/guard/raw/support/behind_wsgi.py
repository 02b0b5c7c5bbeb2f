"""A WSGI application that notes every request in the file that NOTES names."""

import json
import os

NOTES = open(os.environ["NOTES"], "a", buffering=1)


def app(environ, start_response):
    seen = {
        "method": environ["REQUEST_METHOD"],
        "target": environ.get("RAW_URI", ""),
        "path": environ["PATH_INFO"],
        "credential": environ.get("HTTP_X_ATLAS_CREDENTIAL"),
    }
    NOTES.write(json.dumps(seen) + "\n")
    start_response("200 OK", [("Content-Length", "2"), ("Content-Type", "text/plain")])
    return [b"ok"]
