import { describe, expect, it } from "vitest";
import { DecodeError } from "../../src/errors.ts";
import { decodeAnswer } from "../../src/metrics/decode/answer.ts";
import { readDecimal } from "../../src/metrics/decode/decimal.ts";

const CONTEXT = { backend: "prometheus", query: "up" };

const decode = (text: string) => decodeAnswer(Buffer.from(text), CONTEXT);

function failure(body: string | Uint8Array): DecodeError {
  try {
    decodeAnswer(typeof body === "string" ? Buffer.from(body) : body, CONTEXT);
  } catch (error) {
    if (error instanceof DecodeError) return error;
    throw error;
  }
  throw new Error("decoded");
}

const success = (data: string, rest = "") => `{"status":"success","data":${data}${rest}}`;
const vector = (samples: string) => success(`{"resultType":"vector","result":[${samples}]}`);
const matrix = (series: string) => success(`{"resultType":"matrix","result":[${series}]}`);
const answered = (data: unknown) => ({ status: "success", data, warnings: [], infos: [], partial: false });

describe("answers as servers send them", () => {
  it.each<[string, string, unknown]>([
    [
      "a vector of Prometheus 2",
      '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"prometheus","instance":"localhost:9090"},"value":[1435781451.781,"1"]},{"metric":{"__name__":"up","job":"node","instance":"localhost:9100"},"value":[1435781451.781,"0"]}]}}',
      answered({
        kind: "vector",
        labels: [
          { __name__: "up", job: "prometheus", instance: "localhost:9090" },
          { __name__: "up", job: "node", instance: "localhost:9100" },
        ],
        timesMs: Float64Array.of(1435781451781, 1435781451781),
        values: Float64Array.of(1, 0),
      }),
    ],
    [
      "a matrix",
      '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"a"},"values":[[1435781430.781,"1"],[1435781445.781,"1e+06"]]},{"metric":{},"values":[[1435781430,"NaN"],[1435781430.5,"+Inf"],[1435781431,"-Inf"],[1435781432,"0.016666666666666666"]]}]}}\n',
      answered({
        kind: "matrix",
        series: [
          {
            labels: { job: "a" },
            timesMs: Float64Array.of(1435781430781, 1435781445781),
            values: Float64Array.of(1, 1e6),
          },
          {
            labels: {},
            timesMs: Float64Array.of(1435781430000, 1435781430500, 1435781431000, 1435781432000),
            values: Float64Array.of(Number.NaN, Infinity, -Infinity, 1 / 60),
          },
        ],
      }),
    ],
    [
      "a scalar of Prometheus 3 with infos",
      '{"status":"success","data":{"resultType":"scalar","result":[1732417200,"-0.5"]},"infos":["PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: \\"up\\" (1:6)"]}',
      {
        ...answered({ kind: "scalar", timeMs: 1732417200000, value: -0.5 }),
        infos: [
          'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "up" (1:6)',
        ],
      },
    ],
    [
      "a string",
      success('{"resultType":"string","result":[1732417200.123,"caf\u00e9 \\ud83d\\ude80 \\n"]}'),
      answered({ kind: "string", timeMs: 1732417200123, value: "café 🚀 \n" }),
    ],
    [
      "native histograms in a vector",
      vector(
        '{"metric":{},"histogram":[1732417200,{"count":"12","sum":"3.5","buckets":[[0,"0.5","1","4"],[1,"-1","-0.5","2"],[2,"1","+Inf","5"],[3,"-0.001","0.001","1"]]}]},{"metric":{"a":"b"},"value":[1732417200,"7"]},{"metric":{"a":"c"},"histogram":[1732417200,{"count":"0","sum":"NaN"}]}',
      ),
      answered({
        kind: "vector",
        labels: [{}, { a: "b" }, { a: "c" }],
        timesMs: Float64Array.of(1732417200000, 1732417200000, 1732417200000),
        values: Float64Array.of(Number.NaN, 7, Number.NaN),
        histograms: new Map([
          [
            0,
            {
              count: 12,
              sum: 3.5,
              buckets: [
                { bounds: "right", lower: 0.5, upper: 1, count: 4 },
                { bounds: "left", lower: -1, upper: -0.5, count: 2 },
                { bounds: "none", lower: 1, upper: Infinity, count: 5 },
                { bounds: "both", lower: -0.001, upper: 0.001, count: 1 },
              ],
            },
          ],
          [2, { count: 0, sum: Number.NaN, buckets: [] }],
        ]),
      }),
    ],
    [
      "floats and native histograms in one series",
      matrix(
        '{"metric":{"job":"a"},"values":[[1732417200,"1"]],"histograms":[[1732417215,{"count":"1","sum":"2","buckets":[]}],[1732417230,{"sum":"3","count":"4"}]]}',
      ),
      answered({
        kind: "matrix",
        series: [
          {
            labels: { job: "a" },
            timesMs: Float64Array.of(1732417200000),
            values: Float64Array.of(1),
            histograms: [
              { timeMs: 1732417215000, histogram: { count: 1, sum: 2, buckets: [] } },
              { timeMs: 1732417230000, histogram: { count: 4, sum: 3, buckets: [] } },
            ],
          },
        ],
      }),
    ],
    [
      "a partial answer of VictoriaMetrics",
      '{"status":"success","isPartial":true,"data":{"resultType":"vector","result":[]},"stats":{"seriesFetched": "0","executionTimeMsec":1}}',
      {
        ...answered({ kind: "vector", labels: [], timesMs: new Float64Array(0), values: new Float64Array(0) }),
        partial: true,
      },
    ],
    [
      "Thanos' warnings beside half of the data",
      success(
        '{"resultType":"scalar","result":[1,"1"],"analysis":{"a":[{"b":[]}]}}',
        ',"warnings":["fetch series for … Unavailable …"]',
      ),
      { ...answered({ kind: "scalar", timeMs: 1000, value: 1 }), warnings: ["fetch series for … Unavailable …"] },
    ],
    [
      "null for an empty list",
      success('{"resultType":"matrix","result":null}', ',"warnings":null'),
      answered({ kind: "matrix", series: [] }),
    ],
    [
      "bare numbers for values",
      success('{"result":[1e3,-2.5E-1],"resultType":"scalar"}'),
      answered({ kind: "scalar", timeMs: 1e6, value: -0.25 }),
    ],
    [
      "a refusal",
      '{"status":"error","errorType":"bad_data","error":"invalid parameter \\"query\\": 1:5: parse error"}',
      {
        status: "error",
        errorType: "bad_data",
        error: 'invalid parameter "query": 1:5: parse error',
        warnings: [],
        infos: [],
      },
    ],
    [
      "a refusal of VictoriaMetrics",
      '{"status":"error","errorType":422,"error":"too many points"}',
      { status: "error", errorType: "422", error: "too many points", warnings: [], infos: [] },
    ],
    [
      "a failure with data of any shape",
      '{"data":"gone","infos":["i"],"warnings":["w"],"error":"timed out","errorType":"timeout","status":"error"}',
      { status: "error", errorType: "timeout", error: "timed out", warnings: ["w"], infos: ["i"] },
    ],
    [
      "a failure without words",
      '{"status":"error","data":null}',
      { status: "error", errorType: "", error: "", warnings: [], infos: [] },
    ],
  ])("%s", (_, body, expected) => {
    expect(decode(body)).toStrictEqual(expected);
  });
});

