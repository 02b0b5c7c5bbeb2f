/** Prints the results of benchmarks. */

/** The middle of some figures. */
export function median(figures: readonly number[]): number {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined) throw new Error("there is nothing to take the median of");
  return middle;
}

/** Prints a ratio beside what it may be. The machine may be noisy, so a budget is shown here and not enforced. */
export function print(
  what: string,
  ratio: number,
  {
    budget,
    better,
    detail,
  }: { readonly budget: number; readonly better: "less" | "more"; readonly detail: string },
): void {
  const holds = better === "less" ? ratio <= budget : ratio >= budget;
  const sign = better === "less" ? "≤" : "≥";
  console.log(`${holds ? "✓" : "✗"} ${what}: ${ratio.toFixed(2)} × (budget ${sign} ${budget}; ${detail})`);
}
