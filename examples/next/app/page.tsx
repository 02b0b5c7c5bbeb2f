import { revalidatePath } from "next/cache";
import { currentUser, signIn, signOut } from "../lib/session.ts";
import { Gpu } from "./gpu.tsx";

async function enter(form: FormData): Promise<void> {
  "use server";
  const user = String(form.get("user")).trim();
  if (user !== "") await signIn(user);
  revalidatePath("/");
}

async function leave(): Promise<void> {
  "use server";
  await signOut();
  revalidatePath("/");
}

export default async function Page() {
  const user = await currentUser();
  if (user === undefined)
    return (
      <form action={enter} className="card sign-in">
        <h1>Your GPU</h1>
        <label>
          Your name
          <input name="user" autoComplete="username" required />
        </label>
        <button type="submit">Sign in</button>
      </form>
    );
  return (
    <>
      <form action={leave} className="user">
        <span>{user}</span>
        <button type="submit" className="quiet">
          Sign out
        </button>
      </form>
      <Gpu key={user} />
    </>
  );
}
