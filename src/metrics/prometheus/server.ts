import * as z from "zod/mini";
import type { Answer } from "../backend.ts";

/** What a server says of its own make; a part that it leaves out is `undefined`. */
export interface BuildInfo {
  /** Such as `"Grafana Mimir"`; Prometheus itself does not say. */
  readonly application: string | undefined;
  /** Such as `"3.16.0"`. */
  readonly version: string | undefined;
  readonly revision: string | undefined;
  readonly branch: string | undefined;
  readonly goVersion: string | undefined;
}

/** What a server can do, by subject and name: `features.promql?.at_modifier`. */
export type Features = Readonly<Record<string, Readonly<Record<string, boolean>>>>;

const text = z.nullish(z.string());
/** The data of `/api/v1/status/buildinfo`. */
export const BuildData = z.object({ application: text, version: text, revision: text, branch: text, goVersion: text });
/** The data of `/api/v1/features`. */
export const FeaturesData = z.record(z.string(), z.record(z.string(), z.boolean()));
/** The data of `/api/v1/format_query`. */
export const FormatData = z.string();

/** The make in this library's words: a text that is empty says nothing. */
export function buildInfoOf({ data, ...rest }: Answer<z.infer<typeof BuildData>>): Answer<BuildInfo> {
  const { application, version, revision, branch, goVersion } = data;
  return {
    ...rest,
    data: {
      application: application || undefined,
      version: version || undefined,
      revision: revision || undefined,
      branch: branch || undefined,
      goVersion: goVersion || undefined,
    },
  };
}
