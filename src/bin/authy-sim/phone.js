// The phone page: asks for /phone.json once a second and changes what differs, in place, so that focus,
// a selection and a pressed button survive. All text is inserted as text, never as HTML.
"use strict";

const WORDS = {
  approved: "Approved", canceled: "Canceled", denied: "Denied", expired: "Expired", pending: "Pending", verified: "Verified",
};
const KINDS = { sms: "SMS", call: "Call", email: "E-mail" };
const byId = (id) => document.getElementById(id);

function element(name, kind, ...children) {
  const node = document.createElement(name);
  if (kind) node.className = kind;
  node.append(...children);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// Makes the children of `parent` those of `items`, in this order. A child that stays is not moved, since
// moving takes the focus away. A focus that is lost with its child goes to the heading of the section.
function render(parent, items, keyOf, create, update) {
  const wanted = new Map(items.map((item) => [String(keyOf(item)), item]));
  const known = new Map();
  for (const child of [...parent.children]) {
    if (wanted.has(child.dataset.key)) {
      known.set(child.dataset.key, child);
    } else {
      const heading = child.contains(document.activeElement) && parent.closest("section").querySelector("h2");
      child.remove();
      if (heading) heading.focus();
    }
  }
  let next = parent.firstElementChild;
  for (const [key, item] of wanted) {
    const node = known.get(key) || create(item);
    node.dataset.key = key;
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
    update(node, item);
  }
}

function seconds(left) {
  return left === null ? "No time limit" : left + " s left";
}

// Sends JSON to the simulator; returns whether it was accepted.
async function send(path, body) {
  try {
    const headers = { "Content-Type": "application/json" };
    const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
    return answer.ok;
  } catch (error) {
    return false;
  }
}

// A push that waits, with the buttons that decide it.
function createPush({ push, email }) {
  const decide = (word, kind, approve) => {
    const button = element("button", kind, word);
    button.setAttribute("aria-label", `${word}: ${push.message}, for ${email}`);
    button.onclick = async () => {
      const done = await send("phone/approvals/" + push.uuid, { approve });
      setText(byId("news"), done ? `${WORDS[approve ? "approved" : "denied"]}: ${push.message}` : "It no longer waits");
      refresh();
    };
    return button;
  };
  const details = element("dl");
  for (const [name, value] of Object.entries(push.details)) {
    details.append(element("dt", "", name), element("dd", "", value));
  }
  const title = element("h3", "", push.message);
  title.id = "push-" + push.uuid;
  const card = element("article", "waiting", title, element("p", "soft", "for " + email), details);
  card.append(element("p", "", element("span", "left")));
  card.append(decide("Approve", "approve", true), decide("Deny", "deny", false));
  card.setAttribute("aria-labelledby", title.id);
  setText(byId("news"), `A push for ${email}: ${push.message}`);
  return card;
}

function createCode(name) {
  const digits = element("span", "digits");
  const copy = element("button", "copy", "Copy");
  copy.setAttribute("aria-label", "Copy the code of " + name);
  copy.onclick = async () => {
    getSelection().selectAllChildren(digits);
    try {
      await navigator.clipboard.writeText(digits.textContent);
      setText(byId("news"), "Copied: the code of " + name);
    } catch (error) {
      setText(byId("news"), "Selected: the code of " + name);
    }
  };
  const bar = element("div", "bar", element("i"));
  bar.setAttribute("aria-hidden", "true");
  return [element("p", "code", digits, copy), bar, element("p", "soft rest")];
}

function updateCode(card, digits, left, step) {
  setText(card.querySelector(".digits"), digits);
  setText(card.querySelector(".rest"), seconds(left));
  card.querySelector(".bar i").style.width = (left / step) * 100 + "%";
}

function createCard(name, about) {
  return element("article", "", element("h3", "", name), element("p", "soft about", about), ...createCode(name));
}

function createPerson(user) {
  const card = createCard(user.email, "");
  const list = element("ul");
  list.setAttribute("aria-label", "Messages and pushes of " + user.email);
  card.append(element("p", "state"), list);
  return card;
}

// The pushes that are decided, then the messages, the latest ones first.
function entriesOf(user) {
  const pushes = user.approvals.filter((push) => push.status !== "pending");
  const messages = user.inbox.map((message, at) => ({ ...message, key: at }));
  return [...pushes.reverse(), ...messages.reverse()];
}

function createEntry(entry) {
  if (entry.uuid) return element("li", "", element("span", "kind", "Push"), entry.message + " ", element("span", "state"));
  return element("li", "", element("span", "kind", KINDS[entry.kind]), entry.text);
}

function updateEntry(node, entry) {
  const state = node.querySelector(".state");
  if (!state) return;
  state.className = "state " + entry.status;
  setText(state, WORDS[entry.status]);
}

function updatePerson(card, user) {
  setText(card.querySelector("h3"), user.email);
  const app = user.registered ? "has the app" : "no app";
  setText(card.querySelector(".about"), `authy id ${user.authy_id}, +${user.country_code} ${user.cellphone}, ${app}`);
  updateCode(card, user.token, user.seconds_left, 20);
  const state = card.querySelector("p.state");
  const words = [user.suspended && "suspended", user.deleted && "deleted"].filter(Boolean);
  state.className = "state " + words.join(" ");
  setText(state, words.join(", "));
  render(card.querySelector("ul"), entriesOf(user), (entry) => entry.uuid || entry.key, createEntry, updateEntry);
}

// A code that Twilio sent; a second one to the number within ten minutes is the same.
function createSent() {
  return element("li", "", element("span", "kind"), element("span", "text"), element("span", "state"));
}

function updateSent(node, entry) {
  setText(node.querySelector(".kind"), KINDS[entry.channel]);
  const times = entry.sends > 1 ? ` (${entry.sends} times)` : "";
  setText(node.querySelector(".text"), `${entry.to}: ${entry.text}${times} `);
  updateEntry(node, entry);
}

function createFactor(factor) {
  const card = createCard(factor.name, "");
  card.querySelector("button").setAttribute("aria-label", `Copy the code of ${factor.name}, ${factor.identity}`);
  return card;
}

function updateFactor(card, factor) {
  setText(card.querySelector(".about"), `${factor.identity}, ${factor.verified ? "verified" : "not verified yet"}`);
  updateCode(card, factor.code, factor.seconds_left, factor.time_step);
}

function showTwilio({ verifications, factors }) {
  render(byId("twilio"), [...verifications].reverse(), (entry) => entry.sid, createSent, updateSent);
  byId("twilio").parentElement.hidden = !verifications.length;
  render(byId("factors"), factors, (factor) => factor.sid, createFactor, updateFactor);
  byId("factors").parentElement.hidden = !factors.length;
}

function updateVerification(node, entry) {
  setText(node.querySelector(".text"), `${entry.phone}: ${entry.code} `);
  updateEntry(node, entry);
}

function show(answer) {
  const pushesOf = (user) => user.approvals.map((push) => ({ push, email: user.email }));
  const waiting = answer.users.flatMap(pushesOf).filter(({ push }) => push.status === "pending");
  // A new push comes last, so that no button moves under the pointer.
  waiting.sort((one, other) => one.push.number - other.push.number);
  const count = waiting.length;
  setText(byId("waiting-title"), count ? `${count} ${count === 1 ? "push waits" : "pushes wait"}` : "No push waits");
  setText(document.querySelector("title"), (count ? `(${count}) ` : "") + "authy-sim phone");
  const updatePush = (card, { push }) => setText(card.querySelector(".left"), seconds(push.seconds_left));
  render(byId("waiting"), waiting, ({ push }) => push.uuid, createPush, updatePush);
  render(byId("people"), answer.users, (user) => user.authy_id, createPerson, updatePerson);
  byId("none").hidden = answer.users.length > 0;
  showTwilio(answer.twilio);
  const createApp = (app) => createCard(app.name, "checked by the host, by no service");
  render(byId("apps"), answer.apps, (app) => app.name, createApp, (card, app) => updateCode(card, app.code, app.seconds_left, 30));
  byId("apps").parentElement.hidden = !answer.apps.length;
  const createVerification = () => element("li", "", element("span", "text"), element("span", "state"));
  render(byId("verifications"), answer.verifications, (entry) => entry.phone, createVerification, updateVerification);
  byId("verifications").parentElement.hidden = !answer.verifications.length;
}

let asked = 0;
let shown = 0;

async function refresh() {
  const mine = ++asked;
  try {
    const answer = await (await fetch("phone.json", { cache: "no-store" })).json();
    // An older answer may arrive after a newer one.
    if (mine < shown) return;
    shown = mine;
    show(answer);
    setText(byId("trouble"), "");
  } catch (error) {
    setText(byId("trouble"), "The simulator no longer answers.");
  }
}

byId("number").oninput = () => byId("number").setCustomValidity("");
byId("add").onsubmit = async (event) => {
  event.preventDefault();
  const person = {
    email: byId("email").value,
    country_code: byId("country").value,
    cellphone: byId("number").value,
    registered: byId("registered").checked,
  };
  const done = await send("phone/users", person);
  setText(byId("news"), done ? "Added: " + person.email : "Not added: the phone number is not valid");
  if (!done) {
    // The browser shows this at the field, which it focuses.
    byId("number").setCustomValidity("This phone number is not valid");
    return byId("number").reportValidity();
  }
  event.target.reset();
  byId("email").focus();
  refresh();
};
refresh();
setInterval(refresh, 1000);
