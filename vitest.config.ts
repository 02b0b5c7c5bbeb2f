import { defineConfig, type ViteUserConfig } from "vitest/config";

const config: ViteUserConfig = defineConfig({
  test: {
    testTimeout: 20_000,
    maxWorkers: "100%",
    projects: [
      { extends: true, test: { name: "unit", include: ["test/**/*.test.ts"] } },
      // Against real accounts, which costs money: only by `npm run test:live`, and only where a key is set.
      { extends: true, test: { name: "live", include: ["test/live/**/*.live.ts"], testTimeout: 900_000 } },
    ],
  },
});

export default config;
