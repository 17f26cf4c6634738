import { stringify } from "yaml";
import type { Tree } from "./tree.ts";

/** YAML that every reader takes alike: what YAML 1.1 would read as no text is quoted, and no line is folded. */
export function printYaml(tree: Tree): string {
  return stringify(tree, { lineWidth: 0, compat: "yaml-1.1", aliasDuplicateObjects: false });
}
