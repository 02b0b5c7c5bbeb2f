/** The script of the list: it reads the page again every few seconds, and replaces the table and the totals. Without it the page works as it was loaded. */
import { createHash } from "node:crypto";

/** The script, as browsers run it. It keeps the keyboard's place, waits while a text is selected or the tab is hidden, and can be paused. */
export const script = `const live = document.getElementById("live");
const EVERY = 5000;
let paused = false;

function keyOf(element) {
  return element?.getAttribute("href") ?? element?.id ?? null;
}

function replaceWith(fresh) {
  const focused = live.contains(document.activeElement) ? keyOf(document.activeElement) : null;
  live.replaceChildren(...fresh.childNodes);
  if (focused === null) return;
  for (const link of live.querySelectorAll("a")) if (keyOf(link) === focused) return link.focus({ preventScroll: true });
}

function isBusy() {
  const selection = getSelection();
  return paused || document.hidden || (!selection.isCollapsed && live.contains(selection.anchorNode));
}

function say(text) {
  const note = document.getElementById("live-note");
  if (note.textContent !== text) note.textContent = text;
}

async function refresh() {
  if (isBusy()) return;
  try {
    const response = await fetch(location.href, { headers: { accept: "text/html" }, signal: AbortSignal.timeout(20000) });
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html").getElementById("live");
    if (!response.ok || fresh === null) throw new Error(String(response.status));
    if (isBusy()) return;
    replaceWith(fresh);
    say("Updates every 5 s");
  } catch {
    say("Not updated: the server does not answer, or you are signed out. Load the page again.");
  }
}

async function loop() {
  await refresh();
  setTimeout(loop, EVERY);
}

if (live !== null) {
  const button = document.getElementById("live-pause");
  button.addEventListener("click", () => {
    paused = !paused;
    button.textContent = paused ? "Resume updates" : "Pause updates";
    say(paused ? "Updates are paused" : "Updates every 5 s");
  });
  document.addEventListener("visibilitychange", refresh);
  document.getElementById("live-state").hidden = false;
  say("Updates every 5 s");
  setTimeout(loop, EVERY);
}
`;

/** The address of the script, which changes with its text. */
export const scriptAddress: string = `live.js?v=${hashOf(script)}`;

/** A short hash of a file's text. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 12);
}
