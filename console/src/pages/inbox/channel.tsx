import { Globe, Mail, MessageCircle, Webhook } from "lucide-react";

/** The picture of a channel's kind. */
export function ChannelIcon({ kind, size = 14 }: { kind: string; size?: number }) {
  const Picture = kind === "web" ? Globe : kind === "email" ? Mail : kind === "webhook" ? Webhook : MessageCircle;
  return <Picture size={size} aria-hidden />;
}
