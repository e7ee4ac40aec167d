"""The customer's side: an HTTP server that keeps every request exactly as it came."""

import http.server
import threading
import time
import urllib.parse

from .waiting import something_happened


class Receiver:
    """Listens on a loopback port; `requests` holds what came, in order of arrival."""

    def __init__(self):
        self.requests = []
        self.answer_with = 200
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Keeps a request, answers it."""

            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self):
                """Any method is treated alike."""
                at = time.time()
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode("utf-8", "replace")
                url = urllib.parse.urlsplit(self.path)
                receiver.requests.append({
                    "at": at, "method": self.command, "path": url.path, "query": url.query,
                    "headers": {name.lower(): value for name, value in self.headers.items()},
                    "body": body, "answered": receiver.answer_with})
                self.send_response(receiver.answer_with)
                self.send_header("Content-Length", "0")
                self.end_headers()
                something_happened()

            do_GET = do_PUT = do_HEAD = do_DELETE = do_POST

            def log_message(self, *_):
                """Says nothing: the requests are the record."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def url(self, account, event):
        """The URL for an account's event: `in`, `answered`, `out` or `ended`."""
        return f"http://127.0.0.1:{self.port}/{account}/{event}"

    def stop(self):
        """Closes the port."""
        self._server.shutdown()
        self._server.server_close()
