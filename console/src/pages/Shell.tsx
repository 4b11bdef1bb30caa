// The frame around every page: where one can go, what is new, who one is.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useNavigate } from "@tanstack/react-router";
import { Activity, BarChart3, Bell, BookOpen, Briefcase, Inbox as InboxIcon, Languages, LogOut, Moon, MoreHorizontal, Settings, Sun, Users, WifiOff } from "lucide-react";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { api } from "~/api/client";
import { useLive } from "~/api/live";
import { queries } from "~/api/queries";
import { useMe } from "~/parts/me";
import { useTheme } from "~/parts/theme";
import { ago } from "~/parts/time";
import { Avatar, Button, cx, Dialog, Menu, MenuItem, MenuLabel, MenuLine, Popover, Tip } from "~/parts/ui";
import { useLanguage } from "~/words";
import { useAlarms, whereto } from "./alarm";

type Place = { to: string; icon: ReactNode; text: string; may: boolean; badge?: number };

function usePlaces(): Place[] {
  const { w } = useLanguage();
  const me = useMe();
  const counts = useQuery({ ...queries.counts(), enabled: me.may("conversation:read") });
  const size = 18;
  return [
    { to: "/inbox", icon: <InboxIcon size={size} aria-hidden />, text: w.nav.inbox, may: me.may("conversation:read"), badge: (counts.data?.mine_unread ?? 0) + (counts.data?.unassigned ?? 0) },
    { to: "/customers", icon: <Users size={size} aria-hidden />, text: w.nav.customers, may: me.may("customer:read") },
    { to: "/deals", icon: <Briefcase size={size} aria-hidden />, text: w.nav.deals, may: me.may("deal:read") },
    { to: "/knowledge", icon: <BookOpen size={size} aria-hidden />, text: w.nav.knowledge, may: me.may("knowledge:read") },
    { to: "/overview", icon: <BarChart3 size={size} aria-hidden />, text: w.nav.overview, may: me.may("conversation:read") },
    { to: "/health", icon: <Activity size={size} aria-hidden />, text: w.nav.health, may: true },
    { to: "/settings", icon: <Settings size={size} aria-hidden />, text: w.nav.settings, may: true },
  ].filter((p) => p.may);
}

function Count({ n }: { n: number | undefined }) {
  if (!n) return null;
  return <span className="absolute -top-1 -right-1.5 min-w-4 rounded-full bg-accent px-1 text-center text-[10px] leading-4 font-semibold text-on-accent">{n > 99 ? "99+" : n}</span>;
}

const MustEnrol = lazy(() => import("./settings/secondFactor").then((m) => ({ default: m.MustEnrol })));

export function Shell() {
  const me = useMe();
  return me.owesFactor ? <Suspense><MustEnrol /></Suspense> : <Frame />;
}

function Frame() {
  const { w } = useLanguage();
  const connected = useLive();
  const places = usePlaces();
  useAlarms();
  const few = places.slice(0, 4);
  const me = useMe();
  const [news, setNews] = useState(false);
  return (
    <div className="flex h-full flex-col md:flex-row">
      <a href="#content" className="sr-only focus:not-sr-only focus:absolute focus:top-2 focus:left-2 focus:z-50 focus:rounded focus:bg-panel focus:px-3 focus:py-2">{w.nav.skip}</a>
      <nav aria-label={w.nav.label} className="hidden w-14 shrink-0 flex-col items-center gap-1 border-r border-line bg-panel py-3 md:flex">
        <img src="/favicon.svg" alt={w.product} className="mb-2 size-7" />
        {places.map((p) => (
          <Tip key={p.to} text={p.text} side="right">
            <Link to={p.to} className="relative flex size-10 items-center justify-center rounded-lg text-muted hover:bg-hover hover:text-text" activeProps={{ className: "bg-accent-soft! text-accent-text!" }}>
              <span className="relative">{p.icon}<Count n={p.badge} /></span>
              <span className="sr-only">{p.text}</span>
            </Link>
          </Tip>
        ))}
        <span className="flex-1" />
        <Notifications />
        <Account />
      </nav>
      <main id="content" tabIndex={-1} className="relative min-h-0 min-w-0 flex-1 outline-none">
        {!connected && (
          <div role="status" className="absolute inset-x-0 top-0 z-30 flex items-center justify-center gap-2 bg-warn-soft py-1 text-xs font-medium text-warn">
            <WifiOff size={13} aria-hidden /> {w.reconnecting}
          </div>
        )}
        <Outlet />
      </main>
      <nav aria-label={w.nav.label} className="flex shrink-0 items-stretch justify-around border-t border-line bg-panel pb-[env(safe-area-inset-bottom)] md:hidden">
        {few.map((p) => (
          <Link key={p.to} to={p.to} className="flex flex-1 flex-col items-center gap-0.5 py-2 text-[11px] text-muted" activeProps={{ className: "text-accent-text! font-semibold" }}>
            <span className="relative">{p.icon}<Count n={p.badge} /></span>
            {p.text}
          </Link>
        ))}
        <Menu
          trigger={
            <button type="button" className="flex flex-1 flex-col items-center gap-0.5 py-2 text-[11px] text-muted">
              <span className="relative"><MoreHorizontal size={18} aria-hidden /><Count n={me.unread} /></span>
              {w.nav.more}
            </button>
          }
        >
          <MenuItem onSelect={() => setNews(true)} hint={me.unread || undefined}><Bell size={18} aria-hidden /> {w.nav.notifications}</MenuItem>
          <More places={places.slice(4)} />
        </Menu>
      </nav>
      <Dialog open={news} onOpenChange={setNews} title={w.nav.notifications} side>
        <div className="-mx-5"><NotificationList onGo={() => setNews(false)} /></div>
      </Dialog>
    </div>
  );
}

