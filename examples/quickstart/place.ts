/** The two places of the quickstart's pod: a child process, and a container. */
import { fileURLToPath } from "node:url";
import type { Provider, SpawnRequest } from "atlas-compute";
import { docker } from "atlas-compute/docker";
import { local } from "atlas-compute/local";

/** A provider, and the parts of the request that differ between providers. */
export interface Place {
  readonly description: string;
  readonly provider: Provider;
  readonly request: Pick<SpawnRequest, "image" | "command" | "env">;
  readonly bootSeconds: number;
}

const POD = fileURLToPath(new URL("pod.ts", import.meta.url));

/** The pod as a child process of this machine. */
export function childProcess(): Place {
  return {
    description: "a child process of this machine, no account needed",
    provider: local(),
    request: { command: [process.execPath, POD] },
    bootSeconds: 8,
  };
}

/** The pod as a container of this image, which has Node. Its program is short enough for an argument, so that no image has to be built. */
export async function container(image: string): Promise<Place> {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    entryPoints: [POD],
    bundle: true,
    minify: true,
    format: "esm",
    platform: "node",
    write: false,
  });
  const program = outputFiles.map(({ text }) => text).join("");
  return {
    description: `a container of ${image}`,
    provider: docker(),
    request: {
      image,
      command: ["node", "--input-type=module", "--eval", program],
      env: { PORT: "8000", HOST: "0.0.0.0" },
    },
    bootSeconds: 60,
  };
}
