/** Starts the reaper with the server, and not with its first request. */
export async function register(): Promise<void> {
  if (process.env.NEXT_RUNTIME === "nodejs") await import("./lib/atlas.ts");
}
