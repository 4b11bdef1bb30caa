// Every page and its address. A page's code is loaded when it is first visited.
import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, createRoute, createRouter, lazyRouteComponent, Outlet, redirect } from "@tanstack/react-router";
import { Failure } from "~/api/client";
import { queries } from "~/api/queries";
import { NotFound, Oops } from "~/pages/Problem";
import { Shell } from "~/pages/Shell";
import { SignIn } from "~/pages/SignIn";

type Context = { queryClient: QueryClient };

const root = createRootRouteWithContext<Context>()({ component: Outlet, notFoundComponent: NotFound, errorComponent: Oops });

const text = (v: unknown) => (typeof v === "string" && v !== "" ? v : undefined);

/** Where to go afterwards, whose page it is, and how a visit to the identity provider ended. */
export type SignInSearch = { to?: string; organization?: string; problem?: string; owes?: "code" };
const signIn = createRoute({
  getParentRoute: () => root,
  path: "/sign-in",
  component: SignIn,
  validateSearch: (s: Record<string, unknown>): SignInSearch => ({ to: text(s.to), organization: text(s.organization), problem: text(s.problem), owes: s.owes === "code" ? "code" : undefined }),
});

/** Everything behind the sign-in. */
const inside = createRoute({
  getParentRoute: () => root,
  id: "inside",
  component: Shell,
  errorComponent: Oops,
  beforeLoad: async ({ context, location }) => {
    try {
      const me = await context.queryClient.ensureQueryData(queries.me());
      return { me };
    } catch (error) {
      if (error instanceof Failure && error.isSignedOut) throw redirect({ to: "/sign-in", search: { to: location.href } });
      throw error;
    }
  },
});

const home = createRoute({
  getParentRoute: () => inside,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/inbox" });
  },
});

export type InboxSearch = { view?: string; q?: string; sort?: "waiting"; channel?: string; priority?: string; tag?: string };
const inboxSearch = (s: Record<string, unknown>): InboxSearch => ({
  view: text(s.view),
  q: text(s.q),
  sort: s.sort === "waiting" ? "waiting" : undefined,
  channel: text(s.channel),
  priority: text(s.priority),
  tag: text(s.tag),
});
const inboxPage = lazyRouteComponent(() => import("~/pages/inbox/Inbox"), "Inbox");
const inbox = createRoute({ getParentRoute: () => inside, path: "/inbox", component: inboxPage, validateSearch: inboxSearch });
const conversation = createRoute({ getParentRoute: () => inbox, path: "$id" });
/** Mails and notifications name conversations like this. */
const conversationLink = createRoute({
  getParentRoute: () => inside,
  path: "/conversations/$id",
  beforeLoad: ({ params }) => {
    throw redirect({ to: "/inbox/$id", params, search: { view: "all" } });
  },
});

export type CustomersSearch = { q?: string; stage?: string; tag?: string; owner?: string; cols?: string };
const customers = createRoute({
  getParentRoute: () => inside,
  path: "/customers",
  component: lazyRouteComponent(() => import("~/pages/customers/Customers"), "Customers"),
  validateSearch: (s: Record<string, unknown>): CustomersSearch => ({ q: text(s.q), stage: text(s.stage), tag: text(s.tag), owner: text(s.owner), cols: typeof s.cols === "string" ? s.cols : undefined }),
});
const customer = createRoute({
  getParentRoute: () => inside,
  path: "/customers/$id",
  component: lazyRouteComponent(() => import("~/pages/customers/Customer"), "Customer"),
});

export type DealsSearch = { pipeline?: string; as?: "list"; owner?: string };
const deals = createRoute({
  getParentRoute: () => inside,
  path: "/deals",
  component: lazyRouteComponent(() => import("~/pages/deals/Deals"), "Deals"),
  validateSearch: (s: Record<string, unknown>): DealsSearch => ({ pipeline: text(s.pipeline), as: s.as === "list" ? "list" : undefined, owner: text(s.owner) }),
});

export type KnowledgeSearch = { tab?: string; base?: string; document?: string; passage?: string };
const knowledge = createRoute({
  getParentRoute: () => inside,
  path: "/knowledge",
  component: lazyRouteComponent(() => import("~/pages/knowledge/Knowledge"), "Knowledge"),
  validateSearch: (s: Record<string, unknown>): KnowledgeSearch => ({ tab: text(s.tab), base: text(s.base), document: text(s.document), passage: text(s.passage) }),
});

const date = (v: unknown) => (typeof v === "string" && /^\d{4}-\d{2}-\d{2}$/.test(v) ? v : undefined);

/** The last `days`, or the days `from` … `to`. */
export type OverviewSearch = { days?: number; from?: string; to?: string };
const overview = createRoute({
  getParentRoute: () => inside,
  path: "/overview",
  component: lazyRouteComponent(() => import("~/pages/overview/Overview"), "Overview"),
  validateSearch: (s: Record<string, unknown>): OverviewSearch => ({ days: [7, 30, 90].includes(Number(s.days)) ? Number(s.days) : undefined, from: date(s.from), to: date(s.to) }),
});
const health = createRoute({ getParentRoute: () => inside, path: "/health", component: lazyRouteComponent(() => import("~/pages/overview/Health"), "Health") });
/** What the audit log is searched for. */
export type SettingsSearch = { user?: string; resource?: string; action?: string; from?: string; to?: string; q?: string };
const settings = createRoute({
  getParentRoute: () => inside,
  path: "/settings/$section",
  validateSearch: (s: Record<string, unknown>): SettingsSearch => ({ user: text(s.user), resource: text(s.resource), action: text(s.action), from: date(s.from), to: date(s.to), q: text(s.q) }),
  component: lazyRouteComponent(() => import("~/pages/settings/Settings"), "Settings"),
});
const settingsHome = createRoute({
  getParentRoute: () => inside,
  path: "/settings",
  beforeLoad: () => {
    throw redirect({ to: "/settings/$section", params: { section: "me" } });
  },
});

const tree = root.addChildren([
  signIn,
  inside.addChildren([home, inbox.addChildren([conversation]), conversationLink, customers, customer, deals, knowledge, overview, health, settings, settingsHome]),
]);

export const makeRouter = (queryClient: QueryClient) => createRouter({ routeTree: tree, context: { queryClient }, defaultPreload: "intent", scrollRestoration: false });

declare module "@tanstack/react-router" {
  interface Register {
    router: ReturnType<typeof makeRouter>;
  }
}
