/** All tests of a part as one file, so that the code is loaded once for each mutant, and not once for each file of tests. */
import { resolve } from "node:path";
import { describe } from "vitest";

const files: readonly string[] = JSON.parse(process.env.MUTATION_JUDGES ?? "[]");
for (const file of files) describe(file, () => import(resolve(file)));
