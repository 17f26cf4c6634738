import { describe, test } from "vitest";
import { alert, labelOf, ruleGroup, text, valueAs } from "../../src/alerts/index.ts";
import { createMesh, label, prometheus } from "../../src/index.ts";

const metrics = prometheus("http://prometheus:9090");
const mesh = createMesh({ metrics });
const edge = mesh.edge("frontend", "backend");
const rate = edge.rate("5m");
const latency = edge.latency(0.99, "5m");

/** Programs that must not compile: each directive fails the build where its line would. */
describe("labels", () => {
  test("a slip in a label name", () => {
    // @ts-expect-error "response_cod" is none of Istio's labels; a label of one's own is label("…")
    rate.by("response_cod");
    // @ts-expect-error nor may one hide behind a right one
    rate.by("response_code", "respnse_flags");
    // @ts-expect-error what is left out is named as carefully
    rate.without("response_cod");
    // @ts-expect-error the check survives arithmetic
    rate.dividedBy(rate.offset("1d")).by("response_cod");
    // @ts-expect-error and a second grouping
    rate.by("response_code").by("response_cod");
    // @ts-expect-error a label's name is text
    rate.by(503);
    // @ts-expect-error and so is that of one's own
    label(503);
  });

  test("a label that was not grouped by", async () => {
    for (const sample of await rate.by("response_code")) {
      // @ts-expect-error grouping by response_code keeps no other label
      sample.labels.response_flags;
    }
    for (const series of await rate.by(label("team")).over({ last: "1h" })) {
      // @ts-expect-error the same holds for series
      series.labels.response_code;
    }
    const byCode = await rate.by("response_code");
    // @ts-expect-error nor can a sample be found by it
    byCode.get({ response_flags: "UF" });
    // @ts-expect-error a label's value is text
    byCode.get({ response_code: 503 });
  });
});

describe("one result taken for another", () => {
  test("a range for an instant", async () => {
    const range = await rate.over({ last: "6h" });
    // @ts-expect-error a matrix has no single value
    range.value;
    // @ts-expect-error nor one instant
    range.at;
    // @ts-expect-error a range query is asked as it stands
    rate.over({ last: "6h" }).at("2026-11-20T10:00:00Z");
    // @ts-expect-error and has no range twice
    rate.over({ last: "6h" }).over({ last: "1h" });
    for (const series of range) {
      // @ts-expect-error a series has values, not a value
      series.value;
    }
  });

  test("an instant for a range", async () => {
    // @ts-expect-error one number has no members
    Array.from(await rate);
    for (const sample of await rate.by("response_code")) {
      // @ts-expect-error a sample has a value, not a column of them
      sample.values;
    }
    // @ts-expect-error a vector has no series
    (await rate.by("response_code")).series;
  });

  test("a query for its answer", () => {
    // @ts-expect-error nothing was asked yet
    rate.value;
    // @ts-expect-error nothing was asked yet
    Array.from(rate.by("response_code"));
  });

  test("a value that may be missing", async () => {
    // @ts-expect-error no traffic gives undefined, which is no number
    (await rate).value.toFixed(1);
    // @ts-expect-error a vector without such a sample gives undefined
    (await rate.by("response_code")).get({ response_code: "503" }).value;
  });

  test("a changed answer", async () => {
    const sample = await rate;
    // @ts-expect-error answers are frozen
    sample.value = 0;
    // @ts-expect-error their labels too
    sample.labels.team = "payments";
  });
});

describe("units", () => {
  test("sums of different things", () => {
    // @ts-expect-error requests per second and milliseconds have no sum
    rate.plus(latency);
    // @ts-expect-error nor a difference
    rate.minus(latency);
    // @ts-expect-error a count is no rate
    rate.plus(edge.requests("5m"));
    // @ts-expect-error grouped or not
    rate.by("response_code").plus(latency.by("response_code"));
    // @ts-expect-error a ratio is not part of a rate
    rate.plus(edge.success("5m"));
    // @ts-expect-error numbers are numbers, not text
    rate.plus("10");
  });

  test("products without meaning", () => {
    // @ts-expect-error a rate squared means nothing here
    rate.times(rate);
    // @ts-expect-error the factor is a ratio or a number
    rate.times(latency);
    // @ts-expect-error a quotient is of queries or by a number
    rate.dividedBy("60");
  });

  test("an answer for a query", async () => {
    // @ts-expect-error arithmetic on answers is JavaScript's own: (await latency).value
    rate.dividedBy(await latency);
  });

  test("a unit taken for another", () => {
    // @ts-expect-error requests per second are no milliseconds
    rate.unit satisfies "ms";
    // @ts-expect-error "B/s" by "req/s" is "B/req"
    edge.requestBytes("5m").dividedBy(rate).unit satisfies "B/s";
  });
});

