import { fileURLToPath } from "node:url";
import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";

/**
 * What checking the fixture may cost, in instantiations of generic types. It took 3,600 when this was written, and 5,100
 * since queries are compared and ranges come in parts; one recursive conditional type on the way costs tens of thousands
 * and shows in every editor.
 */
const MOST_INSTANTIATIONS = 5_900;

const root = fileURLToPath(new URL("../..", import.meta.url));
const fixture = fileURLToPath(new URL("fixture.ts", import.meta.url));
let program: ts.Program;
let diagnostics: readonly ts.Diagnostic[];

beforeAll(() => {
  const { config } = ts.readConfigFile(`${root}/tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root);
  program = ts.createProgram({ rootNames: [fixture], options });
  // Only the fixture's own checking counts, not that of the library's bodies.
  diagnostics = program.getSemanticDiagnostics(program.getSourceFile(fixture));
});

test("the fixture compiles, its wrong line does not", () => {
  expect(diagnostics.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"))).toEqual([]);
});

test("a user's program stays within its budget of instantiations", () => {
  const { getInstantiationCount } = program as ts.Program & { getInstantiationCount(): number };
  expect(getInstantiationCount()).toBeGreaterThan(0);
  expect(getInstantiationCount()).toBeLessThan(MOST_INSTANTIATIONS);
});

describe("a hover shows one short line", () => {
  test.each([
    ["rate", 'SignalQuery<"req/s">'],
    ["byCode", 'Query<"req/s", "response_code", IstioLabel>'],
    ["byTeam", 'Query<"req/s", "response_code" | "team", IstioLabel>'],
    ["share", 'Query<"ratio", "response_code", IstioLabel>'],
    ["size", 'Query<"B/req", never, IstioLabel>'],
    ["growth", 'Query<"ratio", never, IstioLabel>'],
    ["now", 'Sample<"req/s">'],
    ["codes", 'Vector<"response_code", "req/s">'],
    ["course", 'Matrix<"response_code" | "team", "req/s">'],
    ["first", 'Series<"response_code" | "team", "req/s"> | undefined'],
  ])("%s is %s", (name, type) => {
    const checker = program.getTypeChecker();
    const source = program.getSourceFile(fixture);
    const module = source && checker.getSymbolAtLocation(source);
    const symbol = module && checker.getExportsOfModule(module).find((one) => one.name === name);
    expect(symbol && checker.typeToString(checker.getTypeOfSymbol(symbol))).toBe(type);
  });
});

/** The signatures of what the entry exports: `createMesh`, and `Mesh.edge` for the methods of its classes. */
function signatures(): ReadonlyMap<string, readonly string[]> {
  const checker = program.getTypeChecker();
  const source = program.getSourceFile(`${root}/src/index.ts`);
  const module = source && checker.getSymbolAtLocation(source);
  const found = new Map<string, readonly string[]>();
  const add = (name: string, type: ts.Type) => {
    const texts = type.getCallSignatures().map((one) => checker.signatureToString(one));
    if (texts.length > 0) found.set(name, texts);
  };
  for (const exported of module === undefined ? [] : checker.getExportsOfModule(module)) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    const [declaration] = symbol.declarations ?? [];
    if (declaration === undefined) continue;
    if (ts.isFunctionDeclaration(declaration)) add(symbol.name, checker.getTypeOfSymbol(symbol));
    if (!ts.isClassDeclaration(declaration)) continue;
    const members = checker.getDeclaredTypeOfSymbol(symbol).getProperties();
    for (const member of members.filter(({ name }) => !name.startsWith("#"))) {
      add(`${symbol.name}.${member.name}`, checker.getTypeOfSymbol(member));
    }
  }
  return found;
}

describe("what a verb takes and gives is one line", () => {
  test.each([
    ["createMesh", "(options?: MeshOptions): Mesh"],
    ["prometheus", "(url: string, options?: PrometheusOptions): Prometheus"],
    ["Mesh.edge", "(from: string | Peer, to: string | Peer): Edge"],
    ["Mesh.service", "(service: string | Peer): Endpoint"],
    ["Mesh.graph", "(options: GraphOptions): Promise<Graph>"],
    ["Edge.rate", '(window: string): SignalQuery<"req/s">'],
    ["Edge.latency", '(quantile: number, window: string): SignalQuery<"ms">'],
    ["Edge.traces", "(options: TraceOptions): TraceSearch<Trace>"],
    ["Edge.logs", "(options: LogOptions): LogSearch<AccessLogEntry>"],
    ["Edge.explain", "(options: ExplainOptions): Promise<Explanation>"],
    ["Query.at", "(instant: Instant, options?: AskOptions): Promise<Instantaneous<U, L>>"],
    ["Query.over", "(range: TimeRange, options?: RangeOptions): RangeQuery<U, L>"],
  ])("%s", (name, signature) => {
    expect(signatures().get(name)).toEqual([signature]);
  });

  test("none is longer than an editor shows without wrapping", () => {
    // What awaits or writes JSON is called by the language, not by a reader.
    const read = Array.from(signatures()).filter(([name]) => !/\.(?:then|toJSON)$/.test(name));
    expect(read.length).toBeGreaterThan(200);
    const long = read.flatMap(([name, texts]) => texts.map((text) => name + text)).filter((text) => text.length > 170);
    expect(long).toEqual([]);
  });
});
