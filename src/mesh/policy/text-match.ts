import { BlockList, isIP } from "node:net";

/** Whether a text is as a policy wants it. */
export type TextTest = (text: string) => boolean;

/**
 * The test of Istio's exact, prefix (`abc*`), suffix (`*abc`) and presence (`*`) matches. Any other `*` is literal.
 *
 * @see Istio, pilot/pkg/security/authz/matcher/string.go
 */
export function textTest(value: string): TextTest {
  if (value === "*") return (text) => text !== "";
  if (value.startsWith("*")) return (text) => text.endsWith(value.slice(1));
  if (value.endsWith("*")) return (text) => text.startsWith(value.slice(0, -1));
  return (text) => text === value;
}

/** The same whatever the case, which is how hosts are compared. */
export function hostTest(value: string): TextTest {
  const test = textTest(value.toLowerCase());
  return (text) => test(text.toLowerCase());
}

/** The test of a normalized path, by a template where it holds `{*}` or `{**}`. */
export function pathTest(value: string): TextTest {
  return isTemplate(value) ? templateTest(value) : textTest(value);
}

export const isTemplate = (path: string): boolean => path.includes("{*}") || path.includes("{**}");

const SEGMENT = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=]";
const SEGMENTS = "[a-zA-Z0-9\\-._~%!$&'()+,;:@=/]";

/**
 * `{*}` is one segment that is not empty, `{**}` any number of them, the slashes between included.
 *
 * @see Envoy, source/extensions/path/uri_template_lib
 */
function templateTest(template: string): TextTest {
  const source = template
    .split(/(\{\*\*?\})/)
    .map((part) => (part === "{*}" ? `${SEGMENT}+` : part === "{**}" ? `${SEGMENTS}*` : literal(part)))
    .join("");
  return test(source);
}

/**
 * The test of a peer's identity by a `principals` value, which has no scheme.
 *
 * @see Istio, srcPrincipalGenerator in pilot/pkg/security/authz/model/generator.go
 */
export function principalTest(value: string): TextTest {
  if (value === "*") return (uri) => uri !== "";
  if (value.startsWith("*")) return test(`spiffe://.*${literal(value.slice(1))}`);
  return textTest(`spiffe://${value}`);
}

/** The test of an identity by its namespace, in which `*` stands for any text. */
export const namespaceTest = (value: string): TextTest => test(`.*/ns/${value.split("*").map(literal).join(".*")}/.*`);

/** The test of an identity by `"name"` of the policy's own namespace, or `"namespace/name"`. */
export function serviceAccountTest(value: string, policyNamespace: string): TextTest {
  const slash = value.indexOf("/");
  const [namespace, name] = slash === -1 ? [policyNamespace, value] : [value.slice(0, slash), value.slice(slash + 1)];
  return test(`spiffe://.+/ns/${literal(namespace)}/(.+/|)sa/${literal(name)}(/.+)?`);
}

/** The test of an identity by its trust domain. */
export function trustDomainTest(value: string): TextTest {
  if (value === "*") return (uri) => uri.startsWith("spiffe://");
  if (!value.includes("*")) return (uri) => uri.startsWith(`spiffe://${value}/`);
  const star = value.indexOf("*");
  return test(`spiffe://${literal(value.slice(0, star))}[^/]*${literal(value.slice(star + 1))}/.*`);
}

function test(source: string): TextTest {
  const pattern = new RegExp(`^(?:${source})$`, "s");
  return (text) => pattern.test(text);
}

const literal = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");

/** The test of an address by an address or a range of them. */
export function ipTest(value: string): TextTest {
  const [address = "", bits] = value.split("/");
  const version = isIP(address) === 6 ? "ipv6" : "ipv4";
  const range = new BlockList();
  if (bits === undefined) range.addAddress(address, version);
  else range.addSubnet(address, Number(bits), version);
  return (ip) => (isIP(ip) === 6 ? "ipv6" : "ipv4") === version && isIP(ip) !== 0 && range.check(ip, version);
}
