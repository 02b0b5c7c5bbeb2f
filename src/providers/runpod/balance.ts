/** The balance of the account. REST v2 has no request for it: it comes from GraphQL, which RunPod turns off in 2027. */
import * as z from "zod/mini";
import type { CallContext } from "../../call-context.ts";
import type { HttpClient } from "../../internal/http.ts";
import type { RunpodBalance } from "./types.ts";

const QUERY = "query { myself { clientBalance currentSpendPerHr } }";

const answer = z.object({
  data: z.object({ myself: z.object({ clientBalance: z.number(), currentSpendPerHr: z.number() }) }),
});

/** Reads the balance. */
export async function readBalance(graphql: HttpClient, context: CallContext): Promise<RunpodBalance> {
  const request = { method: "POST", path: "/graphql", json: { query: QUERY }, idempotent: true } as const;
  const { data } = await graphql.read(request, answer, context);
  const { clientBalance, currentSpendPerHr } = data.myself;
  return { dollars: clientBalance, dollarsPerHour: currentSpendPerHr };
}
