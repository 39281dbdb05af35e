import { describe, expect, it } from "vitest";
import { SERVICES } from "@/components/desk/testing";
import type { Service } from "@/api/types";
import { changesOf, draftOf } from "./draft";

const service: Service = { ...SERVICES[0]!, keywords: ["invoice", "VAT"], key: "1" };

describe("a service's draft", () => {
  it("changes nothing until something differs", () => {
    expect(changesOf(draftOf(service), service)).toEqual({});
    expect(changesOf({ ...draftOf(service), name: ` ${service.name} ` }, service)).toEqual({});
  });

  it("sends only what differs", () => {
    expect(changesOf({ ...draftOf(service), key: "B" }, service)).toEqual({ key: "b" });
  });

  it("reads keywords from one line and drops repetitions", () => {
    expect(changesOf({ ...draftOf(service), keywords: "invoice, VAT; VAT, bill" }, service)).toEqual({
      keywords: ["invoice", "VAT", "bill"],
    });
  });
});
