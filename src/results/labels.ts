/** The labels of one series: name to value. A label that a series lacks has no key. */
export type LabelSet = Readonly<Record<string, string>>;

/** The value of a label, `""` where the series lacks it, as in PromQL. */
export const labelValue = (labels: LabelSet, name: string): string =>
  Object.hasOwn(labels, name) ? (labels[name] ?? "") : "";

/** A label beside the known ones, named on purpose: see {@link label}. */
export interface CustomLabel<N extends string = string> {
  readonly kind: "label";
  readonly name: N;
}

/** The plain name of a label, however it was given. */
export type LabelName<N extends CustomLabel | string> =
  N extends CustomLabel<infer M> ? M : N extends string ? N : never;

/**
 * A label of your own, such as one that your scrape configuration adds; Istio's labels need no such wrapping.
 *
 * @example
 * mesh.all().rate("5m").by(label("team")).promql
 * // sum by (team) (rate(istio_requests_total{reporter="destination"}[5m]))
 */
export const label = <N extends string>(name: N): CustomLabel<N> => Object.freeze({ kind: "label", name });

/** Whether a value is what {@link label} made, and no object that happens to have labels of those names. */
export function isCustomLabel(value: unknown): value is CustomLabel {
  if (typeof value !== "object" || value === null || Object.keys(value).length !== 2) return false;
  const { kind, name } = value as Partial<CustomLabel>;
  return kind === "label" && typeof name === "string" && Object.isFrozen(value);
}

/** The plain name of a label, however it was given. */
export function labelName(name: CustomLabel | string): string {
  return typeof name === "object" && name !== null ? name.name : name;
}
