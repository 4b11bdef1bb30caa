// The list of customers: search, filters, export.
import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { BookmarkPlus, ChevronDown, Download, Plus, Search, Trash2, Upload, Users } from "lucide-react";
import { type FormEvent, useEffect, useRef, useState } from "react";
import { api, said } from "~/api/client";
import { queries } from "~/api/queries";
import type { CustomerShown } from "~/api/schema";
import { download, toCsv } from "~/parts/csv";
import { useMe, useNames } from "~/parts/me";
import { useToast } from "~/parts/toast";
import { Avatar, Button, Dialog, Empty, Input, Menu, MenuItem, MenuLine, Page, Select, SelectField, Spinner, Table, TextField } from "~/parts/ui";
import type { CustomersSearch } from "~/router";
import { useLanguage, useWords } from "~/words";
import { ColumnChooser, useColumns } from "./columns";
import { Import } from "./Import";

type Stage = CustomerShown["stage"];

export function Customers() {
  const { w } = useLanguage();
  const me = useMe();
  const names = useNames();
  const toast = useToast();
  const navigate = useNavigate();
  const search = useSearch({ from: "/inside/customers" });
  const tags = useQuery(queries.tags()).data ?? [];
  const users = useQuery({ ...queries.users(), enabled: me.may("user:read") }).data ?? [];
  const filter = { search: search.q, stage: search.stage as Stage | undefined, tag: search.tag, owner: search.owner };
  const list = useInfiniteQuery(queries.customers(filter));
  const all = list.data?.pages.flatMap((p) => p.items) ?? [];
  const [adding, setAdding] = useState(false);
  const [importing, setImporting] = useState(false);
  const columns = useColumns(search.cols);
  const set = (change: CustomersSearch) => void navigate({ to: "/customers", search: { ...search, ...change }, replace: true });
  const [q, setQ] = useState(search.q ?? "");
  const setNow = useRef(set);
  setNow.current = set;
  useEffect(() => {
    if (q === (search.q ?? "")) return;
    const timer = setTimeout(() => setNow.current({ q: q || undefined }), 250);
    return () => clearTimeout(timer);
  }, [q, search.q]);

  const exported = useMutation({
    mutationFn: async () => {
      const rows: CustomerShown[] = [];
      let cursor: string | undefined;
      do {
        const page = await said(api.GET("/api/customers", { params: { query: { ...filter, cursor, limit: 200 } } }));
        rows.push(...page.items);
        cursor = page.next ?? undefined;
      } while (cursor);
      return rows;
    },
    onSuccess: (rows) => {
      const columns = ["id", "name", "type", "stage", "email", "phone", "wechat_id", "company_name", "region_city", "score", "remark", "created_at"] as const;
      download("customers.csv", toCsv([[...columns, "tags", "owner"], ...rows.map((c) => [...columns.map((k) => c[k]), c.tags.map((t) => t.name).join(" "), names(c.owner_id) ?? ""])]));
      toast.done(w.customer.exported(rows.length));
    },
    onError: toast.failed,
  });

  return (
    <Page
      wide
      title={w.nav.customers}
      actions={
        <>
          <Views search={search} />
          <ColumnChooser {...columns} onChoose={(cols) => set({ cols })} />
          {me.may("customer:export") && <Button busy={exported.isPending} onClick={() => exported.mutate()}><Download size={15} aria-hidden /> <span className="hidden sm:inline">{w.customer.export}</span></Button>}
          {me.may("customer:write") && (
            <Button onClick={() => setImporting(true)}><Upload size={15} aria-hidden /> <span className="hidden sm:inline">{w.importing.open}</span></Button>
          )}
          {me.may("customer:write") && <Button look="primary" onClick={() => setAdding(true)}><Plus size={15} aria-hidden /> {w.customer.add}</Button>}
        </>
      }
    >
      <div className="mb-3 grid grid-cols-3 gap-2 sm:grid-cols-[1fr_160px_160px_160px]">
        <div className="relative max-sm:col-span-3">
          <Search size={14} aria-hidden className="absolute top-2.5 left-2.5 text-muted" />
          <Input type="search" aria-label={w.customer.search} placeholder={w.customer.search} value={q} onChange={(e) => setQ(e.target.value)} className="pl-8" />
        </div>
        <Select aria-label={w.customer.stage} value={search.stage ?? ""} onChange={(e) => set({ stage: e.target.value || undefined })}>
          <option value="">{w.customer.stage}: {w.all}</option>
          {Object.entries(w.customer.stages).map(([k, v]) => <option key={k} value={k}>{v}</option>)}
        </Select>
        <Select aria-label={w.customer.tags} value={search.tag ?? ""} onChange={(e) => set({ tag: e.target.value || undefined })}>
          <option value="">{w.customer.tags}: {w.all}</option>
          {tags.map((t) => <option key={t.id} value={t.id}>{t.name}</option>)}
        </Select>
        <Select aria-label={w.customer.owner} value={search.owner ?? ""} onChange={(e) => set({ owner: e.target.value || undefined })}>
          <option value="">{w.customer.owner}: {w.all}</option>
          {users.map((u) => <option key={u.id} value={u.id}>{u.name}</option>)}
        </Select>
      </div>
      {list.isPending ? (
        <Spinner />
      ) : all.length === 0 ? (
        <Empty title={w.customer.none} icon={<Users size={28} aria-hidden />} />
      ) : (
        <Table label={w.nav.customers} head={[w.name, ...columns.shown.map((col) => col.label)]}>
          {all.map((c) => (
            <tr key={c.id} className="hover:bg-hover">
              <td>
                <Link to="/customers/$id" params={{ id: c.id }} className="flex min-w-40 items-center gap-2 font-medium hover:underline">
                  <Avatar name={c.name} picture={c.avatar_url} size={26} />
                  <span className="min-w-0"><span className="block truncate">{c.name}</span>{c.company_name && <span className="block truncate text-xs font-normal text-muted">{c.company_name}</span>}</span>
                </Link>
              </td>
              {columns.shown.map((col) => <td key={col.key} className={col.look}>{col.cell(c)}</td>)}
            </tr>
          ))}
        </Table>
      )}
      {list.hasNextPage && <div className="mt-3 text-center"><Button busy={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{w.more}</Button></div>}
      {importing && <Import onClose={() => setImporting(false)} />}
      {adding && <NewCustomer onClose={() => setAdding(false)} />}
    </Page>
  );
}

const same = (a: CustomersSearch, b: CustomersSearch) => (["q", "stage", "tag", "owner", "cols"] as const).every((k) => (a[k] ?? "") === (b[k] ?? ""));

function Views({ search }: { search: CustomersSearch }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const views = (useQuery(queries.views()).data ?? []).filter((v) => v.page === "customers");
  const current = views.find((v) => same(v.filters as CustomersSearch, search));
  const [name, setName] = useState<string>();
  const remove = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/views/{id}", { params: { path: { id } } }),
    onSuccess: () => void cache.invalidateQueries({ queryKey: ["views"] }),
    onError: toast.failed,
  });
  const save = useMutation({
    mutationFn: (name: string) => said(api.POST("/api/views", { body: { page: "customers", name, filters: search as Record<string, never> } })),
    onSuccess: () => {
      void cache.invalidateQueries({ queryKey: ["views"] });
      setName(undefined);
    },
    onError: toast.failed,
  });
  return (
    <>
      <Menu trigger={<Button aria-label={`${w.crm.columns.views}: ${current?.name ?? w.all}`}>{current?.name ?? w.all} <ChevronDown size={13} aria-hidden /></Button>}>
        <MenuItem checked={Object.values(search).every((v) => v === undefined)} onSelect={() => void navigate({ to: "/customers", search: {} })}>{w.all}</MenuItem>
        {views.map((v) => <MenuItem key={v.id} checked={v === current} onSelect={() => void navigate({ to: "/customers", search: v.filters as CustomersSearch })}>{v.name}</MenuItem>)}
        <MenuLine />
        {current && <MenuItem danger onSelect={() => remove.mutate(current.id)}><Trash2 size={14} aria-hidden /> {w.crm.columns.removeView(current.name)}</MenuItem>}
        <MenuItem onSelect={() => setName("")}><BookmarkPlus size={14} aria-hidden /> {w.inbox.saveView}</MenuItem>
      </Menu>
      <Dialog open={name !== undefined} onOpenChange={(o) => !o && setName(undefined)} title={w.inbox.saveView}>
        <form className="space-y-4" onSubmit={(e) => { e.preventDefault(); save.mutate(name ?? ""); }}>
          <TextField label={w.inbox.viewName} required maxLength={60} value={name ?? ""} onChange={(e) => setName(e.target.value)} />
          <Button type="submit" look="primary" busy={save.isPending}>{w.save}</Button>
        </form>
      </Dialog>
    </>
  );
}

