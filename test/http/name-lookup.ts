import dns from "node:dns";
import { vi } from "vitest";

type Arguments = readonly unknown[];

/**
 * Lets every look-up of a name below `.invalid` fail so, whatever the machine's resolver would say; returns what ends
 * that.
 */
export function failLookups(code: "EAI_AGAIN" | "ENOTFOUND"): () => void {
  const real = dns.lookup as (...asked: Arguments) => void;
  const look = (...asked: Arguments): void => {
    const [host, callback] = [String(asked[0]), asked.at(-1) as (error: Error) => void];
    if (!host.endsWith(".invalid")) real(...asked);
    else process.nextTick(callback, Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code }));
  };
  const lookup = vi.spyOn(dns, "lookup").mockImplementation(look as typeof dns.lookup);
  return () => lookup.mockRestore();
}