describe("conditions", () => {
  test("thresholds of another unit", () => {
    // @ts-expect-error a rate is no duration
    rate.above("250ms");
    // @ts-expect-error a duration has a unit
    latency.above("250");
    // @ts-expect-error one that PromQL knows
    latency.above("250 milliseconds");
    // @ts-expect-error a latency is no percentage
    latency.above("99%");
    // @ts-expect-error a ratio as text has its per cent sign
    edge.success("5m").below("99");
    // @ts-expect-error and is no duration
    edge.success("5m").below("1s");
    // @ts-expect-error a threshold is one number
    rate.above([1, 2]);
    // @ts-expect-error or a query of the same unit
    rate.above(latency);
    // @ts-expect-error a change is a ratio
    rate.changedBy("1d", { against: "1d" });
    // @ts-expect-error and is one against something
    rate.changedBy(0.5);
    // @ts-expect-error traffic is a number of requests per second
    rate.above(1).minTraffic("1 req/s");
    // @ts-expect-error or counted by a query of them
    rate.above(1).minTraffic(1, { of: latency });
  });

  test("a condition taken for a query, and a query for a condition", async () => {
    // @ts-expect-error a condition has no signals
    edge.rate("5m").below(1).rate;
    // @ts-expect-error nor can it be compared
    rate.above(1).above(2);
    // @ts-expect-error nor divided
    rate.above(1).dividedBy(2);
    // @ts-expect-error what is grouped is the query, before it is compared
    rate.above(1).by("response_code");
    // @ts-expect-error a query says nothing that holds or not
    rate.above(1).and(latency);
    // @ts-expect-error what holds may be nothing
    (await rate.above(1)).value.toFixed(1);
    // @ts-expect-error a query is no condition
    rate.and(rate.above(1));
  });
});

describe("scopes and signals", () => {
  test("a signal asked of a query, a query's verb of a scope", () => {
    // @ts-expect-error signals belong to scopes
    rate.rate("5m");
    // @ts-expect-error and so do conditions
    rate.where({ response_code: 503 });
    // @ts-expect-error a scope has no text of its own
    edge.promql;
    // @ts-expect-error nor can it be asked
    edge.over({ last: "6h" });
  });

  test("methods that do not exist", () => {
    // @ts-expect-error the signal is latency(0.95, "5m")
    edge.p95("5m");
    // @ts-expect-error the scope is mesh.workload("backend")
    mesh.deployment("backend");
    // @ts-expect-error an edge has both ends and no direction
    edge.inbound;
    // @ts-expect-error nor has all traffic
    mesh.all().outbound;
  });

  test("arguments of the wrong kind, or too few of them", () => {
    // @ts-expect-error a window is a duration such as "5m"
    edge.rate(300);
    // @ts-expect-error and must be said
    edge.rate();
    // @ts-expect-error the quantile comes first
    edge.latency("5m", 0.99);
    // @ts-expect-error an edge has two ends
    mesh.edge("frontend");
    // @ts-expect-error "deployment" is no part of a peer
    mesh.edge("frontend", { deployment: "backend" });
  });

  test("reporters that do not exist", () => {
    // @ts-expect-error the side that is called is "destination"
    edge.reportedBy("server");
    // @ts-expect-error likewise for a whole mesh
    createMesh({ metrics, reporter: "client" });
  });

  test("conditions that no label can meet", () => {
    // @ts-expect-error a label's value is never a boolean
    edge.where({ response_code: true });
    // @ts-expect-error nor null
    edge.where({ response_code: null });
    // @ts-expect-error the negation is { not: "…" }
    edge.where({ response_code: { is: "503" } });
    // @ts-expect-error a label of one's own has the same values
    edge.where({ team: false });
    // @ts-expect-error conditions are an object
    edge.where("response_code=503");
    // @ts-expect-error a custom label needs its condition
    edge.where(label("team"));
    // @ts-expect-error failures are a list of conditions
    edge.failures({ response_code: /5../ });
  });
});

