// How the pages ask the daemon. What must stay true here: every answer has the type the API's own description gives it;
// whatever goes wrong becomes a Fault with words that can be shown; a session that has ended leads to signing in.
import { session } from "../state";
import type { paths, Problem } from "./schema";

/** What went wrong, in words for the person at the page. */
export class Fault extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly faults: readonly string[] = [],
  ) {
    super(message);
  }
}

type Verb = "get" | "post" | "put" | "delete";
type With<M extends Verb> = { [P in keyof paths]: paths[P][M] extends { responses: unknown } ? P : never }[keyof paths];
type Operation<P extends keyof paths, M extends Verb> = NonNullable<paths[P][M]>;
type Sound<R> = R extends { 200: { content: infer C } } ? C : R extends { 202: { content: infer C } } ? C : unknown;
type Content<P extends keyof paths, M extends Verb> =
  Operation<P, M> extends { responses: infer R } ? Sound<R> : unknown;
/** What an operation answers, where it is JSON. */
export type Answered<P extends keyof paths, M extends Verb> =
  Content<P, M> extends { "application/json": infer T } ? T : Content<P, M> extends { "application/geo+json": infer T } ? T : unknown;
type Query<P extends keyof paths, M extends Verb> =
  Operation<P, M> extends { parameters: { query?: infer Q } } ? Q : never;
type Body<P extends keyof paths, M extends Verb> =
  Operation<P, M> extends { requestBody: { content: { "application/json": infer T } } } ? Partial<T> : undefined;

interface Asked {
  query?: Record<string, unknown> | undefined;
  path?: Record<string, string>;
  body?: BodyInit | null;
  headers?: Record<string, string>;
}

/** Return an address of the API with what is asked. */
export function address(path: string, query: Record<string, unknown> = {}, parts: Record<string, string> = {}): string {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(parts[name] ?? ""));
  const pairs = Object.entries(query).flatMap(([key, value]) =>
    (Array.isArray(value) ? value : [value]).filter((one) => one !== undefined && one !== null && one !== "").map((one) => [key, String(one)]),
  );
  const text = new URLSearchParams(pairs).toString();
  return filled.slice(1) + (text && `?${text}`);
}

/** Ask, and return the response; throws a Fault. */
export async function ask(verb: Verb, path: string, asked: Asked = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: "application/json", ...asked.headers };
  if (verb !== "get" && session.value?.csrf) headers["X-CSRF-Token"] = session.value.csrf;
  let response: Response;
  try {
    const init: RequestInit = { method: verb.toUpperCase(), headers, credentials: "same-origin" };
    if (asked.body !== undefined) init.body = asked.body;
    response = await fetch(address(path, asked.query, asked.path), init);
  } catch {
    throw new Fault(0, "");
  }
  if (!response.ok) throw await faultOf(response, path);
  return response;
}

async function faultOf(response: Response, path: string): Promise<Fault> {
  const said = (await response.json().catch(() => ({}))) as Partial<Problem>;
  if (response.status === 401 && path !== "/api/session") session.value = { ...signedOut, demo: session.value?.demo ?? false };
  return new Fault(response.status, said.detail || said.title || response.statusText, said.faults ?? []);
}

const signedOut = { signed_in: false, may: [], demo: false };

/** GET. */
export async function get<P extends With<"get">>(path: P, query?: Query<P, "get">, parts?: Record<string, string>): Promise<Answered<P, "get">> {
  const asked: Asked = { query: query as Record<string, unknown> | undefined };
  if (parts) asked.path = parts;
  return (await (await ask("get", path, asked)).json()) as Answered<P, "get">;
}

/** POST with JSON. */
export async function post<P extends With<"post">>(path: P, body: Body<P, "post">, parts?: Record<string, string>): Promise<Answered<P, "post">> {
  const asked: Asked = { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
  if (parts) asked.path = parts;
  return (await (await ask("post", path, asked)).json()) as Answered<P, "post">;
}

/** DELETE. */
export async function remove<P extends With<"delete">>(path: P, query?: Query<P, "delete">): Promise<void> {
  await ask("delete", path, { query: query as Record<string, unknown> | undefined });
}
