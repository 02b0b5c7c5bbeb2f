/** The tests that judge mutants, as `scripts/mutation.ts` names them: those that run in one process and need no other program. */
import { globSync } from "node:fs";
import { defineConfig, type ViteUserConfig } from "vitest/config";

const patterns: readonly string[] = JSON.parse(process.env.MUTATION_TESTS ?? "[]");

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/mutation/judges.ts"],
    setupFiles: ["test/mutation/setup.ts"],
    // One file, whose modules are loaded anew for each mutant: without the isolation Stryker's record of the tests that reach a mutant is lost.
    pool: "threads",
    env: {
      FUZZ_RUNS: "200",
      MUTATION_JUDGES: JSON.stringify(patterns.flatMap((pattern) => globSync(pattern)).toSorted()),
    },
  },
});

export default config;
