/** A sign-in for the example: it asks for a name and for nothing else. Replace it with your own. */
import { createHmac, timingSafeEqual } from "node:crypto";
import { cookies } from "next/headers";

const secret = process.env.SESSION_SECRET ?? "only for development";

/** The user of the request at hand. */
export async function currentUser(): Promise<string | undefined> {
  const value = (await cookies()).get("user")?.value ?? "";
  const user = value.slice(0, value.lastIndexOf("."));
  return user !== "" && isEqual(value, signed(user)) ? user : undefined;
}

export async function signIn(user: string): Promise<void> {
  (await cookies()).set("user", signed(user), { httpOnly: true, sameSite: "lax", path: "/" });
}

export async function signOut(): Promise<void> {
  (await cookies()).delete("user");
}

function signed(user: string): string {
  return `${user}.${createHmac("sha256", secret).update(user).digest("base64url")}`;
}

function isEqual(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}