function NewCustomer({ onClose }: { onClose: () => void }) {
  const w = useWords();
  const toast = useToast();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const add = useMutation({
    mutationFn: (body: { name: string; type: CustomerShown["type"]; email?: string; phone?: string; company_name?: string }) => said(api.POST("/api/customers", { body })),
    onSuccess: (c) => {
      void cache.invalidateQueries({ queryKey: ["customers"] });
      onClose();
      void navigate({ to: "/customers/$id", params: { id: c.id } });
    },
    onError: toast.failed,
  });
  function submit(e: FormEvent<HTMLFormElement>) {
    e.preventDefault();
    const form = new FormData(e.currentTarget);
    const text = (k: string) => String(form.get(k) ?? "").trim() || undefined;
    add.mutate({ name: text("name") ?? "", type: (text("type") ?? "individual") as CustomerShown["type"], email: text("email"), phone: text("phone"), company_name: text("company_name") });
  }
  return (
    <Dialog open onOpenChange={(o) => !o && onClose()} title={w.customer.add}>
      <form onSubmit={submit} className="space-y-3">
        <TextField name="name" label={w.name} required maxLength={200} />
        <SelectField name="type" label={w.customer.kind}>{Object.entries(w.customer.kinds).map(([k, v]) => <option key={k} value={k}>{v}</option>)}</SelectField>
        <TextField name="company_name" label={w.customer.company} />
        <TextField name="email" type="email" label={w.customer.email} />
        <TextField name="phone" type="tel" label={w.customer.phone} />
        <Button type="submit" look="primary" busy={add.isPending}>{w.save}</Button>
      </form>
    </Dialog>
  );
}
