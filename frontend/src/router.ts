/** All routes. Pages load when they are visited; `meta.role` is the least role that may open one. */
import { createRouter, createWebHistory, type RouteRecordRaw } from "vue-router";
import type { Role } from "./api/types";
import { useSession } from "./stores/session";

declare module "vue-router" {
  interface RouteMeta {
    /** i18n key of the page's title. */
    title: string;
    role?: Role;
    /** Reachable without an account. */
    public?: boolean;
    /** Shown without navigation. */
    bare?: boolean;
  }
}

const page = (path: string, name: string, component: RouteRecordRaw["component"], role: Role = "annotator") =>
  ({ path, name, component, meta: { title: `nav.${name}`, role } }) as RouteRecordRaw;
const open = (path: string, name: string, component: RouteRecordRaw["component"]) =>
  ({ path, name, component, meta: { title: `nav.${name}`, public: true, bare: true } }) as RouteRecordRaw;

export const routes: RouteRecordRaw[] = [
  { path: "/", redirect: { name: "home" } },
  open("/login", "login", () => import("./pages/LoginPage.vue")),
  open("/setup", "setup", () => import("./pages/SetupPage.vue")),
  open("/invite/:token", "invite", () => import("./pages/InvitePage.vue")),
  page("/home", "home", () => import("./pages/HomePage.vue")),
  page("/teach", "teach", () => import("./pages/TeachPage.vue")),
  page("/check", "check", () => import("./pages/CheckPage.vue")),
  page("/waiting", "waiting", () => import("./pages/WaitingPage.vue")),
  page("/loop", "loop", () => import("./pages/LoopPage.vue")),
  page("/dashboard", "dashboard", () => import("./pages/DashboardPage.vue"), "lead"),
  page("/dashboard/tickets", "answers", () => import("./pages/DashboardTicketsPage.vue"), "lead"),
  page("/tickets", "tickets", () => import("./pages/TicketsPage.vue")),
  page("/tickets/:id(\\d+)", "ticket", () => import("./pages/TicketPage.vue")),
  page("/triage", "triage", () => import("./pages/TriagePage.vue"), "reviewer"),
  page("/judge", "judge", () => import("./pages/JudgePage.vue"), "reviewer"),
  page("/observation", "observation", () => import("./pages/ObservationPage.vue"), "reviewer"),
  page("/promotions/:id(\\d+)", "dossier", () => import("./pages/DossierPage.vue"), "reviewer"),
  page("/try", "try", () => import("./pages/TryPage.vue")),
  page("/import", "import", () => import("./pages/ImportPage.vue"), "lead"),
  page("/services", "services", () => import("./pages/ServicesPage.vue"), "lead"),
  page("/account", "account", () => import("./pages/AccountPage.vue"), "machine"),
  page("/people", "people", () => import("./pages/PeoplePage.vue"), "lead"),
  page("/runs", "runs", () => import("./pages/RunsPage.vue")),
  page("/runs/:id(\\d+)", "run", () => import("./pages/RunPage.vue")),
  page("/models", "models", () => import("./pages/ModelsPage.vue")),
  page("/models/:version(\\d+)", "model", () => import("./pages/ModelPage.vue")),
  page("/written", "written", () => import("./pages/WrittenPage.vue"), "reviewer"),
  page("/snapshots", "snapshots", () => import("./pages/SnapshotsPage.vue")),
  page("/snapshots/:fingerprint", "snapshot", () => import("./pages/SnapshotPage.vue")),
  { path: "/:rest(.*)*", name: "lost", component: () => import("./pages/LostPage.vue"), meta: { title: "nav.lost" } },
];

export const router = createRouter({
  history: createWebHistory("/"),
  routes,
  scrollBehavior: (to, _from, saved) => saved ?? (to.hash ? { el: to.hash } : { top: 0 }),
});

router.beforeEach(async (to) => {
  const session = useSession();
  await session.load();
  if (!session.isReady) return true;
  if (to.meta.public) return session.user && to.name === "login" ? { name: "home" } : true;
  if (!session.user && session.installation?.needs_setup) return { name: "setup" };
  if (!session.user) return { name: "login", query: to.fullPath === "/home" ? {} : { next: to.fullPath } };
  if (session.user?.role === "machine") return to.name === "account" ? true : { name: "account" };
  if (to.meta.role && !session.atLeast(to.meta.role)) return { name: "home", query: { refused: to.path } };
  return true;
});
