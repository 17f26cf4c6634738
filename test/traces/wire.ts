import { readFileSync } from "node:fs";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll } from "vitest";

/** What a real server said, word for word. */
export const recorded = (name: string): string =>
  readFileSync(new URL(`./answers/${name}.json`, import.meta.url), "utf8");

/** What a path answers: a body with status 200, or a whole response. */
export type Reply = string | ((url: URL) => Response);

/** A server at `base` that answers by path, and keeps what it was asked, as path and decoded query. */
export function fakeServer(base: string) {
  const network = setupServer();
  const asked: string[] = [];
  beforeAll(() => network.listen({ onUnhandledRequest: "error" }));
  afterEach(() => {
    network.resetHandlers();
    asked.length = 0;
  });
  afterAll(() => network.close());
  return {
    asked,
    answers(replies: Readonly<Record<string, Reply>>): void {
      network.use(
        http.get(`${base}/*`, ({ request }) => {
          const url = new URL(request.url);
          const path = url.pathname.slice(new URL(base).pathname.replace(/\/$/, "").length);
          const query = Array.from(url.searchParams, ([name, value]) => `${name}=${value}`).join(" ");
          asked.push(query === "" ? path : `${path} ${query}`);
          const reply = replies[path];
          if (reply === undefined) return new HttpResponse("404 page not found\n", { status: 404 });
          return typeof reply === "string" ? new HttpResponse(reply) : reply(url);
        }),
      );
    },
  };
}

/** An answer with this status, as Go's `http.Error` sends one: text that is JSON. */
export const refused = (status: number, body: unknown) => (): Response =>
  new HttpResponse(typeof body === "string" ? body : `${JSON.stringify(body)}\n`, {
    status,
    headers: { "content-type": "text/plain; charset=utf-8" },
  });

/** The page that a user interface answers with to every path that it does not know. */
export const page = (): Response =>
  new HttpResponse("<!DOCTYPE html>\n<html></html>", { headers: { "content-type": "text/html; charset=utf-8" } });
