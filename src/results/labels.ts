/** The labels of one series: name to value. A label that a series lacks has no key. */
export type LabelSet = Readonly<Record<string, string>>;
