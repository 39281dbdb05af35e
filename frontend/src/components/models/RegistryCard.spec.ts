import { flushPromises, mount } from "@vue/test-utils";
import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { training } from "@/api/endpoints";
import type { RegistryEntry } from "@/api/types";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import { useSession } from "@/stores/session";
import RegistryCard from "./RegistryCard.vue";

const ENTRY: RegistryEntry = {
  address: "arn:aws:sagemaker:eu-west-3:1:model-package/a-models/1", approval: "pending", is_told: true, status: "PendingManualApproval",
  reason: "", decided_by: null, decided_at: null, problem: "", asked_at: "2026-03-01T08:00:00Z",
};

function card(changes: Partial<RegistryEntry> = {}, role = "lead") {
  i18n.global.setLocaleMessage("en" as never, en as never);
  (i18n.global.locale as unknown as { value: string }).value = "en";
  const pinia = createPinia();
  setActivePinia(pinia);
  useSession().user = { id: 1, username: "chloe", role } as never;
  return mount(RegistryCard, { props: { version: 3, entry: { ...ENTRY, ...changes } }, global: { plugins: [pinia, i18n, VueQueryPlugin], stubs: { RouterLink: true } } });
}
const button = (view: ReturnType<typeof card>, text: string) => view.findAll("button").filter((one) => one.text() === text).at(-1);

describe("the model registry's card", () => {
  beforeEach(() => vi.restoreAllMocks());

  it("sends a lead's word with its reason, after asking once more", async () => {
    const decide = vi.spyOn(training, "decide").mockResolvedValue(ENTRY);
    const view = card();
    expect(button(view, "Approve")?.attributes("disabled")).toBeDefined();
    await view.find("textarea").setValue("holds on 1,000 tickets");
    await button(view, "Approve")?.trigger("click");
    expect(decide).not.toHaveBeenCalled();
    await button(view, "Approve")?.trigger("click");
    await flushPromises();
    expect(decide).toHaveBeenCalledWith(3, true, "holds on 1,000 tickets");
    expect(view.find("textarea").element.value).toBe("");
  });

  it("keeps the reason when the decision was refused", async () => {
    vi.spyOn(training, "decide").mockRejectedValue(new Error("away"));
    const view = card();
    await view.find("textarea").setValue("too slow");
    await button(view, "Reject")?.trigger("click");
    await button(view, "Reject")?.trigger("click");
    await flushPromises();
    expect(view.find("textarea").element.value).toBe("too slow");
  });

  it("lets others read only", () => {
    expect(card({}, "reviewer").find("form").exists()).toBe(false);
  });

  it("says who decided, that the registry is being told, and what somebody did elsewhere", () => {
    const decided = { approval: "approved" as const, decided_by: "dan", decided_at: "2026-03-01T08:00:00Z", reason: "good" };
    expect(card({ ...decided, is_told: false }).text()).toContain("The registry is being told.");
    const other = card({ ...decided, status: "Rejected" }).text();
    expect(other).toContain("Approved by dan");
    expect(other).toContain("decided otherwise");
    expect(card({ ...decided, status: "Approved" }).text()).not.toContain("decided otherwise");
  });
});
