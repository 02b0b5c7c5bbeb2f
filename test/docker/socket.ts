/** The daemon that `npm run docker` names in DOCKER_HOST. */

/** Path of the daemon's socket. */
export function daemonSocket(): string {
  const { DOCKER_HOST = "" } = process.env;
  const path = /^unix:\/\/(\/.+)$/.exec(DOCKER_HOST)?.[1];
  if (path !== undefined) return path;
  throw new Error("these tests need a daemon of their own: run them by `npm run docker`");
}
