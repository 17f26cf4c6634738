/** What errors call the backend. */
export const JAEGER = "jaeger";

/** What to check where an answer is not Jaeger's. Its UI answers with a page to every path that it does not know. */
export const WRONG_URL =
  "is the URL that of Jaeger's query service, with its base path if it has one, as in http://jaeger-query:16686/jaeger?";
