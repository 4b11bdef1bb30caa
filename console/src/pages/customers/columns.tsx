// Which columns the list of customers has: chosen by everybody for themselves, kept in the address and so in saved views.
import { useQuery } from "@tanstack/react-query";
import { Columns3 } from "lucide-react";
import type { ReactNode } from "react";
import { queries } from "~/api/queries";
import type { CustomerShown } from "~/api/schema";
import { useNames } from "~/parts/me";
import { ago } from "~/parts/time";
import { Badge, Button, Check, Popover } from "~/parts/ui";
import { useLanguage } from "~/words";
import { TagBadge } from "./panels";

export type Column = { key: string; label: string; cell: (c: CustomerShown) => ReactNode; look?: string };

/** What is shown to who has chosen nothing. */
const USUAL = ["stage", "tags", "email", "phone", "owner", "added"];
/** Marks a field of the organisation's own. */
const OWN = "f.";

/** Every column there is, and those that `chosen` names (`stage,email`), in their own order. */
export function useColumns(chosen: string | undefined): { all: Column[]; shown: Column[] } {
  const { w, language } = useLanguage();
  const names = useNames();
  const fields = useQuery(queries.customerFields()).data?.fields ?? [];
  const t = w.customer;
  const all: Column[] = [
    { key: "stage", label: t.stage, cell: (c) => <Badge tone={c.stage === "lost" ? "danger" : c.stage === "closed" || c.stage === "repeat" ? "ok" : "plain"}>{t.stages[c.stage]}</Badge> },
    { key: "tags", label: t.tags, cell: (c) => <span className="flex flex-wrap gap-1">{c.tags.map((tag) => <TagBadge key={tag.id} name={tag.name} color={tag.color} />)}</span> },
    { key: "email", label: t.email, cell: (c) => c.email, look: "text-muted" },
    { key: "phone", label: t.phone, cell: (c) => c.phone, look: "whitespace-nowrap text-muted" },
    { key: "wechat", label: t.wechat, cell: (c) => c.wechat_id, look: "text-muted" },
    { key: "kind", label: t.kind, cell: (c) => t.kinds[c.type], look: "whitespace-nowrap" },
    { key: "city", label: t.city, cell: (c) => c.region_city, look: "whitespace-nowrap" },
    { key: "score", label: t.score, cell: (c) => c.score, look: "tabular-nums" },
    { key: "remark", label: t.remark, cell: (c) => <span className="line-clamp-2 max-w-60">{c.remark}</span>, look: "text-muted" },
    ...fields.map((f) => ({ key: OWN + f.key, label: f.label, cell: (c: CustomerShown) => String((c.custom_fields as Record<string, unknown>)[f.key] ?? ""), look: "whitespace-nowrap" })),
    { key: "owner", label: t.owner, cell: (c) => names(c.owner_id), look: "whitespace-nowrap" },
    { key: "added", label: t.lastContact, cell: (c) => ago(c.created_at, language), look: "whitespace-nowrap text-muted" },
  ];
  const keys = chosen === undefined ? USUAL : chosen.split(",");
  return { all, shown: all.filter((c) => keys.includes(c.key)) };
}

export function ColumnChooser({ all, shown, onChoose }: { all: Column[]; shown: Column[]; onChoose: (chosen: string | undefined) => void }) {
  const { w } = useLanguage();
  const set = (key: string, on: boolean) => {
    const keys = all.map((c) => c.key).filter((k) => (k === key ? on : shown.some((c) => c.key === k)));
    onChoose(keys.join(",") === USUAL.join(",") ? undefined : keys.join(","));
  };
  return (
    <Popover align="end" trigger={<Button><Columns3 size={15} aria-hidden /> <span className="hidden sm:inline">{w.crm.columns.choose}</span></Button>}>
      <fieldset className="space-y-2 p-3 text-[13px]">
        <legend className="sr-only">{w.crm.columns.choose}</legend>
        {all.map((c) => <Check key={c.key} label={c.label} checked={shown.some((s) => s.key === c.key)} onChange={(e) => set(c.key, e.target.checked)} />)}
      </fieldset>
    </Popover>
  );
}
