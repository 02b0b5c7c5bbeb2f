/** Dead code: files that no program reaches, exports that no other file uses, and packages that nothing needs (`npm run dead`). */
import type { KnipConfig } from "knip";
import { entries, programs } from "./scripts/entries.ts";

const config: KnipConfig = {
  entry: [
    ...entries.map(({ source }) => source),
    ...programs.map(({ source }) => source),
    "scripts/*.ts",
    "scripts/bench/*.ts",
    "scripts/{frameworks,runtimes}/**",
    "examples/{quickstart,server}/**",
    "test/**/*.{test,test-d,daemon,browser,e2e,live,planted,shell}.{ts,tsx}",
    // Programs that tests start.
    "test/**/programs/**",
    "test/simulation/{find,ids,register,worker}.ts",
    // Stryker and its runner take them by name.
    "test/mutation/*.ts",
  ],
  project: ["src/**", "test/**", "scripts/**"],
  // A type beside its function is exported so that its declaration can be read.
  ignoreExportsUsedInFile: { interface: true, type: true },
  // package-check.ts, check.ts and mutation.ts run them by their names, and the guide's files for Vue import it in a text.
  ignoreDependencies: [
    "@arethetypeswrong/cli",
    "@stryker-mutator/vitest-runner",
    "publint",
    "react18",
    "react-dom18",
    "vue",
  ],
  // Debian's, which the tests of docker() ask for.
  ignoreBinaries: ["caddy", "openssl"],
  ignoreUnresolved: ["docker/guard/layer.sh"],
};

export default config;
