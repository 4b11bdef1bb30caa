// Settings: one's own, and the organisation's, each section for who may change it.
import { Link, useParams } from "@tanstack/react-router";
import { lazy, type ReactNode, Suspense, useEffect, useRef } from "react";
import { useMe } from "~/parts/me";
import { cx, Empty, Spinner } from "~/parts/ui";
import { useWords } from "~/words";
import { AccountSection, NotificationSection } from "./own";

const people = () => import("./people");
const company = () => import("./company");
const PeopleSection = lazy(() => people().then((m) => ({ default: m.PeopleSection })));
const TeamsSection = lazy(() => people().then((m) => ({ default: m.TeamsSection })));
const OrganizationSection = lazy(() => import("./organization").then((m) => ({ default: m.OrganizationSection })));
const RolesSection = lazy(() => import("./roles").then((m) => ({ default: m.RolesSection })));
const ChannelsSection = lazy(() => import("./channels").then((m) => ({ default: m.ChannelsSection })));
const CannedSection = lazy(() => company().then((m) => ({ default: m.CannedSection })));
const TagsSection = lazy(() => company().then((m) => ({ default: m.TagsSection })));
const FieldsSection = lazy(() => import("./fields").then((m) => ({ default: m.FieldsSection })));
const PipelinesSection = lazy(() => import("./pipelines").then((m) => ({ default: m.PipelinesSection })));
const WebhooksSection = lazy(() => import("./webhooks").then((m) => ({ default: m.WebhooksSection })));
const KeysSection = lazy(() => company().then((m) => ({ default: m.KeysSection })));
const ModelSection = lazy(() => import("./model").then((m) => ({ default: m.ModelSection })));
const VersionsSection = lazy(() => import("./versions").then((m) => ({ default: m.VersionsSection })));
const RulesSection = lazy(() => import("./rules").then((m) => ({ default: m.RulesSection })));
const AwaySection = lazy(() => import("./away").then((m) => ({ default: m.AwaySection })));
const TemplatesSection = lazy(() => import("./templates").then((m) => ({ default: m.TemplatesSection })));
const SecuritySection = lazy(() => import("./secondFactor").then((m) => ({ default: m.SecuritySection })));
const AuditSection = lazy(() => import("./audit").then((m) => ({ default: m.AuditSection })));

export function Settings() {
  const w = useWords();
  const me = useMe();
  const { section } = useParams({ from: "/inside/settings/$section" });
  const own: [string, ReactNode][] = [
    ["me", <AccountSection key="me" />],
    ["notifications", <NotificationSection key="n" />],
  ];
  const all: [string, string, ReactNode][] = [
    ["organization", "settings:manage", <OrganizationSection key="o" />],
    ["people", "user:read", <PeopleSection key="p" />],
    ["teams", "user:read", <TeamsSection key="t" />],
    ["roles", "user:read", <RolesSection key="r" />],
    ["security", "settings:manage", <SecuritySection key="s" />],
    ["channels", "conversation:read", <ChannelsSection key="c" />],
    ["canned", "conversation:read", <CannedSection key="cr" />],
    ["templates", "conversation:read", <TemplatesSection key="te" />],
    ["rules", "settings:manage", <RulesSection key="ru" />],
    ["away", "settings:manage", <AwaySection key="aw" />],
    ["tags", "customer:read", <TagsSection key="tg" />],
    ["fields", "settings:manage", <FieldsSection key="f" />],
    ["pipelines", "settings:manage", <PipelinesSection key="pl" />],
    ["keys", "api_key:manage", <KeysSection key="k" />],
    ["webhooks", "settings:manage", <WebhooksSection key="wh" />],
    ["model", "assistant:ask", <ModelSection key="m" />],
    ["versions", "assistant:read", <VersionsSection key="v" />],
    ["audit", "audit:read", <AuditSection key="a" />],
  ];
  const company = all.filter(([, permission]) => me.may(permission)).map(([key, , node]) => [key, node] as [string, ReactNode]);
  // On a phone the sections are a row that scrolls: the open one should be seen.
  const nav = useRef<HTMLElement>(null);
  useEffect(() => nav.current?.querySelector('[aria-current="page"]')?.scrollIntoView({ block: "nearest", inline: "center" }), [section]);
  const shown = [...own, ...company].find(([key]) => key === section);
  const links = (items: [string, ReactNode][]) => items.map(([key]) => <Link key={key} to="/settings/$section" params={{ section: key }} className="block shrink-0 rounded-md px-2.5 py-1.5 text-[13px] whitespace-nowrap text-muted hover:bg-hover hover:text-text" activeProps={{ className: "bg-accent-soft! text-accent-text! font-medium" }}>{w.settings.sections[key]}</Link>);
  return (
    <div className="flex h-full min-h-0 flex-col md:flex-row">
      <nav ref={nav} aria-label={w.settings.title} className="shrink-0 overflow-x-auto border-b border-line bg-panel p-2 md:w-52 md:overflow-y-auto md:border-r md:border-b-0 md:p-3">
        <h1 className="sticky left-0 w-fit px-2.5 pb-2 text-base font-semibold">{w.settings.title}</h1>
        <div className="flex gap-1 md:flex-col">
          <p className={cx("hidden px-2.5 pt-1 text-xs font-semibold text-muted md:block")}>{w.settings.groups.own}</p>
          {links(own)}
          <p className="hidden px-2.5 pt-3 text-xs font-semibold text-muted md:block">{w.settings.groups.company}</p>
          {links(company)}
        </div>
      </nav>
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={-1}>
        <div className="mx-auto max-w-4xl space-y-4 p-4">
          <Suspense fallback={<Spinner />}>{shown ? <><h2 className="text-base font-semibold">{w.settings.sections[section]}</h2>{shown[1]}</> : <Empty title={w.notAllowed} />}</Suspense>
        </div>
      </div>
    </div>
  );
}
