import { expect, test } from "vitest";
import { UnitTree } from "./unit-tree";

const unit = (id: string, parentId?: string) => ({ id, name: id, parentId });
const tree = new UnitTree([unit("b", "a"), unit("a"), unit("c", "b"), unit("d", "gone"), unit("e", "a")]);

test("units stand in their order below one another, and at the top where what was above is gone", () => {
  expect(tree.flat().map(({ unit: u, depth }) => `${depth}${u.id}`)).toEqual(["0a", "1b", "2c", "1e", "0d"]);
  expect(tree.flat((u) => u.id !== "b").map(({ unit: u }) => u.id)).toEqual(["a", "b", "e", "d"]);
});

test("a unit is found under all above it", () => {
  expect(tree.path("c").map((u) => u.id)).toEqual(["a", "b", "c"]);
  expect(tree.path("nowhere")).toEqual([]);
  expect(tree.within("c", "a")).toBe(true);
  expect(tree.within("a", "c")).toBe(false);
});