describe("documents", () => {
  it("reads keys in any order, white space and unknown keys anywhere", () => {
    const body = ` { "x" : [ { } , -1.5e-3 , "\\u00e9\\"" , true , false , null ] , "data" : {
      "result" : [ { "values" : [ [ 1 , "2" ] , [ 2 , "3" ] ] , "new" : { "a" : [ ] } , "metric" : { "a" : "b" } } ] ,
      "resultType" : "matrix" } , "status" : "success" } \r\n\t`;
    const series = [{ labels: { a: "b" }, timesMs: Float64Array.of(1000, 2000), values: Float64Array.of(2, 3) }];
    expect(decode(body)).toStrictEqual(answered({ kind: "matrix", series }));
  });

  it("lets the last of equal keys win, whatever the earlier ones were", () => {
    const body = `{"status":1,"status":"success","data":{},"data":{"resultType":"scalar","result":[1,"2"],
      "resultType":"vector","result":"none","result":[{"metric":7,"metric":{"a":1,"a":"x","a":"y"},
      "value":[1],"value":[3,"4"]}]}}`;
    expect(decode(body)).toStrictEqual(
      answered({
        kind: "vector",
        labels: [{ a: "y" }],
        timesMs: Float64Array.of(3000),
        values: Float64Array.of(4),
      }),
    );
    expect(failure(vector('{"metric":{"a":"x","a":1},"value":[3,"4"]}')).code).toBe("shape");
  });

  it("keeps labels named after Object's own as plain labels", () => {
    const answer = decode(vector('{"metric":{"__proto__":"p","constructor":"c","toString":"t"},"value":[1,"1"]}'));
    if (answer.status !== "success" || answer.data.kind !== "vector") throw new Error("not a vector");
    const labels = answer.data.labels[0];
    expect(Object.entries(labels ?? {})).toEqual([
      ["__proto__", "p"],
      ["constructor", "c"],
      ["toString", "t"],
    ]);
    expect(Object.getPrototypeOf(labels)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).p).toBeUndefined();
  });

  it("does not mix up labels of neighbouring series", () => {
    const metrics = ['{"a":"1","b":"2"}', '{"a":"1","b":"22"}', '{"b":"2","a":"1"}', "{}", '{"a":"","c":"\\u0031"}'];
    const answer = decode(vector(metrics.map((metric) => `{"metric":${metric},"value":[1,"1"]}`).join(",")));
    expect(answer).toMatchObject({ data: { labels: metrics.map((metric) => JSON.parse(metric)) } });
  });

  it("gives series on the same instants one column of times", () => {
    const values = '"values":[[1,"1"],[2,"2"]]';
    const answer = decode(
      matrix(`{"metric":{"a":"1"},${values}},{"metric":{"a":"2"},${values}},{"metric":{},"values":[[1,"1"],[3,"1"]]}`),
    );
    if (answer.status !== "success" || answer.data.kind !== "matrix") throw new Error("not a matrix");
    const [first, second, third] = answer.data.series;
    expect(second?.timesMs).toBe(first?.timesMs);
    expect(third?.timesMs).toEqual(Float64Array.of(1000, 3000));
  });

  it("reads columns of any length", () => {
    const samples = Array.from({ length: 5000 }, (_, i) => `[${i},"${i / 7}"]`);
    const answer = decode(matrix(`{"metric":{},"values":[${samples.join(",")}]}`));
    if (answer.status !== "success" || answer.data.kind !== "matrix") throw new Error("not a matrix");
    const series = answer.data.series[0];
    expect(series?.values).toEqual(Float64Array.from({ length: 5000 }, (_, i) => i / 7));
    expect(series?.timesMs).toEqual(Float64Array.from({ length: 5000 }, (_, i) => i * 1000));
  });

  it("reads a view into a larger buffer", () => {
    const text = Buffer.from(`junk${vector("")}junk`);
    expect(decodeAnswer(new Uint8Array(text).subarray(4, text.length - 4), CONTEXT).status).toBe("success");
  });
});

