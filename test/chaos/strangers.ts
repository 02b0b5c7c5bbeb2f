/** Pods in the same account that are not ours: never to be touched, however much they look like ours (law 5). */
import type { FakeRunpod } from "../fakes/runpod.ts";

const STRANGERS: readonly { readonly name: string; readonly env: Readonly<Record<string, string>> }[] = [
  { name: `atlas-default-${"0".repeat(20)}`, env: { ATLAS_OWNER: "another store" } },
  { name: `atlas-default-${"1".repeat(20)}`, env: {} },
  { name: "atlas-default-short", env: { ATLAS_OWNER: "another store" } },
  { name: `atlas-other-${"2".repeat(20)}`, env: { ATLAS_OWNER: "another store" } },
  { name: "training", env: {} },
];

/** Adds them. @returns their ids */
export async function addStrangers({ bare, apiKey, pods }: FakeRunpod): Promise<ReadonlySet<string>> {
  for (const stranger of STRANGERS) {
    const body = { ...stranger, image: "ghcr.io/them/server:1", cpu: { id: "cpu3c", vcpuCount: 2 } };
    const headers = { authorization: `Bearer ${apiKey}`, "user-agent": "somebody" };
    await bare(new Request("http://runpod/v2/pods", { method: "POST", headers, body: JSON.stringify(body) }));
  }
  return new Set(pods.map(({ id }) => id));
}
