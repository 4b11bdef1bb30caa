import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { KeyRound, Languages } from "lucide-react";
import { type FormEvent, useEffect, useState } from "react";
import { api, Failure, said } from "~/api/client";
import { queries } from "~/api/queries";
import { Button, Notice, TextField } from "~/parts/ui";
import { useLanguage } from "~/words";

/** Only addresses of our own: never somebody else's site. */
const inside = (to: string | undefined) => (to?.startsWith("/") && !to.startsWith("//") ? to : "/inbox");

export function SignIn() {
  const { w, language, setLanguage } = useLanguage();
  const cache = useQueryClient();
  const navigate = useNavigate();
  const { to, organization: page, problem: came, owes } = useSearch({ from: "/sign-in" });
  const provider = useQuery(queries.signInOptions(page)).data?.provider;
  /** The provider knows them; only the code of the second factor is missing. */
  const [onlyCode, setOnlyCode] = useState(owes === "code");
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const [organization, setOrganization] = useState(page ?? "");
  const [several, setSeveral] = useState(false);
  const [code, setCode] = useState<string | undefined>(owes && "");
  const [typed, setProblem] = useState<string>();
  const [told, setTold] = useState(came);
  const problem = typed ?? (told && (w.access.problems[told] ?? w.access.problems.internal));
  const [wait, setWait] = useState(0);
  const [busy, setBusy] = useState(false);
  const [mailed, setMailed] = useState(false);

  useEffect(() => {
    document.title = `${w.signIn.title} · ${w.product}`;
  }, [w]);
  useEffect(() => {
    if (wait <= 0) return;
    const timer = setTimeout(() => setWait((s) => s - 1), 1000);
    return () => clearTimeout(timer);
  }, [wait]);

  async function submit(e: FormEvent) {
    e.preventDefault();
    setBusy(true);
    setProblem(undefined);
    setTold(undefined);
    try {
      const opened = onlyCode ? await said(api.POST("/api/sign-in/provider/code", { body: { code: code?.trim() ?? "" } })) : await said(api.POST("/api/sign-in", { body: { email, password, organization: organization || undefined, code: code?.trim() || undefined } }));
      cache.clear();
      cache.setQueryData(["me"], opened.me);
      await navigate({ href: inside(to) });
    } catch (error) {
      if (error instanceof Failure && error.status === 429) setWait(error.retryAfter ?? 5);
      else if (error instanceof Failure && error.code === "second_factor") setCode("");
      else if (error instanceof Failure) {
        if (error.isConflict && onlyCode) {
          setOnlyCode(false);
          setCode(undefined);
        } else if (error.isConflict) setSeveral(true);
        setProblem(error.message);
      } else setProblem(w.offline);
    } finally {
      setBusy(false);
    }
  }

  async function forgot() {
    setProblem(undefined);
    if (!email.includes("@")) {
      setProblem(w.signIn.forgotFirst);
      return;
    }
    try {
      await api.POST("/api/forgot-password", { body: { email } });
      setMailed(true);
    } catch (error) {
      if (error instanceof Failure && error.status === 429) setWait(error.retryAfter ?? 5);
      else setProblem(error instanceof Failure ? (error.isConflict ? w.signIn.forgotNoMail : error.message) : w.offline);
    }
  }

  return (
    <main className="flex min-h-full flex-col items-center justify-center gap-6 p-4">
      <div className="flex flex-col items-center gap-2 text-center">
        <img src="/favicon.svg" alt="" className="size-10" />
        <h1 className="text-xl font-semibold">{w.product}</h1>
        <p className="max-w-xs text-[13px] text-muted">{w.signIn.welcome}</p>
      </div>
      <form onSubmit={submit} className="w-full max-w-sm space-y-4 rounded-xl border border-line bg-panel p-6 shadow-sm">
        {onlyCode && <p className="text-[13px]">{w.access.codeOwed}</p>}
        {!onlyCode && <TextField label={w.signIn.email} type="email" autoComplete="username" required autoFocus value={email} onChange={(e) => setEmail(e.target.value)} />}
        {!onlyCode && <TextField label={w.signIn.password} type="password" autoComplete="current-password" required value={password} onChange={(e) => setPassword(e.target.value)} />}
        {several && !onlyCode && <TextField label={w.signIn.organization} hint={w.signIn.organizationHint} value={organization} onChange={(e) => setOrganization(e.target.value)} />}
        {code !== undefined && <TextField label={w.desk.factor.code} hint={w.desk.factor.codeHint} value={code} onChange={(e) => setCode(e.target.value)} autoComplete="one-time-code" required autoFocus maxLength={20} className="font-mono tracking-widest" />}
        {wait > 0 ? <Notice tone="warn" role="status">{w.signIn.wait(wait)}</Notice> : problem && <Notice tone="danger" role="alert">{problem}</Notice>}
        <Button type="submit" look="primary" busy={busy} disabled={wait > 0} className="w-full">{w.signIn.submit}</Button>
        {onlyCode ? null : mailed ? <Notice tone="ok" role="status">{w.signIn.mailed}</Notice> : <button type="button" onClick={() => void forgot()} className="text-xs text-muted underline underline-offset-2 hover:text-text">{w.signIn.forgot}</button>}
        {provider && !onlyCode && (
          <>
            <p aria-hidden className="flex items-center gap-3 text-xs text-muted before:h-px before:flex-1 before:bg-line after:h-px after:flex-1 after:bg-line">{w.access.or}</p>
            <a href={`/api/sign-in/provider?${new URLSearchParams({ ...(page && { organization: page }), to: inside(to), language })}`} className="flex h-9 w-full items-center justify-center gap-2 rounded-md border border-strong bg-panel px-3 text-[13px] font-medium hover:bg-hover">
              <KeyRound size={14} aria-hidden /> <span className="truncate">{w.access.with(provider.label)}</span>
            </a>
          </>
        )}
      </form>
      <Button look="quiet" size="sm" onClick={() => setLanguage(language === "zh" ? "en" : "zh")}>
        <Languages size={14} aria-hidden /> {language === "zh" ? "English" : "中文"}
      </Button>
    </main>
  );
}
