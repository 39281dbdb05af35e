import { describe, expect, it } from "vitest";
import type { Service } from "@/api/types";
import { matchServices, useServiceFilter } from "./useServiceFilter";

const service = (id: number, name: string, description = "") =>
  ({ id, name, code: name.toLowerCase(), description, key: String(id) }) as Service;
const all = [service(1, "Facturation"), service(2, "Réclamation"), service(3, "Retour", "colis refusé")];

describe("filtering services", () => {
  it("ignores accents and case and looks at the description too", () => {
    expect(matchServices(all, "recla").map((one) => one.id)).toEqual([2]);
    expect(matchServices(all, "REFUSE").map((one) => one.id)).toEqual([3]);
  });

  it("keeps the order, so that nothing moves", () => {
    expect(matchServices(all, "r").map((one) => one.id)).toEqual([1, 2, 3]);
  });

  it("marks the one that begins with the text and moves with the arrows", async () => {
    const { text, marked, move } = useServiceFilter(() => all);
    expect(marked.value).toBeNull();
    text.value = "re";
    await Promise.resolve();
    expect(marked.value?.id).toBe(2);
    move(1);
    expect(marked.value?.id).toBe(3);
    move(1);
    expect(marked.value?.id).toBe(2);
  });

  it("copes with 300 services", () => {
    const many = Array.from({ length: 300 }, (_, index) => service(index, `Service ${index}`));
    expect(matchServices(many, "299")).toHaveLength(1);
  });
});
