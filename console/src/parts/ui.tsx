// The small parts every page is made of. What must be accessible beyond plain HTML comes from Radix.
import { Loader2, X } from "lucide-react";
import { Dialog as RadixDialog, DropdownMenu, Popover as RadixPopover, Tabs as RadixTabs, Tooltip as RadixTooltip } from "radix-ui";
import { type ComponentProps, type ReactNode, useId, useState } from "react";
import { useWords } from "~/words";

export const cx = (...names: (string | false | null | undefined)[]) => names.filter(Boolean).join(" ");

/** A text without what turns the reading direction, where no element can keep that from what follows. */
export const straight = (text: string) => text.replace(/[\u202a-\u202e\u2066-\u2069]/g, "");

type ButtonProps = ComponentProps<"button"> & { look?: "primary" | "plain" | "quiet" | "danger"; busy?: boolean; size?: "sm" | "md" };

export function Button({ look = "plain", busy, size = "md", className, children, ...rest }: ButtonProps) {
  const looks = {
    primary: "bg-accent text-on-accent hover:brightness-110",
    plain: "border border-line bg-panel hover:bg-hover",
    quiet: "hover:bg-hover text-muted hover:text-text",
    danger: "border border-line bg-panel text-danger hover:bg-danger-soft",
  };
  const sizes = { sm: "h-7 px-2 text-[13px] gap-1", md: "h-9 px-3 gap-1.5" };
  return (
    <button
      type="button"
      {...rest}
      aria-busy={busy || undefined}
      disabled={busy || rest.disabled}
      className={cx(!className?.includes("hidden") && "inline-flex", "shrink-0 items-center justify-center rounded-md font-medium whitespace-nowrap transition-colors disabled:opacity-55", looks[look], sizes[size], className)}
    >
      {busy && <Loader2 size={14} className="animate-spin" aria-hidden />}
      {children}
    </button>
  );
}

export function IconButton({ label, children, className, ...rest }: ComponentProps<"button"> & { label: string }) {
  return (
    <Tip text={label}>
      <button type="button" aria-label={label} {...rest} className={cx("inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover hover:text-text disabled:opacity-40", className)}>
        {children}
      </button>
    </Tip>
  );
}

export function Tip({ text, children, side = "bottom" }: { text: ReactNode; children: ReactNode; side?: "top" | "bottom" | "left" | "right" }) {
  return (
    <RadixTooltip.Root delayDuration={350}>
      <RadixTooltip.Trigger asChild>{children}</RadixTooltip.Trigger>
      <RadixTooltip.Portal>
        <RadixTooltip.Content side={side} sideOffset={6} collisionPadding={8} className="fade-in z-50 max-w-72 rounded-md bg-text px-2 py-1 text-xs text-page shadow-md">
          {text}
        </RadixTooltip.Content>
      </RadixTooltip.Portal>
    </RadixTooltip.Root>
  );
}

const input = "w-full rounded-md border border-strong bg-panel px-3 text-text placeholder:text-muted disabled:opacity-60";

export function Field({ label, hint, error, children }: { label: string; hint?: ReactNode; error?: string | null; children: (id: string, describedBy: string | undefined) => ReactNode }) {
  const id = useId();
  const described = hint || error ? `${id}-more` : undefined;
  return (
    <div className="space-y-1">
      <label htmlFor={id} className="block text-[13px] font-medium">{label}</label>
      {children(id, described)}
      {(hint || error) && <p id={described} className={cx("text-xs", error ? "text-danger" : "text-muted")}>{error || hint}</p>}
    </div>
  );
}

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input {...rest} className={cx(input, "h-9", className)} />;
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea {...rest} className={cx(input, "py-2", className)} />;
}

export function Select({ className, ...rest }: ComponentProps<"select">) {
  return <select {...rest} className={cx(input, "h-9 pr-8", className)} />;
}

export function TextField({ label, hint, error, ...rest }: ComponentProps<"input"> & { label: string; hint?: ReactNode; error?: string | null }) {
  return <Field label={label} hint={hint} error={error}>{(id, by) => <Input id={id} aria-describedby={by} aria-invalid={error ? true : undefined} {...rest} />}</Field>;
}

export function SelectField({ label, hint, children, ...rest }: ComponentProps<"select"> & { label: string; hint?: ReactNode }) {
  return <Field label={label} hint={hint}>{(id, by) => <Select id={id} aria-describedby={by} {...rest}>{children}</Select>}</Field>;
}

export function AreaField({ label, hint, ...rest }: ComponentProps<"textarea"> & { label: string; hint?: ReactNode }) {
  return <Field label={label} hint={hint}>{(id, by) => <Textarea id={id} aria-describedby={by} {...rest} />}</Field>;
}

export function Check({ label, ...rest }: ComponentProps<"input"> & { label: ReactNode }) {
  return (
    <label className="flex items-start gap-2">
      <input type="checkbox" {...rest} className="mt-0.5 size-4 accent-accent" />
      <span>{label}</span>
    </label>
  );
}

