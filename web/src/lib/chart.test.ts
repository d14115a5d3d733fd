import { expect, test } from "vitest";
import { axisTicks, canBePie, cellsOfChart, chartOfCells, readChart, readDelimited, readNumber } from "./chart";

test("reads delimited text as it is written", () => {
  expect(readDelimited('月,"人数, 延べ"\n4月,"1,200"\n\n5月,"""80"""\n')).toEqual([["月", "人数, 延べ"], ["4月", "1,200"], ["5月", '"80"']]);
  expect(readDelimited("a\tb\r\n1\t2")).toEqual([["a", "b"], ["1", "2"]]);
});

test("reads numbers as offices write them", () => {
  expect(["1,234", "▲12", "４５％", "△3.5", "¥1,000", "12人", "3割", "", "2026年"].map(readNumber)).toEqual([1234, -12, 45, -3.5, 1000, 12, null, null, null]);
});

test("takes columns of numbers for series, and none of words", () => {
  const cells = [["月", "申請", "備考", "却下"], ["4月", "12", "多い", "1"], ["5月", "8", "", "―"]];
  expect(chartOfCells(cells)).toEqual({ title: "月", labels: ["4月", "5月"], series: [{ name: "申請", values: [12, 8] }, { name: "却下", values: [1, null] }] });
  expect(chartOfCells([["a", "b"], ["x", "y"], ["z", "w"]])).toBeUndefined();
});

test("reads chart blocks: ours, Chart.js's, delimited text; else nothing", () => {
  const ours = readChart('{"type":"line","title":"件数","labels":["4月","5月"],"series":[{"name":"申請","values":[1,2]}]}');
  expect(ours).toEqual({ type: "line", title: "件数", labels: ["4月", "5月"], series: [{ name: "申請", values: [1, 2] }] });
  expect(readChart('{"type":"pie","data":{"labels":["a","b"],"datasets":[{"label":"n","data":[1,"x"]}]}}')?.series).toEqual([{ name: "n", values: [1, null] }]);
  expect(readChart("type: line\n月,数\n4月,1\n5月,2")?.type).toBe("line");
  expect(["{", "{}", "ただの文", '{"labels":["a"],"series":[]}'].map(readChart)).toEqual([undefined, undefined, undefined, undefined]);
  expect(ours && cellsOfChart(ours)).toEqual([["件数", "申請"], ["4月", "1"], ["5月", "2"]]);
});

test("an axis holds everything in round steps", () => {
  expect(axisTicks([3, 97])).toEqual([0, 20, 40, 60, 80, 100]);
  expect(axisTicks([-5, 12])).toEqual([-5, 0, 5, 10, 15]);
  expect(axisTicks([0])).toContain(0);
});

test("only parts of one whole make a pie", () => {
  const data = (values: (number | null)[]) => ({ title: "", labels: values.map(String), series: [{ name: "", values }] });
  expect([data([1, 2]), data([1, -2]), data([0, 0]), data([1, null])].map(canBePie)).toEqual([true, false, false, false]);
});
