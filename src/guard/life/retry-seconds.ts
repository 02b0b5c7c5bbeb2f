/** Seconds to wait before the next try: 15, 30, then 60, each cut by up to a quarter so that pods spread out. */
export function retrySeconds(failures: number): number {
  return Math.min(60, 15 * 2 ** failures) * (1 - Math.random() / 4);
}
