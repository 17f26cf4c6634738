import type { AnswerHead, HttpResponse } from "../../http/client.ts";
import { type DecodedAnswer, decodeAnswer } from "../decode/answer.ts";
import { AnswerStream } from "../decode/answer-stream.ts";
import { bodyOf, NAME } from "./failure.ts";

const OPEN_OBJECT = 0x7b;

/** What decodes the answers to `query` while they come; one that is none of the API's own is left to come as a whole. */
export const answerReader =
  (query: string) =>
  ({ status, contentType }: AnswerHead, first: Uint8Array): AnswerStream | undefined => {
    const fits = status >= 200 && status < 300 && contentType !== "text/html" && first[0] === OPEN_OBJECT;
    return fits ? new AnswerStream({ backend: NAME, query }) : undefined;
  };

/** What an answer to `query` says, however it was read. */
export function answerOf(response: HttpResponse, query: string): DecodedAnswer {
  if (response.reader instanceof AnswerStream) return response.reader.end();
  return decodeAnswer(bodyOf(response, query), { backend: NAME, query });
}
