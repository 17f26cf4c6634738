import type { LabelSet } from "../results/labels.ts";
import type { Duration } from "../time.ts";

/** An alert that is expected. */
export interface ExpectedAlert {
  /** All of its labels but `alertname`. */
  readonly labels: LabelSet;
  /** All of its annotations; not compared when they are left out. */
  readonly annotations?: LabelSet | undefined;
}

/** What is expected at the last evaluation that is not after an instant. What is left out is not compared. */
export interface Expectation {
  /** How long after the start: `"10m"`. */
  readonly at: Duration;
  readonly firing?: readonly ExpectedAlert[] | undefined;
  readonly pending?: readonly ExpectedAlert[] | undefined;
}
