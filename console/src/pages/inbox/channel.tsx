import { Globe, Mail, MessageCircle, Webhook } from "lucide-react";

/** Ways into a platform that it did not make: it may ban the number. */
export const UNOFFICIAL = ["waha", "evolution", "gateway"];

/** The picture of a channel's kind. */
export function ChannelIcon({ kind, size = 14 }: { kind: string; size?: number }) {
  const Picture = kind === "web" ? Globe : kind === "email" ? Mail : kind === "webhook" ? Webhook : MessageCircle;
  return <Picture size={size} aria-hidden />;
}
