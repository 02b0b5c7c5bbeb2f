/** A table that may be wider or longer than its place. A keyboard scrolls it, too. */
import type { PropsWithChildren } from "hono/jsx";
import type { JSX } from "hono/jsx/jsx-runtime";

interface ScrollTableProps {
  /** The name of the place that scrolls. */
  readonly label: string;
  /** The name of the table. @default the label */
  readonly caption?: string;
  readonly columns: readonly string[];
  /** The number of the first column of figures. @default none */
  readonly figuresFrom?: number;
  readonly class?: string;
}

/** The table, with the rows between its tags. */
export function ScrollTable(props: PropsWithChildren<ScrollTableProps>): JSX.Element {
  const { label, caption = label, columns, figuresFrom = columns.length, children } = props;
  return (
    <section class="scroll" tabindex={0} aria-label={label}>
      <table class={props.class}>
        <caption class="unseen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((name, index) => (
              <th scope="col" class={index >= figuresFrom ? "number" : undefined}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        {children}
      </table>
    </section>
  );
}
