// Deals: as a board by stage, where cards are dragged, or as a list.
import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { Briefcase, Calendar, Columns3, List as ListIcon, MoreHorizontal, Plus } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { queries } from "~/api/queries";
import type { Deal, Pipeline } from "~/api/schema";
import { useMe, useNames } from "~/parts/me";
import { money } from "~/parts/time";
import { Badge, Button, cx, Empty, IconButton, Menu, MenuItem, MenuLine, Page, Select, Spinner, Table } from "~/parts/ui";
import { useLanguage } from "~/words";
import { DealDialog } from "./DealDialog";
import { mayGo, stageName, tone, useDealSteps } from "./steps";

export function Deals() {
  const { w } = useLanguage();
  const me = useMe();
  const navigate = useNavigate();
  const search = useSearch({ from: "/inside/deals" });
  const pipelines = useQuery(queries.pipelines());
  const pipeline = pipelines.data?.find((p) => p.id === search.pipeline) ?? pipelines.data?.find((p) => p.is_default) ?? pipelines.data?.[0];
  const filter = { pipeline: pipeline?.id, owner: search.owner };
  const deals = useQuery({ ...queries.deals(filter), enabled: pipeline !== undefined });
  const [adding, setAdding] = useState(false);
  const [edited, setEdited] = useState<Deal>();
  const steps = useDealSteps(filter);

  return (
    <Page
      wide
      title={w.deals.title}
      actions={
        <>
          {(pipelines.data?.length ?? 0) > 1 && (
            <Select aria-label={w.deals.pipeline} className="w-44!" value={pipeline?.id ?? ""} onChange={(e) => void navigate({ to: "/deals", search: { ...search, pipeline: e.target.value } })}>
              {pipelines.data?.map((p) => <option key={p.id} value={p.id}>{w.given[p.name] ?? p.name}</option>)}
            </Select>
          )}
          <Button aria-pressed={search.owner !== undefined} className={search.owner ? "border-accent! text-accent-text" : undefined} onClick={() => void navigate({ to: "/deals", search: { ...search, owner: search.owner ? undefined : me.id } })}>{w.deals.mine}</Button>
          <IconButton label={search.as === "list" ? w.deals.board : w.deals.list} onClick={() => void navigate({ to: "/deals", search: { ...search, as: search.as === "list" ? undefined : "list" } })}>{search.as === "list" ? <Columns3 size={16} aria-hidden /> : <ListIcon size={16} aria-hidden />}</IconButton>
          {me.may("deal:write") && <Button look="primary" onClick={() => setAdding(true)}><Plus size={15} aria-hidden /> {w.deals.add}</Button>}
        </>
      }
    >
      {!pipeline || deals.isPending ? <Spinner /> : search.as === "list" ? <DealList pipeline={pipeline} nameOf={steps.nameOf} deals={deals.data ?? []} onEdit={setEdited} /> : <Board pipeline={pipeline} filter={filter} deals={deals.data ?? []} onMove={steps.moveTo} onEdit={setEdited} />}
      {adding && <DealDialog pipeline={pipeline?.id} onClose={() => setAdding(false)} />}
      {edited && <DealDialog deal={edited} onClose={() => setEdited(undefined)} />}
      {steps.dialog}
    </Page>
  );
}

function Board({ pipeline, filter, deals, onMove, onEdit }: { pipeline: Pipeline; filter: { pipeline?: string; owner?: string }; deals: Deal[]; onMove: (d: Deal, stage: string) => void; onEdit: (d: Deal) => void }) {
  const { w, language } = useLanguage();
  const me = useMe();
  const totals = useQuery(queries.dealTotals(filter)).data ?? [];
  const [dragged, setDragged] = useState<Deal>();
  const [over, setOver] = useState<string>();
  const stages = [...pipeline.stages].sort((a, b) => a.position - b.position);
  const may = me.may("deal:write");
  const pressed = (e: KeyboardEvent, d: Deal) => {
    const at = stages.findIndex((s) => s.key === d.stage);
    const next = e.key === "ArrowRight" ? stages[at + 1] : e.key === "ArrowLeft" ? stages[at - 1] : undefined;
    if (next && may) {
      e.preventDefault();
      onMove(d, next.key);
    }
  };
  return (
    <>
      <p className="sr-only" id="drag-hint">{w.deals.dragHint}</p>
      <div className="-mx-4 overflow-x-auto px-4 pb-2" tabIndex={0} role="region" aria-label={w.deals.board}>
        <div className="flex min-h-[60dvh] gap-3">
          {stages.map((s) => {
            const own = deals.filter((d) => d.stage === s.key);
            const sums = totals.filter((t) => t.stage_id === s.id);
            return (
              <section
                key={s.id}
                aria-label={stageName(w, s)}
                onDragOver={(e) => { if (dragged) { e.preventDefault(); setOver(s.key); } }}
                onDragLeave={() => setOver(undefined)}
                onDrop={(e) => { e.preventDefault(); if (dragged) onMove(dragged, s.key); setDragged(undefined); setOver(undefined); }}
                className={cx("flex w-64 shrink-0 flex-col rounded-lg border bg-sunken", over === s.key ? "border-accent" : "border-transparent")}
              >
                <header className="px-3 pt-2.5 pb-2">
                  <h2 className="flex items-center gap-2 text-[13px] font-semibold">
                    <span aria-hidden className={cx("size-2 rounded-full", s.kind === "won" ? "bg-ok" : s.kind === "lost" ? "bg-danger" : "bg-accent")} />
                    {stageName(w, s)} <span className="font-normal text-muted">{own.length}</span>
                  </h2>
                  {sums.map((t) => <p key={t.currency} className="mt-0.5 text-xs text-muted tabular-nums">{money(t.amount, t.currency, language)}{s.kind === "open" && ` · ${w.deals.weighted(money(t.weighted_amount, t.currency, language))}`}</p>)}
                </header>
                <ul className="flex flex-1 flex-col gap-2 overflow-y-auto px-2 pb-2">
                  {own.map((d) => (
                    <li key={d.id} draggable={may} onDragStart={() => setDragged(d)} onDragEnd={() => setDragged(undefined)} className={cx("rounded-md border border-line bg-panel p-2.5 shadow-xs", may && "cursor-grab", dragged?.id === d.id && "opacity-40")}>
                      <Card d={d} stages={stages} may={may} onEdit={onEdit} onMove={onMove} onKeyDown={(e) => pressed(e, d)} />
                    </li>
                  ))}
                </ul>
              </section>
            );
          })}
        </div>
      </div>
    </>
  );
}

