import { elasticsearch } from "../../src/logs/elasticsearch/elasticsearch.ts";
import { type FakeServer, fakeElasticsearch, fluentd } from "../logs/fake-elasticsearch.ts";
import { conforms } from "./log-driver.ts";

const BASE = "http://elasticsearch.test:9200";
const server = fakeElasticsearch(BASE);

const servers: Readonly<Record<string, FakeServer>> = {
  "Elasticsearch's": { dialect: "elasticsearch" },
  "OpenSearch's": { dialect: "opensearch" },
};

for (const [name, fake] of Object.entries(servers)) {
  conforms(name, {
    make: () => elasticsearch(BASE, { index: "logstash-*", retries: 0 }),
    keeps: (lines) =>
      server.keeps(
        lines.map(({ ms, pod, text }, i) => fluentd(`id-${i}`, ms, text, pod)),
        fake,
      ),
    answers: (reply) => server.answers(reply),
    asked: () => server.asked.filter(({ path }) => path.endsWith("_search")).length,
  });
}
