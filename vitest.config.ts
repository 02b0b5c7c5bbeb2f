import { resolve } from "node:path";
import { defineConfig, type ViteUserConfig } from "vitest/config";
import { SlowFirst } from "./test/support/slow-first.ts";

const ALL = ["test/**/*.test.ts"];
/** Files that leave nothing behind in their process: they share processes and modules, which spares the time to load them for each file. */
const TOGETHER = [
  "test/auth/**/*.test.ts",
  "test/internal/!(telemetry*|process-end).test.ts",
  "test/lifecycle/**/*.test.ts",
  "test/structure/**/*.test.ts",
  "test/tenants/**/*.test.ts",
  "test/types/**/*.test.ts",
];

const config: ViteUserConfig = defineConfig({
  test: {
    testTimeout: 20_000,
    maxWorkers: "100%",
    sequence: { sequencer: SlowFirst },
    // Programs that tests start from their sources: Node compiles them once, and not once a process.
    env: { NODE_COMPILE_CACHE: resolve("node_modules/.cache/compiled") },
    // Real processes, daemons and browsers meet a machine's load. CI gives such a test a second chance and names it in
    // its report; on a developer's machine the first failure stands.
    retry: process.env["CI"] === undefined ? 0 : 1,
    // By `npm run coverage`: the parts that decide, by their own tests.
    coverage: {
      provider: "v8",
      include: [
        "src/auth/**",
        "src/guard/verdict/**",
        "src/lifecycle/**",
        "src/stores/memory/**",
        "src/*.ts",
      ],
      reporter: ["text", "json-summary"],
      reportsDirectory: "node_modules/.cache/coverage",
      // Lower them never; docs/testing.md argues for what is left.
      thresholds: {
        lines: 97.5,
        branches: 93,
        "src/auth/**": { lines: 99, branches: 96 },
        "src/guard/verdict/**": { lines: 97, branches: 95 },
        "src/stores/memory/**": { lines: 99, branches: 96 },
      },
    },
    projects: [
      { extends: true, test: { name: "unit", include: ALL } },
      // The same files, by `npm test`, in less time.
      { extends: true, test: { name: "apart", include: ALL, exclude: TOGETHER } },
      {
        extends: true,
        test: {
          name: "together",
          include: TOGETHER,
          isolate: false,
          setupFiles: ["test/support/leaves-as-found.ts"],
        },
      },
      // On a real Docker daemon, which `npm run docker` names: one file after another, because they look at everything that is on it.
      {
        extends: true,
        test: {
          name: "docker",
          include: ["test/docker/**/*.daemon.ts"],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      // In Chromium, one after another: by `npm run browser`.
      {
        extends: true,
        test: {
          name: "browser",
          include: ["test/browser/**/*.browser.ts"],
          fileParallelism: false,
          testTimeout: 60_000,
        },
      },
      // The completions in real shells: by `npm run shells`.
      { extends: true, test: { name: "shells", include: ["test/cli/**/*.shell.ts"] } },
      // The faults that the simulation has to find: by `npm run simulate:faults`.
      { extends: true, test: { name: "faults", include: ["test/simulation/**/*.planted.ts"] } },
      // The example applications, built for production, in Chromium: by `npm run e2e`.
      {
        extends: true,
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.e2e.ts"],
          testTimeout: 120_000,
        },
      },
      // Against real accounts, which costs money: only by `npm run test:live`, and only where a key is set.
      { extends: true, test: { name: "live", include: ["test/live/**/*.live.ts"], testTimeout: 900_000 } },
    ],
  },
});

export default config;
