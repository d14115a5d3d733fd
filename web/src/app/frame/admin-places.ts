import { may } from "@/features/account/api";
import type { Me, Permission } from "@/lib/api/types";

/** The places of administration, by the question they answer, and what a person needs to be let in: the one table that says so. */
export const adminPlaces = [
  {
    question: "whoEnters",
    places: [
      { to: "/admin/accounts", name: "accounts", needs: ["account.read"] },
      { to: "/admin/organisation", name: "organisation", needs: ["organisation.read"] },
      { to: "/admin/groups", name: "groups", needs: ["group.read"] },
      { to: "/admin/roles", name: "roles", needs: ["role.read"] },
      { to: "/admin/sign-in/second-factor", name: "secondFactor", needs: ["system.read"] },
    ],
  },
  {
    question: "whatLeaves",
    places: [
      { to: "/admin/models", name: "models", needs: ["model.read"] },
      { to: "/admin/connections", name: "connections", needs: ["connection.read"] },
      { to: "/admin/residency", name: "residency", needs: ["system.read"] },
      { to: "/admin/policy", name: "policy", needs: ["system.read"] },
      { to: "/admin/egress", name: "egress", needs: ["system.read"] },
    ],
  },
  {
    question: "whatStays",
    places: [{ to: "/admin/chat", name: "chatSettings", needs: ["system.read"] }],
  },
  {
    question: "whatHappened",
    places: [
      { to: "/admin/feedback", name: "feedback", needs: ["feedback.read"] },
      { to: "/admin/status", name: "status", needs: ["system.read", "connection.read"] },
      { to: "/admin/doctor", name: "doctor", needs: ["system.read", "connection.read", "connection.write"] },
    ],
  },
] as const satisfies readonly { question: string; places: readonly { to: string; name: string; needs: readonly Permission[] }[] }[];

type Account = Me["account"];
export type AdminPlace = (typeof adminPlaces)[number]["places"][number];

const all: readonly AdminPlace[] = adminPlaces.flatMap((group): readonly AdminPlace[] => group.places);

/** What a person lacks to be let into a place. */
export const lacking = (account: Account, place: AdminPlace): Permission | undefined => (place.needs as readonly Permission[]).find((permission) => !may(account, permission));

/** The places that are open to a person; a question without any is left out. */
export const openPlaces = (account: Account) =>
  adminPlaces.map((group) => ({ question: group.question, places: group.places.filter((place: AdminPlace) => !lacking(account, place)) as readonly AdminPlace[] })).filter((group) => group.places.length > 0);

/** Where administration begins for a person. */
export const firstPlace = (account: Account) => openPlaces(account)[0]?.places[0]?.to;

/** The place that an address belongs to. */
export const placeAt = (pathname: string): AdminPlace | undefined => all.find((place) => pathname === place.to || pathname.startsWith(`${place.to}/`));
