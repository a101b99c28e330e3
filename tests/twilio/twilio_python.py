"""Makes every call of Twilio's Python library 9.13.0 that a login or administrator needs against authy-sim.

Usage: twilio_python.py URL CONTROL_URL; the environment has the lines of twilio.env, and REQUESTS_CA_BUNDLE
names the CA. Exits with 0 and prints `all calls done` only if every answer is what the library documents.
"""

import json
import os
import sys
import urllib.request

from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client

url, control = sys.argv[1:]
account = os.environ["TWILIO_ACCOUNT_SID"]


def client_with(user, password):
    client = Client(os.environ[user], os.environ[password], account)
    client.verify.base_url = url
    client.lookups.base_url = url
    return client


def phones():
    with urllib.request.urlopen(control + "/phone/twilio", timeout=5) as answer:
        return json.load(answer)


def refused(call):
    """Returns status and code of the error that the call raises."""
    try:
        call()
    except TwilioRestException as error:
        return error.status, error.code
    raise AssertionError("the call was not refused")


def code_of(number):
    return [one for one in phones()["verifications"] if one["to"] == number][-1]["code"]


def code_of_app(sid):
    return next(one["code"] for one in phones()["factors"] if one["sid"] == sid)


def wrong(code):
    return f"{(int(code) + 1) % 10 ** len(code):0{len(code)}d}"


main = client_with("TWILIO_API_KEY", "TWILIO_API_SECRET")
host = client_with("TWILIO_HOST_KEY", "TWILIO_HOST_SECRET")
token = client_with("TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN")
service_sid = os.environ["TWILIO_VERIFY_SERVICE"]
service = main.verify.v2.services(service_sid)

# Services.
assert service.fetch().friendly_name == "Example"
assert token.verify.v2.services(service_sid).fetch().sid == service_sid
assert service.update(friendly_name="Example Ltd", do_not_share_warning_enabled=True).do_not_share_warning_enabled
other = main.verify.v2.services.create(friendly_name="Other", code_length=8)
assert other.code_length == 8 and other.totp["skew"] == 1
assert {one.sid for one in main.verify.v2.services.list(page_size=1)} == {service_sid, other.sid}
assert main.verify.v2.services(other.sid).delete()
assert refused(main.verify.v2.services(other.sid).fetch) == (404, 20404)
assert refused(lambda: main.verify.v2.services.create(friendly_name="x" * 31)) == (400, 60200)

# Codes by SMS and call.
number = "+15551234567"
started = service.verifications.create(to=number, channel="sms", locale="de")
assert (started.status, started.valid, len(started.send_code_attempts)) == ("pending", False, 1)
again = service.verifications.create(to=number, channel="call")
assert again.sid == started.sid and len(again.send_code_attempts) == 2
assert service.verifications(started.sid).fetch().status == "pending"
code = code_of(number)
checked = service.verification_checks.create(to=number, code=wrong(code))
assert (checked.status, checked.valid) == ("pending", False)
checked = service.verification_checks.create(verification_sid=started.sid, code=code)
assert (checked.status, checked.valid, checked.to) == ("approved", True, number)
assert refused(lambda: service.verification_checks.create(verification_sid=started.sid, code=code)) == (404, 20404)
assert refused(service.verifications(started.sid).fetch) == (404, 20404)
second = service.verifications.create(to=number, channel="sms")
assert second.sid != started.sid
assert service.verifications(second.sid).update(status="canceled").status == "canceled"
assert service.verifications(second.sid).fetch().status == "canceled"
for _ in range(5):
    service.verifications.create(to=number, channel="sms")
assert refused(lambda: service.verifications.create(to=number, channel="sms")) == (429, 60203)
assert refused(lambda: service.verifications.create(to="5551234567", channel="sms")) == (400, 60200)
assert refused(lambda: service.verification_checks.create(code="123456")) == (400, 60221)

