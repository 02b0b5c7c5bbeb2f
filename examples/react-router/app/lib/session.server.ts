/** A sign-in for the example: it asks for a name and for nothing else. Replace it with your own. */
import { createCookieSessionStorage } from "react-router";

const sessions = createCookieSessionStorage<{ user: string }>({
  cookie: {
    name: "session",
    httpOnly: true,
    sameSite: "lax",
    path: "/",
    secrets: [process.env.SESSION_SECRET ?? "only for development"],
  },
});

/** The user of a request. */
export async function userOf(request: Request): Promise<string | undefined> {
  return (await sessions.getSession(request.headers.get("cookie"))).get("user");
}

/** The cookie of a user that has signed in. */
export async function signedIn(user: string): Promise<string> {
  const session = await sessions.getSession();
  session.set("user", user);
  return sessions.commitSession(session);
}

/** The cookie of a browser without a user. */
export async function signedOut(): Promise<string> {
  return sessions.destroySession(await sessions.getSession());
}
