/**
 * Downloads the providers' specifications into `specs/`, for the contract tests: `npm run specs`.
 * The specifications belong to the vendors and are not part of this repository.
 */
import { mkdir, writeFile } from "node:fs/promises";

const SPECS: Readonly<Record<string, string>> = {
  "runpod-v2.openapi.json": "https://api.runpod.io/v2/openapi.json",
  "fly-machines.openapi.json": "https://docs.machines.dev/spec/openapi3.json",
};

async function download(name: string, url: string): Promise<void> {
  const response = await fetch(url, { headers: { "user-agent": "atlas-compute specs" } });
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  const specification: unknown = await response.json();
  await writeFile(`specs/${name}`, `${JSON.stringify(specification, null, 2)}\n`);
  console.log(`specs/${name} from ${url}`);
}

await mkdir("specs", { recursive: true });
await Promise.all(Object.entries(SPECS).map(([name, url]) => download(name, url)));