describe("options", () => {
  test("that do not exist", () => {
    // @ts-expect-error the backend is given as metrics
    createMesh({ prometheus: metrics });
    // @ts-expect-error createMesh has no deadline; a backend has
    createMesh({ metrics, timeoutMs: 5_000 });
    // @ts-expect-error the deadline is timeoutMs
    prometheus("http://prometheus:9090", { timeout: 5_000 });
    // @ts-expect-error the deadline of one question too
    rate.now({ timeout: 5_000 });
  });

  test("of the wrong kind", () => {
    // @ts-expect-error a backend, not its address
    createMesh({ metrics: "http://prometheus:9090" });
    // @ts-expect-error either "throw" or "warn"
    createMesh({ metrics, onPartial: "ignore" });
    // @ts-expect-error basic and bearer exclude each other
    prometheus("http://prometheus:9090", { auth: { bearer: "t", basic: { username: "u", password: "p" } } });
  });

  test("of a range that contradict each other, or say nothing", () => {
    // @ts-expect-error a beginning, or the last so much
    rate.over({ last: "6h", from: 0 });
    // @ts-expect-error a step, or a number of points
    rate.over({ last: "6h", step: "1m", points: 300 });
    // @ts-expect-error a range needs a beginning
    rate.over({ step: "1m" });
    // @ts-expect-error a range is no duration
    rate.over("6h");
  });
});

describe("policies", () => {
  test("what is no request, and what is no policy", async () => {
    // @ts-expect-error a policy is YAML, an object or a file
    mesh.policies(42);
    // @ts-expect-error a mesh is configured by its root namespace, and not by a root
    mesh.policies("", { root: "istio-system" });
    const policies = mesh.policies("");
    // @ts-expect-error a request has a destination
    policies.verdict({ protocol: "http" });
    // @ts-expect-error and a protocol that there is
    policies.verdict({ protocol: "https", destination: { namespace: "shop" } });
    // @ts-expect-error a check is of a range
    policies.check({});
    const { decision, reason } = policies.verdict({ protocol: "http", destination: { namespace: "shop" } });
    // @ts-expect-error it is denied, not deny
    decision === "deny";
    // @ts-expect-error which rule decided is known of some reasons only
    reason.rule;
    const report = await policies.check({ last: "1h" });
    // @ts-expect-error an unknown verdict is no change that is known
    report.flows.filter((flow) => flow.change === "allowed");
  });
});

describe("alerts", () => {
  const byCaller = edge.success("5m").by("source_workload").below("99%");
  const rule = alert("Failing", byCaller);

  test("what says something of a label that the condition does not keep", () => {
    // @ts-expect-error the success is grouped by source_workload alone
    rule.annotations({ summary: text`${labelOf("destination_workload")} fails` });
    // @ts-expect-error nor has a condition without labels any
    alert("Failing", edge.success("5m").below(0.99)).annotations({ summary: text`${labelOf("source_workload")}` });
    // @ts-expect-error the same holds for labels
    rule.labels({ team: text`${labelOf("team")}` });
    // @ts-expect-error an annotation is text
    rule.annotations({ summary: 5 });
    // @ts-expect-error what stands in a text is a label, the value, or text
    text`${byCaller} fails`;
  });

  test("an alert on what is no condition", () => {
    // @ts-expect-error a query says nothing that holds or not
    alert("Failing", edge.success("5m"));
    // @ts-expect-error PromQL as text is parsed first
    alert("Failing", "up == 0");
    // @ts-expect-error a name comes first
    alert(byCaller, "Failing");
  });

  test("settings of the wrong kind", () => {
    // @ts-expect-error a duration is text
    rule.for(600);
    // @ts-expect-error a ratio's threshold is no duration
    rule.withThreshold("5m");
    // @ts-expect-error the form of a value is a known one
    valueAs("roman");
    // @ts-expect-error there is no such file
    rule.toYAML({ as: "datadog" });
    // @ts-expect-error an object of Kubernetes has a name
    rule.toYAML({ as: "operator" });
    // @ts-expect-error Grafana asks a data source
    rule.toYAML({ as: "grafana", folder: "mesh" });
    // @ts-expect-error a group is of rules
    ruleGroup("backend", [byCaller]);
    // @ts-expect-error the past is a range
    rule.backtest("30d");
  });

  test("a threshold of another unit in a sweep", async () => {
    const tried = await rule.backtest({ last: "30d" });
    // @ts-expect-error the condition is on a ratio
    tried.sweep({ threshold: ["250ms"] });
  });
});
