import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inspect } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { readCertificates } from "../../src/mesh/identity/certificate.ts";
import { createMesh } from "../../src/mesh/mesh.ts";
import { identityOf, issueCertificates, rootCertificate } from "../mesh/certificates.ts";
import { AT, recordingBackend, vectorData } from "../metrics/recording-backend.ts";

const HOUR = 3_600_000;

describe("by metrics", () => {
  const mesh = createMesh({
    now: () => AT,
    metrics: recordingBackend({
      instant: () =>
        vectorData(
          [
            { __name__: "istio_agent_cert_expiry_seconds", resource_name: "default", pod: "a-1", namespace: "shop" },
            24 * 3600,
          ],
          [
            { __name__: "istio_agent_cert_expiry_seconds", resource_name: "ROOTCA", pod: "a-1", namespace: "shop" },
            90 * 24 * 3600,
          ],
          [{ __name__: "istio_agent_cert_expiry_seconds", resource_name: "default", instance: "10.0.0.9:15020" }, -60],
          [{ __name__: "citadel_server_root_cert_expiry_timestamp" }, AT / 1000 + 3600],
        ),
    }),
  });

  test("each holder's expiry is told, the first to expire first", async () => {
    const { expiries } = await mesh.certificates();
    expect(expiries).toEqual([
      { holder: "10.0.0.9:15020", kind: "workload", expiresMs: AT - 60_000 },
      { holder: "istiod", kind: "root", expiresMs: AT + HOUR },
      { holder: "a-1.shop", kind: "workload", expiresMs: AT + 24 * HOUR },
      { holder: "a-1.shop", kind: "root", expiresMs: AT + 90 * 24 * HOUR },
    ]);
  });

  test("what has expired or soon will is picked out, and marked in the table", async () => {
    const certificates = await mesh.certificates();
    expect(certificates.expiringWithin(0)).toHaveLength(1);
    expect(certificates.expiringWithin(2 * HOUR)).toHaveLength(2);
    expect(inspect(certificates)).toContain("(expired)");
  });
});

test("part of an answer is an error where the mesh says so", async () => {
  const metrics = recordingBackend({ quality: { complete: false, warnings: ["a store did not answer"] } });
  await expect(createMesh({ metrics, onPartial: "throw" }).certificates()).rejects.toMatchObject({
    name: "PartialError",
  });
  expect((await createMesh({ metrics }).certificates()).warnings).toEqual(["a store did not answer"]);
});

describe("by PEM", () => {
  const PRINCIPAL = "spiffe://cluster.local/ns/default/sa/frontend";
  let root = "";
  let workload = "";

  beforeAll(async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "meshquery-"));
    try {
      await issueCertificates(folder, { frontend: PRINCIPAL });
      root = readFileSync(rootCertificate(folder), "utf8");
      workload = readFileSync(identityOf(folder, "frontend").certificate, "utf8");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a workload's identity, issuer, times and root of trust are read", () => {
    const [first, second] = readCertificates(`kept by hand\n${workload}\n${root}`);
    const days = ((first?.expiresMs ?? 0) - (first?.validFromMs ?? 0)) / (24 * HOUR);
    expect(first).toMatchObject({ principals: [PRINCIPAL], issuer: "O=cluster.local", isAuthority: false });
    expect(days).toBe(30);
    expect(first?.root).toBe("O=cluster.local");
    expect(second).toMatchObject({ subject: "O=cluster.local", isAuthority: true, root: "O=cluster.local" });
  });

  test("a root that is not among them is not made up, nor one of the same name that did not sign", async () => {
    expect(readCertificates(workload)[0]?.root).toBeUndefined();
    const folder = mkdtempSync(path.join(tmpdir(), "meshquery-"));
    await issueCertificates(folder, {});
    const other = readFileSync(rootCertificate(folder), "utf8");
    rmSync(folder, { recursive: true });
    expect(readCertificates(`${workload}\n${other}`)[0]?.root).toBeUndefined();
  });

  test("a mesh without metrics reads it as well", async () => {
    const { read, roots, expiries } = await createMesh().certificates({ pem: `${workload}\n${root}` });
    expect([read.length, roots, expiries.length]).toEqual([2, ["O=cluster.local"], 0]);
  });

  test.each(["", "no PEM at all", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"])(
    "%j is refused by name",
    async (pem) => {
      await expect(createMesh().certificates({ pem })).rejects.toMatchObject({
        name: "QueryError",
        code: "certificate",
      });
    },
  );
});
