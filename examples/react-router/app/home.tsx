import { Form, redirect } from "react-router";
import type { Route } from "./+types/home.ts";
import { Gpu } from "./gpu.tsx";
import { signedIn, signedOut, userOf } from "./lib/session.server.ts";

export async function loader({ request }: Route.LoaderArgs) {
  return { user: await userOf(request) };
}

export async function action({ request }: Route.ActionArgs) {
  const user = String((await request.formData()).get("user") ?? "").trim();
  return redirect("/", { headers: { "set-cookie": user === "" ? await signedOut() : await signedIn(user) } });
}

export default function Home({ loaderData: { user } }: Route.ComponentProps) {
  if (user === undefined)
    return (
      <Form method="post" className="card sign-in">
        <h1>Your GPU</h1>
        <label>
          Your name
          <input name="user" autoComplete="username" required />
        </label>
        <button type="submit">Sign in</button>
      </Form>
    );
  return (
    <>
      <Form method="post" className="user">
        <span>{user}</span>
        <button type="submit" className="quiet">
          Sign out
        </button>
      </Form>
      <Gpu key={user} />
    </>
  );
}
