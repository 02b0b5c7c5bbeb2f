import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Failure } from "./explore.ts";
import { changed, type Mutation, mutations } from "./mutations.ts";

const program = promisify(execFile);

/** A schedule that breaks a law when this fault is in the code. */
async function findingOf({ name }: Mutation): Promise<Failure | null> {
  const script = ["--import", "./test/simulation/register.ts", "test/simulation/find.ts"];
  const env = { ...process.env, SIMULATE_MUTATION: name };
  return JSON.parse((await program(process.execPath, script, { env })).stdout);
}

describe("the simulation finds a fault in the code", () => {
  it.each(mutations)(
    "$name (law $law)",
    async (mutation) => {
      const failure = await findingOf(mutation);
      expect(failure?.findings[0]).toMatch(/^law \d+: /);
      expect(failure?.schedule).toMatch(new RegExp(`^${mutation.scenario}:`));
    },
    60_000,
  );

  it("and refuses a fault that does not fit the code any more", () => {
    const mutation = { name: "old", file: "a.ts", from: "gone", to: "", law: 1, scenario: "slot" };
    expect(() => changed(mutation, "const a = 1;")).toThrow('mutation "old" does not fit a.ts any more');
  });
});
