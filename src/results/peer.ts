import { QueryError } from "../errors.ts";

/**
 * A package that is there only where whoever uses this one has installed it.
 *
 * @throws {QueryError} `code: "peer"` that says what to install
 */
export async function peer(name: string, verb: string, packages: string): Promise<unknown> {
  try {
    // Not a literal: a bundler that cannot find an optional package would refuse to build what never calls for it.
    return await import(name);
  } catch (cause) {
    throw new QueryError(
      "peer",
      `${verb}: the package ${name} cannot be loaded; npm install ${packages}, or pass what you imported yourself`,
      { cause },
    );
  }
}
