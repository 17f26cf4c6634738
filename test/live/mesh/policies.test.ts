import { describe, expect, inject, it } from "vitest";
import { createMesh, loki, type PolicyFlow, prometheus } from "../../../src/index.ts";

const truth = inject("truth");
const range = { from: truth.measuredFromMs - 1_000, to: truth.measuredToMs + 4_000 };
const metrics = prometheus(inject("prometheusUrl"), { scrapeInterval: "1s" });
const mesh = createMesh({ metrics, logs: loki(inject("lokiUrl")) });

/** What the mesh's proxies are configured with, as Istio would be. */
const PRESENT = `
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: default, namespace: istio-system }
spec: { mtls: { mode: STRICT } }
---
apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: ratings, namespace: default }
spec: { selector: { matchLabels: { app: ratings } }, mtls: { mode: PERMISSIVE } }
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: backend-deny-admin, namespace: default }
spec:
  selector: { matchLabels: { app: backend } }
  action: DENY
  rules: [{ to: [{ operation: { paths: ["/admin*"] } }] }]
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: backend-allow-frontend, namespace: default }
spec:
  selector: { matchLabels: { app: backend } }
  rules: [{ from: [{ source: { principals: ["cluster.local/ns/default/sa/frontend"] } }] }]
`;

const lines = truth.lines.filter(({ reporter }) => reporter === "destination");
type Line = (typeof lines)[number];
const count = (holds: (line: Line) => boolean): number => lines.filter(holds).length;
const isDenied = (line: Line): boolean =>
  line.code === 403 && (line.source === "stranger" || line.path.startsWith("/admin"));
const sum = (flows: readonly PolicyFlow[]): number => flows.reduce((total, { requests }) => total + requests, 0);
/** PromQL's increase is extrapolated to the ends of the range. */
const near = (found: number, wanted: number) => {
  expect(wanted).toBeGreaterThan(5);
  expect(Math.abs(found - wanted), `${found} for ${wanted}`).toBeLessThan(1 + wanted * 0.05);
};

describe("the policies in force", () => {
  const checked = mesh.policies(PRESENT).check(range);

  it("deny what was denied, by the rule that the proxies name, and would change nothing", async () => {
    const report = await checked;
    expect(report.meta).toMatchObject({ complete: true, warnings: [] });
    expect(report.newlyDenied).toEqual([]);
    expect(report.newlyAllowed).toEqual([]);
    expect(report.unknown).toEqual([]);
    const denied = report.stillDenied.filter(({ method }) => method !== undefined);
    near(sum(denied), count(isDenied));
    for (const { verdict, example, enforced } of denied) {
      expect(enforced.passed).toBe(0);
      const { reason } = verdict;
      const name = reason.kind === "deny" ? `${reason.rule.policy}.${reason.rule.namespace}` : "none";
      expect(name).toBe(example?.deniedBy);
    }
    const strangers = denied.filter(({ source }) => source.workload === "stranger");
    near(
      sum(strangers),
      count((line) => isDenied(line) && line.source === "stranger"),
    );
    expect(strangers.every(({ source }) => source.principal?.endsWith("/sa/stranger") === true)).toBe(true);
    expect(strangers.every(({ verdict }) => verdict.reason.kind === "no-match")).toBe(true);
    const admin = denied.filter(({ path }) => path?.startsWith("/admin"));
    expect(admin.every(({ verdict }) => verdict.reason.kind === "deny")).toBe(true);
    near(
      sum(admin),
      count((line) => isDenied(line) && line.source === "frontend"),
    );
  });

  it("refuse plaintext that was refused, and let in what was let in", async () => {
    const report = await checked;
    const refused = report.stillDenied.filter(({ method }) => method === undefined);
    expect(refused.length).toBeGreaterThan(0);
    for (const { destination, verdict, source } of refused) {
      expect(destination.workload).toMatch(/^backend/);
      expect(source.principal).toBeNull();
      expect(verdict.reason.kind).toBe("plaintext");
    }
    const plaintext = report.flows.filter(
      ({ source, destination }) => source.principal === null && destination.workload === "ratings",
    );
    near(
      sum(plaintext),
      count(({ security }) => security === "none"),
    );
    expect(plaintext.every(({ change }) => change === "still-allowed")).toBe(true);
  });

  it("have each request of the callees once, with its identity, method, path and port", async () => {
    const report = await checked;
    for (const workload of ["backend", "backend-v2", "ratings", "recommender", "frontend"]) {
      const flows = report.flows.filter(
        ({ destination, method }) => destination.workload === workload && method !== undefined,
      );
      near(
        sum(flows),
        count(({ destination }) => destination === workload),
      );
      const paths = new Set(
        lines.filter(({ destination }) => destination === workload).map(({ path }) => path.split("?", 1)[0]),
      );
      expect(new Set(flows.map(({ path }) => path))).toEqual(paths);
      expect(flows.filter(({ counted, example }) => counted !== "both" || example === undefined)).toEqual([]);
      expect(flows.every(({ port }) => port !== undefined && port >= 7_000 && port < 10_000)).toBe(true);
    }
    const tcp = report.flows.filter(({ protocol }) => protocol === "tcp");
    near(
      sum(tcp),
      count(({ protocol }) => protocol === "tcp"),
    );
    expect(report.unusedRules).toEqual([]);
  });

  it("cannot be told from a 403 of the app by metrics alone, unless it is said what is in force", async () => {
    const policies = createMesh({ metrics }).policies(PRESENT);
    const report = await policies.check(range);
    expect(report.newlyDenied).toEqual([]);
    const toBackend = report.flows.filter(
      ({ destination, source }) => destination.workload === "backend" && source.workload === "frontend",
    );
    expect(toBackend.every(({ verdict }) => verdict.decision === "unknown" && verdict.missing.includes("path"))).toBe(
      true,
    );
    const stranger = ({ source }: PolicyFlow) => source.workload === "stranger";
    expect(report.flows.filter(stranger).map(({ change }) => change)).toEqual(["unknown"]);
    const again = await policies.check({ ...range, current: policies });
    expect(again.flows.filter(stranger).map(({ change }) => change)).toEqual(["still-denied"]);
  });
});

