/** Lines that a test writes to the backends of logs itself, as their shippers do. */

/** A line of a pod in the namespace `load`. */
export interface WrittenLine {
  readonly pod: string;
  readonly ns: bigint;
  readonly text: string;
}

const PER_CALL = 20_000;

/** Writes lines to Loki; those of one pod must come in order of time. */
export async function writeToLoki(url: string, namespace: string, lines: readonly WrittenLine[]): Promise<void> {
  for (let i = 0; i < lines.length; i += PER_CALL) {
    const streams = new Map<string, [string, string][]>();
    for (const { pod, ns, text } of lines.slice(i, i + PER_CALL)) {
      const values = streams.get(pod);
      if (values === undefined) streams.set(pod, [[String(ns), text]]);
      else values.push([String(ns), text]);
    }
    const body = {
      streams: [...streams].map(([pod, values]) => ({ stream: { namespace, pod, container: "istio-proxy" }, values })),
    };
    await post(`${url}/loki/api/v1/push`, "application/json", JSON.stringify(body));
  }
}

/** Writes lines to OpenSearch as fluentd's documents, and waits until they can be found. */
export async function writeToOpensearch(url: string, namespace: string, lines: readonly WrittenLine[]): Promise<void> {
  for (let i = 0; i < lines.length; i += PER_CALL) {
    const rows = lines.slice(i, i + PER_CALL).map(({ pod, ns, text }) => {
      const time = new Date(Number(ns / 1_000_000n)).toISOString();
      const document = {
        "@timestamp": `${time.slice(0, 19)}.${String(ns % 1_000_000_000n).padStart(9, "0")}Z`,
        log: text,
        kubernetes: { namespace_name: namespace, pod_name: pod, container_name: "istio-proxy" },
      };
      return `{"index":{"_index":"logstash-${namespace}"}}\n${JSON.stringify(document)}\n`;
    });
    const answer = await post(`${url}/_bulk`, "application/x-ndjson", rows.join(""));
    if ((JSON.parse(answer) as { errors: boolean }).errors) throw new Error(`bulk: ${answer.slice(0, 500)}`);
  }
  await post(`${url}/logstash-${namespace}/_refresh`, "application/json", "");
}

async function post(url: string, type: string, body: string): Promise<string> {
  const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${answer.slice(0, 500)}`);
  return answer;
}
