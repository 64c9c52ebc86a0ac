"use strict";

// The server writes every section; this puts the new one in place of the old.
const line = document.getElementById("line");
if (line) {
  const source = new EventSource("/live");
  const show = (text, isLive) => {
    line.textContent = text;
    line.classList.toggle("on", isLive);
  };
  source.addEventListener("open", () => show("live", true));
  source.addEventListener("error", () => {
    show("not connected: trying again", false);
    // A refusal ends it for good; the master may be on its way back.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10000);
  });
  for (const id of ["clock", "alarms", "tiles", "plan", "plots", "nodes", "dns", "limits", "decisions"]) {
    source.addEventListener(id, event => {
      document.getElementById(id).innerHTML = event.data;
    });
  }
}

const said = document.getElementById("said");
const token = document.querySelector("meta[name=gc-admin-token]")?.content ?? "";

// Of an answer that is not one: its own sentence, or ours.
async function trouble(answer) {
  try {
    const sentence = (await answer.json()).said;
    if (sentence) return sentence;
  } catch {
    // It has none.
  }
  return answer.status === 429 ? "Too many tries: wait a minute."
    : answer.status === 401 ? "The session is over: load the page anew."
    : answer.status === 403 ? "That is not the code."
    : `It did not work (${answer.status}).`;
}

async function ask(method, path, body, where = said) {
  const headers = { "GC-Admin-Token": token };
  if (body) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    if (answer.ok) return answer;
    where.textContent = await trouble(answer);
  } catch {
    where.textContent = "The master does not answer.";
  }
  return null;
}

function on(id, act) {
  document.getElementById(id)?.addEventListener("submit", async event => {
    event.preventDefault();
    said.textContent = "";
    await act(event.target);
  });
}

on("sign-in", async form => {
  if (await ask("POST", "/v1/admin/session", { code: form.elements.code.value })) location.reload();
});
on("invite", async () => {
  const answer = await ask("POST", "/v1/admin/invites");
  if (answer) document.getElementById("invite-text").value = (await answer.json()).invite;
});
on("sign-out", async () => {
  if (await ask("DELETE", "/v1/admin/session")) location.reload();
});

// What a form's fields are named is the call's body; an empty one is left out.
function bodyOf(form) {
  const fields = [...form.elements].filter(field => field.name && field.value.trim() !== "");
  const value = field => field.type === "number" ? Number(field.value) : field.value === "true" ? true : field.value === "false" ? false : field.value.trim();
  return form.querySelector("[name]") ? Object.fromEntries(fields.map(field => [field.name, value(field)])) : undefined;
}

for (const form of document.querySelectorAll("form.order")) {
  const output = form.querySelector("output");
  form.addEventListener("submit", async event => {
    event.preventDefault();
    output.textContent = "";
    if (form.dataset.sure && !confirm(form.dataset.sure)) return;
    const answer = await ask(form.dataset.method, form.dataset.path, bodyOf(form), output);
    if (!answer) return;
    output.textContent = (await answer.json()).said ?? "It stands.";
    form.reset();
    if (form.dataset.anew) location.reload();
  });
}

document.getElementById("members")?.addEventListener("toggle", async event => {
  if (!event.target.open) return;
  const answer = await ask("GET", "/v1/admin/members");
  if (!answer) return;
  const { clients, invites } = await answer.json();
  const row = cells => {
    const line = document.createElement("tr");
    for (const cell of cells) line.insertCell().textContent = cell;
    return line;
  };
  const day = time => time.slice(0, 10);
  event.target.querySelector("tbody").replaceChildren(
    ...clients.map(c => row([c.id, c.branch, day(c.since), [c.isTrusted ? "trusted" : "", c.isRevoked ? "shut out" : ""].filter(Boolean).join(", ") || "member"])),
    ...invites.filter(i => !i.usedBy).map(i => row([i.id, "", `until ${day(i.until)}`, "invite"])));
});
