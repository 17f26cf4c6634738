import { join, relative } from "node:path";
import ts from "typescript";

/** The entries by the names of their reports. */
export const ENTRIES = {
  meshquery: "index",
  alerts: "alerts/index",
  promql: "promql/index",
  testing: "testing/index",
} as const;

export type EntryName = keyof typeof ENTRIES;

/**
 * What each entry of a built package exports, as declarations without comments, in the order of their names; behind them
 * those that they mention and that no entry exports.
 *
 * @param dist the folder with the built declarations
 */
export function apiReports(dist: string): ReadonlyMap<EntryName, string> {
  const files = Object.entries(ENTRIES).map(([name, path]) => [name as EntryName, join(dist, `${path}.d.ts`)] as const);
  const program = ts.createProgram(
    files.map(([, file]) => file),
    {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
    },
  );
  const reader = new Reader(program, dist);
  const exported = new Map(files.map(([name, file]) => [name, reader.exportsOf(file)] as const));
  const anywhere = new Set([...exported.values()].flatMap((all) => Array.from(all.values(), ({ symbol }) => symbol)));
  return new Map(Array.from(exported, ([name, all]) => [name, reader.report(name, all, anywhere)]));
}

/** An export as its users see it. */
interface Exported {
  readonly symbol: ts.Symbol;
  /** Whether it is there for types alone: then nobody makes one with `new`. */
  readonly isType: boolean;
}

class Reader {
  readonly #checker: ts.TypeChecker;
  readonly #program: ts.Program;
  readonly #dist: string;
  readonly #printer = ts.createPrinter({ removeComments: true });

  constructor(program: ts.Program, dist: string) {
    this.#program = program;
    this.#checker = program.getTypeChecker();
    this.#dist = dist;
  }

  exportsOf(file: string): ReadonlyMap<string, Exported> {
    const source = this.#program.getSourceFile(file);
    const module = source && this.#checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${file} is no module; is the package built?`);
    const all = this.#checker.getExportsOfModule(module).map((one): [string, Exported] => {
      const isType = (one.declarations ?? []).some(
        (by) => ts.isExportSpecifier(by) && (by.isTypeOnly || by.parent.parent.isTypeOnly),
      );
      return [one.name, { symbol: this.#resolved(one), isType }];
    });
    return new Map(all.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  report(name: EntryName, exported: ReadonlyMap<string, Exported>, anywhere: ReadonlySet<ts.Symbol>): string {
    const inner = new Map<ts.Symbol, string>();
    const pending = [...exported.values()];
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      for (const symbol of this.#mentionedBy(next)) {
        if (anywhere.has(symbol) || inner.has(symbol)) continue;
        const mentioned = { symbol, isType: true };
        inner.set(symbol, this.#text(mentioned, symbol.name));
        pending.push(mentioned);
      }
    }
    const parts = [
      `# ${name === "meshquery" ? name : `meshquery/${name}`}`,
      "Its public declarations, as `npm run api` wrote them.",
      block(Array.from(exported, ([as, one]) => this.#text(one, as))),
    ];
    if (inner.size > 0) parts.push("## Mentioned, and not exported", block([...inner.values()].sort()));
    return `${parts.join("\n\n")}\n`;
  }

  #text(exported: Exported, as: string): string {
    const texts = this.#declarationsOf(exported).map((node) => {
      const text = this.#printer.printNode(ts.EmitHint.Unspecified, node, node.getSourceFile());
      // What keeps names apart within a chunk is the bundler's, and no part of the API.
      return text.replace(/^(?:export )?declare /, "").replace(/\b([A-Za-z_]\w*)\$\d+\b/g, "$1");
    });
    const isRenamed = plain(as) !== plain(exported.symbol.name);
    return [...(isRenamed ? [`// as ${as}`] : []), ...texts].join("\n");
  }

  /** Of the package's own declarations. */
  #mentionedBy(exported: Exported): ReadonlySet<ts.Symbol> {
    const found = new Set<ts.Symbol>();
    const visit = (node: ts.Node): void => {
      if (isHidden(node, exported)) return;
      if (ts.isIdentifier(node)) {
        const at = this.#checker.getSymbolAtLocation(node);
        const symbol = at && this.#resolved(at);
        if (symbol !== undefined && symbol !== exported.symbol && this.#isTopLevel(symbol)) found.add(symbol);
      }
      ts.forEachChild(node, visit);
    };
    for (const declaration of this.#placesOf(exported.symbol)) visit(declaration);
    return found;
  }

  /** Whole statements, without what nobody outside can reach. */
  #declarationsOf(exported: Exported): readonly ts.Node[] {
    return this.#placesOf(exported.symbol).map((node) => {
      if (!ts.isClassDeclaration(node)) return ts.isVariableDeclaration(node) ? node.parent.parent : node;
      const members = node.members.filter((member) => !isHidden(member, exported));
      const { modifiers, name, typeParameters, heritageClauses } = node;
      const shown = ts.factory.updateClassDeclaration(node, modifiers, name, typeParameters, heritageClauses, members);
      return shown;
    });
  }

  #placesOf(symbol: ts.Symbol): readonly ts.Declaration[] {
    const isOwn = (one: ts.Node) => !relative(this.#dist, one.getSourceFile().fileName).startsWith("..");
    return (symbol.declarations ?? []).filter(isOwn);
  }

  #isTopLevel(symbol: ts.Symbol): boolean {
    return this.#placesOf(symbol).some((one) =>
      ts.isSourceFile(ts.isVariableDeclaration(one) ? one.parent.parent.parent : one.parent),
    );
  }

  #resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? this.#checker.getAliasedSymbol(symbol) : symbol;
  }
}

/** A private member, and the constructor of a class that is exported as a type alone. */
const isHidden = (node: ts.Node, { isType }: Exported): boolean =>
  (isType && ts.isConstructorDeclaration(node)) ||
  (ts.isPropertyDeclaration(node) && ts.isPrivateIdentifier(node.name));

const plain = (name: string): string => name.replace(/\$\d+$/, "");

const block = (declarations: readonly string[]): string => `\`\`\`ts\n${declarations.join("\n\n")}\n\`\`\``;
