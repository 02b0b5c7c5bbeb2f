/** Looks for a schedule that breaks a law, with the fault in the code that `SIMULATE_MUTATION` names: prints the failure as JSON, or `null`. */
import { carryOut } from "./job.ts";
import { mutationNamed } from "./mutations.ts";

const { scenario } = mutationNamed(process.env.SIMULATE_MUTATION ?? "");
const { failures } = await carryOut({ kind: "random", scenario, from: 1, to: 2001 });
console.log(JSON.stringify(failures[0] ?? null));
