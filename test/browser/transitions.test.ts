/** The transitions of a session between its phases, driven through the real session with a control plane that follows a script. */
import fc from "fast-check";
import { expect, it } from "vitest";
import type { SessionPhase } from "../../src/browser/index.ts";
import { EVENTS, type EventName, scriptedPage } from "./scripted-plane.ts";

type Transitions = Partial<Record<EventName, readonly SessionPhase[]>>;

/** A compute that is open ends these ways, whatever its phase. */
const LIVE: Transitions = { lose: ["offline"], deny: ["failed"] };
const ENDS: Transitions = { ...LIVE, end: ["ending"], fail: ["failed"] };
/** An open compute may be in any of these when the page hears of it again. */
const KNOWN: readonly SessionPhase[] = [
  ...(["placing", "provisioning", "starting", "ready", "ending-soon"] as const),
  ...(["stopped", "ending", "ended", "failed"] as const),
];

const AFTER_DENIAL: Transitions = Object.fromEntries(
  ["extend", "stop", "start", "end"].map((verb) => [verb, ["failed", ...KNOWN]]),
);

/**
 * Phase by event. The first phase is that after the shortest way to the row's own phase; the others depend on facts that the phase hides, such as a
 * pod that listens already. Each event that a row does not name leaves the phase as it is.
 */
const TABLE: Readonly<Record<SessionPhase, Transitions>> = {
  none: { open: ["placing", "offline", "failed"] },
  placing: { ...ENDS, provision: ["provisioning"] },
  provisioning: { ...ENDS, run: ["starting", "ready", "ending-soon"], stop: ["stopped"] },
  starting: { ...ENDS, listen: ["ready", "ending-soon"], stop: ["stopped"] },
  ready: { ...ENDS, warn: ["ending-soon"], stop: ["stopped"] },
  "ending-soon": { ...ENDS, extend: ["ready"], stop: ["stopped"] },
  stopped: { ...ENDS, start: ["provisioning"] },
  ending: { ...LIVE, finish: ["ended"] },
  ended: { open: ["placing", "offline", "failed"] },
  // A compute that was denied for a while answers the page's own verbs again.
  failed: { open: ["placing", "offline", ...KNOWN], ...AFTER_DENIAL },
  offline: { return: KNOWN },
};

/** The shortest way to each phase. */
const WAYS: Readonly<Record<SessionPhase, readonly EventName[]>> = {
  none: [],
  placing: ["open"],
  provisioning: ["open", "provision"],
  starting: ["open", "provision", "run"],
  ready: ["open", "provision", "run", "listen"],
  "ending-soon": ["open", "provision", "run", "listen", "warn"],
  stopped: ["open", "provision", "run", "stop"],
  ending: ["open", "end"],
  ended: ["open", "end", "finish"],
  failed: ["open", "fail"],
  offline: ["open", "lose"],
};
const PHASES = Object.keys(WAYS) as SessionPhase[];

it.each(PHASES)("goes from %s where the table says, and nowhere else", async (phase) => {
  for (const event of EVENTS) {
    const page = scriptedPage();
    for (const step of WAYS[phase]) await page.happen(step);
    expect(page.phase()).toBe(phase);
    await page.happen(event);
    expect(`${event}: ${page.phase()}`).toBe(`${event}: ${TABLE[phase][event]?.[0] ?? phase}`);
    page.session.close();
  }
});

it("leaves the table by no sequence of events", async () => {
  const sequences = fc.array(fc.constantFrom(...EVENTS), { minLength: 4, maxLength: 16 });
  const begins = fc.constantFrom(...PHASES).map((phase) => WAYS[phase]);
  await fc.assert(
    fc.asyncProperty(begins, sequences, async (begin, events) => {
      const page = scriptedPage();
      for (const event of [...begin, ...events]) {
        const before = page.phase();
        await page.happen(event);
        const allowed = TABLE[before][event] ?? [before];
        expect(allowed, `${before} after ${event}`).toContain(page.phase());
      }
      page.session.close();
    }),
    { numRuns: 150 },
  );
});

it("shows the failure of a compute by its reason, and forgets it with the next one", async () => {
  const page = scriptedPage();
  for (const event of WAYS.failed) await page.happen(event);
  expect(page.session.getSnapshot()).toMatchObject({
    message: "failed: failed",
    error: { code: "BOOT_FAILED" },
  });
  await page.happen("open");
  expect(page.session.getSnapshot().error).toBeUndefined();
  page.session.close();
});
