// What both npm clients need of authy-sim: its control address, and a server for its callbacks.
"use strict";
const assert = require("assert");
const http = require("http");

// Sends a GET, or a POST with a JSON body, to the control address.
function request(base, path, body) {
  return new Promise((resolve, reject) => {
    const options = { method: body ? "POST" : "GET", headers: { "Content-Type": "application/json" } };
    const sent = http.request(base + path, options, (answer) => {
      let text = "";
      answer.on("data", (part) => (text += part));
      answer.on("end", () => resolve(JSON.parse(text)));
    });
    sent.on("error", reject).setTimeout(5000, () => sent.destroy(new Error("timeout")));
    sent.end(body && JSON.stringify(body));
  });
}

// The person with this id, as the phone shows them.
async function phone(base, id) {
  const all = await request(base, "/phone.json");
  return all.users.find((user) => String(user.authy_id) === String(id));
}

async function lastCode(base, id) {
  return (await phone(base, id)).inbox.pop().token;
}

// Starts a server that answers each callback with 200, and returns its URL and the callbacks.
function listen() {
  const received = [];
  const server = http.createServer((incoming, answer) => {
    let text = "";
    incoming.on("data", (part) => (text += part));
    incoming.on("end", () => {
      const { headers, method, url } = incoming;
      received.push({ body: JSON.parse(text), headers, method, protocol: "http", url });
      answer.end();
    });
  });
  server.unref();
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () =>
      resolve({ url: `http://127.0.0.1:${server.address().port}/callback`, received })
    )
  );
}

// Runs the calls of one client; prints `all calls done` if none of them was wrong.
function run(calls) {
  calls().then(
    () => console.log("all calls done"),
    (error) => {
      console.error(error.stack || error, error.body || "");
      process.exitCode = 1;
    }
  );
}

// Waits for a call that the service refuses, and returns the error.
async function refused(call) {
  try {
    await call;
  } catch (error) {
    return error;
  }
  assert.fail("the call was accepted");
}

module.exports = { request, phone, lastCode, listen, refused, run };
