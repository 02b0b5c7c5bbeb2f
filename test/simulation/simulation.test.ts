import { execFile } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Move, moveText, parseMove, parseSchedule, scheduleText } from "./move.ts";

/** Runs `npm run simulate` with these arguments, and with a fault in the code where one is named. */
function simulate(
  args: readonly string[],
  mutation?: string,
): Promise<{ readonly code: unknown; readonly text: string }> {
  const script = ["--import", "./test/simulation/register.ts", "scripts/simulate.ts"];
  return new Promise((resolve) => {
    const env = { ...process.env, ...(mutation && { SIMULATE_MUTATION: mutation }) };
    execFile(process.execPath, [...script, ...args], { env }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, text: stdout + stderr }),
    );
  });
}

const process_ = fc.constantFrom("A", "R", "Z");
const move: fc.Arbitrary<Move> = fc.oneof(
  fc.record({
    kind: fc.constant("call" as const),
    process: process_,
    at: fc.nat(9),
    passage: fc.constantFrom("answered", "answer-lost", "call-lost", "unanswered", "refused"),
  }),
  fc.record({ kind: fc.constant("crash" as const), process: process_, arrives: fc.boolean() }),
  fc.constant({ kind: "pause" as const }),
  fc.record({ kind: fc.constant("leap" as const), seconds: fc.nat(1000) }),
  fc.record({
    kind: fc.constant("event" as const),
    event: fc.constantFrom("blackout", "vanish", "fail", "halt", "pods-answer"),
  }),
);

describe("a schedule", () => {
  it("is read as it was written", () => {
    fc.assert(
      fc.property(fc.array(move), (moves) => {
        expect(parseSchedule(scheduleText("slot", moves))).toEqual({ scenario: "slot", moves });
      }),
    );
  });

  it.each(["a", "A?!", "xx", "-1", "x+", "A12", ""])("cannot have the move %j", (text) => {
    expect(() => parseMove(text)).toThrow("is no move");
  });

  it("writes an answered call as the process's letter", () => {
    expect(moveText({ kind: "call", process: "A", at: 0, passage: "answered" })).toBe("A");
  });
});

describe("npm run simulate", () => {
  it("finds no broken law in every schedule of four moves, and in random ones", async () => {
    const { code, text } = await simulate(["--depth", "4", "--random", "600", "--workers", "1"]);
    expect(text).toMatch(/slot, every schedule up to 4 moves: \d+ schedules in \d+ states/);
    expect(text).toContain("600 random schedules");
    expect(code).toBe(0);
  }, 120_000);

  it("plays a schedule again", async () => {
    const { code, text } = await simulate(["--replay", "crowd: A B A B R R 61 R xA"]);
    expect(text).toBe("The schedule breaks no law.\n");
    expect(code).toBe(0);
  }, 120_000);

  it.each([
    // The first look of a wait was no sign of life, so that a reaper ended a compute that a caller had begun to wait for.
    "looks: 31 S S V V V2 S1 R V3 S1 V2 V4 V3 V1 V1 R 61 V2 V1 R V V V1 V1 V 31 R V R R R R1",
    // A record that took two minutes to write let another process believe that nothing had been created, and the create was still on its way.
    "lag: B 61 61 B x+B",
    // A create whose answer was lost made an instance that had failed when it was found, and its last lines were lost.
    "looks: A A? f f f",
  ])("finds no broken law any more in %j", async (schedule) => {
    const { code, text } = await simulate(["--replay", schedule]);
    expect(text).toContain("The schedule breaks no law.");
    expect(code).toBe(0);
  });

  it("prints a schedule that breaks a law, as a list to play again", async () => {
    const mutation = "the pod comes before its row";
    const explored = await simulate(["--depth", "2", "--random", "0", "--scenario", "slot"], mutation);
    const schedule = /--replay '(.+)'/.exec(explored.text)?.[1] ?? "";
    expect(schedule).toMatch(/^slot: [AB]/);
    const replayed = await simulate(["--replay", schedule], mutation);
    expect(replayed.text).toMatch(/law 1: [AB] creates atlas-default-\w{20}, which is not recorded/);
    expect([explored.code, replayed.code]).toEqual([1, 1]);
  }, 120_000);

  it("says so where a schedule is not possible", async () => {
    const { code, text } = await simulate(["--replay", "slot: A A xA A"]);
    expect(text).toContain("the move A is not possible here");
    expect(code).toBe(1);
  }, 120_000);
});
