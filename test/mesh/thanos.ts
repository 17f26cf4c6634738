import { type BuildOptions, goProgram } from "./go-program.ts";

/** The Thanos of `recipes/thanos`; built now unless it is cached. Without its tag the sidecar panics. */
export const thanosProgram = (options: BuildOptions = {}): Promise<string> =>
  goProgram(
    { recipe: "thanos", module: "github.com/thanos-io/thanos", command: "cmd/thanos", tags: "slicelabels" },
    options,
  );
