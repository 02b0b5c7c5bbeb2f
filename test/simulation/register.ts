/**
 * Prepares a program for simulation; it is loaded before everything else, by `node --import`. Random numbers come from the process whose turn it is, and
 * one module of the project may be changed on its way in, to see that the simulation finds the fault.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { fileURLToPath } from "node:url";
import { replaceRandomness } from "./chance.ts";
import { changed, mutationNamed } from "./mutations.ts";

const TELEMETRY = "@opentelemetry/api";
const ids = new URL("./ids.ts", import.meta.url).href;
const planted = process.env.SIMULATE_MUTATION;
const mutation = planted === undefined ? undefined : mutationNamed(planted);

registerHooks({
  // The package draws bytes ahead and keeps them for all: its ids would depend on the order of the processes.
  resolve: (specifier, context, next) => {
    if (specifier === TELEMETRY)
      throw new Error("a simulation runs without telemetry, as an application may");
    return specifier === "nanoid" ? { url: ids, shortCircuit: true } : next(specifier, context);
  },
  load: (url, context, next) => {
    if (mutation === undefined || !url.endsWith(mutation.file)) return next(url, context);
    const source = changed(mutation, readFileSync(fileURLToPath(url), "utf8"));
    return { format: "module-typescript", source, shortCircuit: true };
  },
});
replaceRandomness();