function Card({ d, stages, may, onEdit, onMove, onKeyDown }: { d: Deal; stages: Pipeline["stages"]; may: boolean; onEdit: (d: Deal) => void; onMove: (d: Deal, s: string) => void; onKeyDown: (e: KeyboardEvent) => void }) {
  const { w, language } = useLanguage();
  const names = useNames();
  return (
    <>
      <div className="flex items-start gap-1">
        <button type="button" aria-describedby="drag-hint" onKeyDown={onKeyDown} onClick={() => onEdit(d)} className="min-w-0 flex-1 text-left text-[13px] font-medium break-words">{d.title}</button>
        {may && (
          <Menu trigger={<button type="button" aria-label={`${w.actions}: ${d.title}`} className="-mt-1 -mr-1 inline-flex size-6 items-center justify-center rounded text-muted hover:bg-hover"><MoreHorizontal size={14} aria-hidden /></button>}>
            <MenuItem onSelect={() => onEdit(d)}>{w.edit}</MenuItem>
            <MenuLine />
            {stages.map((s) => <MenuItem key={s.id} checked={s.key === d.stage} disabled={!mayGo(d, s)} onSelect={() => onMove(d, s.key)}>{stageName(w, s)}</MenuItem>)}
          </Menu>
        )}
      </div>
      <Link to="/customers/$id" params={{ id: d.customer_id }} className="block truncate text-xs text-muted hover:underline"><CustomerName id={d.customer_id} /></Link>
      <p className="mt-1.5 flex items-center gap-2 text-xs text-muted">
        <span className="font-semibold text-text tabular-nums">{money(d.amount, d.currency, language)}</span>
        {d.status === "open" && <span>{d.probability} %</span>}
        {d.expected_close_date && <span className="inline-flex items-center gap-1"><Calendar size={11} aria-hidden /> {d.expected_close_date.slice(5)}</span>}
        <span className="ml-auto truncate">{names(d.owner_id)}</span>
      </p>
      {d.loss_reason && <p className="mt-1 text-xs text-danger">{d.loss_reason}</p>}
    </>
  );
}

function CustomerName({ id }: { id: string }) {
  const c = useQuery({ ...queries.customer(id), staleTime: 60_000 });
  return <>{c.data?.name ?? "…"}</>;
}

function DealList({ pipeline, nameOf, deals, onEdit }: { pipeline: Pipeline; nameOf: (d: Deal) => string; deals: Deal[]; onEdit: (d: Deal) => void }) {
  const { w, language } = useLanguage();
  const names = useNames();
  if (deals.length === 0) return <Empty title={w.deals.empty} icon={<Briefcase size={28} aria-hidden />} />;
  return (
    <Table label={w.given[pipeline.name] ?? pipeline.name} head={[w.deals.dealTitle, w.deals.customer, w.deals.stage, w.deals.amount, w.deals.probability, w.deals.closeDate, w.deals.owner]}>
      {deals.map((d) => (
        <tr key={d.id} className="hover:bg-hover">
          <td><button type="button" onClick={() => onEdit(d)} className="text-left font-medium hover:underline">{d.title}</button></td>
          <td><Link to="/customers/$id" params={{ id: d.customer_id }} className="hover:underline"><CustomerName id={d.customer_id} /></Link></td>
          <td><Badge tone={tone(d.status)}>{nameOf(d)}</Badge></td>
          <td className="text-right tabular-nums">{money(d.amount, d.currency, language)}</td>
          <td className="text-right tabular-nums">{d.probability} %</td>
          <td className="whitespace-nowrap">{d.expected_close_date}</td>
          <td className="whitespace-nowrap">{names(d.owner_id)}</td>
        </tr>
      ))}
    </Table>
  );
}
