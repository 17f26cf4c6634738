import dns from "node:dns";
import { vi } from "vitest";

/** Lets every look-up of a host's name fail so, whatever the machine's resolver would say; returns what ends that. */
export function failLookups(code: "EAI_AGAIN" | "ENOTFOUND"): () => void {
  type Callback = (error: Error) => void;
  const lookup = vi.spyOn(dns, "lookup").mockImplementation(((host: string, _options: unknown, callback: Callback) => {
    process.nextTick(callback, Object.assign(new Error(`getaddrinfo ${code} ${host}`), { code }));
  }) as typeof dns.lookup);
  return () => lookup.mockRestore();
}
