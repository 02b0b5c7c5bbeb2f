/** The page of costs: this month and the one before, by provider and by user. */
import type { JSX } from "hono/jsx/jsx-runtime";
import { count, dollars, hours } from "../format.ts";
import type { Links } from "../links.ts";
import { type CostRow, type CostsData, sumOf } from "../month-costs.ts";
import { type Frame, Layout } from "./layout.tsx";
import { ScrollTable } from "./scroll-table.tsx";

/** The page. */
export function CostsPage({ frame, data }: { frame: Frame; data: CostsData }): JSX.Element {
  const { month, before, byProvider, byUser } = data;
  const total = sumOf(byProvider);
  const { links } = frame;
  return (
    <Layout frame={frame} title="Costs" current="costs">
      <h1>Costs</h1>
      <dl class="summary">
        <div>
          <dt>{month.name}, so far</dt>
          <dd>{dollars(total.cost)}</dd>
        </div>
        <div>
          <dt>{before.name}</dt>
          <dd>{dollars(total.costBefore)}</dd>
        </div>
      </dl>
      <p class="quiet">
        Months in UTC, from the records of this deployment: the providers' prices an hour, times the time. A
        provider's bill has more, such as disks and traffic.
      </p>
      {byProvider.length === 0 && <p class="empty">Nothing has cost anything in these months.</p>}
      <CostTable links={links} title="By provider" field="provider" rows={byProvider} data={data} />
      <CostTable links={links} title="By user" field="user" rows={byUser} data={data} />
    </Layout>
  );
}

/** The number of users that the page shows; the others are one row. */
const MAX_ROWS = 100;

interface CostTableProps {
  readonly links: Links;
  /** The filter of the list that shows a row's computes. */
  readonly field: "provider" | "user";
  readonly title: string;
  readonly rows: readonly CostRow[];
  readonly data: CostsData;
}

function CostTable({ links, field, title, rows, data }: CostTableProps): JSX.Element | null {
  const { month, before } = data;
  const hrefOf = (key: string): string => links.list({ [field]: key, state: "all" });
  if (rows.length === 0) return null;
  const others = rows.slice(MAX_ROWS);
  return (
    <section>
      <h2>
        {title} <span class="quiet">{count(rows.length)}</span>
      </h2>
      <ScrollTable
        label={`Costs, ${title.toLowerCase()}`}
        columns={["Name", month.name, before.name, "Hours this month", "Begun this month"]}
        figuresFrom={1}
        class="costs"
      >
        <tbody>
          {rows.slice(0, MAX_ROWS).map((row) => (
            <Row name={nameOf(row, hrefOf)} row={row} />
          ))}
          {others.length > 0 && (
            <Row name={<span class="quiet">{count(others.length)} others</span>} row={sumOf(others)} />
          )}
        </tbody>
        <tfoot>
          <Row name="All" row={sumOf(rows)} />
        </tfoot>
      </ScrollTable>
    </section>
  );
}

function nameOf({ key }: CostRow, hrefOf: (key: string) => string): JSX.Element {
  return key === null ? <span class="quiet">none</span> : <a href={hrefOf(key)}>{key}</a>;
}

function Row({ name, row }: { name: JSX.Element | string; row: CostRow }): JSX.Element {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">{dollars(row.cost)}</td>
      <td class="number">{dollars(row.costBefore)}</td>
      <td class="number">{hours(row.seconds)}</td>
      <td class="number">{count(row.computes)}</td>
    </tr>
  );
}
