/** Small charts in SVG, drawn on the server. The style sheet gives them their size. */
import type { JSX } from "hono/jsx/jsx-runtime";

const WIDTH = 120;
const HEIGHT = 28;

interface ChartProps {
  readonly label: string;
  /** Oldest first. */
  readonly values: readonly number[];
  readonly unit: string;
  /** The value at the upper edge; the greatest one when it is more. */
  readonly full: number;
}

/** A line of values, with the last one in figures. */
export function Sparkline({ label, values, unit, full }: ChartProps): JSX.Element | null {
  const last = values.at(-1);
  if (last === undefined) return null;
  const points = pointsOf(values, full);
  const figure = `${Math.round(last)}${unit}`;
  return (
    <figure class="chart">
      <figcaption>
        {label} <strong>{figure}</strong>
      </figcaption>
      <svg
        viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${figure} now, ${values.length} values between ${Math.round(Math.min(...values))} and ${Math.round(Math.max(...values))}${unit}`}
      >
        <polygon class="area" points={`0,${HEIGHT} ${points} ${WIDTH},${HEIGHT}`} />
        <polyline class="line" points={points} fill="none" />
      </svg>
    </figure>
  );
}

/** The points of a line through the values, from the left edge to the right one. A single value is a level line. */
export function pointsOf(values: readonly number[], full: number): string {
  const drawn = values.length === 1 ? [...values, ...values] : values;
  const top = Math.max(full, ...drawn);
  return drawn
    .map((value, index) => {
      const x = (index / (drawn.length - 1)) * WIDTH;
      const y = HEIGHT - 1 - (Math.max(0, value) / top) * (HEIGHT - 2);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}
