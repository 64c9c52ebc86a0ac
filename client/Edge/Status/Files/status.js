"use strict";

// Everything shown is put in as text: nothing a grid has said is ever read as HTML.
const at = id => document.getElementById(id);
const show = (id, text) => { if (at(id).textContent !== text) at(id).textContent = text; };

const units = ["B", "kB", "MB", "GB", "TB"];
function size(bytes) {
  let unit = 0;
  for (; bytes >= 1000 && unit < units.length - 1; unit++) bytes /= 1000;
  return `${unit === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toPrecision(3).replace(/\.?0+$/, "")} ${units[unit]}`;
}
const whole = number => number.toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
const percent = share => share === null ? "–" : `${Math.round(share * 100)} %`;
function duration(seconds) {
  if (seconds === null || seconds === undefined) return "not known yet";
  const sign = seconds < 0 ? "−" : "", left = Math.abs(seconds);
  if (left < 60) return `${sign}${left.toFixed(left < 10 ? 1 : 0)} s`;
  if (left < 3600) return `${sign}${Math.floor(left / 60)} min ${Math.round(left % 60)} s`;
  return `${sign}${Math.floor(left / 3600)} h ${Math.round(left % 3600 / 60)} min`;
}
const clock = time => time.slice(11, 19);

// Where a table is too wide for a phone, each cell says itself what it is.
function row(body, cells, head = -1) {
  const names = [...body.parentElement.tHead.rows[0].cells].map(cell => cell.textContent);
  const line = document.createElement("tr");
  cells.forEach(([text, kind], index) => {
    const cell = document.createElement(index === head ? "th" : "td");
    if (index === head) cell.scope = "row";
    if (kind) cell.className = kind;
    cell.textContent = text;
    if (cells.length > 1 && text) cell.dataset.of = names[index];
    line.append(cell);
  });
  return line;
}

function items(list, texts) {
  const fresh = texts.map(text => {
    const item = document.createElement("li");
    item.textContent = text;
    return item;
  });
  list.replaceChildren(...fresh);
}

let held = false, latest = 0;

function tell(status) {
  show("since", `· version ${status.version} · since ${status.since.slice(0, 10)} ${clock(status.since)} · ${status.viewers === 1 ? "1 viewer" : `${status.viewers} viewers`} logged in`);
  show("saved-today", duration(status.today.savedSeconds));
  show("saved-all", `in all: ${duration(status.all.savedSeconds)}`);
  show("bytes-today", size(status.today.savedBytes));
  show("bytes-all", `of ${size(status.today.bytes)}; in all: ${size(status.all.savedBytes)} of ${size(status.all.bytes)}`);
  show("rate-today", percent(status.today.hitRate));
  show("rate-all", `in all: ${percent(status.all.hitRate)}`);
  show("store", size(status.store.bytes));
  at("fill").value = status.store.budget > 0 ? status.store.bytes / status.store.budget : 0;
  show("assets", `of ${size(status.store.budget)} · ${whole(status.store.assets)} assets`);

  at("visits").replaceChildren(...status.visits.map(visit => row(at("visits"), [
    [clock(visit.began)], [visit.world || "not known"], [whole(visit.requests), "number"], [size(visit.savedBytes), "number"],
    [duration(visit.waitedSeconds), "number"], [duration(visit.savedSeconds), "number"]], 0)));
  if (status.visits.length === 0) {
    const nothing = row(at("visits"), [["None yet: log in with your viewer."]]);
    nothing.firstChild.colSpan = 6;
    at("visits").append(nothing);
  }

  grid(status.grid);
  items(at("work"), status.work.map(work => `${work.what}: ${work.waiting}`));

  const first = status.recent[0]?.number ?? 0;
  if (!held && first !== latest) {
    latest = first;
    at("recent").replaceChildren(...status.recent.slice(0, 40).map(one => row(at("recent"), [
      [clock(one.at)], [one.from, one.from], [one.type], [size(one.bytes), "number"], [one.milliseconds > 0 ? `${one.milliseconds < 10 ? one.milliseconds.toFixed(1) : Math.round(one.milliseconds)} ms` : "", "number"]])));
  }
}

// Switches are made once and then changed in place, so that the keyboard stays where it is.
function grid(now) {
  at("grid").className = now ? now.health : "";
  show("grid", now ? `${now.name}, ${now.nodes === 1 ? "1 node" : `${now.nodes} nodes`}: ${now.said}` : "None is used: your own store alone. “globalcache join INVITE” lets you into one.");
  const worlds = now ? now.worlds : [];
  const list = at("worlds");
  if (list.children.length !== worlds.length) {
    list.replaceChildren(...worlds.map(() => {
      const item = document.createElement("li"), button = document.createElement("button"), label = document.createElement("span");
      button.type = "button";
      button.setAttribute("role", "switch");
      button.addEventListener("click", () => turn(button));
      item.append(button, label);
      return item;
    }));
  }
  worlds.forEach((world, index) => {
    const [button, label] = list.children[index].children;
    button.dataset.world = world.world;
    button.setAttribute("aria-checked", world.on && !world.refused);
    button.setAttribute("aria-label", `Share ${world.world}`);
    button.disabled = world.refused;
    label.textContent = world.refused ? `${world.world} is not shared: its owner refuses that` : `${world.world} is ${world.on ? "shared with the cache grid" : "kept to your own store"}`;
  });
}

async function turn(button) {
  show("said", "");
  try {
    const answer = await fetch("sharing", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ world: button.dataset.world, on: button.getAttribute("aria-checked") !== "true" }),
    });
    if (!answer.ok) show("said", answer.status === 409 ? "It stays as it is: the switch could not be written down." : `It did not work (${answer.status}).`);
  } catch {
    show("said", "The client does not answer.");
  }
}

at("hold").addEventListener("click", event => {
  held = !held;
  event.target.setAttribute("aria-pressed", held);
  event.target.textContent = held ? "Go on" : "Hold still";
});

const source = new EventSource("live");
const line = (text, on) => {
  show("line", text);
  at("line").classList.toggle("on", on);
};
source.addEventListener("open", () => line("live", true));
source.addEventListener("message", event => tell(JSON.parse(event.data)));
source.addEventListener("error", () => {
  line("the client does not answer: trying again", false);
  // A refusal ends it for good; the client may be on its way back.
  if (source.readyState === EventSource.CLOSED) setTimeout(() => location.reload(), 10000);
});
