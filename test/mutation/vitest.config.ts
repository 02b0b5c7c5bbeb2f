/** The tests that judge mutants, as `scripts/mutation.ts` names them: those that run in one process and need no other program. */
import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    include: JSON.parse(process.env.MUTATION_TESTS ?? "[]"),
    setupFiles: ["test/mutation/setup.ts"],
    // Each file on its own: Stryker's record of the tests that reach a mutant is lost where files share their modules.
    pool: "threads",
    env: { FUZZ_RUNS: "200" },
  },
});

export default config;
