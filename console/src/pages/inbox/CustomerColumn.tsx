// Beside a conversation: who writes, and what we know of them.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { ExternalLink } from "lucide-react";
import type { ReactNode } from "react";
import { queries } from "~/api/queries";
import { useMe } from "~/parts/me";
import { Avatar, Spinner } from "~/parts/ui";
import { useWords } from "~/words";
import { Memories } from "../customers/Memories";
import { MergeButton } from "../customers/MergeDialog";
import { Contacts, Conversations, CustomerDeals, Identities, Profile, Tags, Timeline } from "../customers/panels";

export function CustomerColumn({ conversationId }: { conversationId: string }) {
  const w = useWords();
  const me = useMe();
  const conversation = useQuery(queries.conversation(conversationId));
  const id = conversation.data?.customer_id;
  const customer = useQuery({ ...queries.customer(id ?? ""), enabled: id !== undefined && me.may("customer:read") });
  if (!id || customer.isPending) return me.may("customer:read") ? <Spinner /> : null;
  const c = customer.data;
  if (!c) return <p className="p-4 text-[13px] text-muted">{customer.error?.message}</p>;
  return (
    <div>
      <div className="flex items-center gap-3 px-4 py-4">
        <Avatar name={c.name} size={40} />
        <div className="min-w-0 flex-1">
          <p className="truncate font-semibold">{c.name}</p>
          <p className="truncate text-xs text-muted">{c.company_name ?? w.customer.stages[c.stage]}</p>
        </div>
        <MergeButton c={c} icon />
        <Link to="/customers/$id" params={{ id }} aria-label={w.customer.open} title={w.customer.open} className="inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-hover"><ExternalLink size={15} aria-hidden /></Link>
      </div>
      <Section title={w.customer.tags} open><Tags c={c} /></Section>
      <Section title={w.customer.profile} open><Profile key={c.updated_at} c={c} /></Section>
      <Section title={w.customer.identities} open><Identities id={id} /></Section>
      <Section title={w.customer.contacts}><Contacts id={id} /></Section>
      {me.may("memory:read") && <Section title={w.memory.title} open><Memories id={id} /></Section>}
      {me.may("deal:read") && <Section title={w.customer.deals} open><CustomerDeals id={id} name={c.name} /></Section>}
      <Section title={w.customer.conversations}><Conversations id={id} but={conversationId} /></Section>
      <Section title={w.customer.timeline}><Timeline id={id} /></Section>
    </div>
  );
}

function Section({ title, open, children }: { title: string; open?: boolean; children: ReactNode }) {
  return (
    <details open={open} className="group border-t border-line">
      <summary className="flex cursor-pointer list-none items-center justify-between px-4 py-2.5 text-[13px] font-semibold outline-offset-[-2px] hover:bg-hover">
        {title} <span aria-hidden className="text-muted transition-transform group-open:rotate-90">›</span>
      </summary>
      <div className="px-4 pb-4">{children}</div>
    </details>
  );
}
