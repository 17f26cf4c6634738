import { X509Certificate } from "node:crypto";
import { QueryError } from "../../errors.ts";

/** What a certificate says. */
export interface Certificate {
  /** `"O=cluster.local"`, one attribute a line as X.509 has it; empty where only its identity names it. */
  readonly subject: string;
  readonly issuer: string;
  /** The identities that it proves: the URIs of its alternative names. */
  readonly principals: readonly string[];
  readonly validFromMs: number;
  readonly expiresMs: number;
  readonly serialNumber: string;
  /** Whether it may sign others. */
  readonly isAuthority: boolean;
  /** The subject of the root that it leads to among the certificates given; `undefined` where they do not hold it. */
  readonly root: string | undefined;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * The certificates of a PEM text, in its order: a workload's chain, a root, or all of them one after the other.
 *
 * @throws {QueryError} `code: "certificate"` when there is none in it, or one that cannot be read
 */
export function readCertificates(pem: string): readonly Certificate[] {
  const blocks = typeof pem === "string" ? (pem.match(BLOCK) ?? []) : [];
  if (blocks.length === 0) {
    throw new QueryError(
      "certificate",
      'certificates: there is no "-----BEGIN CERTIFICATE-----" in the text; give a PEM',
    );
  }
  const read = blocks.map((block, i) => {
    try {
      return new X509Certificate(block);
    } catch (cause) {
      throw new QueryError("certificate", `certificates: the certificate ${i + 1} of the text cannot be read`, {
        cause,
      });
    }
  });
  return read.map((certificate) => {
    const names = certificate.subjectAltName?.split(/, (?=[A-Za-z ]+:)/) ?? [];
    return Object.freeze({
      subject: certificate.subject ?? "",
      issuer: certificate.issuer,
      principals: names.flatMap((name) => (name.startsWith("URI:") ? [name.slice(4)] : [])),
      validFromMs: Date.parse(certificate.validFrom),
      expiresMs: Date.parse(certificate.validTo),
      serialNumber: certificate.serialNumber,
      isAuthority: certificate.ca,
      root: rootOf(certificate, read)?.subject,
    });
  });
}

/** The self-signed certificate at the end of the chain, as far as each signature holds. */
function rootOf(certificate: X509Certificate, all: readonly X509Certificate[]): X509Certificate | undefined {
  let current = certificate;
  // A chain has no more links than there are certificates.
  for (let link = 0; link <= all.length; link++) {
    const issuer = all.find((one) => current.checkIssued(one) && current.verify(one.publicKey));
    if (issuer === undefined) return undefined;
    if (issuer.fingerprint256 === current.fingerprint256) return current;
    current = issuer;
  }
  return undefined;
}
