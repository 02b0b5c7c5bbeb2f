"""A server of Python's standard library that keeps connections, reads no body, and notes every request: behind.py <port> <file>."""

import http.server
import json
import sys

PORT, NOTES = int(sys.argv[1]), open(sys.argv[2], "a", buffering=1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def parse_request(self):
        is_valid = super().parse_request()
        line = self.raw_requestline.decode("latin-1").rstrip()
        words = line.split(" ")
        target = words[1] if is_valid else ""
        credential = self.headers.get("x-atlas-credential") if is_valid else None
        note = {"method": words[0], "target": target, "line": line, "credential": credential, "unread": not is_valid}
        NOTES.write(json.dumps(note) + "\n")
        return is_valid

    def answer(self):
        self.send_response(200)
        self.send_header("Content-Length", "2" if self.command != "HEAD" else "0")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


for method in "GET HEAD POST PUT PATCH DELETE OPTIONS TRACE PROPFIND REPORT QUERY".split():
    setattr(Handler, "do_" + method, Handler.answer)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512


Server(("127.0.0.1", PORT), Handler).serve_forever()
