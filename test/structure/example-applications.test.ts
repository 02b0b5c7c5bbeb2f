import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

/** Files that both example applications have: a user copies one of them whole. */
const TWINS = [
  ["pod/server.mjs", "pod/server.mjs"],
  ["app/gpu.tsx", "app/gpu.tsx"],
  ["app/styles.css", "app/styles.css"],
  ["lib/pod.ts", "app/lib/pod.server.ts"],
] as const;

test.each(TWINS)("%s of the Next application is %s of the React Router application", (next, router) => {
  const [one, other] = [`examples/next/${next}`, `examples/react-router/${router}`].map((path) =>
    readFileSync(path, "utf8"),
  );
  expect(one).toBe(other);
});
