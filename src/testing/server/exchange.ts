import type { IncomingHttpHeaders } from "node:http";

/** A request that was read whole. */
export interface ServerRequest {
  readonly method: string;
  /** The path below the API's own prefix, as it was sent: `"/api/v1/query"`. */
  readonly path: string;
  /** The parameters of the URL. */
  readonly query: URLSearchParams;
  /** Those of a form in the body, followed by those of the URL, as Go's `FormValue` looks them up. */
  readonly form: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** What a request is answered with. */
export interface ServerReply {
  readonly status: number;
  readonly contentType?: string | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body: string;
}

/** One path of an API. The groups of the pattern, percent-decoded, are the parts of the path that vary. */
export interface Route {
  readonly methods: readonly string[];
  readonly path: RegExp;
  readonly answer: (request: ServerRequest, ...parts: readonly string[]) => ServerReply;
}

/** An answer as JSON. */
export const jsonReply = (document: unknown, status = 200, contentType = "application/json"): ServerReply => ({
  status,
  contentType,
  body: JSON.stringify(document),
});

/** An answer as Go's `http.Error` writes it. */
export const textReply = (status: number, text: string): ServerReply => ({
  status,
  contentType: "text/plain; charset=utf-8",
  headers: { "x-content-type-options": "nosniff" },
  body: `${text}\n`,
});

/** Says no to a request, for which each API has a form of its own. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The same routes, which put every {@link Refusal} into the form that `refused` gives it. */
export const refusing = (routes: readonly Route[], refused: (refusal: Refusal) => ServerReply): readonly Route[] =>
  routes.map((route) => ({
    ...route,
    answer: (request, ...parts) => {
      try {
        return route.answer(request, ...parts);
      } catch (error) {
        if (error instanceof Refusal) return refused(error);
        throw error;
      }
    },
  }));

/** What stands for a path that no route has, and for one that has no such method. */
export interface Unrouted {
  readonly notFound: (request: ServerRequest) => ServerReply;
  readonly notAllowed: (request: ServerRequest, methods: readonly string[]) => ServerReply;
}

/** The answer of the first route that the request fits. */
export function routed(routes: readonly Route[], unrouted: Unrouted, request: ServerRequest): ServerReply {
  const methods = new Set<string>();
  for (const route of routes) {
    const [whole, ...groups] = route.path.exec(request.path) ?? [];
    if (whole === undefined) continue;
    const parts = groups.map(decoded);
    if (parts.some((part) => part === undefined)) continue;
    if (route.methods.includes(request.method)) return route.answer(request, ...parts.map((part) => part ?? ""));
    for (const method of route.methods) methods.add(method);
  }
  return methods.size === 0 ? unrouted.notFound(request) : unrouted.notAllowed(request, [...methods].sort());
}

function decoded(part: string | undefined): string | undefined {
  try {
    return decodeURIComponent(part ?? "");
  } catch {
    return undefined;
  }
}
