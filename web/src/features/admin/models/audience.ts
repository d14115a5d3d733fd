import type { TFunction } from "i18next";
import type { CatalogueModel, Schemas } from "@/lib/api/types";

type Grant = Schemas["Grant"];

/** Whom the form can choose; "asSet" are grants that it does not show one by one. */
export type Audience = "everyone" | "groups" | "asSet";

export function audienceOf({ grants }: Pick<CatalogueModel, "grants">): Audience {
  if (grants.length === 1 && grants[0]?.kind === "everyone" && !grants[0].deny) return "everyone";
  return grants.length > 0 && grants.every((grant) => grant.kind === "group" && !grant.deny) ? "groups" : "asSet";
}

export const groupsOf = ({ grants }: Pick<CatalogueModel, "grants">) => grants.filter((grant) => grant.kind === "group" && !grant.deny).map((grant) => grant.id ?? "");

/** What is sent for a choice; nothing leaves the grants as they are. */
export function grantsOf(audience: Audience, groupIds: string[]): Grant[] | undefined {
  if (audience === "asSet") return undefined;
  return audience === "everyone" ? [{ kind: "everyone" }] : groupIds.map((id) => ({ kind: "group", id }));
}

/** Who may use a model, and who may not, by name. */
export const whoMay = ({ grants }: Pick<CatalogueModel, "grants">, t: TFunction<"admin">) =>
  grants.map(({ kind, name, deny }) => {
    const who = kind === "everyone" ? t("models.everyone") : (name ?? "");
    return deny ? t("models.except", { name: who }) : who;
  });
