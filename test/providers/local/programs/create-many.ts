/** A process of its own that creates instances all at once, and prints what it got: `<state folder> <name prefix> <count>`. */
import { local } from "../../../../src/providers/local/index.ts";

const [stateDirectory = "", prefix = "", count = ""] = process.argv.slice(2);
const provider = local({ stateDirectory, stopTimeoutSeconds: 0.3 });
const context = { signal: AbortSignal.timeout(15_000), requestTimeoutSeconds: 5 };
const creates = Array.from({ length: Number(count) }, (_, index) =>
  provider.create(
    {
      name: `${prefix}${index}`,
      owner: "owner-1",
      env: { TOKEN: "t" },
      candidate: {},
      command: ["sleep", "60"],
      ports: [8000, 9000].map((internal) => ({ internal, protocol: "http" })),
      gpus: [],
      gpuCount: 1,
      regions: [],
      metadata: {},
      options: undefined,
    },
    context,
  ),
);
process.stdout.write(JSON.stringify(await Promise.all(creates)));
// Stays until it is killed when it is asked to: what it made has to outlive that.
if (process.argv.includes("stay")) setInterval(() => undefined, 1000);
