/** One root of trust and one SPIFFE certificate per service account. */
import { execFile } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { principalOf, proxied } from "./topology.ts";

const run = promisify(execFile);

export interface Identity {
  readonly certificate: string;
  readonly key: string;
}

export const rootCertificate = (directory: string): string => path.join(directory, "ca.crt");

export const identityOf = (directory: string, serviceAccount: string): Identity => ({
  certificate: path.join(directory, `${serviceAccount}.crt`),
  key: path.join(directory, `${serviceAccount}.key`),
});

/** @param principals by the name that each certificate's files have; those of the mesh's service accounts by default */
export async function issueCertificates(
  directory: string,
  principals: Readonly<Record<string, string>> = ofServiceAccounts(),
  signal?: AbortSignal,
): Promise<void> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const openssl = (...args: string[]) =>
    run("openssl", args, { cwd: directory, timeout: 30_000, ...(signal && { signal }) });
  const ellipticKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

  await openssl(
    "req",
    "-x509",
    ...ellipticKey,
    ..."-keyout ca.key -out ca.crt -days 30 -subj /O=cluster.local".split(" "),
  );
  for (const [account, principal] of Object.entries(principals)) {
    writeFileSync(
      path.join(directory, `${account}.ext`),
      `subjectAltName=critical,URI:${principal}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    await openssl("req", ...ellipticKey, "-keyout", `${account}.key`, "-out", `${account}.csr`, "-subj", "/");
    await openssl(
      ...`x509 -req -in ${account}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30`.split(" "),
      ...["-extfile", `${account}.ext`, "-out", `${account}.crt`],
    );
  }
}

const ofServiceAccounts = (): Readonly<Record<string, string>> =>
  Object.fromEntries(proxied.map((each) => [each.serviceAccount, principalOf(each)]));
