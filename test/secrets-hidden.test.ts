import { inspect } from "node:util";
import { expect, test } from "vitest";
import { createAtlas } from "../src/index.ts";
import { fly } from "../src/providers/fly/index.ts";
import { mock } from "../src/providers/mock/index.ts";
import { runpod } from "../src/providers/runpod/index.ts";

const everything = { showHidden: true, depth: 20, getters: true } as const;

test("no inspection shows a secret of a compute, also not of its hidden properties", async () => {
  const provider = mock();
  const signingKey = "signing-key-of-thirty-two-characters";
  const controlUrl = "https://app.example";
  const atlas = createAtlas({ providers: [provider], signingKey, controlUrl });
  const auth = ["bearer", "signed-url"] as const;
  const compute = await atlas.spawnCompute({ ports: [8000], auth, env: { KEY: "s3cret-of-the-app" } });
  const env = provider.instances[0]?.env ?? {};
  const shown = [compute, compute.auth, { ...compute.auth }, atlas, compute.raw]
    .flatMap((value) => [
      inspect(value, { showHidden: true, depth: 20, getters: true }),
      inspect(value, { showHidden: true, depth: 20, customInspect: false }),
    ])
    .join("\n");
  for (const name of ["ATLAS_PRESHARED_KEY", "ATLAS_SIGNING_SECRET", "ATLAS_POD_TOKEN", "KEY"]) {
    expect(env[name], name).toMatch(/.{10}/);
    expect(shown, name).not.toContain(env[name]);
  }
  expect(shown).not.toContain(signingKey);
});

test("no inspection shows a provider's API key", () => {
  const providers = [
    runpod({ apiKey: "rpa_SECRETSECRET" }),
    fly({ apiKey: "fm2_SECRETSECRET", org: "acme" }),
  ];
  const shown = [...providers, createAtlas({ providers })].map((value) => inspect(value, everything)).join();
  expect(shown).not.toContain("SECRETSECRET");
});