type Tone = "plain" | "accent" | "danger" | "warn" | "ok";
const tones: Record<Tone, string> = {
  plain: "bg-sunken text-muted",
  accent: "bg-accent-soft text-accent-text",
  danger: "bg-danger-soft text-danger",
  warn: "bg-warn-soft text-warn",
  ok: "bg-ok-soft text-ok",
};

export function Badge({ tone = "plain", children, className }: { tone?: Tone; children: ReactNode; className?: string }) {
  return <span className={cx("inline-flex items-center gap-1 rounded px-1.5 py-0.5 text-xs font-medium whitespace-nowrap", tones[tone], className)}>{children}</span>;
}

export function Notice({ tone = "plain", children, role }: { tone?: Tone; children: ReactNode; role?: "alert" | "status" }) {
  return <div role={role} className={cx("rounded-md px-3 py-2 text-[13px]", tones[tone])}>{children}</div>;
}

const hues = ["#7c3aed", "#0f766e", "#b45309", "#be185d", "#1d4ed8", "#4d7c0f", "#a21caf", "#0369a1"];

/** A picture, where there is one, or the initials. */
export function Avatar({ name, picture, size = 32 }: { name: string; picture?: string | null; size?: number }) {
  const [lost, setLost] = useState<string>();
  if (picture && picture !== lost)
    return <img alt="" src={picture} width={size} height={size} onError={() => setLost(picture)} className="shrink-0 rounded-full object-cover" style={{ width: size, height: size }} />;
  const code = [...name].reduce((sum, c) => (sum * 31 + (c.codePointAt(0) ?? 0)) >>> 0, 7);
  const words = name.trim().split(/\s+/);
  const initials = /\p{Script=Han}/u.test(name) ? [...name.trim()].slice(-2).join("") : words.slice(0, 2).map((x) => [...x][0] ?? "").join("");
  return (
    <span aria-hidden className="inline-flex shrink-0 items-center justify-center rounded-full font-semibold text-white uppercase" style={{ width: size, height: size, fontSize: size * 0.36, background: hues[code % hues.length] }}>
      {initials || "?"}
    </span>
  );
}

export function Spinner({ label }: { label?: string }) {
  const w = useWords();
  return (
    <div role="status" className="flex items-center justify-center gap-2 p-6 text-muted">
      <Loader2 size={16} className="animate-spin" aria-hidden /> <span className="text-[13px]">{label ?? w.loading}</span>
    </div>
  );
}

export function Empty({ title, children, icon }: { title: string; children?: ReactNode; icon?: ReactNode }) {
  return (
    <div className="mx-auto flex max-w-sm flex-col items-center gap-2 px-6 py-14 text-center">
      {icon && <div className="text-muted">{icon}</div>}
      <p className="font-medium">{title}</p>
      {children && <div className="text-[13px] text-muted">{children}</div>}
    </div>
  );
}

export function Dialog({ open, onOpenChange, title, description, children, wide, side }: { open: boolean; onOpenChange: (o: boolean) => void; title: string; description?: ReactNode; children: ReactNode; wide?: boolean; side?: boolean }) {
  const w = useWords();
  return (
    <RadixDialog.Root open={open} onOpenChange={onOpenChange}>
      <RadixDialog.Portal>
        <RadixDialog.Overlay className="fixed inset-0 z-40 bg-black/45" />
        <RadixDialog.Content
          {...(description ? {} : { "aria-describedby": undefined })}
          className={cx(
            "fade-in fixed z-40 flex flex-col bg-panel shadow-xl outline-none",
            side ? "inset-y-0 right-0 w-full max-w-xl border-l border-line" : cx("top-1/2 left-1/2 max-h-[88dvh] w-[calc(100%-2rem)] -translate-x-1/2 -translate-y-1/2 rounded-xl border border-line", wide ? "max-w-3xl" : "max-w-md"),
          )}
        >
          <div className="flex items-start justify-between gap-3 px-5 pt-4 pb-2">
            <div className="min-w-0">
              <RadixDialog.Title className="text-base font-semibold">{title}</RadixDialog.Title>
              {description && <RadixDialog.Description className="mt-0.5 text-[13px] text-muted">{description}</RadixDialog.Description>}
            </div>
            <RadixDialog.Close asChild>
              <button type="button" aria-label={w.close} className="inline-flex size-8 shrink-0 items-center justify-center rounded-md text-muted hover:bg-hover"><X size={16} aria-hidden /></button>
            </RadixDialog.Close>
          </div>
          <div className="min-h-0 overflow-y-auto px-5 pt-1 pb-5">{children}</div>
        </RadixDialog.Content>
      </RadixDialog.Portal>
    </RadixDialog.Root>
  );
}

