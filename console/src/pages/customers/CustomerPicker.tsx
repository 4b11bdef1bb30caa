// Choosing a customer by a part of their name.
import { useInfiniteQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useState } from "react";
import { queries } from "~/api/queries";
import { Field, Input } from "~/parts/ui";
import { useWords } from "~/words";

type Chosen = { id: string; name: string };

/** `but`: somebody who can't be chosen. */
export function CustomerPicker({ label, chosen, onChoose, but }: { label: string; chosen: Chosen | undefined; onChoose: (c: Chosen | undefined) => void; but?: string }) {
  const w = useWords();
  const [q, setQ] = useState("");
  const found = useInfiniteQuery({ ...queries.customers({ search: q || undefined }), enabled: !chosen });
  const items = found.data?.pages[0]?.items.filter((c) => c.id !== but).slice(0, 6) ?? [];
  if (chosen)
    return (
      <Field label={label}>
        {(id) => (
          <div id={id} className="flex h-9 items-center justify-between rounded-md border border-strong px-3">
            {chosen.name}
            <button type="button" aria-label={w.remove} onClick={() => onChoose(undefined)}><X size={14} aria-hidden /></button>
          </div>
        )}
      </Field>
    );
  return (
    <Field label={label}>
      {(id) => (
        <>
          <Input id={id} type="search" placeholder={w.deals.pickCustomer} value={q} onChange={(e) => setQ(e.target.value)} />
          <ul className="mt-1 max-h-40 overflow-y-auto rounded-md border border-line">
            {items.map((c) => (
              <li key={c.id}><button type="button" className="block w-full truncate px-3 py-1.5 text-left text-[13px] hover:bg-hover" onClick={() => onChoose({ id: c.id, name: c.name })}>{c.name} <span className="text-muted">{c.company_name ?? c.email ?? c.phone}</span></button></li>
            ))}
            {items.length === 0 && <li className="px-3 py-1.5 text-[13px] text-muted">{w.customer.none}</li>}
          </ul>
        </>
      )}
    </Field>
  );
}
