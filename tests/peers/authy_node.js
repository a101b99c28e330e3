// Makes every call of the npm package `authy` 1.4.0 against authy-sim.
//
// Usage: authy_node.js URL KEY CONTROL_URL; NODE_EXTRA_CA_CERTS names the CA. The package sends forms,
// also with a GET, and the key in the query.
"use strict";
const assert = require("assert");
const { promisify } = require("util");
const authy = require("authy");
const { request, phone, lastCode, listen, refused, run } = require("./control");

const [url, key, control] = process.argv.slice(2);
const client = authy(key, url);
const call = (name, ...values) => promisify(client[name]).apply(client, values);
const phones = client.phones();
const onPhones = (name, ...values) => promisify(phones[name])(...values);

async function tokens(id) {
  assert.strictEqual((await call("request_sms", id)).success, true);
  const code = await lastCode(control, id);
  assert.strictEqual((await call("verify", id, code)).token, "is valid");
  assert.strictEqual((await refused(call("verify", id, code))).error_code, "60019");
  assert.strictEqual((await refused(call("verify", id, "1111111", true))).token, "is invalid");
  assert.strictEqual((await refused(call("verify", 99999, "1111111"))).message, "User doesn't exist");
  assert.strictEqual((await call("request_call", id)).message, "Call started...");
  await request(control, `/phone/users/${id}`, { registered: true });
  assert.strictEqual((await call("request_sms", id)).ignored, true);
  assert.strictEqual((await call("request_call", id)).ignored, true);
  assert.strictEqual((await call("request_sms", id, true)).ignored, undefined);
}

async function approvals(id) {
  const callbacks = await listen();
  await request(control, "/phone/app", { callback_url: callbacks.url });
  const logos = [
    { res: "default", url: "https://example.com/logo.png" },
    { res: "low", url: "https://example.com/low.png" },
  ];
  const payload = { message: "Log in?", details: { User: "bob" }, seconds_to_expire: 60 };
  const created = await call("send_approval_request", id, payload, { n: "1" }, logos);
  const uuid = created.approval_request.uuid;
  const pending = await call("check_approval_status", uuid);
  assert.strictEqual(pending.approval_request.status, "pending");
  await request(control, `/phone/approvals/${uuid}`, { approve: false });
  const denied = await call("check_approval_status", uuid);
  assert.strictEqual(denied.approval_request.status, "denied");
  const { approval_request: asked } = callbacks.received[0].body;
  // The package writes logos[0][res].
  assert.deepStrictEqual(asked.logos, logos);
  assert.deepStrictEqual(asked.transaction.details, { User: "bob" });
}

run(async () => {
  const { user } = await call("register_user", "bob@example.com", "405-342-5699", "57", false);
  const id = user.id;
  assert.deepStrictEqual((await phone(control, id)).inbox, []);
  assert.strictEqual((await call("user_status", id)).status.country_code, 57);
  await tokens(id);
  await approvals(id);
  const number = ["405-342-5699", "1"];
  const started = await onPhones("verification_start", ...number, { via: "sms", code_length: "6" });
  assert.ok(started.uuid);
  assert.strictEqual((await onPhones("verification_status", ...number)).status, "pending");
  const [{ code }] = (await request(control, "/phone.json")).verifications;
  await refused(onPhones("verification_check", ...number, "000000"));
  assert.strictEqual((await onPhones("verification_check", ...number, code)).success, true);
  assert.strictEqual((await onPhones("info", ...number)).type, "cellphone");
  await call("delete_user", id);
  assert.strictEqual((await phone(control, id)).deleted, true);
});
