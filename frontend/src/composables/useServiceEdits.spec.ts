import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent } from "vue";
import type { Page, Service } from "@/api/types";
import { SERVICES } from "@/components/desk/testing";
import { useServiceEdits } from "./useServiceEdits";
import { SERVICES_KEY } from "./useServices";

const queries = new QueryClient({ defaultOptions: { queries: { retry: false } } });
const sent: [string, string, Record<string, unknown>][] = [];

async function server(url: string | URL | Request, options: RequestInit = {}): Promise<Response> {
  const body = options.body ? JSON.parse(String(options.body)) : {};
  sent.push([options.method ?? "GET", String(url), body]);
  if (body.name === "Billing") return new Response('{"error": {"code": "name_taken"}}', { status: 400 });
  return new Response(JSON.stringify({ ...SERVICES[0], id: 10 + sent.length, ...body }));
}

function edits(): ReturnType<typeof useServiceEdits> {
  let made!: ReturnType<typeof useServiceEdits>;
  const Host = defineComponent({ setup: () => ((made = useServiceEdits()), () => null) });
  mount(Host, { global: { plugins: [[VueQueryPlugin, { queryClient: queries }]] } });
  return made;
}

beforeEach(() => {
  sent.length = 0;
  queries.setQueryData(SERVICES_KEY, { results: SERVICES, next: null });
  vi.stubGlobal("fetch", vi.fn(server));
});
afterEach(() => vi.unstubAllGlobals());

describe("editing services", () => {
  it("creates names typed fast one after the other, in order, each once", async () => {
    const { create, created } = edits();
    void create([{ name: "A", name_fr: "" }]);
    void create([{ name: "B", name_fr: "Bé" }]);
    await create([{ name: "C", name_fr: "" }]);
    expect(sent.map(([, , body]) => body.name)).toEqual(["A", "B", "C"]);
    expect(created.value).toBe(3);
  });

  it("goes on behind a refused name and keeps what was refused", async () => {
    const { create, refused, created } = edits();
    await create([{ name: "Billing", name_fr: "" }, { name: "New", name_fr: "" }]);
    expect(refused.value.map((one) => one.name)).toEqual(["Billing"]);
    expect(created.value).toBe(1);
  });

  it("writes only the services that moved, and shows the new order at once", async () => {
    const { reorder } = edits();
    const [first, second, third] = SERVICES as [Service, Service, Service];
    const done = reorder([first, third, second]);
    const shown = queries.getQueryData<Page<Service>>(SERVICES_KEY)!.results;
    expect(shown.find((one) => one.id === third.id)?.position).toBe(1);
    await done;
    await flushPromises();
    expect(sent.map(([method, url, body]) => [method, url, body])).toEqual([
      ["PATCH", "/api/services/3/", { position: 1 }],
      ["PATCH", "/api/services/2/", { position: 2 }],
    ]);
  });
});
