// What is changed where it stands.
import { useState } from "react";
import type { CustomerField } from "~/api/schema";
import { Select } from "~/parts/ui";

/** A text that is changed where it stands: Enter or leaving it saves, Escape takes it back. */
export function Inline({ id, value, type, disabled, onSave }: { id: string; value: string; type?: string; disabled?: boolean; onSave: (v: string) => void }) {
  const [text, setText] = useState(value);
  const keep = () => text.trim() !== value && onSave(text.trim());
  return (
    <input
      id={id}
      type={type}
      step={type === "number" ? "any" : undefined}
      value={text}
      disabled={disabled}
      placeholder="–"
      onChange={(e) => setText(e.target.value)}
      // What a field for numbers or dates could not read is no change.
      onBlur={(e) => (e.currentTarget.validity.badInput ? setText(value) : keep())}
      onKeyDown={(e) => {
        if (e.key === "Enter" && !e.nativeEvent.isComposing) e.currentTarget.blur();
        if (e.key === "Escape") setText(value);
      }}
      className="h-8 w-full min-w-0 truncate rounded-md border border-transparent bg-transparent px-2 placeholder:text-muted hover:border-line disabled:hover:border-transparent"
    />
  );
}

/** A field of the organisation's own, as its type wants it; `null`: nothing stands there. */
export function OwnField({ id, field, value, disabled, onSave }: { id: string; field: CustomerField; value: unknown; disabled: boolean; onSave: (v: string | number | null) => void }) {
  const text = value == null ? "" : typeof value === "object" ? JSON.stringify(value) : String(value);
  if (field.type === "choice")
    return (
      <Select id={id} disabled={disabled} value={text} onChange={(e) => onSave(e.target.value || null)} className="h-8! border-transparent! hover:border-line!">
        <option value="">–</option>
        {[...new Set([...(field.choices ?? []), ...(text ? [text] : [])])].map((c) => <option key={c}>{c}</option>)}
      </Select>
    );
  const type = field.type === "number" ? "number" : field.type === "date" ? "date" : undefined;
  return <Inline id={id} type={type} value={text} disabled={disabled} onSave={(v) => onSave(v === "" ? null : field.type === "number" ? Number(v) : v)} />;
}
