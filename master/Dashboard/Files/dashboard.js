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

async function ask(method, path, body) {
  const headers = { "GC-Admin-Token": token };
  if (body) headers["Content-Type"] = "application/json";
  try {
    const answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
    if (answer.ok) return answer;
    said.textContent = answer.status === 429 ? "Too many tries: wait a minute."
      : answer.status === 401 ? "The session is over: load the page anew."
      : answer.status === 403 ? "That is not the code."
      : `It did not work (${answer.status}).`;
  } catch {
    said.textContent = "The master does not answer.";
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
