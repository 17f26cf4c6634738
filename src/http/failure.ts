import { TransportError, type TransportErrorCode } from "../errors.ts";
import type { Redactor } from "./redaction.ts";

/** The code of an error of a proxy that makes no tunnel. */
export const TUNNEL_REFUSED = "ERR_TUNNEL_REFUSED";

/** What was attempted, where, for the message of a failure. */
export interface Attempt {
  readonly backend: string;
  /** Backend, method and path: `"prometheus: GET /api/v1/query"`. */
  readonly what: string;
  readonly origin: string;
  /** The proxy on the way there. */
  readonly proxy: string | undefined;
  /** How many tries were made, this one included. */
  readonly tries: number;
  readonly maxResponseBytes: number;
  readonly redactor: Redactor;
}

/** The error of a try that got no whole answer, from whatever Node or axios threw. */
export function transportError(error: unknown, attempt: Attempt): TransportError {
  const cause = cleanCause(error, attempt.redactor);
  return failure(codeOf(cause.code ?? "", cause.message), cause, attempt);
}

/** The error of an answer that is longer than the client takes. */
export function tooLarge(attempt: Attempt, cause: CleanCause): TransportError {
  return failure("too-large", cause, attempt);
}

/** Whether another try may go better: not where a name does not exist, a certificate is wrong or the answer too long. */
export function isRepeatable(error: TransportError): boolean {
  if (error.code === "dns") return (error.cause as CleanCause).code === "EAI_AGAIN";
  // A proxy that refuses says so again.
  if ((error.cause as CleanCause).code === TUNNEL_REFUSED) return false;
  return error.code === "refused" || error.code === "reset" || error.code === "network";
}

/** What may be known of a foreign error: its name, redacted message and code. */
export interface CleanCause extends Error {
  readonly code?: string;
}

/**
 * A copy of a foreign error that holds nothing but name, message and code.
 *
 * An AxiosError carries the request with its headers, so it must not become the cause of an error that is logged.
 */
export function cleanCause(error: unknown, redactor: Redactor): CleanCause {
  const foreign = error instanceof Error ? error : new Error(String(error));
  const cause: CleanCause = new Error(redactor.text(foreign.message || foreign.name));
  // Where it was made says nothing; the error around it has the stack.
  cause.stack = `${cause.name}: ${cause.message}`;
  const code: unknown = "code" in foreign ? foreign.code : undefined;
  return typeof code === "string" ? Object.assign(cause, { code }) : cause;
}

const RESET: ReadonlySet<string> = new Set(["ECONNRESET", "ECONNABORTED", "EPIPE", "ERR_STREAM_PREMATURE_CLOSE"]);

/** Certificate problems by OpenSSL's names, as Node passes them on. */
const CERTIFICATE =
  /^(?:DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|CERT_|CRL_|ERROR_IN_CERT|INVALID_(?:CA|PURPOSE)|PATH_LENGTH_|HOSTNAME_MISMATCH)/;

function failure(code: TransportErrorCode, cause: CleanCause, attempt: Attempt): TransportError {
  const tried = attempt.tries > 1 ? ` (tried ${attempt.tries} times)` : "";
  const message = `${attempt.what}: ${explain(code, cause, attempt)}${tried}`;
  return new TransportError(code, message, { backend: attempt.backend, cause });
}

function codeOf(code: string, message: string): TransportErrorCode {
  if (code === "ECONNREFUSED") return "refused";
  if (RESET.has(code)) return "reset";
  if (code === "ENOTFOUND" || code.startsWith("EAI_")) return "dns";
  if (CERTIFICATE.test(code) || /^(?:EPROTO$|ERR_TLS_|ERR_SSL_|ERR_OSSL_)/.test(code)) return "tls";
  // axios tells these two apart only by their text.
  if (message.startsWith("maxContentLength size of ")) return "too-large";
  if (message === "stream has been aborted") return "reset";
  return "network";
}

function explain(code: TransportErrorCode, cause: CleanCause, { origin, proxy, maxResponseBytes }: Attempt): string {
  switch (code) {
    case "refused":
      return proxy === undefined
        ? `nothing listens on ${origin}; is the server running and the port right?`
        : `nothing listens on ${proxy}, the proxy on the way to ${origin}; is it running? NO_PROXY or { proxy: false } goes without it`;
    case "reset":
      return `${origin} closed the connection before its answer was whole; is it, or a proxy before it, restarting${origin.startsWith("http:") ? ", or does it want https://" : ""}?`;
    case "dns":
      return `the host of ${proxy === undefined ? origin : `${proxy}, the proxy on the way to ${origin},`} cannot be resolved (${cause.code ?? cause.message}); check the host name`;
    case "tls":
      return `${origin}: ${explainTls(cause)}`;
    case "too-large":
      return `the answer of ${origin} is longer than ${maxResponseBytes} bytes; ask for less, or raise maxResponseBytes`;
    case "network":
      if (cause.code === TUNNEL_REFUSED) {
        return `${proxy}, the proxy on the way, makes no tunnel to ${origin}: it answered ${cause.message}; where it wants to know who asks, write { proxy: "http://user:password@…" }`;
      }
      return cause.code?.startsWith("HPE_")
        ? `${origin} does not answer in HTTP/1.1 (${cause.code}); is this the port of its HTTP API?`
        : `${origin} cannot be reached (${cause.message}); check the network between here and there`;
  }
}

function explainTls(cause: CleanCause): string {
  switch (cause.code) {
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
      return "its certificate is self-signed; give the PEM of the certificate to trust as tls.ca";
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
      return "its certificate comes from an authority that is not trusted here; give that authority's PEM as tls.ca";
    case "CERT_HAS_EXPIRED":
      return "its certificate has expired; renew it, or give the current one as tls.ca where that is the expired one";
    case "CERT_NOT_YET_VALID":
      return "its certificate is not valid yet; compare the clocks, or give the current one as tls.ca";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `its certificate is for another name (${cause.message}); use a host name that it is for, or set tls.serverName (tls.ca cannot help)`;
    default:
  }
  if (cause.code?.startsWith("ERR_OSSL_")) {
    return `the PEM in the options cannot be read (${cause.message}); check tls.ca, tls.cert, tls.key and tls.passphrase`;
  }
  if (/WRONG_VERSION_NUMBER|PACKET_LENGTH|wrong version number|packet length/.test(`${cause.code} ${cause.message}`)) {
    return "does not speak TLS on this port; write http:// for plain HTTP (tls.ca cannot help)";
  }
  if (/ALERT|alert/.test(`${cause.code} ${cause.message}`)) {
    return `refused the TLS handshake (${cause.code}); where it asks for a client's certificate, give tls.cert and tls.key; check tls.ca too`;
  }
  return `the TLS handshake failed (${cause.code ?? cause.message}); check tls.ca, tls.cert and tls.key`;
}
