import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect, type RouterHistory } from "@tanstack/react-router";
import { applyPreferences, limitsQuery, meQuery } from "@/features/account/api";
import { type AccountFilter, type AccountOrder, accountSorts } from "@/features/admin/accounts/api";
import type { HistoryFilter } from "@/features/history/history-page";
import { type FeedbackFilter, periods, reasons } from "@/features/admin/feedback/api";
import { type PolicyTab, policyTabs } from "@/features/admin/policy/api";
import type { PromptFilter } from "@/features/library/api";
import { stepOf } from "@/features/security/api";
import { ProveDialog } from "@/features/security/prove-dialog";
import { Toasts } from "@/ui/toast";
import { AdminFrame } from "./frame/admin-frame";
import { firstPlace } from "./frame/admin-places";
import { Frame } from "./frame/frame";
import { Crashed, Forbidden, NotFound } from "./problem-pages";
import { ConversationPage, StartPage, TemporaryPage } from "./slots";

interface Context {
  client: QueryClient;
}

/** A parameter of an address as text: "?q=2026" is parsed as a number. */
const text = (value: unknown): string | undefined => (typeof value === "number" || (typeof value === "string" && value !== "") ? String(value) : undefined);

/** A parameter of an address that is one of a few words. */
const oneOf = <V extends string>(words: readonly V[], value: unknown): V | undefined => words.find((word) => word === value);

/** Where to go after signing in: an address of ours, never another site's. */
const ownAddress = (value: unknown) => {
  const from = text(value);
  return from && /^\/(?![/\\])/.test(from) ? from : undefined;
};

/** The signed-in person; others are sent to where they have to be first. */
async function signedIn({ context, location }: { context: Context; location: { href: string } }) {
  const known = context.client.getQueryData(meQuery.queryKey);
  const me = await context.client.ensureQueryData(meQuery);
  if (!me) {
    context.client.removeQueries({ queryKey: meQuery.queryKey, exact: true });
    throw redirect({ to: "/sign-in", search: location.href === "/" ? {} : { from: location.href } });
  }
  const step = stepOf(me);
  if (step) throw redirect({ to: step, search: location.href === "/" ? {} : { from: location.href } });
  if (!known) applyPreferences(me.preferences);
  return { me };
}

/** The page of a step is for those whose session waits for it; others go where they belong. */
function stepAt(step: string) {
  return async ({ context, search }: { context: Context; search: { from?: string } }) => {
    const me = await context.client.ensureQueryData(meQuery);
    const from = search.from ? { from: search.from } : {};
    if (!me) throw redirect({ to: "/sign-in", search: from, replace: true });
    if (me.pending[0] === step || (step === "enrol_second_factor" && me.pending.length === 0 && me.secondFactor.dueBy)) return;
    const other = stepOf(me);
    if (other) throw redirect({ to: other, search: from, replace: true });
    throw redirect({ href: search.from ?? "/", replace: true });
  };
}

const root = createRootRouteWithContext<Context>()({
  component: () => (
    <>
      <Outlet />
      <ProveDialog />
      <Toasts />
    </>
  ),
  notFoundComponent: NotFound,
});

const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  validateSearch: (search: Record<string, unknown>): { from?: string } => ({ from: ownAddress(search.from) }),
  component: lazyRouteComponent(async () => {
    const { SignInPage } = await import("@/features/account/sign-in-page");
    return { default: () => <SignInPage from={signIn.useSearch().from} /> };
  }),
});

const secondStep = createRoute({
  getParentRoute: () => root,
  path: "/sign-in/second-factor",
  validateSearch: (search: Record<string, unknown>): { from?: string } => ({ from: ownAddress(search.from) }),
  beforeLoad: stepAt("second_factor"),
  component: lazyRouteComponent(async () => {
    const { SecondStepPage } = await import("@/features/security/second-step-page");
    return { default: () => <SecondStepPage from={secondStep.useSearch().from} /> };
  }),
});

const setUpFactor = createRoute({
  getParentRoute: () => root,
  path: "/sign-in/set-up",
  validateSearch: (search: Record<string, unknown>): { from?: string } => ({ from: ownAddress(search.from) }),
  beforeLoad: stepAt("enrol_second_factor"),
  component: lazyRouteComponent(async () => {
    const { SetUpPage } = await import("@/features/security/set-up-page");
    return { default: () => <SetUpPage from={setUpFactor.useSearch().from} /> };
  }),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: "/setup",
  component: lazyRouteComponent(() => import("@/features/account/setup-page"), "SetupPage"),
});

const password = createRoute({
  getParentRoute: () => root,
  path: "/password",
  validateSearch: (search: Record<string, unknown>): { from?: string } => ({ from: ownAddress(search.from) }),
  component: lazyRouteComponent(async () => {
    const { PasswordPage } = await import("@/features/account/password-page");
    return { default: () => <PasswordPage from={password.useSearch().from} /> };
  }),
});