describe("times", () => {
  it.each([
    "0",
    "0.001",
    "-0",
    "-1.5",
    "1435781451.781",
    "1435781451.7",
    "1435781451.78",
    "1435781451.7815",
    "1435781451.0004999",
    "1e9",
    "1.4357814517811e+09",
    "999999999999.999",
    "1000000000000.001",
    "99999999999999999999",
    "123456789",
    "12345678.9",
    "123456789.012",
  ])("%s s as Math.round(s · 1000)", (text) => {
    expect(decode(success(`{"resultType":"scalar","result":[${text},"1"]}`))).toStrictEqual(
      answered({ kind: "scalar", timeMs: Math.round(Number(text) * 1000) + 0, value: 1 }),
    );
  });
});

describe("decimals", () => {
  it.each([
    "0",
    "-0",
    "0.0e999999999999999999999",
    "1e400",
    "-1e400",
    "1e-400",
    "5e-324",
    "2.4703282292062327e-324",
    "2.4703282292062328e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
    "9007199254740993",
    "9007199254740993.0",
    "9007199254740995",
    "9007199254740992.5e1",
    "0.016666666666666666",
    "0.1",
    "123456789012345678",
    "1234567890123456789",
    "00000000000000000000000000000000.5",
    ".5",
    "5.",
    "+7",
    "1e23",
    "8.5e22",
    "1.7e-59",
    `0.${"0".repeat(400)}1e400`,
    `1${"0".repeat(400)}e-400`,
    "9".repeat(1000),
  ])("%s as Number reads it", (text) => {
    const cursor = { bytes: Buffer.from(`[${text}]`), at: 1 };
    expect(readDecimal(cursor)).toBe(Number(text));
    expect(cursor.at).toBe(1 + text.length);
  });

  it.each(["", "-", "+", ".", "e5", "1e", "1e+", "-.e1", "x"])("%j is none, and nothing is read", (text) => {
    const cursor = { bytes: Buffer.from(text), at: 0 };
    readDecimal(cursor);
    expect(cursor.at).toBe(0);
  });
});

