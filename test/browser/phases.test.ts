import { expect, it } from "vitest";
import { type PhaseFacts, phaseOf, type SessionPhase } from "../../src/browser/phases.ts";
import { ComputeError } from "../../src/browser/request.ts";
import type { ComputeSnapshot } from "../../src/compute-json.ts";

type Row = [
  status: ComputeSnapshot["status"],
  reason: ComputeSnapshot["reason"],
  unanswered: SessionPhase,
  answered: SessionPhase,
];

const TABLE: readonly Row[] = [
  ["pending", null, "placing", "placing"],
  ["uncertain", null, "placing", "placing"],
  ["provisioning", null, "provisioning", "provisioning"],
  ["running", null, "starting", "ready"],
  ["stopped", null, "stopped", "stopped"],
  ["terminating", "idle", "ending", "ending"],
  ["terminated", "requested", "ended", "ended"],
  ["terminated", "idle", "ended", "ended"],
  ["terminated", "boot_timeout", "failed", "failed"],
  ["terminated", "exited", "failed", "failed"],
  ["terminated", "abandoned", "failed", "failed"],
  ["failed", "failed", "failed", "failed"],
];

function compute(status: ComputeSnapshot["status"], reason: ComputeSnapshot["reason"]): ComputeSnapshot {
  return { status, reason, warnBeforeEndSeconds: 60 } as ComputeSnapshot;
}

it.each(TABLE)(
  "shows %s with the reason %s as %s, and as %s once the pod answered",
  (status, reason, unanswered, answered) => {
    const facts: PhaseFacts = { compute: compute(status, reason) };
    expect(phaseOf(facts, 1)).toBe(unanswered);
    expect(phaseOf({ ...facts, hasAnswered: true }, 1)).toBe(answered);
  },
);

it.each(TABLE)(
  "shows %s with the reason %s as offline only where something may still change",
  (status, reason, unanswered) => {
    const isOver = unanswered === "ended" || unanswered === "failed";
    expect(phaseOf({ compute: compute(status, reason), isOffline: true }, 1)).toBe(
      isOver ? unanswered : "offline",
    );
  },
);

it("warns from the seconds before the end that the compute names", () => {
  const facts = { compute: compute("running", null), hasAnswered: true, endsAt: 60_001 };
  expect(phaseOf(facts, 0)).toBe("ready");
  expect(phaseOf(facts, 1)).toBe("ending-soon");
});

it("begins with none, and places where a request is under way", () => {
  expect(phaseOf({}, 1)).toBe("none");
  expect(phaseOf({ beganAt: 1 }, 1)).toBe("placing");
  expect(phaseOf({ beganAt: 1, error: new ComputeError("FORBIDDEN", "no") }, 1)).toBe("failed");
});
