/** The order of test files: those that take longest begin first, so that none of them is left alone at the end. */
import { BaseSequencer, type TestSpecification } from "vitest/node";

const SLOW: readonly string[] = [
  "test/cli/spawn.test.ts",
  "test/simulation/simulation.test.ts",
  "test/stores/postgres.test.ts",
  "test/chaos/chaos.test.ts",
  "test/chaos/two-reapers.test.ts",
  "test/cli/commands.test.ts",
  "test/stores/pglite.test.ts",
  "test/providers/fly-laws.test.ts",
  "test/providers/local-laws.test.ts",
  "test/cli/tenants.test.ts",
  "test/cli/doctor.test.ts",
  "test/stores/copied-database.test.ts",
  "test/providers/runpod-laws.test.ts",
  "test/cli/guard.test.ts",
  "test/guard/raw/corpus.test.ts",
];

/** Begins with the slow files, and leaves the others in the order of Vitest: by their last time, or else by their size. */
export class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

function rank({ moduleId }: TestSpecification): number {
  const index = SLOW.findIndex((path) => moduleId.endsWith(path));
  return index === -1 ? SLOW.length : index;
}
