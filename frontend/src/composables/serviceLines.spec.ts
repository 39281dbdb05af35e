import { describe, expect, it } from "vitest";
import { parseServiceLines } from "./serviceLines";

const names = (text: string, known?: string[]) => parseServiceLines(text, known).map((line) => line.name);

describe("many services at once", () => {
  it("makes one service of each line and none of empty ones", () => {
    expect(names("Billing\n\n  Delivery \r\nReturns\n")).toEqual(["Billing", "Delivery", "Returns"]);
  });

  it("drops bullets and numbers, not names that begin with a digit", () => {
    expect(names("- Billing\n2. Delivery\n3) Returns\n24h hotline")).toEqual(["Billing", "Delivery", "Returns", "24h hotline"]);
  });

  it("takes the French name from the second column of a table", () => {
    expect(parseServiceLines("Billing\tFacturation\nDelivery; Livraison")).toEqual([
      { name: "Billing", name_fr: "Facturation" },
      { name: "Delivery", name_fr: "Livraison" },
    ]);
  });

  it("leaves out what is there already, whatever its case", () => {
    expect(names("billing\nReturns\nRETURNS", ["Billing"])).toEqual(["Returns"]);
  });

  it("never makes a name the server would refuse as too long", () => {
    expect(names("x".repeat(200))[0]).toHaveLength(80);
  });
});