export function Menu({ trigger, children, align = "end" }: { trigger: ReactNode; children: ReactNode; align?: "start" | "end" }) {
  return (
    <DropdownMenu.Root modal={false}>
      <DropdownMenu.Trigger asChild>{trigger}</DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content align={align} sideOffset={4} collisionPadding={8} className="fade-in z-50 min-w-48 rounded-lg border border-line bg-panel p-1 shadow-lg">
          {children}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}

export function MenuItem({ children, danger, checked, hint, ...rest }: ComponentProps<typeof DropdownMenu.Item> & { danger?: boolean; checked?: boolean; hint?: ReactNode }) {
  return (
    <DropdownMenu.Item {...rest} className={cx("flex cursor-pointer items-center gap-2 rounded-md px-2 py-1.5 text-[13px] outline-none select-none data-[disabled]:opacity-45 data-[highlighted]:bg-hover", danger && "text-danger", checked && "font-semibold")}>
      <span className="flex flex-1 items-center gap-2">{children}</span>
      {checked && <span aria-hidden>✓</span>}
      {hint && <span className="text-xs text-muted">{hint}</span>}
    </DropdownMenu.Item>
  );
}
export const MenuLine = () => <DropdownMenu.Separator className="my-1 h-px bg-line" />;
export const MenuLabel = ({ children }: { children: ReactNode }) => <DropdownMenu.Label className="px-2 py-1 text-xs text-muted">{children}</DropdownMenu.Label>;

export function Popover({ trigger, children, align = "start", open, onOpenChange }: { trigger: ReactNode; children: ReactNode; align?: "start" | "end"; open?: boolean; onOpenChange?: (o: boolean) => void }) {
  return (
    <RadixPopover.Root open={open} onOpenChange={onOpenChange}>
      <RadixPopover.Trigger asChild>{trigger}</RadixPopover.Trigger>
      <RadixPopover.Portal>
        <RadixPopover.Content align={align} sideOffset={6} collisionPadding={8} className="fade-in z-50 max-h-[70dvh] w-80 max-w-[calc(100vw-1rem)] overflow-y-auto rounded-lg border border-line bg-panel shadow-lg outline-none">
          {children}
        </RadixPopover.Content>
      </RadixPopover.Portal>
    </RadixPopover.Root>
  );
}

export function Tabs({ value, onChange, tabs, label, children }: { value: string; onChange: (v: string) => void; tabs: [string, ReactNode][]; label: string; children?: ReactNode }) {
  return (
    <RadixTabs.Root value={value} onValueChange={onChange} className="flex min-h-0 flex-1 flex-col">
      <RadixTabs.List aria-label={label} className="flex shrink-0 gap-4 overflow-x-auto border-b border-line px-4">
        {tabs.map(([key, text]) => (
          <RadixTabs.Trigger key={key} value={key} className="-mb-px border-b-2 border-transparent py-2.5 text-[13px] font-medium whitespace-nowrap text-muted hover:text-text data-[state=active]:border-accent data-[state=active]:text-text">
            {text}
          </RadixTabs.Trigger>
        ))}
      </RadixTabs.List>
      <RadixTabs.Content value={value} className="min-h-0 flex-1 overflow-y-auto outline-none" tabIndex={-1}>{children}</RadixTabs.Content>
    </RadixTabs.Root>
  );
}

/** A page's frame: title, what can be done, content that scrolls. */
export function Page({ title, actions, children, wide }: { title: string; actions?: ReactNode; children: ReactNode; wide?: boolean }) {
  return (
    <div className="flex h-full min-h-0 flex-col">
      <header className="flex min-h-14 shrink-0 flex-wrap items-center justify-between gap-x-3 gap-y-2 border-b border-line bg-panel px-4 py-2">
        <h1 className="text-base font-semibold">{title}</h1>
        <div className="flex flex-wrap items-center gap-2">{actions}</div>
      </header>
      <div className="min-h-0 flex-1 overflow-y-auto" tabIndex={-1}>
        <div className={cx("mx-auto p-4", wide ? "max-w-none" : "max-w-5xl")}>{children}</div>
      </div>
    </div>
  );
}

export function Card({ title, actions, children, className }: { title?: ReactNode; actions?: ReactNode; children: ReactNode; className?: string }) {
  return (
    <section className={cx("rounded-lg border border-line bg-panel", className)}>
      {(title || actions) && (
        <div className="flex items-center justify-between gap-2 border-b border-line px-4 py-2.5">
          <h2 className="text-[13px] font-semibold">{title}</h2>
          <div className="flex items-center gap-2">{actions}</div>
        </div>
      )}
      {children}
    </section>
  );
}

export function Table({ head, children, label }: { head: ReactNode[]; children: ReactNode; label: string }) {
  return (
    <div className="overflow-x-auto rounded-lg border border-line bg-panel" tabIndex={0} role="region" aria-label={label}>
      <table className="w-full text-left text-[13px]">
        <thead>
          <tr className="border-b border-line text-xs text-muted">
            {head.map((h, i) => (
              <th key={i} scope="col" className="px-3 py-2 font-medium whitespace-nowrap">{h}</th>
            ))}
          </tr>
        </thead>
        <tbody className="[&>tr]:border-b [&>tr]:border-line [&>tr:last-child]:border-0 [&_td]:px-3 [&_td]:py-2 [&_td]:align-middle [&_td]:[word-break:keep-all]">{children}</tbody>
      </table>
    </div>
  );
}
