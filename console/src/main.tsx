import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { Tooltip } from "radix-ui";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Cache } from "~/api/cache";
import { Failure } from "~/api/client";
import { applyTheme, keptTheme } from "~/parts/theme";
import { ToastProvider } from "~/parts/toast";
import { WordsProvider } from "~/words";
import { makeRouter } from "./router";
import "./main.css";

applyTheme(keptTheme());
// Radix adds a style while a dialog is open; the page's policy allows it by this nonce only.
const nonce = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]')?.content;
if (nonce) setNonce(nonce);

const queries = new Cache({
  defaultOptions: {
    queries: {
      staleTime: 15_000,
      retry: (count, error) => !(error instanceof Failure && error.status < 500) && count < 3,
      refetchOnWindowFocus: true,
    },
  },
});
const router = makeRouter(queries);

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <WordsProvider>
        <QueryClientProvider client={queries}>
          <Tooltip.Provider>
            <ToastProvider>
              <RouterProvider router={router} />
            </ToastProvider>
          </Tooltip.Provider>
        </QueryClientProvider>
      </WordsProvider>
    </StrictMode>,
  );
