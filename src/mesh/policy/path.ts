/**
 * What a mesh's proxies make of a path before policies see it (`meshConfig.pathNormalization`); Istio's default is
 * `"BASE"`.
 */
export type PathNormalization = "BASE" | "DECODE_AND_MERGE_SLASHES" | "MERGE_SLASHES" | "NONE";

/**
 * A path without query and fragment, as a proxy normalizes it; what it normalized once stays as it is.
 *
 * @see Istio, "Authorization Policy Normalization"; Envoy, source/common/http/path_utility.cc
 */
export function normalizedPath(path: string, how: PathNormalization): string {
  const only = /^[^?#]*/.exec(path)?.[0] ?? path;
  switch (how) {
    case "NONE":
      return only;
    case "BASE":
      return canonical(only);
    case "MERGE_SLASHES":
      return merged(canonical(only));
    case "DECODE_AND_MERGE_SLASHES":
      return merged(canonical(only.replace(/%2f/gi, "/").replace(/%5c/gi, "\\")));
  }
}

const merged = (path: string): string => path.replace(/\/{2,}/g, "/");

/** By the rules of URLs, and in Envoy's own way with escapes: letters and digits are written out, quotes and braces are not. */
function canonical(path: string): string {
  const escaped = path
    .replaceAll("\\", "/")
    .replace(/%[0-9a-f]{2}/gi, unescaped)
    .replace(/[^\x21-\x7e]|["<>^`{|}]/gu, escapedChar);
  if (!escaped.startsWith("/")) return escaped;
  const kept: string[] = [];
  const parts = escaped.slice(1).split("/");
  for (const [i, part] of parts.entries()) {
    if (part !== "." && part !== "..") {
      kept.push(part);
      continue;
    }
    if (part === "..") kept.pop();
    // A last segment that names a folder leaves its slash.
    if (i === parts.length - 1) kept.push("");
  }
  return `/${kept.join("/")}`;
}

function unescaped(text: string): string {
  const char = String.fromCharCode(Number.parseInt(text.slice(1), 16));
  return /[\w\-.~]/.test(char) ? char : text;
}

function escapedChar(char: string): string {
  return [...new TextEncoder().encode(char)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
    .join("");
}
