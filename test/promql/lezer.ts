import { parser } from "@prometheus-io/lezer-promql";

type Node = ReturnType<typeof parser.parse>["topNode"];

/**
 * The structure of a PromQL text as Prometheus's own editor grammar reads it, as nested text; parentheses and shifts in
 * time left out.
 *
 * @throws {Error} where the grammar has no reading of the text
 */
export function structureOf(text: string): string {
  const { topNode } = parser.parse(text);
  topNode.cursor().iterate((node) => {
    if (node.type.isError) throw new Error(`no PromQL at ${node.from}: ${text}`);
  });
  return shape(only(topNode, text), text);
}

function shape(node: Node, text: string): string {
  const children = childrenOf(node);
  const inner = (name: string) => children.filter((child) => child.name === name);
  const said = (child: Node | undefined) => (child === undefined ? "" : text.slice(child.from, child.to));
  switch (node.name) {
    case "ParenExpr":
    case "OffsetExpr":
    case "StepInvariantExpr":
      return shape(children[0] ?? node, text);
    case "NumberDurationLiteral":
      return `number ${said(node)}`;
    case "StringLiteral":
      return `string ${said(node)}`;
    case "VectorSelector":
      return `vector ${said(node)}`;
    case "MatrixSelector":
      return `matrix (${children.map((child, i) => (i === 0 ? shape(child, text) : said(child))).join(" ")})`;
    case "SubqueryExpr":
      return `subquery (${children.map((child, i) => (i === 0 ? shape(child, text) : said(child))).join(" ")})`;
    case "FunctionCall":
      return `call ${said(inner("FunctionIdentifier")[0])} ${body(inner("FunctionCallBody")[0], text)}`;
    case "AggregateExpr": {
      const modifier = said(inner("AggregateModifier")[0]);
      return `aggregation ${said(inner("AggregateOp")[0])} ${modifier} ${body(inner("FunctionCallBody")[0], text)}`;
    }
    case "UnaryExpr": {
      const [sign, operand = node] = children;
      // Prometheus makes one number of a sign and a number; this grammar does so in some places only.
      if (operand.name === "NumberDurationLiteral") return `number ${said(sign).replace("+", "")}${said(operand)}`;
      return `unary ${said(sign)} (${shape(operand, text)})`;
    }
    case "BinaryExpr": {
      const [left, ...rest] = children;
      const right = rest.pop();
      const middle = rest.map(said).join(" ");
      return `binary ${middle} (${shape(left ?? node, text)}) (${shape(right ?? node, text)})`;
    }
    default:
      throw new Error(`unknown node ${node.name} in ${text}`);
  }
}

const body = (node: Node | undefined, text: string): string =>
  `(${(node === undefined ? [] : childrenOf(node)).map((child) => shape(child, text)).join(", ")})`;

function childrenOf(node: Node): Node[] {
  const children: Node[] = [];
  for (let child = node.firstChild; child !== null; child = child.nextSibling) children.push(child);
  return children;
}

function only(node: Node, text: string): Node {
  const [child, ...more] = childrenOf(node);
  if (child === undefined || more.length > 0) throw new Error(`not one expression: ${text}`);
  return child;
}
