import { posix } from "node:path";
import ts from "typescript";

/** Source texts by path, such as `"src/mesh/mesh.ts"`. */
export type Sources = ReadonlyMap<string, string>;

interface Module {
  readonly path: string;
  readonly file: ts.SourceFile;
  /** What it imports, types and dynamic imports included: paths of sources, or names of packages. */
  readonly imports: readonly string[];
}

/** What a rule has against a source: empty where all is well. */
export type Rule = (modules: readonly Module[]) => string[];

/** Reads the sources for {@link Rule}s. */
export function modulesOf(sources: Sources): readonly Module[] {
  return Array.from(sources, ([path, text]) => {
    const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    return { path, file, imports: specifiers(file).map((to) => (to.startsWith(".") ? resolved(path, to) : to)) };
  });
}

const resolved = (from: string, to: string): string => posix.join(posix.dirname(from), to);

function specifiers(file: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const target = targetOf(node);
    if (target !== undefined && ts.isStringLiteralLike(target)) found.push(target.text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

function targetOf(node: ts.Node): ts.Node | undefined {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return node.moduleSpecifier;
  if (ts.isImportTypeNode(node)) return ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined;
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return node.arguments[0];
  if (ts.isExternalModuleReference(node)) return node.expression;
  return undefined;
}

const BACKENDS = ["metrics", "traces", "logs"];
/** The rooms that each room may import beside itself; `time` and `errors` are open to all. */
const OPEN_TO: Readonly<Record<string, readonly string[]>> = {
  alerts: ["mesh", ...BACKENDS, "http", "results", "promql"],
  mesh: [...BACKENDS, "http", "results", "promql"],
  metrics: ["http", "results", "promql"],
  traces: ["http", "results"],
  logs: ["http", "results"],
  http: [],
  promql: [],
  results: [],
  time: [],
  errors: [],
  index: ["mesh", ...BACKENDS, "http", "results", "promql"],
  testing: ["alerts", "mesh", ...BACKENDS, "http", "results", "promql"],
};

/** The folder of `src` that a source is in, or its own name where it is in none. */
const roomOf = (path: string): string => (path.split("/")[1] ?? "").replace(/\.ts$/, "");

/** Imports go the one way that the rooms are stacked. */
export const direction: Rule = (modules) =>
  modules.flatMap(({ path, imports }) => {
    const from = roomOf(path);
    const open = OPEN_TO[from];
    if (open === undefined) return [`${path}: "${from}" is no room of the design`];
    return imports
      .filter((to) => to.startsWith("src/"))
      .filter((to) => ![from, "time", "errors", ...open].includes(roomOf(to)))
      .map((to) => `${path} imports ${to}, and ${from} may import ${["time", "errors", ...open].join(", ")} only`);
  });

const DRIVER = /^src\/(?:metrics|traces|logs)\/(prometheus|jaeger|zipkin|loki|elasticsearch)(?:\.ts$|\/)/;
const driverOf = (path: string): string | undefined => DRIVER.exec(path)?.[1];

/** A driver knows neither the mesh nor another driver. */
export const drivers: Rule = (modules) =>
  modules.flatMap(({ path, imports }) => {
    const own = driverOf(path);
    if (own === undefined) return [];
    const other = (to: string) => roomOf(to) === "mesh" || (driverOf(to) ?? own) !== own;
    return imports.filter(other).map((to) => `${path} imports ${to}: a driver stands alone`);
  });

/** Nothing that is imported leads back, by types neither. */
export const cycles: Rule = (modules) => {
  const edges = new Map(modules.map(({ path, imports }) => [path, imports]));
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at >= 0) found.push([...way.slice(at), path].join(" → "));
    if (at >= 0 || done.has(path)) return;
    for (const to of edges.get(path) ?? []) walk(to, [...way, path]);
    done.add(path);
  };
  for (const { path } of modules) walk(path, []);
  return found;
};

/** Only an entry of the package is there to pass on what others export; beside code of its own a source may name its types. */
export const barrels =
  (entries: readonly string[]): Rule =>
  (modules) =>
    modules
      .filter(({ path, file: { statements } }) => {
        const passing = statements.filter(passesOn);
        const own = statements.filter((one) => !passesOn(one) && !ts.isImportDeclaration(one));
        return !entries.includes(path) && (passing.some(passesAll) || (passing.length > 0 && own.length === 0));
      })
      .map(({ path }) => `${path} is a barrel, and no entry`);

const passesOn = (node: ts.Statement): node is ts.ExportDeclaration =>
  ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined;
const passesAll = (node: ts.ExportDeclaration): boolean =>
  node.exportClause === undefined || ts.isNamespaceExport(node.exportClause);

/** What is exported has a name. */
export const names: Rule = (modules) =>
  modules.filter(({ file }) => file.statements.some(isDefault)).map(({ path }) => `${path} has a default export`);

function isDefault(node: ts.Statement): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportDeclaration(node) && node.exportClause !== undefined && ts.isNamedExports(node.exportClause)) {
    return node.exportClause.elements.some(({ name }) => name.text === "default");
  }
  return (
    ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some((m) => m.kind === ts.SyntaxKind.DefaultKeyword)
  );
}

const MOST_LINES = 500;

/** A source holds one idea. */
export const size: Rule = (modules) =>
  modules
    .map(({ path, file }) => ({ path, lines: file.text.trimEnd().split("\n").length }))
    .filter(({ lines }) => lines > MOST_LINES)
    .map(({ path, lines }) => `${path} has ${lines} lines, more than ${MOST_LINES}`);

/** Importing a source does nothing, and never waits: a module that waits cannot be required. */
export const effects: Rule = (modules) =>
  modules.flatMap(({ path, file }) =>
    file.statements.filter(acts).map((node) => {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart());
      return `${path}:${line + 1} does something at import: ${node.getText().split("\n")[0]}`;
    }),
  );

function acts(node: ts.Statement): boolean {
  if (ts.isImportDeclaration(node)) return node.importClause === undefined;
  if (ts.isExportDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return false;
  if (ts.isFunctionDeclaration(node)) return false;
  if (ts.isClassDeclaration(node)) return node.members.some(ts.isClassStaticBlockDeclaration);
  if (ts.isVariableStatement(node)) return awaits(node);
  return true;
}

/** Whether it waits outside every function. */
function awaits(node: ts.Node): boolean {
  if (ts.isFunctionLike(node)) return false;
  return ts.isAwaitExpression(node) || (ts.forEachChild(node, (child) => awaits(child) || undefined) ?? false);
}

const KEBAB = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const VAGUE = new Set(["common", "constants", "helper", "helpers", "misc", "shared", "types", "util", "utils"]);
/** PromQL's own types are its subject, not a place for declarations. */
const MEANT = new Set(["src/promql/types.ts"]);

/** A source is called by what it is about. */
export const paths: Rule = (modules) =>
  modules.flatMap(({ path }) => {
    const parts = path.replace(/\.ts$/, "").split("/");
    if (!parts.every((part) => KEBAB.test(part))) return [`${path} is not in kebab-case`];
    const vague = parts.find((part) => VAGUE.has(part));
    return vague === undefined || MEANT.has(path) ? [] : [`${path}: "${vague}" says nothing of what is in it`];
  });
