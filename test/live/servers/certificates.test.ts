import { expect, it } from "vitest";
import { createMesh, prometheus } from "../../../src/index.ts";
import { singlePrometheus } from "../single-prometheus.ts";

const HOUR_S = 3600;

it("expiries that a real Prometheus keeps are read, each by its own form", async () => {
  const nowS = Math.floor(Date.now() / 1000);
  const rootS = nowS + 90 * 24 * HOUR_S;
  const samples = [
    "# TYPE istio_agent_cert_expiry_seconds gauge",
    `istio_agent_cert_expiry_seconds{resource_name="default",pod="a-1",namespace="shop"} ${24 * HOUR_S} ${nowS - 10}`,
    "# TYPE citadel_server_root_cert_expiry_timestamp gauge",
    `citadel_server_root_cert_expiry_timestamp ${rootS} ${nowS - 10}`,
    "# EOF",
    "",
  ].join("\n");
  const server = await singlePrometheus({ samples });
  try {
    const { expiries } = await createMesh({ metrics: prometheus(server.url) }).certificates();
    expect(expiries.map(({ holder, kind }) => [holder, kind])).toEqual([
      ["a-1.shop", "workload"],
      ["istiod", "root"],
    ]);
    // The seconds that were left count from the instant that the server evaluated at.
    expect(Math.abs((expiries[0]?.expiresMs ?? 0) / 1000 - (nowS + 24 * HOUR_S))).toBeLessThan(60);
    expect(expiries[1]?.expiresMs).toBe(rootS * 1000);
  } finally {
    await server.stop();
  }
});
