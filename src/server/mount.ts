/** Compares the addresses of the control plane: the handler's own, and the one at which pods report. A mismatch would only show as 404. */
import type { Plane } from "./options.ts";

/** Each logs both addresses, once. */
export interface MountCheck {
  /** Compares `controlUrl` with `basePath`, at the first request. */
  compare(request: Request): void;
  /** Looks at a request that found no route: its path may end in one. */
  missed(request: Request): void;
}

/** Makes the check. `isRoute` tells whether a path below `basePath` is a route. */
export function mountCheck(plane: Plane, isRoute: (path: string) => boolean): MountCheck {
  let isCompared = false;
  let isReported = false;
  return {
    compare: ({ url }) => {
      if (!isCompared) compareControlUrl(plane, new URL(url).origin);
      isCompared = true;
    },
    missed: ({ url }) => {
      const { origin, pathname } = new URL(url);
      const mount = isReported ? undefined : otherMount(plane, pathname, isRoute);
      if (mount === undefined) return;
      isReported = true;
      plane.logger?.error(
        `a request for ${origin}${pathname} found no route, because createControlPlane has basePath ${quoted(plane.basePath)}: set basePath: ${quoted(mount)}, or mount the handler at ${origin}${plane.basePath}`,
      );
    },
  };
}

/** Frameworks and proxies take a path away in front (Next's `basePath`), and some the whole: then only the end of the two can be compared. */
function compareControlUrl({ atlas, basePath, logger }: Plane, origin: string): void {
  const path = atlas.controlUrl === undefined ? undefined : URL.parse(atlas.controlUrl)?.pathname;
  if (path === undefined || path.replace(/\/$/, "").endsWith(basePath)) return;
  logger?.error(
    `pods report to ${atlas.controlUrl}, the controlUrl of createAtlas, but this control plane is at ${origin}${basePath}: if no proxy leads the one to the other, pods are ended as idle while in use. Give both the same path`,
  );
}

/** The prefix under which a path would be a route, when that is another one than `basePath`. */
function otherMount(
  { basePath }: Plane,
  pathname: string,
  isRoute: (path: string) => boolean,
): string | undefined {
  if (pathname.length > 500) return undefined;
  const parts = pathname.split("/");
  const mounts = parts.map((_, length) => parts.slice(0, length).join("/"));
  return mounts.find((mount) => mount !== basePath && isRoute(pathname.slice(mount.length)));
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
