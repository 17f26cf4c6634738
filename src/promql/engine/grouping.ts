import type { Grouping } from "../ast.ts";
import type { Column } from "./column.ts";
import { Labels } from "./labels.ts";

/** Series that an aggregation takes together, in the order they came. */
export interface Group {
  readonly labels: Labels;
  readonly columns: readonly Column[];
}

/** Parts series into groups by their labels, in the order of first sight. */
export function groupsOf(columns: readonly Column[], grouping: Grouping | undefined): Group[] {
  const key = keyOf(grouping);
  const groups = new Map<string, { labels: Labels; columns: Column[] }>();
  for (const column of columns) {
    const id = key(column.labels);
    const group = groups.get(id);
    if (group === undefined) groups.set(id, { labels: groupLabels(column.labels, grouping), columns: [column] });
    else group.columns.push(column);
  }
  return [...groups.values()];
}

function keyOf(grouping: Grouping | undefined): (labels: Labels) => string {
  if (grouping === undefined) return () => "";
  const names = new Set(grouping.labels);
  if (grouping.kind === "by") return (labels) => labels.keyWith(names);
  for (const name of ["__name__", "__type__", "__unit__"]) names.add(name);
  return (labels) => labels.keyWithout(names);
}

/** The labels that a group's members share. */
export function groupLabels(labels: Labels, grouping: Grouping | undefined): Labels {
  if (grouping === undefined) return Labels.EMPTY;
  const names = new Set(grouping.labels);
  return grouping.kind === "by" ? labels.keep(names) : labels.dropMetadata().drop(names);
}