function More({ places }: { places: Place[] }) {
  const navigate = useNavigate();
  return (
    <>
      {places.map((p) => (
        <MenuItem key={p.to} onSelect={() => void navigate({ to: p.to })}>{p.icon} {p.text}</MenuItem>
      ))}
      <MenuLine />
      <AccountItems />
    </>
  );
}

function AccountItems() {
  const { w, language, setLanguage } = useLanguage();
  const [theme, setTheme] = useTheme();
  const navigate = useNavigate();
  const cache = useQueryClient();
  const out = useMutation({
    mutationFn: () => api.POST("/api/sign-out"),
    onSettled: async () => {
      cache.clear();
      await navigate({ to: "/sign-in" });
    },
  });
  return (
    <>
      <MenuLabel>{w.theme.label}</MenuLabel>
      {(["system", "light", "dark"] as const).map((t) => (
        <MenuItem key={t} checked={theme === t} onSelect={() => setTheme(t)}>
          {t === "dark" ? <Moon size={14} aria-hidden /> : <Sun size={14} aria-hidden />} {w.theme[t]}
        </MenuItem>
      ))}
      <MenuLine />
      <MenuItem onSelect={() => setLanguage(language === "zh" ? "en" : "zh")}>
        <Languages size={14} aria-hidden /> {language === "zh" ? "English" : "中文"}
      </MenuItem>
      <MenuLine />
      <MenuItem onSelect={() => out.mutate()}>
        <LogOut size={14} aria-hidden /> {w.signIn.out}
      </MenuItem>
    </>
  );
}

function Account() {
  const { w } = useLanguage();
  const me = useMe();
  return (
    <Menu
      align="start"
      trigger={
        <button type="button" aria-label={w.nav.account} className="mt-1 rounded-full">
          <Avatar name={me.name} size={30} />
        </button>
      }
    >
      <div className="px-2 py-1.5">
        <p className="font-medium">{me.name}</p>
        <p className="text-xs text-muted">{me.organization}</p>
      </div>
      <MenuLine />
      <AccountItems />
    </Menu>
  );
}

function Notifications() {
  const { w } = useLanguage();
  const me = useMe();
  return (
    <Popover
      trigger={
        <button type="button" className="relative flex size-10 items-center justify-center rounded-lg text-muted hover:bg-hover hover:text-text">
          <span className="relative"><Bell size={18} aria-hidden /><Count n={me.unread} /></span>
          <span className="sr-only">{w.nav.notifications}</span>
        </button>
      }
    >
      <NotificationList />
    </Popover>
  );
}

function NotificationList({ onGo }: { onGo?: () => void }) {
  const { w, language } = useLanguage();
  const cache = useQueryClient();
  const list = useQuery(queries.notifications());
  const read = useMutation({
    mutationFn: async (id: string | undefined) => {
      if (id) await api.POST("/api/notifications/{id}/read", { params: { path: { id } } });
      else await api.POST("/api/notifications/read");
    },
    onSettled: () => {
      void cache.invalidateQueries({ queryKey: ["notifications"] });
      void cache.invalidateQueries({ queryKey: ["me"] });
    },
  });
  const items = list.data?.items ?? [];
  return (
    <>
      <div className="flex items-center justify-between border-b border-line px-3 py-2">
        <h2 className="text-[13px] font-semibold">{w.notifications.title}</h2>
        {items.some((n) => !n.is_read) && <Button look="quiet" size="sm" onClick={() => read.mutate(undefined)}>{w.notifications.readAll}</Button>}
      </div>
      {items.length === 0 && <p className="p-4 text-[13px] text-muted">{w.notifications.none}</p>}
      <ul>
        {items.map((n) => (
          <li key={n.id} className="border-b border-line last:border-0">
            <Link
              {...whereto(n)}
              onClick={() => { read.mutate(n.id); onGo?.(); }}
              className={cx("flex items-start gap-2 px-3 py-2 text-[13px] hover:bg-hover", n.is_read && "text-muted")}
            >
              <span aria-hidden className={cx("mt-1.5 size-1.5 shrink-0 rounded-full", n.is_read ? "bg-transparent" : "bg-accent")} />
              <span className="min-w-0 flex-1">
                {w.notifications.told(n.title)}
                <span className="block text-xs text-muted">{ago(n.created_at, language)}</span>
              </span>
            </Link>
          </li>
        ))}
      </ul>
    </>
  );
}
