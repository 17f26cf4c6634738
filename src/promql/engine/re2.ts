import { type CharClass, readClass, readEscape } from "./re2-class.ts";
import { foldsOf, literal } from "./re2-fold.ts";

/** A pattern of RE2's that JavaScript's engine can run. */
export interface Pattern {
  readonly regexp: RegExp;
  /** The names of its groups, by their numbers. */
  readonly groups: ReadonlyMap<string, number>;
}

/** Why a text is no pattern of RE2's, or none that JavaScript can run. */
export class PatternFault extends Error {
  /** Whether RE2 takes the pattern, which JavaScript alone cannot run. */
  readonly unsupported: boolean;

  constructor(message: string, unsupported = false) {
    super(message);
    this.unsupported = unsupported;
  }
}

/**
 * Compiles RE2's syntax to a `RegExp` that matches the whole text, and in which `.` is any character, as PromQL wants it.
 *
 * What means the same in both is carried over token by token, what does not is written out: classes such as `\s` and
 * `[[:alpha:]]`, flags within the pattern, `\A`, `\z`, `\Q…\E`. JavaScript searches by backtracking, so a pattern with
 * nested repetitions may take time that is exponential in the length of a value, which RE2's never does.
 *
 * @throws {PatternFault}
 * @see RE2, "Syntax"; Go, `regexp/syntax`
 */
export function compileRe2(pattern: string): Pattern {
  const translation = new Translation(pattern);
  const source = translation.whole();
  try {
    return {
      regexp: new RegExp(`^(?:${source})$`, translation.foldsAll ? "iu" : "u"),
      groups: translation.groups,
    };
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PatternFault(`JavaScript cannot run it: ${why}`, true);
  }
}

interface Flags {
  readonly fold: boolean;
  readonly multiline: boolean;
  readonly dotAll: boolean;
  readonly ungreedy: boolean;
}

const MOST_REPEATS = 1000;
const REPEAT = /\{(\d+)(?:(,)(\d*))?\}/y;
const GROUP = /\(\?(?:P?<([^>]*)>|([imsU]*(?:-[imsU]+)?)([:)]))/y;

/** One pass over a pattern of RE2's. */
class Translation {
  readonly groups = new Map<string, number>();
  /** Whether `(?i)` opens the pattern, so that it holds for all of it. */
  readonly foldsAll: boolean;
  readonly #text: string;
  readonly #open: Flags[] = [];
  #flags: Flags = { fold: false, multiline: false, dotAll: true, ungreedy: false };
  #at = 0;
  #count = 0;
  #lacking: string | undefined;

