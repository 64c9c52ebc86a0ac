# The instance metadata service as far as a machine asks it for its user data, by IMDSv2 alone: a token first, and nothing without one.
import http.server
import secrets
import sys

given = open(sys.argv[1], "rb").read()
tokens = set()


class Service(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        ttl = self.headers.get("X-aws-ec2-metadata-token-ttl-seconds", "")
        if self.path != "/latest/api/token" or not ttl.isdigit() or not 1 <= int(ttl) <= 21600:
            return self.answer(400, b"")
        token = secrets.token_urlsafe(32)
        tokens.add(token)
        self.answer(200, token.encode())

    def do_GET(self):
        if self.headers.get("X-aws-ec2-metadata-token") not in tokens:
            return self.answer(401, b"")
        self.answer(200, given) if self.path == "/latest/user-data" else self.answer(404, b"")

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


http.server.HTTPServer(("169.254.169.254", 80), Service).serve_forever()
