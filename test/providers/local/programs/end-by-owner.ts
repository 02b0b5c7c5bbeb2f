/** A process of its own that finds instances by name and owner tag, and ends them: `<state folder> <name prefix> <owner>`. */
import { local } from "../../../../src/providers/local/index.ts";

const [stateDirectory = "", namePrefix = "", owner = ""] = process.argv.slice(2);
const provider = local({ stateDirectory, stopTimeoutSeconds: 0.3 });
const context = { signal: AbortSignal.timeout(15_000), requestTimeoutSeconds: 5 };
const found = (await provider.list({ namePrefix }, context)).filter((instance) => instance.owner === owner);
await Promise.all(found.map((instance) => provider.terminate(instance, context)));
process.stdout.write(JSON.stringify(found));
