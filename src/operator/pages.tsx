/** The pages, each from the client's answers. */
import { AtlasError } from "../errors.ts";
import { BodyTooLong, readText } from "../internal/http-body.ts";
import type { TotalsOptions } from "../lifecycle/list.ts";
import { actionNamed, actions } from "./actions.ts";
import { page, seeOther } from "./answer.ts";
import { readCompute } from "./compute-data.ts";
import { toFilter, toListQuery } from "./list-query.ts";
import { readCosts } from "./month-costs.ts";
import type { Answer } from "./served.tsx";
import { ConfirmPage, TokenPage } from "./views/action-view.tsx";
import { ComputePage } from "./views/compute-view.tsx";
import { CostsPage } from "./views/costs-view.tsx";
import { ListPage } from "./views/list-view.tsx";
import { ReaperPage } from "./views/reaper-view.tsx";

const ROWS = 50;
const USERS = 12;
const GROUPS = 200;
const MAX_FORM_BYTES = 1024;

/** The list, a page of it, with the totals of everything that its filters let through. */
export const showList: Answer = async ({ desk, request, frame }) => {
  const { atlas } = desk;
  const query = toListQuery(new URL(request.url));
  const filter = toFilter(query);
  const totals = (by: TotalsOptions["by"], limit: number): ReturnType<typeof atlas.totals> =>
    atlas.totals({ ...filter, by, limit });
  const [list, byState, byUser] = await Promise.all([
    atlas.listComputes({ ...filter, limit: ROWS, cursor: query.cursor || null }),
    totals(["provider", "status"], GROUPS),
    totals(["userId"], USERS),
  ]);
  const computes = list.computes.map((compute) => compute.snapshot());
  const now = new Date(computes[0]?.now ?? desk.clock.now());
  const data = { query, computes, nextCursor: list.nextCursor, now, byState, byUser };
  return page(200, frame.nonce, <ListPage frame={frame} data={data} />);
};

/** One compute. */
export const showCompute: Answer = async ({ desk, request, frame, param }) => {
  const data = await readCompute(desk, param("id"));
  const done = new URL(request.url).searchParams.get("done");
  const notice = actions.find(({ name }) => name === done)?.done;
  return page(200, frame.nonce, <ComputePage frame={frame} data={data} notice={notice} />);
};

/** The costs of this month and of the one before. */
export const showCosts: Answer = async ({ desk: { atlas, clock }, frame }) => {
  const data = await readCosts(atlas, clock.now());
  return page(200, frame.nonce, <CostsPage frame={frame} data={data} />);
};

/** The question before an action. */
export const confirm: Answer = async ({ desk, frame, param }) => {
  const action = actionNamed(param("action"));
  const compute = await desk.atlas.getCompute(param("id"));
  return page(200, frame.nonce, <ConfirmPage frame={frame} action={action} compute={compute.snapshot()} />);
};

/** An action. Its log entry and its event name the operator. */
export const perform: Answer = async ({ desk, request, operator: { operator }, frame, param }) => {
  const action = actionNamed(param("action"));
  const form = await readForm(request);
  const { id } = await desk.atlas.getCompute(param("id"));
  desk.logger?.info(`operator ${operator}: ${action.name} of compute ${id}`, { operator, computeId: id });
  const { token } = await action.run(desk.atlas, id, `operator:${operator}`, form);
  if (token === undefined) return seeOther(frame.links.compute(id, action.name));
  return page(200, frame.nonce, <TokenPage frame={frame} id={id} token={token} />);
};

/** The reaper: the work of a pass that would run now. */
export const showReaper: Answer = async ({ desk: { atlas, clock }, frame }) => {
  const [report, groups] = await Promise.all([
    atlas.reap({ dryRun: true, orphans: "report" }),
    atlas.totals({ by: ["provider"], limit: GROUPS }),
  ]);
  const due = groups.flatMap(({ dueAt }) => dueAt?.getTime() ?? []);
  const overdue = (clock.now().getTime() - Math.min(...due)) / 1000;
  const data = { report, overdueSeconds: due.length > 0 && overdue > 0 ? overdue : null };
  return page(200, frame.nonce, <ReaperPage frame={frame} data={data} />);
};

/** Reads a form, of which the page sends short ones only. @throws VALIDATION */
async function readForm(request: Request): Promise<URLSearchParams> {
  try {
    return new URLSearchParams(await readText(request, MAX_FORM_BYTES));
  } catch (error) {
    const isLong = error instanceof BodyTooLong;
    const message = isLong
      ? `The form is longer than ${MAX_FORM_BYTES} bytes.`
      : "The form did not arrive whole.";
    throw new AtlasError("VALIDATION", message, { cause: error });
  }
}
