// Makes every call of the npm package `authy-client` 1.1.4 against authy-sim.
//
// Usage: authy_client.js URL KEY CONTROL_URL; NODE_EXTRA_CA_CERTS names the CA. The package checks the
// members and texts of each answer itself.
"use strict";
const assert = require("assert");
const { Client, enums } = require("authy-client");
const { request, phone, lastCode, listen, refused, run } = require("./control");

const [url, key, control] = process.argv.slice(2);
const client = new Client({ key }, { host: url });
const number = { countryCode: "PT", phone: "911234567" };

async function tokens(authyId) {
  const sms = await client.requestSms({ authyId }, { action: "pay", message: "Pay 5 EUR" });
  assert.strictEqual(sms.cellphone, "+351-XXX-XXX-XX67");
  assert.match((await phone(control, authyId)).inbox.pop().text, /^Pay 5 EUR: Your Authy code is \d{7}$/);
  await client.requestSms({ authyId });
  const token = await lastCode(control, authyId);
  assert.strictEqual((await phone(control, authyId)).confirmed, false);
  // Not forced: a right code confirms the person, and from then on a wrong one is refused.
  await client.verifyToken({ authyId, token });
  assert.strictEqual((await phone(control, authyId)).confirmed, true);
  for (const wrong of [token, "1111111"]) {
    const error = await refused(client.verifyToken({ authyId, token: wrong }));
    assert.strictEqual(error.body.token, "is invalid");
  }
  await client.requestCall({ authyId });
  await client.verifyToken({ authyId, token: await lastCode(control, authyId) }, { force: true });
  await request(control, `/phone/users/${authyId}`, { registered: true });
  for (const sent of [client.requestSms({ authyId }), client.requestCall({ authyId })]) {
    const { ignored, device } = await sent;
    assert.deepStrictEqual([ignored, device], [true, "iphone"]);
  }
  assert.strictEqual((await client.requestSms({ authyId }, { force: true })).ignored, undefined);
}

async function approvals(authyId) {
  const callbacks = await listen();
  await request(control, "/phone/app", { callback_url: callbacks.url });
  const created = await client.createApprovalRequest(
    {
      authyId,
      details: { hidden: { n: "1" }, visible: { User: "bob" } },
      logos: [{ res: enums.logo ? enums.logo.DEFAULT : "default", url: "https://example.com/logo.png" }],
      message: "Log in to server1?",
    },
    { ttl: 60 }
  );
  const id = created.approval_request.uuid;
  assert.strictEqual((await client.getApprovalRequest({ id })).approval_request.status, "pending");
  await request(control, `/phone/approvals/${id}`, { approve: true });
  const { approval_request: approved } = await client.getApprovalRequest({ id });
  assert.deepStrictEqual([approved.status, approved.notified], ["approved", true]);
  const [callback] = callbacks.received;
  assert.strictEqual(callback.body.approval_request.logos[0].res, "default");
  // Older callbacks had text here, which is all that the package takes; the signature is the same.
  callback.body.device_uuid = String(callback.body.device_uuid);
  await client.verifyCallback(callback);
  callback.body.status = "denied";
  await refused(client.verifyCallback(callback));
  assert.strictEqual((await refused(client.getApprovalRequest({ id: "1-2" }))).code, 404);
}

run(async () => {
  const { user } = await client.registerUser({ ...number, email: "bob@example.com" });
  const authyId = user.id;
  const { status } = await client.getUserStatus({ authyId }, { ip: "192.0.2.1" });
  assert.strictEqual(status.country_code, 351);
  assert.strictEqual((await refused(client.getUserStatus({ authyId: 99999 }))).body.error_code, "60026");
  await tokens(authyId);
  await approvals(authyId);
  await client.registerActivity({ authyId, data: { why: "lost" }, type: "banned" }, { ip: "192.0.2.1" });
  assert.strictEqual((await client.getApplicationDetails()).app.name, "authy-sim");
  assert.strictEqual((await client.getApplicationStatistics()).stats.length, 1);
  await client.startPhoneVerification({ ...number, via: "sms" }, { locale: "pt" });
  await refused(client.verifyPhone({ ...number, token: "00000" }));
  const [{ code }] = (await request(control, "/phone.json")).verifications;
  await client.verifyPhone({ ...number, token: code });
  assert.strictEqual((await client.getPhoneInformation(number)).type, "cellphone");
  await client.deleteUser({ authyId });
  assert.strictEqual((await phone(control, authyId)).deleted, true);
  const other = new Client({ key: "wrong" }, { host: url });
  assert.strictEqual((await refused(other.getApplicationDetails())).body.error_code, "60001");
});
