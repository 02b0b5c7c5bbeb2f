/** All tests of a part as one file, so that the code is loaded once for each mutant, and not once for each file of tests. */
import { resolve } from "node:path";
import { describe } from "vitest";

// Loaded here, so that code that runs at the import counts as such, and not as code of the test that is the first to load it.
const sources: readonly string[] = JSON.parse(process.env.MUTATION_SOURCES ?? "[]");
await Promise.all(sources.map((file) => import(resolve(file))));

const files: readonly string[] = JSON.parse(process.env.MUTATION_JUDGES ?? "[]");
for (const file of files) describe(file, () => import(resolve(file)));