# People and apps.
identity = "ff483d1f-f591-4898-a994-2916050d2ca3"
assert service.entities.create(identity=identity).identity == identity
assert refused(lambda: service.entities.create(identity=identity)) == (409, 60301)
assert service.entities(identity).fetch().sid.startswith("YE")
assert [one.identity for one in service.entities.list()] == [identity]
entity = service.entities(identity)
factor = entity.new_factors.create(factor_type="totp", friendly_name="alice@web1")
assert factor.status == "unverified" and factor.binding["uri"].startswith("otpauth://totp/Example:alice%40web1?")
assert refused(lambda: entity.challenges.create(factor_sid=factor.sid, auth_payload="123456")) == (403, 60318)
app = entity.factors(factor.sid)
assert app.update(auth_payload=wrong(code_of_app(factor.sid))).status == "unverified"
assert app.update(auth_payload=code_of_app(factor.sid)).status == "verified"
assert app.fetch().config["code_length"] == 6
assert [one.sid for one in entity.factors.list()] == [factor.sid]

# Logins by the app.
challenge = entity.challenges.create(factor_sid=factor.sid, auth_payload=wrong(code_of_app(factor.sid)))
assert challenge.status == "pending"
assert entity.challenges(challenge.sid).update(auth_payload=code_of_app(factor.sid)).status == "approved"
again = lambda: entity.challenges(challenge.sid).update(auth_payload=code_of_app(factor.sid))
assert refused(again) == (403, 60322)
assert entity.challenges(challenge.sid).fetch().factor_sid == factor.sid
assert entity.challenges.create(factor_sid=factor.sid, auth_payload=code_of_app(factor.sid)).status == "approved"
assert len(entity.challenges.list(factor_sid=factor.sid, status="approved", order="desc")) == 2

# What was sent.
attempts = main.verify.v2.verification_attempts.list(verify_service_sid=service_sid)
assert len(attempts) == 8 and attempts[0].conversion_status == "converted", len(attempts)
summary = main.verify.v2.verification_attempts_summary().fetch(verify_service_sid=service_sid)
assert (summary.total_attempts, summary.total_converted) == (8, 2), summary.total_converted

# Lookup.
found = main.lookups.v2.phone_numbers("4159929960").fetch(country_code="US", fields="line_type_intelligence")
assert found.valid and found.phone_number == "+14159929960"
assert found.line_type_intelligence["type"] == "mobile"
assert not main.lookups.v2.phone_numbers("+1415").fetch().valid

# Rate limits, which are made once.
limit = b'{"rate_limits": {"end_user": 1}}'
head = {"Content-Type": "application/json"}
urllib.request.urlopen(urllib.request.Request(control + "/phone/twilio", limit, head), timeout=5).close()
assert [one.unique_name for one in service.rate_limits.list()] == ["end_user"]
counted = {"to": "+15557650000", "channel": "sms", "rate_limits": json.dumps({"end_user": "carol"})}
assert service.verifications.create(**counted).status == "pending"
assert refused(lambda: service.verifications.create(**counted)) == (429, 20429)

# The host's key can log in and nothing else.
login = host.verify.v2.services(service_sid)
bob = "+15557654321"
sid = login.verifications.create(to=bob, channel="sms").sid
assert login.verification_checks.create(verification_sid=sid, code=code_of(bob)).status == "approved"
of_host = login.entities(identity)
pending = of_host.challenges.create(factor_sid=factor.sid, auth_payload=wrong(code_of_app(factor.sid)))
assert pending.status == "pending"
for call in [
    lambda: of_host.challenges(pending.sid).update(auth_payload="123456"),
    lambda: login.verifications(sid).update(status="approved"),
    lambda: of_host.new_factors.create(factor_type="totp", friendly_name="x"),
    of_host.factors(factor.sid).delete,
    of_host.fetch,
    of_host.delete,
    login.fetch,
    lambda: login.update(custom_code_enabled=True),
    lambda: host.lookups.v2.phone_numbers("+14159929960").fetch(),
]:
    assert refused(call) == (403, 70051)
stranger = Client("SK" + "0" * 32, "no secret", account)
stranger.verify.base_url = url
assert refused(stranger.verify.v2.services(service_sid).fetch) == (401, 20003)

# Ends.
assert app.delete()
assert refused(app.fetch) == (404, 20404)
assert service.entities(identity).delete()
assert refused(service.entities(identity).fetch) == (404, 20404)
print("all calls done")
