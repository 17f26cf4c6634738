/** A search's tags in Zipkin's own language, and those that it cannot express. */
export interface AnnotationQuery {
  /** `undefined` where nothing is left to ask for. */
  readonly text: string | undefined;
  /** The names of the tags that are not in the text. */
  readonly left: readonly string[];
}

/** Zipkin splits at " and " so many times at most. */
const MOST = 100;
/** Zipkin's storages index a tag with its name up to this length. */
const LONGEST = 255;

/**
 * The tags as `name=value and name=value`.
 *
 * The language has no quotes: what holds ` and `, begins or ends with a blank, or has a `=` in the name would be read
 * as something else, and an empty value means any.
 *
 * @see openzipkin/zipkin, `QueryRequest.parseAnnotationQuery`
 */
export function annotationQuery(tags: Readonly<Record<string, string>>): AnnotationQuery {
  const texts: string[] = [];
  const left: string[] = [];
  for (const [name, value] of Object.entries(tags)) {
    if (isExpressible(name, value) && texts.length < MOST) texts.push(`${name}=${value}`);
    else left.push(name);
  }
  return { text: texts.length === 0 ? undefined : texts.join(" and "), left };
}

function isExpressible(name: string, value: string): boolean {
  const text = `${name}=${value}`;
  return (
    name !== "" &&
    value !== "" &&
    !name.includes("=") &&
    // Java's trim() takes every character up to the blank for one.
    ![name, value].some((part) => isBlank(part.charCodeAt(0)) || isBlank(part.charCodeAt(part.length - 1))) &&
    // With the blanks that the neighbours bring along.
    !` ${text} `.includes(" and ") &&
    text.length <= LONGEST
  );
}

const isBlank = (code: number): boolean => code <= 0x20;
