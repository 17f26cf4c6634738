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
