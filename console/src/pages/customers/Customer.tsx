// A customer's page.
import { useQuery } from "@tanstack/react-query";
import { Link, Navigate, useParams } from "@tanstack/react-router";
import { ArrowLeft } from "lucide-react";
import { queries } from "~/api/queries";
import { useMe } from "~/parts/me";
import { Avatar, Card, Empty, Page, Spinner } from "~/parts/ui";
import { useWords } from "~/words";
import { DataButtons } from "./DataButtons";
import { Memories } from "./Memories";
import { MergeButton } from "./MergeDialog";
import { Contacts, Conversations, CustomerDeals, Identities, Profile, Tags, Timeline } from "./panels";

export function Customer() {
  const w = useWords();
  const me = useMe();
  const { id } = useParams({ from: "/inside/customers/$id" });
  const customer = useQuery(queries.customer(id));
  const c = customer.data;
  if (customer.isPending) return <Spinner />;
  if (!c) return <Page title={w.customer.title}><Empty title={customer.error?.message ?? w.notFound} /></Page>;
  // Who was merged is somebody else now.
  if (c.merged_into) return <Navigate to="/customers/$id" params={{ id: c.merged_into }} replace />;
  return (
    <Page title={c.name} actions={<><DataButtons c={c} /><MergeButton c={c} /><Link to="/customers" className="inline-flex items-center gap-1 text-[13px] text-muted hover:text-text"><ArrowLeft size={14} aria-hidden /> {w.nav.customers}</Link></>}>
      <div className="grid gap-4 lg:grid-cols-[340px_1fr]">
        <div className="space-y-4">
          <Card>
            <div className="flex items-center gap-3 p-4">
              <Avatar name={c.name} picture={c.avatar_url} size={48} />
              <div className="min-w-0"><p className="truncate text-lg font-semibold">{c.name}</p><p className="text-[13px] text-muted">{c.company_name ?? w.customer.kinds[c.type]}</p></div>
            </div>
            <div className="px-4 pb-4"><Tags c={c} /></div>
          </Card>
          <Card title={w.customer.profile}><div className="p-4"><Profile key={c.updated_at} c={c} /></div></Card>
          <Card title={w.customer.identities}><div className="p-4"><Identities id={id} /></div></Card>
          <Card title={w.customer.contacts}><div className="p-4"><Contacts id={id} /></div></Card>
        </div>
        <div className="space-y-4">
          {me.may("memory:read") && <Card title={w.memory.title}><div className="p-4"><Memories id={id} /></div></Card>}
          {me.may("deal:read") && <Card title={w.customer.deals}><div className="p-4"><CustomerDeals id={id} name={c.name} /></div></Card>}
          {me.may("conversation:read") && <Card title={w.customer.conversations}><div className="p-4"><Conversations id={id} /></div></Card>}
          <Card title={w.customer.timeline}><div className="p-4"><Timeline id={id} /></div></Card>
        </div>
      </div>
    </Page>
  );
}
