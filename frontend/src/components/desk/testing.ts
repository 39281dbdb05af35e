/** What the specs of the desk share: services, items, a mounted component with messages and queries. */
import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { mount, type VueWrapper } from "@vue/test-utils";
import { createPinia } from "pinia";
import type { Component } from "vue";
import { createMemoryHistory, createRouter } from "vue-router";
import type { Item, Service } from "@/api/types";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import { routes } from "@/router";

export const SERVICES: Service[] = ["Billing", "Delivery", "Returns"].map((name, index) => ({
  id: index + 1,
  code: name.toLowerCase(),
  name,
  name_fr: "",
  description: "",
  keywords: [],
  guideline: `When to choose ${name}.`,
  key: String(index + 1),
  color: index,
  position: index,
  is_active: true,
  label_count: 0,
}));

export function makeItem(id: number, changes: Partial<Item> = {}): Item {
  return {
    ticket: {
      id,
      external_id: null,
      text: `Ticket number ${id}`,
      channel: "email",
      language: "en",
      received_at: null,
      metadata: {},
      similar_count: 0,
    },
    mode: "teach",
    lease: { token: `lease-${id}`, expires_at: "" },
    round: 1,
    control: false,
    why: { code: "hesitates", params: { service_ids: [2, 3] } },
    candidates: [
      { service_id: 2, probability: 0.5 },
      { service_id: 3, probability: 0.4 },
    ],
    suggestion: { service_id: 2, probability: 0.5, band: "hesitating" },
    scores: { uncertainty: 0.7, outlier: 0.1 },
    ...changes,
  };
}

export function mountWith<C extends Component>(component: C, props: Record<string, unknown>): VueWrapper {
  i18n.global.setLocaleMessage("en" as never, en as never);
  const router = createRouter({ history: createMemoryHistory(), routes });
  const queryClient = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  queryClient.setQueryData(["services"], { results: SERVICES, next: null });
  return mount(component as Component, {
    props,
    attachTo: document.body,
    global: { plugins: [createPinia(), i18n, router, [VueQueryPlugin, { queryClient }]] },
  });
}