describe("other policies", () => {
  it("tell whom they would turn away, and whom they would let in", async () => {
    const changed = PRESENT.replace("sa/frontend", "sa/stranger").replace("mode: PERMISSIVE", "mode: STRICT");
    const report = await mesh.policies(changed).check(range);
    const frontend = report.newlyDenied.filter(({ source }) => source.workload === "frontend");
    near(
      sum(frontend),
      count((line) => line.source === "frontend" && line.destination.startsWith("backend") && !isDenied(line)),
    );
    const plaintext = report.newlyDenied.filter(({ source }) => source.principal === null);
    near(
      sum(plaintext),
      count(({ security }) => security === "none"),
    );
    expect(plaintext.every(({ verdict }) => verdict.reason.kind === "plaintext")).toBe(true);
    expect(report.newlyDenied).toHaveLength(frontend.length + plaintext.length);
    near(
      sum(report.newlyAllowed),
      count((line) => isDenied(line) && line.source === "stranger"),
    );
    expect(report.newlyAllowed.every(({ source }) => source.workload === "stranger")).toBe(true);
  });

  it("find the smallest rule that covers the traffic, which then allows all of it", async () => {
    const open = `
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: recommender, namespace: default }
spec:
  selector: { matchLabels: { app: recommender } }
  rules: [{}]
`;
    const { broadRules } = await mesh.policies([PRESENT, open]).check(range);
    const broad = broadRules.find(({ rule }) => rule.policy === "recommender");
    expect(broad?.smallest).toMatchObject([
      {
        from: [{ source: { principals: ["cluster.local/ns/default/sa/frontend"] } }],
        to: [{ operation: { methods: ["POST"], ports: ["9555"] } }],
      },
    ]);
    const narrow = {
      apiVersion: "security.istio.io/v1",
      kind: "AuthorizationPolicy",
      metadata: { name: "recommender", namespace: "default" },
      spec: { selector: { matchLabels: { app: "recommender" } }, rules: broad?.smallest },
    };
    const report = await mesh.policies([PRESENT, narrow]).check(range);
    expect(report.newlyDenied).toEqual([]);
    expect(report.broadRules.filter(({ rule }) => rule.policy === "recommender")).toEqual([]);
  });

  it("hold what is declared of hosts and routes against what was asked for", async () => {
    const routes = `
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: { name: shop, namespace: istio-system }
spec: { servers: [{ port: { number: 80, protocol: HTTP, name: http }, hosts: [shop.example.com, old.example.com] }] }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: backend, namespace: default }
spec:
  hosts: [backend]
  http:
  - { name: work, match: [{ uri: { prefix: /work } }], route: [] }
  - { name: never, match: [{ uri: { exact: /never } }], route: [] }
  - { name: flaky, match: [{ uri: { regex: "/fl.ky.*" } }], route: [] }
`;
    const { routes: found } = await mesh.policies(routes).check(range);
    const requests = (name: string) => found.routes.find(({ route }) => route === name)?.requests;
    const calls = (path: string) =>
      count((line) => line.destination.startsWith("backend") && line.path.split("?", 1)[0] === path);
    expect(requests("never")).toBe(0);
    expect(requests("work")).toBeGreaterThanOrEqual(calls("/work"));
    expect(requests("flaky")).toBeGreaterThan(0);
    expect(found.unusedHosts).toEqual([
      { resource: expect.objectContaining({ name: "shop" }), host: "old.example.com" },
    ]);
    const undeclared = new Set(found.undeclared.map(({ path }) => path));
    expect(undeclared).toContain("/limited");
    expect(undeclared).not.toContain("/work");
  });
});