  constructor(text: string) {
    this.#text = text;
    this.foldsAll = text.startsWith("(?i)") && !/\(\?[imsU]*-[imsU]*i/.test(text);
  }

  whole(): string {
    let source = "";
    /** What a repetition would repeat; empty where there is nothing. */
    let atom = "";
    let repeated = false;
    const push = (next: string) => {
      source += atom;
      atom = next;
      repeated = false;
    };
    /** Where in `source` each open group starts, so that a group as a whole can be repeated. */
    const starts: number[] = [];
    while (this.#at < this.#text.length) {
      const repeat = this.#repeat();
      if (repeat !== undefined) {
        if (atom === "") this.#fail("missing argument to repetition operator");
        if (repeated) this.#fail("invalid nested repetition operator");
        atom += repeat;
        repeated = true;
        continue;
      }
      const c = this.#text.charAt(this.#at);
      if (c === "(") {
        const group = this.#group();
        if (group === undefined) {
          // A repetition behind flags repeats what stands before them, once more if it is repeated already.
          if (repeated) atom = `(?:${atom})`;
          repeated = false;
          continue;
        }
        push("");
        starts.push(source.length);
        source += group;
      } else if (c === ")") {
        this.#at++;
        const start = starts.pop();
        const outer = this.#open.pop();
        if (start === undefined || outer === undefined) return this.#fail("unexpected )");
        push("");
        atom = `${source.slice(start)})`;
        source = source.slice(0, start);
        this.#flags = outer;
      } else if (c === "|") {
        this.#at++;
        push("");
        source += "|";
      } else push(this.#single(c, push));
    }
    if (starts.length > 0) this.#fail("missing closing )");
    if (this.#lacking !== undefined) throw new PatternFault(this.#lacking, true);
    return source + atom;
  }

  #repeat(): string | undefined {
    const c = this.#text.charAt(this.#at);
    let text: string;
    if (c === "*" || c === "+" || c === "?") {
      text = c;
      this.#at++;
    } else {
      REPEAT.lastIndex = this.#at;
      const [whole, least, comma, most] = REPEAT.exec(this.#text) ?? [];
      if (whole === undefined) return undefined;
      const low = Number(least);
      const high = most === undefined || most === "" ? low : Number(most);
      if (low > MOST_REPEATS || high > MOST_REPEATS || high < low) this.#fail("invalid repeat count");
      text = `{${low}${comma ?? ""}${most === undefined || most === "" ? "" : high}}`;
      this.#at += whole.length;
    }
    let lazy = this.#flags.ungreedy;
    if (this.#text.charAt(this.#at) === "?") {
      lazy = !lazy;
      this.#at++;
    }
    return lazy ? `${text}?` : text;
  }

  /** What opens a group; `undefined` for flags alone, which hold to the end of the group around them. */
  #group(): string | undefined {
    GROUP.lastIndex = this.#at;
    const [whole, name, flags, end] = GROUP.exec(this.#text) ?? [];
    if (whole === undefined) {
      if (this.#text.startsWith("(?", this.#at)) this.#fail("invalid or unsupported Perl syntax");
      this.#at++;
      this.#open.push(this.#flags);
      this.#count++;
      return "(";
    }
    this.#at += whole.length;
    if (name !== undefined) {
      if (!/^\w+$/.test(name)) this.#fail("invalid named capture");
      if (this.groups.has(name)) this.#fail("duplicate capture group name");
      this.#open.push(this.#flags);
      this.#count++;
      this.groups.set(name, this.#count);
      return "(";
    }
    if (flags === "" && end === ")") this.#fail("missing argument to repetition operator");
    const changed = this.#changed(flags ?? "");
    if (end === ":") this.#open.push(this.#flags);
    this.#flags = changed;
    return end === ":" ? "(?:" : undefined;
  }

  #changed(text: string): Flags {
    const [on = "", off = ""] = text.split("-");
    const flag = (letter: string, before: boolean): boolean =>
      off.includes(letter) ? false : on.includes(letter) ? true : before;
    return {
      fold: flag("i", this.#flags.fold),
      multiline: flag("m", this.#flags.multiline),
      dotAll: flag("s", this.#flags.dotAll),
      ungreedy: flag("U", this.#flags.ungreedy),
    };
  }

  /** Anything that is neither a group nor a repetition. */
  #single(c: string, push: (atom: string) => void): string {
    switch (c) {
      case ".":
        this.#at++;
        return this.#flags.dotAll ? "[^]" : "[^\\n]";
      case "^":
        this.#at++;
        return this.#flags.multiline ? "(?:(?<![^\\n]))" : "(?:^)";
      case "$":
        this.#at++;
        return this.#flags.multiline ? "(?:(?![^\\n]))" : "(?:$)";
      case "[":
        return this.#class(readClass(this.#text, this.#at, this.#fault));
      case "\\":
        return this.#escape(push);
      default: {
        const [char = c] = this.#text.slice(this.#at, this.#at + 2);
        this.#at += char.length;
        return this.#literal(char.codePointAt(0) ?? 0);
      }
    }
  }

  #escape(push: (atom: string) => void): string {
    const kind = this.#text.charAt(this.#at + 1);
    const assertion = ASSERTIONS[kind];
    if (assertion !== undefined) {
      this.#at += 2;
      return assertion;
    }
    if (kind === "Q") {
      const end = this.#text.indexOf("\\E", this.#at + 2);
      const quoted = this.#text.slice(this.#at + 2, end < 0 ? this.#text.length : end);
      this.#at = end < 0 ? this.#text.length : end + 2;
      const atoms = Array.from(quoted, (char) => this.#literal(char.codePointAt(0) ?? 0));
      for (const atom of atoms.slice(0, -1)) push(atom);
      return atoms.at(-1) ?? "";
    }
    const read = readEscape(this.#text, this.#at, this.#fault);
    if (typeof read.meant !== "number") return this.#class({ members: [read.meant], negated: false, end: read.end });
    this.#at = read.end;
    return this.#literal(read.meant);
  }

  #literal(code: number): string {
    return this.#flags.fold && !this.foldsAll ? foldsOf(code) : literal(code);
  }

  #class(read: CharClass): string {
    this.#at = read.end;
    const fold = this.#flags.fold && !this.foldsAll;
    const members = read.members.map((member) => {
      if (typeof member !== "string") {
        if (fold) return member.fold() ?? this.#lack("(?i) for a part of the pattern folds no class beyond ASCII here");
        return member.text();
      }
      if (this.#flags.fold && member.startsWith("\\P")) return this.#lack("(?i) and the complement of a Unicode class");
      if (fold) return this.#lack("(?i) for a part of the pattern folds no Unicode class here");
      return member;
    });
    return `[${read.negated ? "^" : ""}${members.join("")}]`;
  }

  readonly #fault = (why: string): never => this.#fail(why);

  /** Notes what JavaScript cannot run, and reads on: what is no pattern at all comes first. */
  #lack(why: string): string {
    this.#lacking ??= why;
    return "";
  }

  #fail(why: string): never {
    throw new PatternFault(why);
  }
}

const ASSERTIONS: Readonly<Record<string, string>> = { A: "(?:^)", z: "(?:$)", b: "(?:\\b)", B: "(?:\\B)" };
