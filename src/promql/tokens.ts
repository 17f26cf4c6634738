import { shown } from "../time.ts";
import { Lexer, type TokenKind } from "./lexer.ts";
import { type Refusal, refusal } from "./refusal.ts";

/** The tokens of a text for those who read them: what is wanted next is taken, or the text is refused where it differs. */
export class Tokens extends Lexer {
  /** Where the node begins that is being made, for the error that its rules may have. */
  from = 0;

  /** Whether the token at hand is of this kind, asked anew after each {@link Lexer.advance}. */
  is(kind: TokenKind): boolean {
    return this.kind === kind;
  }

  isKeyword(word: string): boolean {
    return this.kind === "keyword" && this.value === word;
  }

  takeKeyword(word: string): boolean {
    if (!this.isKeyword(word)) return false;
    this.advance();
    return true;
  }

  expect(kind: TokenKind, hint?: string): void {
    if (this.kind !== kind) this.unexpected(kind, hint);
    this.advance();
  }

  unexpected(wanted: string, hint?: string): never {
    const { text, kind, start, end } = this;
    const token = text.slice(start, end);
    const found =
      kind === "end" ? "the end of the text" : /^[\w:(){}[\],=!~<>+\-*/%^@]{1,40}$/.test(token) ? token : shown(token);
    return this.refuse({ reason: `${wanted} is wanted here, not ${found}`, hint, start, end });
  }

  refuse(what: Refusal): never {
    throw refusal(this.text, what);
  }
}
