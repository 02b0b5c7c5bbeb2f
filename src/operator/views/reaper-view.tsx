/** The page of the reaper: what a pass would do now, and the instances without a compute. */
import type { JSX } from "hono/jsx/jsx-runtime";
import type { ReapReport } from "../../lifecycle/reap/reap.ts";
import type { ReapEntry } from "../../lifecycle/reap/task.ts";
import { duration } from "../format.ts";
import type { Links } from "../links.ts";
import { type Frame, Layout } from "./layout.tsx";
import { ScrollTable } from "./scroll-table.tsx";

/** The data of the page. */
export interface ReaperData {
  readonly report: ReapReport;
  /** Seconds since the earliest work was due; null when none is overdue. */
  readonly overdueSeconds: number | null;
}

const HEADINGS: readonly (readonly [keyof Omit<ReapReport, "remaining">, string, string])[] = [
  ["orphans", "Orphans", "Instances at a provider that no live compute points to."],
  ["terminated", "To end", "Computes whose end is due, or under way."],
  ["settled", "To settle", "Creates whose outcome is not known."],
  ["failed", "Failed", "Providers or computes that could not be looked at."],
];

/** A pass is late when its work has been due for longer than some passes take. */
const LATE_SECONDS = 120;

/** The page. */
export function ReaperPage({ frame, data }: { frame: Frame; data: ReaperData }): JSX.Element {
  const { report, overdueSeconds } = data;
  const isLate = overdueSeconds !== null && overdueSeconds > LATE_SECONDS;
  const isEmpty = HEADINGS.every(([heading]) => report[heading].length === 0);
  return (
    <Layout frame={frame} title="Reaper" current="reaper">
      <h1>Reaper</h1>
      <p class={isLate ? "problem" : "lead"}>{lagSentence(overdueSeconds, isLate)}</p>
      <p class="quiet">A pass now would do the following. This page only looks.</p>
      {isEmpty && <p class="empty">Nothing is to be done.</p>}
      {HEADINGS.map(([heading, title, explanation]) => (
        <Entries links={frame.links} title={title} explanation={explanation} entries={report[heading]} />
      ))}
      {report.remaining && <p class="quiet">There is more than this page shows.</p>}
    </Layout>
  );
}

function lagSentence(overdueSeconds: number | null, isLate: boolean): string {
  if (overdueSeconds === null) return "No work is overdue.";
  const since = `The earliest work has been due for ${duration(overdueSeconds)}.`;
  return isLate
    ? `${since} Does a reaper run? Start one with atlas.startReaper(), or call the route of reap.`
    : since;
}

interface EntriesProps {
  readonly links: Links;
  readonly title: string;
  readonly explanation: string;
  readonly entries: readonly ReapEntry[];
}

function Entries({ links, title, explanation, entries }: EntriesProps): JSX.Element | null {
  if (entries.length === 0) return null;
  return (
    <section>
      <h2>
        {title} <span class="quiet">{entries.length}</span>
      </h2>
      <p class="quiet">{explanation}</p>
      <ScrollTable label={title} columns={["Compute", "Provider", "Instance", "Reason"]}>
        <tbody>
          {entries.map(({ computeId, provider, providerId, reason, error }) => (
            <tr>
              <th scope="row">
                {computeId === undefined ? (
                  <span class="quiet">none</span>
                ) : (
                  <a class="id" href={links.compute(computeId)}>
                    {computeId}
                  </a>
                )}
              </th>
              <td>{provider}</td>
              <td>{providerId ?? "–"}</td>
              <td>
                {reason}
                {error !== undefined && <small class="bad">{error}</small>}
              </td>
            </tr>
          ))}
        </tbody>
      </ScrollTable>
    </section>
  );
}