const workplace = createRoute({ getParentRoute: () => root, id: "workplace", beforeLoad: signedIn, component: Frame });

const start = createRoute({
  getParentRoute: () => workplace,
  path: "/",
  validateSearch: (search: Record<string, unknown>): { folder?: string } => ({ folder: text(search.folder) }),
  // Whether what is written here may be kept is known before anything can be written.
  beforeLoad: ({ context }) => context.client.ensureQueryData({ ...limitsQuery, revalidateIfStale: true }).then(() => undefined, () => undefined),
  component: StartPage,
});

const temporary = createRoute({ getParentRoute: () => workplace, path: "/temporary", component: TemporaryPage });

const conversation = createRoute({
  getParentRoute: () => workplace,
  path: "/c/$conversationId",
  validateSearch: (search: Record<string, unknown>): { message?: string } => ({ message: text(search.message) }),
  component: ConversationPage,
});

const history = createRoute({
  getParentRoute: () => workplace,
  path: "/history",
  validateSearch: (search: Record<string, unknown>): HistoryFilter => ({
    q: text(search.q),
    folder: text(search.folder),
    tag: text(search.tag),
    archived: search.archived === true ? true : undefined,
  }),
  component: lazyRouteComponent(() => import("@/features/history/history-page"), "HistoryPage"),
});

const found = createRoute({
  getParentRoute: () => workplace,
  path: "/search",
  validateSearch: (search: Record<string, unknown>): { q?: string } => ({ q: text(search.q) }),
  component: lazyRouteComponent(() => import("@/features/history/search-page"), "SearchPage"),
});

const folder = createRoute({
  getParentRoute: () => workplace,
  path: "/folders/$folderId",
  component: lazyRouteComponent(() => import("@/features/history/folder-page"), "FolderPage"),
});

const prompts = createRoute({
  getParentRoute: () => workplace,
  path: "/prompts",
  validateSearch: (search: Record<string, unknown>): PromptFilter & { id?: string } => ({
    q: text(search.q),
    scope: oneOf(["mine", "shared", "official"], search.scope),
    kind: oneOf(["message", "system"], search.kind),
    category: text(search.category),
    archived: search.archived === true || undefined,
    id: text(search.id),
  }),
  component: lazyRouteComponent(() => import("@/features/library/library-page"), "LibraryPage"),
});

const sharedList = createRoute({
  getParentRoute: () => workplace,
  path: "/shared",
  validateSearch: (search: Record<string, unknown>): { scope?: "mine" } => ({ scope: oneOf(["mine"], search.scope) }),
  component: lazyRouteComponent(() => import("@/features/share/share-list-page"), "ShareListPage"),
});

const shared = createRoute({
  getParentRoute: () => workplace,
  path: "/shared/$shareId",
  component: lazyRouteComponent(() => import("@/features/share/shared-page"), "SharedPage"),
});

const settings = createRoute({
  getParentRoute: () => workplace,
  path: "/settings",
  component: lazyRouteComponent(() => import("@/features/account/settings-page"), "SettingsPage"),
});

const security = createRoute({
  getParentRoute: () => workplace,
  path: "/settings/security",
  component: lazyRouteComponent(() => import("@/features/security/security-page"), "SecurityPage"),
});

const administration = createRoute({
  getParentRoute: () => root,
  path: "/admin",
  beforeLoad: async (options) => {
    const { me } = await signedIn(options);
    return { me, forbidden: !firstPlace(me.account) };
  },
  component: () => (administration.useRouteContext().forbidden ? <Forbidden /> : <AdminFrame />),
});

const adminStart = createRoute({
  getParentRoute: () => administration,
  path: "/",
  beforeLoad: ({ context: { me } }) => {
    throw redirect({ to: firstPlace(me.account) ?? "/", replace: true });
  },
});

const accounts = createRoute({
  getParentRoute: () => administration,
  path: "/accounts",
  validateSearch: (search: Record<string, unknown>): AccountFilter & AccountOrder & { id?: string } => ({
    q: text(search.q),
    state: oneOf(["active", "disabled"], search.state),
    role: text(search.role),
    unit: text(search.unit),
    group: text(search.group),
    sort: oneOf(accountSorts, search.sort),
    down: search.down === true || undefined,
    id: text(search.id),
  }),
  component: lazyRouteComponent(() => import("@/features/admin/accounts/accounts-page"), "AccountsPage"),
});

const organisation = createRoute({
  getParentRoute: () => administration,
  path: "/organisation",
  validateSearch: (search: Record<string, unknown>): { id?: string; at?: string; q?: string } => ({
    id: text(search.id),
    at: /^\d{4}-\d{2}-\d{2}$/.exec(text(search.at) ?? "")?.[0],
    q: text(search.q),
  }),
  component: lazyRouteComponent(() => import("@/features/admin/units/organisation-page"), "OrganisationPage"),
});

