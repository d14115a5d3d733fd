import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Unit } from "./api";
import { unitsQuery } from "./api";

/** Units by where they stand. */
export class UnitTree<U extends Pick<Unit, "id" | "name" | "parentId"> = Unit> {
  private readonly known: Map<string, U>;
  private readonly children = new Map<string, U[]>();

  constructor(units: readonly U[]) {
    this.known = new Map(units.map((u) => [u.id, u]));
    for (const u of units) {
      const above = this.above(u) ?? "";
      this.children.set(above, [...(this.children.get(above) ?? []), u]);
    }
  }

  get(id: string | undefined): U | undefined {
    return id === undefined ? undefined : this.known.get(id);
  }

  /** The id of the unit above, if there is one. */
  above(u: U): string | undefined {
    return u.parentId && this.known.has(u.parentId) ? u.parentId : undefined;
  }

  /** Those right below a unit, in their order; without one, those at the top. */
  below(id = ""): readonly U[] {
    return this.children.get(id) ?? [];
  }

  /** A unit under all above it, the highest first. */
  path(id: string | undefined): U[] {
    const path: U[] = [];
    for (let u = this.get(id); u && !path.includes(u); u = this.get(u.parentId)) path.unshift(u);
    return path;
  }

  /** All units in the order in which they are read, with how deep they stand. */
  flat(open: (u: U) => boolean = () => true): { unit: U; depth: number }[] {
    const rows: { unit: U; depth: number }[] = [];
    const walk = (id: string, depth: number) => {
      for (const unit of this.below(id)) {
        rows.push({ unit, depth });
        if (open(unit)) walk(unit.id, depth + 1);
      }
    };
    walk("", 0);
    return rows;
  }

  /** Whether a unit is another or stands below it. */
  within(id: string, root: string): boolean {
    return this.path(id).some((u) => u.id === root);
  }
}

/** The organisation as it is now, and the words for where somebody is in it. */
export function useUnits() {
  const { t } = useTranslation("people");
  const query = useQuery(unitsQuery());
  const items = query.data?.items;
  const tree = useMemo(() => new UnitTree(items ?? []), [items]);
  return {
    query,
    tree,
    /** 税務課 */
    name: (id: string) => tree.get(id)?.name ?? t("units.gone"),
    /** 市民部 › 税務課 › 庶務係 */
    path: (id: string) => {
      const path = tree.path(id);
      return path.length > 0 ? path.map((u) => u.name).join(" › ") : t("units.gone");
    },
    /** 税務課 › 庶務係: enough to tell one section of general affairs from another */
    short: (id: string) => {
      const path = tree.path(id);
      return path.length > 0 ? path.slice(-2).map((u) => u.name).join(" › ") : t("units.gone");
    },
  };
}