describe("errors", () => {
  it.each<[string, string, string]>([
    ["truncated", "nothing", ""],
    ["truncated", "white space", " \n"],
    ["truncated", "half a document", '{"status":"succ'],
    ["truncated", "half an escape", '{"status":"\\u00'],
    ["truncated", "half a number", '{"status":"success","data":{"resultType":"scalar","result":[-'],
    ["truncated", "half a literal", '{"isPartial":tr'],
    ["syntax", "a page", "<html>502 Bad Gateway</html>"],
    ["syntax", "a byte order mark", "\ufeff{}"],
    ["syntax", "something after the document", `${vector("")}{}`],
    ["syntax", "a trailing comma", vector('{"metric":{},"value":[1,"1"]},')],
    ["syntax", "a leading zero", success('{"resultType":"scalar","result":[01,"1"]}')],
    ["syntax", "a point without decimals", success('{"resultType":"scalar","result":[1.,"1"]}')],
    ["syntax", "a bare word", success("nothing")],
    ["syntax", "a raw newline in a string", '{"status":"a\nb"}'],
    ["syntax", "an unknown escape", '{"status":"\\x"}'],
    ["syntax", "a bad escape in a skipped string", '{"x":"\\u00zz"}'],
    ["syntax", "a missing colon", '{"status" "success"}'],
    ["syntax", "a missing comma", '{"status":"success" "data":1}'],
    ["syntax", "a key that is no string", "{1:2}"],
    ["syntax", "mismatched brackets", '{"x":[}'],
    ["shape", "a number", "42"],
    ["shape", "an array", "[]"],
    ["shape", "another document", '{"message":"hello"}'],
    ["shape", "an unknown status", '{"status":"fine"}'],
    ["shape", "no data", '{"status":"success"}'],
    ["shape", "null data", success("null")],
    ["shape", "no result type", success('{"result":[]}')],
    ["shape", "no result", success('{"resultType":"vector"}')],
    ["shape", "an unknown result type", success('{"resultType":"streams","result":[]}')],
    ["shape", "a null scalar", success('{"resultType":"scalar","result":null}')],
    ["shape", "a sample of one element", success('{"resultType":"scalar","result":[1]}')],
    ["shape", "a sample of three elements", success('{"resultType":"scalar","result":[1,"1",2]}')],
    ["shape", "a time in quotes", success('{"resultType":"scalar","result":["1","1"]}')],
    ["shape", "an infinite time", success('{"resultType":"scalar","result":[1e999,"1"]}')],
    ["shape", "a value that is no number", success('{"resultType":"scalar","result":[1,"0x10"]}')],
    ["shape", "an empty value", success('{"resultType":"scalar","result":[1,""]}')],
    ["shape", "a value with white space", success('{"resultType":"scalar","result":[1," 1"]}')],
    ["shape", "a null value", success('{"resultType":"scalar","result":[1,null]}')],
    ["shape", "a vector's sample in a matrix", matrix('{"metric":{},"value":[1,"1"]}')],
    ["shape", "no metric", vector('{"value":[1,"1"]}')],
    ["shape", "value and histogram", vector('{"metric":{},"value":[1,"1"],"histogram":[1,{"count":"1","sum":"1"}]}')],
    ["shape", "a histogram without a sum", vector('{"metric":{},"histogram":[1,{"count":"1"}]}')],
    ["shape", "an unknown rule", vector('{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[4,1,2,3]]}]}')],
    ["shape", "an empty bucket", vector('{"metric":{},"histogram":[1,{"count":"1","sum":"1","buckets":[[]]}]}')],
    ["shape", "samples out of order", matrix('{"metric":{},"values":[[2,"1"],[1,"1"]]}')],
    ["shape", "warnings that are no list", success('{"resultType":"matrix","result":[]}', ',"warnings":"w"')],
  ])("%s: %s", (code, _, body) => {
    expect(failure(body)).toMatchObject({ code, backend: "prometheus", query: "up" });
  });

  it("refuses bytes that are not UTF-8, wherever they stand", () => {
    const broken = (byte: number) => Buffer.concat([Buffer.from('{"x":"'), Buffer.from([byte]), Buffer.from('"}')]);
    expect(failure(broken(0xff))).toMatchObject({ code: "syntax", message: expect.stringContaining("at byte 6") });
    expect(failure(broken(0xc3)).code).toBe("syntax");
    expect(failure(Buffer.from('{"x":"é').subarray(0, 7)).code).toBe("truncated");
  });

  it("bounds the depth of what it skips", () => {
    const nested = (depth: number) => `{"status":"error","x":${"[".repeat(depth)}${"]".repeat(depth)}}`;
    expect(decode(nested(500)).status).toBe("error");
    expect(failure(nested(501)).code).toBe("shape");
    expect(failure("[".repeat(1_000_000)).code).toBe("shape");
    expect(failure('{"a":'.repeat(1_000_000)).code).toBe("shape");
  });

  it("says where, what stands there and what to check", () => {
    expect(failure(success('{"resultType":"scalar","result":[1,"\t"]}')).message).toMatchInlineSnapshot(
      `"decoding prometheus's answer: a control character stands inside a string (at byte 63, near "r","result":[1,"."]}}"); this is not JSON: check that the URL is the backend's API and no proxy or login page answers in its place"`,
    );
    expect(failure(success('{"resultType":"scalar","result":[1,true]}')).message).toMatchInlineSnapshot(
      `"decoding prometheus's answer: a sample's value belongs here (at byte 62, near "ar","result":[1,true]}}"); this is JSON but no answer of Prometheus' query API: check that the URL is a Prometheus-compatible backend"`,
    );
    expect(failure('{"status":"succ').message).toMatchInlineSnapshot(
      `"decoding prometheus's answer: the bytes end inside a string (at byte 15, the end); the answer was cut short: check the size and time limits of proxies on the way, or ask for less"`,
    );
  });
});