const roles = createRoute({
  getParentRoute: () => administration,
  path: "/roles",
  validateSearch: (search: Record<string, unknown>): { id?: string } => ({ id: text(search.id) }),
  component: lazyRouteComponent(() => import("@/features/admin/roles/roles-page"), "RolesPage"),
});

const groups = createRoute({
  getParentRoute: () => administration,
  path: "/groups",
  validateSearch: (search: Record<string, unknown>): { id?: string } => ({ id: text(search.id) }),
  component: lazyRouteComponent(() => import("@/features/admin/groups/groups-page"), "GroupsPage"),
});

const models = createRoute({
  getParentRoute: () => administration,
  path: "/models",
  validateSearch: (search: Record<string, unknown>): { id?: string; add?: string } => ({ id: text(search.id), add: text(search.add) }),
  component: lazyRouteComponent(() => import("@/features/admin/models/models-page"), "ModelsPage"),
});

const connections = createRoute({
  getParentRoute: () => administration,
  path: "/connections",
  validateSearch: (search: Record<string, unknown>): { id?: string; add?: string } => ({ id: text(search.id), add: text(search.add) }),
  component: lazyRouteComponent(() => import("@/features/admin/connections/connections-page"), "ConnectionsPage"),
});

const residency = createRoute({
  getParentRoute: () => administration,
  path: "/residency",
  validateSearch: (search: Record<string, unknown>): { model?: string } => ({ model: text(search.model) }),
  component: lazyRouteComponent(() => import("@/features/admin/residency/residency-page"), "ResidencyPage"),
});

const egress = createRoute({
  getParentRoute: () => administration,
  path: "/egress",
  validateSearch: (search: Record<string, unknown>): { month?: string } => ({ month: /^\d{4}-(0[1-9]|1[0-2])$/.exec(text(search.month) ?? "")?.[0] }),
  component: lazyRouteComponent(() => import("@/features/admin/egress/egress-page"), "EgressPage"),
});

const feedback = createRoute({
  getParentRoute: () => administration,
  path: "/feedback",
  validateSearch: (search: Record<string, unknown>): FeedbackFilter & { id?: string } => ({
    q: text(search.q),
    rating: oneOf(["good", "bad"], search.rating),
    reason: oneOf(reasons, search.reason),
    model: text(search.model),
    days: oneOf(periods, text(search.days)),
    id: text(search.id),
  }),
  component: lazyRouteComponent(() => import("@/features/admin/feedback/feedback-page"), "FeedbackPage"),
});

const chatSettings = createRoute({
  getParentRoute: () => administration,
  path: "/chat",
  component: lazyRouteComponent(() => import("@/features/admin/chat-settings/chat-settings-page"), "ChatSettingsPage"),
});

const secondFactor = createRoute({
  getParentRoute: () => administration,
  path: "/sign-in/second-factor",
  component: lazyRouteComponent(() => import("@/features/admin/second-factor/second-factor-page"), "SecondFactorPage"),
});

const policy = createRoute({
  getParentRoute: () => administration,
  path: "/policy",
  validateSearch: (search: Record<string, unknown>): { tab?: PolicyTab; model?: string; region?: string } => ({ tab: oneOf(policyTabs, search.tab), model: text(search.model), region: text(search.region) }),
  component: lazyRouteComponent(() => import("@/features/admin/policy/policy-page"), "PolicyPage"),
});

const status = createRoute({
  getParentRoute: () => administration,
  path: "/status",
  component: lazyRouteComponent(() => import("@/features/admin/status/status-page"), "StatusPage"),
});

const doctor = createRoute({
  getParentRoute: () => administration,
  path: "/doctor",
  validateSearch: (search: Record<string, unknown>): { connection?: string } => ({ connection: text(search.connection) }),
  component: lazyRouteComponent(() => import("@/features/admin/doctor/doctor-page"), "DoctorPage"),
});

const kit = __KIT__
  ? [
      createRoute({
        getParentRoute: () => root,
        path: "/kit",
        component: lazyRouteComponent(() => import("@/features/kit/kit-page"), "KitPage"),
      }),
    ]
  : [];

const tree = root.addChildren([
  signIn,
  secondStep,
  setUpFactor,
  setup,
  password,
  workplace.addChildren([start, temporary, conversation, history, found, folder, prompts, sharedList, shared, settings, security]),
  administration.addChildren([adminStart, accounts, organisation, groups, roles, models, connections, residency, policy, egress, secondFactor, chatSettings, feedback, status, doctor]),
  ...kit,
]);

/** The addresses of the UI. Tests bring a history of their own. */
export function newRouter(client: QueryClient, history?: RouterHistory) {
  return createRouter({
    routeTree: tree,
    history,
    context: { client },
    defaultPreload: "intent",
    defaultErrorComponent: Crashed,
    defaultPendingMs: 200,
  });
}

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof newRouter>;
  }
}
