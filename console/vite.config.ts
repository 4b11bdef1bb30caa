import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `FRONTDESK_URL=http://127.0.0.1:8080 npm run dev` works on a running server.
const server = process.env.FRONTDESK_URL ?? "http://127.0.0.1:8080";
const proxied = { target: server, changeOrigin: true };
const proxy = Object.fromEntries(["/api", "/chat", "/widget.js", "/setup", "/readyz", "/favicon.svg"].map((p) => [p, proxied]));

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: { alias: { "~": new URL("./src", import.meta.url).pathname } },
  build: { outDir: "dist/site", emptyOutDir: true, target: "es2022", assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: { proxy },
  preview: { proxy },
});
