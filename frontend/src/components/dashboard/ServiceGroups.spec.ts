// Groups of services: how a lead names them, and how the dashboard shows each at its own threshold.
import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dashboard } from "@/api/endpoints";
import type { Certificate, GateSettings, Outlook, ServiceGroup, Tested } from "@/api/types";
import { mountWith } from "@/components/desk/testing";
import { groupsDraft, groupsOf, troubles } from "@/composables/useServiceGroups";
import GroupThresholds from "./GroupThresholds.vue";
import ServiceGroupsForm from "./ServiceGroupsForm.vue";

vi.mock("@/api/endpoints", async (original) => {
  const found = await original<{ dashboard: object }>();
  return { ...found, dashboard: { ...found.dashboard, outlook: vi.fn(), gateSettings: vi.fn(), saveGateSettings: vi.fn() } };
});

const MONEY: ServiceGroup = { name: "Money", services: ["billing", "returns"], precision: 0.98 };
let shown: VueWrapper;
const text = () => shown.text().replace(/[\u00a0\u202f]/g, " ").replace(/\s+/g, " ");
afterEach(() => shown?.unmount());

describe("groups as typed", () => {
  it("come back as they were stored", () => {
    expect(groupsOf(groupsDraft([MONEY, { name: "Goods", services: ["delivery"], precision: null }]))).toEqual([MONEY, { name: "Goods", services: ["delivery"], precision: null }]);
  });

  it("name what is wrong with each", () => {
    const wrong = (changes: Partial<ServiceGroup>, others: ServiceGroup[] = []) => troubles([{ ...MONEY, ...changes }, ...others], 0.95)[0];
    expect([wrong({}), wrong({ name: "" }), wrong({ name: "others" }), wrong({}, [MONEY]), wrong({ services: [] }), wrong({ precision: 0.9 }), wrong({ precision: 1 }), wrong({ precision: null })])
      .toEqual([null, "no_name", "name_taken", "name_taken", "no_service", "less", "no_share", null]);
  });
});

describe("the form", () => {
  beforeEach(async () => {
    vi.mocked(dashboard.gateSettings).mockResolvedValue({ precision: 0.95, service_groups: [{ name: "Goods", services: ["delivery"], precision: null }, MONEY] } as GateSettings);
    vi.mocked(dashboard.saveGateSettings).mockImplementation((changes) => Promise.resolve({ precision: 0.95, ...changes } as GateSettings));
    shown = mountWith(ServiceGroupsForm, {});
    await flushPromises();
  });
  const save = () => shown.findAll("button").find((button) => button.text() === "Save")!;

  it("keeps each service in one group, also when a group before it goes", async () => {
    const remove = shown.findAll("button").find((button) => button.attributes("aria-label") === "Remove group Goods")!;
    await remove.trigger("click");
    expect(shown.findAll("select").map((one) => (one.element as HTMLSelectElement).value)).toEqual(["0", "", "0"]);
    await shown.findAll("select")[1]!.setValue("0");
    await shown.get("form").trigger("submit");
    await flushPromises();
    expect(dashboard.saveGateSettings).toHaveBeenCalledWith({ service_groups: [{ ...MONEY, services: ["billing", "delivery", "returns"] }] });
    expect(text()).toContain("Saved.");
  });

  it("does not save a group without a service, and says so", async () => {
    await shown.findAll("button").find((button) => button.text() === "Add a group")!.trigger("click");
    await shown.findAll("input[maxlength]")[2]!.setValue("Empty");
    expect(text()).toContain("Put a service into it, below.");
    expect(save().attributes("disabled")).toBeDefined();
  });
});

describe("on the dashboard", () => {
  const tested = (name: string, services: string[], changes: Partial<Tested>): Tested => ({ name, services, wanted: 0.95, accepted: 40, errors: 0, certified: 0.95, more_labels: 0, threshold: 0.8, ...changes });
  const GROUPS = [tested("Money", ["billing"], { wanted: 0.98, certified: 0.98, threshold: 0.9 }), tested("others", ["delivery", "returns"], { certified: null, threshold: null, more_labels: 40 })];
  const outlook = (changes: object) => ({ steps: { n: 100, in_scope: 98, threshold: [0.95, 0.9, 0.8], routed: [10, 20, 30], right: [10, 20, 28] }, day: { tickets: 200, minutes_escalation: 2, minutes_misroute: 15 }, threshold: 0.9, choices: [0.9], outcome: { coverage: 0.2 }, ...changes }) as unknown as Outlook;

  it("tells what all do together, and opens the slider of the group that is chosen", async () => {
    vi.mocked(dashboard.outlook).mockImplementation((_, group) => Promise.resolve(group === "Money" ? outlook({}) : outlook({ threshold: null, choices: [] })));
    shown = mountWith(GroupThresholds, { version: 7, outlook: outlook({ threshold: null, choices: [] }), certificate: { precision: 0.95 } as Certificate, groups: GROUPS });
    await flushPromises();
    expect(text()).toContain("they route 20% of all tickets by themselves.");
    expect(text()).toContain("MoneyBillingat least 98% right, certified");
    expect(text()).toContain("All other servicesDelivery, ReturnsAbout 40 more control labels are needed.");
    expect(text()).toContain("at least 98% of those go to the right service");
    await shown.findAll("button").find((button) => button.text().startsWith("All other services"))!.trigger("click");
    await flushPromises();
    expect(dashboard.outlook).toHaveBeenLastCalledWith(7, "others");
    expect(text()).toContain("Nothing is routed: every ticket goes to a person.");
  });
});
