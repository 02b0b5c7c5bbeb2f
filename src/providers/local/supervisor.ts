/** The program that supervises an instance. The build of the package puts the whole program here as text, so that no bundler can lose it. */
import { fileURLToPath } from "node:url";

/** The program: a file beside this module, or its whole text. */
export type SupervisorProgram = { readonly path: string } | { readonly source: string };

/** The program as this module has it. */
export const supervisor: SupervisorProgram = {
  path: fileURLToPath(new URL("local-supervisor.ts", import.meta.url)),
};
