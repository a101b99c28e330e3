"""Makes every call of the Python package `authy` 2.2.6 against authy-sim.

Usage: authy_python.py URL KEY CONTROL_URL; the variable REQUESTS_CA_BUNDLE names the CA. Exits with 0
and prints `all calls done` only if every answer is what the package documents.
"""

import json
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

from authy.api import AuthyApiClient

url, key, control = sys.argv[1:]
client = AuthyApiClient(key, url)


def control_request(path, body=None):
    """Sends a GET, or a POST with a JSON body, to the control address."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(control + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return json.load(answer)


def phone(authy_id):
    return next(user for user in control_request("/phone.json")["users"] if user["authy_id"] == authy_id)


# People.
user = client.users.create("bob@example.com", "405-342-5699", 57)
assert user.ok() and isinstance(user.id, int), user.content
assert client.users.create("bob@example.com", "405-342-5699", 57).id == user.id
refused = client.users.create("no-address", "12", 57)
assert not refused.ok() and refused.errors()["cellphone"] == "is invalid", refused.content
assert phone(user.id)["inbox"] == [], "the install link is not sent by default"
status = client.users.status(user.id)
assert status.ok() and status.content["status"]["country_code"] == 57, status.content
assert not client.users.status(99999).ok()

# Tokens.
sms = client.users.request_sms(user.id)
assert sms.ok() and not sms.ignored(), sms.content
token = phone(user.id)["inbox"][-1]["token"]
assert client.tokens.verify(user.id, token).ok()
assert not client.tokens.verify(user.id, token).ok(), "a token is valid once"
assert not client.tokens.verify(user.id, "0000000").ok()
call = client.users.request_call(user.id)
assert call.ok() and not call.ignored(), call.content
control_request("/phone/users/%d" % user.id, {"registered": True})
assert client.users.request_sms(user.id).ignored()
assert client.users.request_call(user.id).ignored()
assert not client.users.request_sms(user.id, {"force": True}).ignored()

# The QR code for another app, and registration.
qr = client.users.generate_qr(user.id, size=200, label="bob")
assert qr.ok() and qr.content["qr_code"].startswith(url), qr.content
registration = client.users.registration_status("bob@example.com")
assert registration.content["registration"]["authy_id"] == user.id, registration.content

# The application.
assert client.apps.fetch().content["app"]["name"] == "authy-sim"
assert client.stats.fetch().content["stats"][0]["users_count"] >= 1

# Phones.
started = client.phones.verification_start("111-111-1111", 1, via="sms", code_length=6)
assert started.ok() and started.content["seconds_to_expire"] > 0, started.content
assert not client.phones.verification_check("111-111-1111", 1, "000000").ok()
code = control_request("/phone.json")["verifications"][0]["code"]
assert len(code) == 6
assert client.phones.verification_check("111-111-1111", 1, code).ok()
assert client.phones.info("111-111-1111", 1).content["type"] == "cellphone"

# OneTouch, and its callback.
calls = []


class Callback(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        calls.append((self.headers, json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Callback)
address = "http://127.0.0.1:%d/callback" % server.server_port
threading.Thread(target=server.serve_forever, daemon=True).start()
control_request("/phone/app", {"callback_url": address})
request = client.one_touch.send_request(
    user.id,
    "Log in to server1?",
    seconds_to_expire=60,
    details={"User": "bob"},
    hidden_details={"n": "1"},
    logos=[{"res": "default", "url": "https://example.com/logo.png"}],
)
assert request.ok(), request.content
uuid = request.get_uuid()
pending = client.one_touch.get_approval_status(uuid)
assert pending.content["approval_request"]["status"] == "pending"
decided = control_request("/phone/approvals/" + uuid, {"approve": True})
assert decided["callback"] == 200, decided
approved = client.one_touch.get_approval_status(uuid)
assert approved.content["approval_request"]["status"] == "approved"
assert approved.content["approval_request"]["_authy_id"] == user.id
headers, body = calls[0]
# The package writes None for null and keeps empty values, so this callback has only values that it
# signs as authy-sim does.
assert client.one_touch.validate_one_touch_signature(
    headers["X-Authy-Signature"], headers["X-Authy-Signature-Nonce"], "POST", address, body
)
assert not client.one_touch.get_approval_status("no-such-request").ok()

# Deletion of bob, and a wrong API key.
assert client.users.delete(user.id).ok()
assert client.users.status(user.id).content["status"]["account_disabled"]
assert not AuthyApiClient("wrong", url).apps.fetch().ok()

print("all calls done")
